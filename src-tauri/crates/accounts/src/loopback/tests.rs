//! The receiver over real sockets: what ends the wait, and what does not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const STATE: &str = "the-state-of-this-sign-in";
const ISSUER: &str = "https://accounts.example";

async fn receiver() -> Receiver {
    let state = Secret::new(STATE.to_owned());
    Receiver::bind(state, |iss| iss == ISSUER).await.unwrap()
}

async fn open(url: &Url) -> TcpStream {
    TcpStream::connect((url.host_str().unwrap(), url.port().unwrap()))
        .await
        .unwrap()
}

/// Sends raw bytes and returns the whole answer.
async fn raw(url: Url, bytes: String) -> String {
    let mut stream = open(&url).await;
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is closed without a word is an answer too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn get(url: Url, target: String) -> String {
    raw(
        url,
        format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    )
    .await
}

fn callback(rest: &str) -> String {
    format!("/?state={STATE}&{rest}")
}

fn code(answer: Answer) -> Result<String, LoopbackError> {
    answer.map(|code| code.expose().clone())
}

/// What `requests` get while the receiver waits for an answer that they do not
/// bring: panics when one of them ends the wait, or leaves it unable to go on.
async fn while_waiting<T, F: Future<Output = T>>(requests: impl FnOnce(Url) -> F) -> T {
    let mut receiver = receiver().await;
    let url = receiver.redirect_uri().clone();
    let answers = tokio::select! {
        answers = requests(url.clone()) => answers,
        ended = receiver.answer(LIMIT) => panic!("the wait ended with {ended:?}"),
    };
    let browser = tokio::spawn(get(url, callback("code=right")));
    assert_eq!(code(receiver.answer(LIMIT).await), Ok("right".to_owned()));
    receiver.finish(&Page::new("Done", [])).await;
    assert!(browser.await.unwrap().contains("<h1>Done</h1>"));
    answers
}

#[tokio::test]
async fn the_address_is_a_literal_with_a_fresh_port_and_a_bare_path() {
    let (a, b) = (receiver().await, receiver().await);
    assert_eq!(a.redirect_uri().host_str(), Some("127.0.0.1"));
    assert_eq!(
        (a.redirect_uri().scheme(), a.redirect_uri().path()),
        ("http", "/")
    );
    assert_ne!(
        a.redirect_uri().port().unwrap(),
        b.redirect_uri().port().unwrap()
    );
}

#[tokio::test]
async fn the_browser_gets_the_final_page_and_the_port_is_free_afterwards() {
    let mut receiver = receiver().await;
    let url = receiver.redirect_uri().clone();
    let browser = tokio::spawn(get(url.clone(), callback("code=4%2Fabc&scope=openid")));
    assert_eq!(code(receiver.answer(LIMIT).await), Ok("4/abc".to_owned()));
    receiver
        .finish(&Page::new("Connected <b>", ["Next step.".to_owned()]))
        .await;
    let answer = browser.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Connected &lt;b&gt;") && answer.contains("<p>Next step.</p>"));
    for header in [
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "default-src 'none'",
    ] {
        assert!(answer.contains(header), "{header} is missing");
    }
    assert!(
        !answer.contains("4/abc") && !answer.contains(STATE),
        "nothing is reflected"
    );
    let again = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await;
    assert!(again.is_err(), "the port is still open");
}

#[tokio::test]
async fn junk_is_answered_and_does_not_end_the_wait() {
    let [favicon, head, post, bare, elsewhere, tls, long] = while_waiting(async |url: Url| {
        let with_code = callback("code=x");
        [
            raw(url.clone(), "GET /favicon.ico HTTP/1.1\r\n\r\n".to_owned()).await,
            raw(url.clone(), format!("HEAD {with_code} HTTP/1.1\r\n\r\n")).await,
            raw(
                url.clone(),
                format!("POST {with_code} HTTP/1.1\r\n\r\ncode=junk"),
            )
            .await,
            raw(url.clone(), "GET / HTTP/1.1\r\n\r\n".to_owned()).await,
            raw(url.clone(), format!("GET /x{with_code} HTTP/1.1\r\n\r\n")).await,
            raw(url.clone(), "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned()).await,
            raw(url, format!("GET /?{} HTTP/1.1\r\n", "x".repeat(40_000))).await,
        ]
    })
    .await;
    assert!(favicon.starts_with("HTTP/1.1 404 "), "{favicon}");
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(
        post.starts_with("HTTP/1.1 405 ") && post.contains("Allow: GET, HEAD"),
        "{post}"
    );
    assert!(bare.contains("Waiting for the sign-in"), "{bare}");
    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    assert_eq!((tls.as_str(), long.as_str()), ("", ""));
}

#[tokio::test]
async fn a_wrong_state_does_not_end_the_wait_and_uses_nothing_up() {
    while_waiting(async |url: Url| {
        for target in [
            "/?code=evil".to_owned(),
            "/?code=evil&state=".to_owned(),
            format!("/?code=evil&state={}", &STATE[1..]),
            format!("/?code=evil&state={STATE}x"),
            format!("/?code=evil&state={}", STATE.to_uppercase()),
            format!("/?code=evil&state={STATE}&state={STATE}"),
            format!("/?code=evil&code=other&state={STATE}"),
            format!("/?error=access_denied&state={}", &STATE[1..]),
            format!("/?state={STATE}"),
        ] {
            let answer = get(url.clone(), target.clone()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
            assert!(answer.contains("does not belong"), "{target}: {answer}");
            assert!(!answer.contains("evil"), "{target} is reflected");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_sign_in_closes_the_browsers_connection() {
    let mut receiver = receiver().await;
    let url = receiver.redirect_uri().clone();
    let browser = tokio::spawn(get(url, callback("code=right")));
    assert_eq!(code(receiver.answer(LIMIT).await), Ok("right".to_owned()));
    drop(receiver);
    assert_eq!(browser.await.unwrap(), "");
}

#[tokio::test]
async fn errors_end_the_wait_in_words_that_reflect_nothing() {
    let cases = [
        ("error=access_denied", LoopbackError::Denied),
        (
            "error=admin_policy_enforced",
            LoopbackError::BlockedByAdministrator,
        ),
        (
            "error=invalid_scope",
            LoopbackError::Refused("invalid_scope".to_owned()),
        ),
        (
            "error=%3Cscript%3E",
            LoopbackError::Refused("unknown error".to_owned()),
        ),
        ("error=access_denied&code=x", LoopbackError::Denied),
    ];
    for (query, expected) in cases {
        let mut receiver = receiver().await;
        let url = receiver.redirect_uri().clone();
        let _browser = tokio::spawn(get(url, callback(query)));
        assert_eq!(code(receiver.answer(LIMIT).await), Err(expected), "{query}");
    }
}

#[tokio::test]
async fn the_issuer_is_checked_when_it_is_named() {
    let cases = [
        (
            "code=c&iss=https%3A%2F%2Faccounts.example",
            Ok("c".to_owned()),
        ),
        (
            "code=c&iss=https%3A%2F%2Fevil.example",
            Err(LoopbackError::WrongIssuer),
        ),
        (
            "error=access_denied&iss=https%3A%2F%2Fevil.example",
            Err(LoopbackError::WrongIssuer),
        ),
        ("code=c", Ok("c".to_owned())),
    ];
    for (query, expected) in cases {
        let mut receiver = receiver().await;
        let url = receiver.redirect_uri().clone();
        let _browser = tokio::spawn(get(url, callback(query)));
        assert_eq!(code(receiver.answer(LIMIT).await), expected, "{query}");
    }
}

#[tokio::test]
async fn a_second_callback_is_told_so_while_the_first_is_worked_on() {
    let mut receiver = receiver().await;
    let url = receiver.redirect_uri().clone();
    let first = tokio::spawn(get(url.clone(), callback("code=one")));
    assert_eq!(code(receiver.answer(LIMIT).await), Ok("one".to_owned()));
    let second = receiver.serve_while(get(url, callback("code=two"))).await;
    assert!(second.contains("already arrived"), "{second}");
    receiver.finish(&Page::new("Done", [])).await;
    assert!(first.await.unwrap().contains("<h1>Done</h1>"));
}

#[tokio::test]
async fn silent_connections_do_not_keep_the_answer_out() {
    let mut receiver = receiver().await;
    let url = receiver.redirect_uri().clone();
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(open(&url).await);
    }
    let _browser = tokio::spawn(get(url, callback("code=right")));
    assert_eq!(
        code(receiver.answer(Duration::from_secs(10)).await),
        Ok("right".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_after_five_minutes_and_frees_the_port() {
    let mut receiver = receiver().await;
    let port = receiver.redirect_uri().port().unwrap();
    let started = tokio::time::Instant::now();
    assert_eq!(
        code(receiver.answer(LIMIT).await),
        Err(LoopbackError::TimedOut)
    );
    assert_eq!(started.elapsed().as_secs(), 300);
    receiver.finish(&Page::new("Too late", [])).await;
    assert!(
        TcpStream::connect(("127.0.0.1", port)).await.is_err(),
        "the port is still open"
    );
}

#[tokio::test]
async fn dropping_the_receiver_frees_the_port_at_once() {
    let receiver = receiver().await;
    let port = receiver.redirect_uri().port().unwrap();
    drop(receiver);
    std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
}
