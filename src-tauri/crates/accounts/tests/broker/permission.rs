//! Where a charm may not go, over real sockets: redirects and DNS.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use charmkeeper_accounts::broker::{BrokerConfig, Lookup};
use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::Redirect;
use charmkeeper_base::time::FakeClock;

use super::support::*;

#[tokio::test]
async fn refusals_name_the_host_and_reach_nobody() {
    let w = World::new(|_, _| json(200, "{}")).await;
    let direct = format!("http://{}/x", w.server.addr);
    let secure = format!("https://{}/x", w.server.addr);
    for (url, kind, part) in [
        ("https://evil.org/", ErrorKind::Usage, "evil.org"),
        (
            "http://gmail.googleapis.com/",
            ErrorKind::Charm,
            "gmail.googleapis.com",
        ),
        (
            "https://me:pw@gmail.googleapis.com/",
            ErrorKind::Charm,
            "gmail.googleapis.com",
        ),
        (
            "https://169.254.169.254/",
            ErrorKind::Charm,
            "169.254.169.254",
        ),
        (direct.as_str(), ErrorKind::Charm, "127.0.0.1"),
        (secure.as_str(), ErrorKind::Charm, "127.0.0.1"),
    ] {
        let fetched = w.fetch(plain(url)).await;
        let error = fetched.result.unwrap_err();
        assert_eq!(error.kind, kind, "{url}: {}", error.message);
        assert!(error.message.contains(part), "{}", error.message);
        assert!(!error.message.contains("pw"), "{}", error.message);
        assert_eq!(fetched.record.error, Some(error));
        assert_eq!(fetched.record.status, None);
    }
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn odd_methods_and_bodies_are_refused() {
    let w = World::new(|_, _| json(200, "{}")).await;
    for method in ["CONNECT", "TRACE", "get", "", "GET /x HTTP/1.1\r\nX:"] {
        let error = w
            .fetch(request(method, PROFILE, &[], b""))
            .await
            .result
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Charm, "{method}");
    }
    assert!(
        w.fetch(request("GET", PROFILE, &[], b"x"))
            .await
            .result
            .is_err()
    );
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn every_redirect_is_checked_like_a_first_request() {
    for (location, part) in [
        ("https://evil.org/", "evil.org"),
        ("http://accounts.google.com/", "only https"),
        ("https://169.254.169.254/", "link-local"),
        ("https://[::1]/", "this computer"),
        ("https://u:p@accounts.google.com/", "user name"),
        ("http://127.0.0.1:1/", "only https"),
        ("file:///etc/passwd", "not a host name"),
        (
            "https://charmkeeper.invalid/api/integrations/google-oauth/refresh",
            "keeper itself",
        ),
        ("https://", "not a URL"),
    ] {
        let w = World::new(move |_, _| with(302, &[("location", location)], "")).await;
        let error = w.fetch(get(PROFILE)).await.result.expect_err(location);
        assert!(
            error.message.contains(part),
            "{location}: {}",
            error.message
        );
        assert!(
            error.message.contains("gmail.googleapis.com redirected"),
            "{}",
            error.message
        );
        assert_eq!(w.server.seen().len(), 1);
    }
}

#[tokio::test]
async fn redirects_end_after_ten() {
    let w = World::new(|_, _| with(302, &[("location", "/again")], "")).await;
    let error = w.fetch(plain(PROFILE)).await.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Charm);
    assert!(
        error.message.contains("more than 10 times"),
        "{}",
        error.message
    );
    assert_eq!(w.server.seen().len(), 11);
}

#[tokio::test]
async fn error_and_manual_are_honoured() {
    let w = World::new(|_, _| with(301, &[("location", "/elsewhere")], "moved")).await;
    let mut strict = plain(PROFILE);
    strict.redirect = Redirect::Error;
    assert_eq!(
        w.fetch(strict).await.result.unwrap_err().kind,
        ErrorKind::Charm
    );
    let mut manual = plain(PROFILE);
    manual.redirect = Redirect::Manual;
    let response = w.answer(manual).await;
    assert_eq!((response.status, response.redirected), (301, false));
    assert_eq!(response.url, PROFILE);
    assert_eq!(response.body, b"moved");
    assert_eq!(w.server.seen().len(), 2);
}

#[tokio::test]
async fn a_redirect_without_a_location_is_an_answer() {
    let w = World::new(|_, _| json(302, "here")).await;
    assert_eq!(w.answer(plain(PROFILE)).await.body, b"here");
}

#[tokio::test]
async fn cookies_do_not_come_back() {
    let w = World::new(|_, _| with(200, &[("set-cookie", "a=b"), ("x-kept", "1")], "{}")).await;
    let names: Vec<String> = w
        .answer(plain(PROFILE))
        .await
        .headers
        .into_iter()
        .map(|(k, _)| k)
        .collect();
    assert!(names.contains(&"x-kept".to_owned()));
    assert!(!names.contains(&"set-cookie".to_owned()));
    assert!(!names.contains(&"connection".to_owned()));
}

/// DNS that answers with a different list each time.
struct Script {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Script {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        assert_eq!(host, "api.example.com");
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        match self.answers.get(n) {
            Some(list) => Ok(list.iter().map(|ip| ip.parse().unwrap()).collect()),
            None => Err(std::io::Error::other(
                "failed to lookup address information",
            )),
        }
    }
}

#[tokio::test]
async fn names_that_lead_inside_are_refused_at_the_moment_of_connecting() {
    let answers = vec![
        vec!["127.0.0.1"],
        vec!["8.8.8.8", "10.0.0.1"],
        vec!["::1"],
        vec!["::ffff:169.254.169.254"],
        vec!["fd00::1"],
    ];
    let count = answers.len();
    let w = World::new(|_, _| json(200, "{}")).await;
    let lookup = Arc::new(Script {
        answers,
        asked: AtomicUsize::new(0),
    });
    let config = BrokerConfig {
        lookup: lookup.clone(),
        ..BrokerConfig::default()
    };
    let clock = Arc::new(FakeClock::at(NOW));
    let broker = broker("http://127.0.0.1:1", &w.tokens, &clock, &config);
    let mut policy = policy();
    // The server's own port, so that nothing but the address stands in the way.
    policy
        .hosts
        .push(format!("api.example.com:{}", w.server.addr.port()));
    let url = format!("https://api.example.com:{}/", w.server.addr.port());
    for n in 0..count {
        let error = broker
            .fetch(&policy, &w.budget, plain(&url))
            .await
            .result
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Charm, "{n}: {}", error.message);
        assert!(
            error.message.contains("api.example.com: the name leads to"),
            "{}",
            error.message
        );
    }
    assert_eq!(lookup.asked.load(Ordering::SeqCst), count);
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
    // A name that is not found: no network, as far as one can tell.
    let error = broker
        .fetch(&policy, &w.budget, plain(&url))
        .await
        .result
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Offline);
    assert!(
        error.message.contains("api.example.com cannot be reached"),
        "{}",
        error.message
    );
}
