//! Where tokens go and, above all, where they do not.

use charmkeeper_base::Secret;
use charmkeeper_base::random::SeededRandom;
use url::Url;

use super::super::policy::Caps;
use super::*;

const TOKEN_A: &str = "ya29.token-of-a-0123456789";
const TOKEN_B: &str = "ya29.token-of-b-9876543210/slash";

fn target(url: &str) -> Target {
    let public = Url::parse(url).unwrap();
    Target {
        wire: public.clone(),
        public,
        mapped: false,
        takes_token: true,
    }
}

fn policy(accounts: &[&str]) -> Policy {
    Policy {
        charm: "c".into(),
        hosts: vec![],
        accounts: accounts.iter().map(|&a| a.to_owned()).collect(),
        caps: Caps::default(),
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(k, v)| (http::HeaderName::from_static(k), v.parse().unwrap()))
        .collect()
}

fn wallet() -> Wallet {
    let mut wallet = Wallet::default();
    for (account, token) in [("a", TOKEN_A), ("b", TOKEN_B)] {
        let secret = Secret::new(token.to_owned());
        wallet.put(
            account,
            AccessToken {
                secret,
                generation: 1,
            },
        );
    }
    wallet
}

const BATCH: &str = "https://gmail.googleapis.com/batch/gmail/v1";
const MIXED: (&str, &str) = ("content-type", "multipart/mixed; boundary=b");

/// The body as it leaves, for a charm that may use both accounts.
fn sent(method: &str, url: &str, list: &[(&'static str, &str)], body: &[u8]) -> Vec<u8> {
    let headers = headers(list);
    let plan = plan(method, &target(url), &headers, body, &policy(&["a", "b"])).unwrap();
    wallet().fill(&plan, &headers, body).unwrap().1
}

fn holds_token(bytes: &[u8]) -> bool {
    [TOKEN_A, TOKEN_B]
        .iter()
        .any(|t| find(bytes, t.as_bytes()).is_some())
}

#[test]
fn only_a_bearer_placeholder_is_one() {
    for (value, account) in [
        ("Bearer kc:a", Some("a")),
        ("bearer  kc:acc-1_x.y~z", Some("acc-1_x.y~z")),
        ("BEARER\tkc:a ", Some("a")),
        ("Bearer kc:", None),
        ("Bearer kc-r:a", None),
        ("Bearer kc:a, Bearer kc:b", None),
        ("Bearer kc:a b", None),
        ("Bearer xkc:a", None),
        ("Basic kc:a", None),
        ("kc:a", None),
        ("Bearer ya29.x", None),
    ] {
        assert_eq!(bearer(value.as_bytes()), account, "{value}");
    }
    assert_eq!(bearer(b"Bearer kc:\xff"), None);
}

#[test]
fn the_header_is_filled_and_marked_sensitive() {
    let original = headers(&[("authorization", "Bearer kc:a"), ("x-other", "Bearer kc:a")]);
    let url = "https://gmail.googleapis.com/x?access_token=kc:a";
    let plan = plan("GET", &target(url), &original, b"", &policy(&["a"])).unwrap();
    assert_eq!(plan.accounts(), ["a"]);
    let (filled, _) = wallet().fill(&plan, &original, b"").unwrap();
    assert_eq!(filled["authorization"], format!("Bearer {TOKEN_A}"));
    assert!(!format!("{filled:?}").contains(TOKEN_A));
    assert_eq!(filled["x-other"], "Bearer kc:a");
}

#[test]
fn an_account_that_is_not_the_charms_is_refused_wherever_it_is_named() {
    let outer = headers(&[("authorization", "Bearer kc:b")]);
    let url = "https://gmail.googleapis.com/x";
    let error = plan("GET", &target(url), &outer, b"", &policy(&["a"])).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    let inner = b"--b\n\nGET /x\nAuthorization: Bearer kc:b\n\n--b--";
    let list = headers(&[MIXED]);
    assert!(plan("POST", &target(BATCH), &list, inner, &policy(&["a"])).is_err());
}

#[test]
fn batch_parts_get_their_own_tokens_and_every_other_byte_stays() {
    let mut body = b"preamble kc:a\r\n--b\r\nContent-Type: application/http\r\n\
        Content-ID: <1>\r\n\r\nGET /gmail/v1/users/me/messages/1?format=full HTTP/1.1\r\n\
        authorization:  Bearer kc:a\r\nX-Note: Bearer kc:a\r\n\r\n\r\n--b\n\n\
        POST /gmail/v1/users/me/drafts\nAuthorization: Bearer kc:b\n\n"
        .to_vec();
    body.extend_from_slice(b"\x00\xff\r\nAuthorization: Bearer kc:b\n--bb\n\n--b--\nBearer kc:a");
    let out = sent("POST", BATCH, &[MIXED], &body);
    let text = String::from_utf8_lossy(&body).into_owned();
    let want = text
        .replacen(
            "authorization:  Bearer kc:a",
            &format!("authorization:  Bearer {TOKEN_A}"),
            1,
        )
        .replacen(
            "Authorization: Bearer kc:b",
            &format!("Authorization: Bearer {TOKEN_B}"),
            1,
        );
    assert_eq!(String::from_utf8_lossy(&out), want);
    assert!(find(&out, b"\x00\xff\r\nAuthorization: Bearer kc:b").is_some());
}

#[test]
fn a_batch_knows_who_pays_for_what() {
    let body = "--b\nContent-Id: <item1>\n\nGET /gmail/v1/users/me/messages/1?format=full\n\n\
                --b\n\nGET https://gmail.googleapis.com/gmail/v1/users/me/profile\n\
                Authorization: Bearer kc:b\n\n--b\n\nnonsense\n--b--";
    let list = headers(&[MIXED, ("authorization", "Bearer kc:a")]);
    let plan = plan(
        "POST",
        &target(BATCH),
        &list,
        body.as_bytes(),
        &policy(&["a", "b"]),
    )
    .unwrap();
    let paid: Vec<_> = plan.parts.iter().map(|p| p.account.as_deref()).collect();
    assert_eq!(paid, [Some("a"), Some("b"), Some("a")]);
    assert_eq!(
        plan.parts[0].path,
        "/gmail/v1/users/me/messages/1?format=full"
    );
    assert_eq!(plan.parts[0].id.as_deref(), Some("item1"));
    assert_eq!(plan.parts[1].path, "/gmail/v1/users/me/profile");
    assert_eq!(plan.parts[2].method, "");
    assert_eq!(plan.accounts(), ["a", "b"]);
}

#[test]
fn nothing_is_swapped_in_a_body_that_is_not_a_batch() {
    let part = b"--b\n\nGET /x\nAuthorization: Bearer kc:a\n\n--b--";
    let upload = "https://www.googleapis.com/upload/drive/v3/files";
    for (method, url, header) in [
        ("PUT", BATCH, MIXED),
        ("POST", upload, MIXED),
        ("POST", "https://gmail.googleapis.com/batchx", MIXED),
        (
            "POST",
            "https://gmail.googleapis.com/gmail/v1/batch/gmail",
            MIXED,
        ),
        (
            "POST",
            BATCH,
            ("content-type", "multipart/related; boundary=b"),
        ),
        (
            "POST",
            BATCH,
            ("content-type", "multipart/mixed; boundary=c"),
        ),
        ("POST", BATCH, ("content-type", "multipart/mixed")),
        (
            "POST",
            BATCH,
            ("x-content-type", "multipart/mixed; boundary=b"),
        ),
    ] {
        assert_eq!(
            sent(method, url, &[header], part),
            part,
            "{method} {url} {header:?}"
        );
    }
    let twice = [MIXED, ("content-type", "multipart/mixed; boundary=c")];
    assert_eq!(sent("POST", BATCH, &twice, part), part);
    assert_ne!(
        sent("POST", BATCH, &[MIXED], part),
        part,
        "the same body in a batch"
    );
}

#[test]
fn tricks_with_parts_get_no_token() {
    for part in [
        // In the MIME header of the part, not in the message.
        "Authorization: Bearer kc:a\n\nGET /x\n\n",
        // In the body of the message.
        "\nPOST /x\n\nAuthorization: Bearer kc:a\n",
        // Not a request, or one to another host.
        "\nAuthorization: Bearer kc:a\nGET /x\n\n",
        "\nGET https://evil.org/x\nAuthorization: Bearer kc:a\n\n",
        "\nGET //evil.org/x\nAuthorization: Bearer kc:a\n\n",
        "\nget /x\nAuthorization: Bearer kc:a\n\n",
        "\nGET /x HTTP/1.1 more\nAuthorization: Bearer kc:a\n\n",
        // Another type, or a line that two parsers may read differently.
        "Content-Type: text/plain\n\nGET /x\nAuthorization: Bearer kc:a\n\n",
        "\nGET /x\nX:\n y\nAuthorization: Bearer kc:a\n\n",
        "\nGET /x\nX: y\rAuthorization: Bearer kc:a\n\n",
        "\nGET /x\nAuthorization: Bearer kc:a\nAuthorization: Bearer kc:a\n\n",
        "\nGET /x\nAuthorization: Basic kc:a\n\n",
        "\nGET /x\nX-Authorization: Bearer kc:a\n\n",
    ] {
        let body = format!("--b\n{part}\n--b--");
        let out = sent("POST", BATCH, &[MIXED], body.as_bytes());
        assert!(!holds_token(&out), "{part:?}");
        assert_eq!(out, body.as_bytes());
    }
}

#[test]
fn random_batches_swap_nothing_outside_authorization_lines() {
    let random = SeededRandom::new(23);
    let words = [
        "--b\n",
        "--b\r\n",
        "--b--",
        "--bb\n",
        "\n",
        "\r\n",
        "\nGET /x\n",
        "\r\nGET /x HTTP/1.1\r\n",
        "Authorization: Bearer kc:a\n",
        "Authorization: Bearer kc:a\r\n",
        "X: Bearer kc:a\n",
        "kc:a",
        "\u{0}",
        " ",
        "\r",
        "Content-Type: application/http\n",
    ];
    let marker = format!("Bearer {TOKEN_A}");
    let mut swapped = 0;
    for _ in 0..20_000 {
        let count = random.next_u64() % 14;
        let pick = || words[(random.next_u64() % words.len() as u64) as usize];
        let body: String = (0..count).map(|_| pick()).collect();
        let out = String::from_utf8(sent("POST", BATCH, &[MIXED], body.as_bytes())).unwrap();
        for (at, _) in out.match_indices(&marker) {
            swapped += 1;
            assert!(out[..at].ends_with("\nAuthorization: "), "{body:?}");
        }
        assert_eq!(out.replace(&marker, "Bearer kc:a"), body);
    }
    assert!(
        swapped > 20,
        "the words must make real batches at times ({swapped})"
    );
}

#[test]
fn headers_that_name_a_placeholder_are_found() {
    for (value, found) in [
        ("Bearer kc:a", true),
        ("kc:a", true),
        ("token=kc-r:acc", true),
        ("\"kc:a\"", true),
        ("backc:a", false),
        ("kc: a", false),
        ("kc:", false),
        ("https://x/?u=mkc:a", false),
    ] {
        let list = headers(&[("x-y", value)]);
        assert_eq!(header_with_placeholder(&list).is_some(), found, "{value}");
    }
    let mut list = headers(&[
        ("authorization", "Basic x"),
        ("x-y", "kc:a"),
        ("x-z", "kc-r:a"),
        ("x-w", "1"),
    ]);
    strip_for_another_host(&mut list);
    assert_eq!(list.keys().map(|k| k.as_str()).collect::<Vec<_>>(), ["x-w"]);
}

#[test]
fn echoed_tokens_become_placeholders_again() {
    let wallet = wallet();
    let escaped = TOKEN_B.replace('/', "\\/");
    let encoded = TOKEN_B.replace('/', "%2F");
    let echo = format!("x{TOKEN_A}{TOKEN_A} {TOKEN_B} {escaped} {encoded} ya29.other ya29");
    let clean = wallet.scrub(echo.into_bytes());
    let clean = String::from_utf8(clean).unwrap();
    assert_eq!(clean, "xkc:akc:a kc:b kc:b kc:b ya29.other ya29");
    let binary = [b"\xff\x00".as_slice(), TOKEN_A.as_bytes(), b"\xfe"].concat();
    assert_eq!(wallet.scrub(binary), b"\xff\x00kc:a\xfe");
    // The one before a refresh is scrubbed as well.
    let mut renewed = Wallet::default();
    for (generation, token) in [(1, TOKEN_A), (2, "ya29.the-next-token")] {
        let secret = Secret::new(token.to_owned());
        renewed.put("a", AccessToken { secret, generation });
    }
    assert_eq!(renewed.generation("a"), Some(2));
    let both = format!("{TOKEN_A} ya29.the-next-token");
    assert_eq!(renewed.scrub(both.into_bytes()), b"kc:a kc:a");
}
