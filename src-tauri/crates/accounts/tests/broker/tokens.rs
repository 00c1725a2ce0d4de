//! Tokens: where they go, what comes back, and what a 401 leads to.

use std::sync::atomic::Ordering;

use charmkeeper_accounts::broker::TokenError;
use charmkeeper_base::ErrorKind;
use futures_util::future::join_all;

use super::support::*;

fn ok(_: &Seen, _: usize) -> Reply {
    json(200, "{}")
}

/// Accepts the tokens of the given generation only.
fn only(generation: u64) -> impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static {
    move |seen, _| {
        let good = seen.header("authorization").unwrap_or_default();
        match good.ends_with(&format!("generation-{generation}/x")) {
            true => json(200, "{}"),
            false => json(401, &google_error(401, "authError", "Invalid Credentials")),
        }
    }
}

#[tokio::test]
async fn the_placeholder_becomes_the_token_on_the_wire_only() {
    let w = World::new(ok).await;
    let url = format!("{PROFILE}?key=kc:a");
    let auth = ("Authorization", "Bearer kc:a");
    let fetched = w
        .fetch(request("GET", &url, &[auth, ("X-Note", "kc:a")], b""))
        .await;
    let seen = &w.server.seen()[0];
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {}", token("a", 0)).as_str())
    );
    assert_eq!(seen.target, "/gmail/v1/users/me/profile?key=kc:a");
    assert_eq!(seen.header("x-note"), Some("kc:a"));
    let response = fetched.result.unwrap();
    assert_eq!(response.url, url);
    assert_eq!(response.status, 200);
    let record = fetched.record;
    assert_eq!(record.host, "gmail.googleapis.com");
    assert_eq!(record.path, "/gmail/v1/users/me/profile");
    assert_eq!((record.account.as_deref(), record.error), (Some("a"), None));
}

#[tokio::test]
async fn what_is_sent_beside_the_charms_headers_is_ours() {
    let w = World::new(ok).await;
    let headers = [
        ("User-Agent", "me"),
        ("Cookie", "a=b"),
        ("Host", "evil.org"),
    ];
    w.answer(request("POST", PROFILE, &headers, b"body")).await;
    let seen = &w.server.seen()[0];
    let agent = concat!("Charmkeeper/", env!("CARGO_PKG_VERSION"), " (gzip)");
    assert_eq!(seen.header("user-agent"), Some(agent));
    assert_eq!(seen.header("accept-encoding"), Some("gzip"));
    assert_eq!(
        seen.header("host"),
        Some(w.server.addr.to_string().as_str())
    );
    assert_eq!(seen.header("cookie"), None);
    assert_eq!(seen.header("content-length"), Some("4"));
}

#[tokio::test]
async fn an_account_that_the_charm_may_not_use_reaches_nobody() {
    let w = World::new(ok).await;
    let headers = [("Authorization", "Bearer kc:other")];
    let fetched = w.fetch(request("GET", PROFILE, &headers, b"")).await;
    let error = fetched.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
    assert!(error.message.contains("other"), "{}", error.message);
    assert_eq!(fetched.record.error, Some(error));
    assert!(
        w.fetch(batch(&[("a", "/x"), ("other", "/y")]))
            .await
            .result
            .is_err()
    );
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_placeholder_does_not_leave_in_a_header_to_another_host() {
    let w = World::new(ok).await;
    for url in [
        "https://accounts.google.com/x",
        "https://oauth2.googleapis.com/tokeninfo",
    ] {
        for (name, value) in [
            ("Authorization", "Bearer kc:a"),
            ("X-Token", "kc:a"),
            ("X-Token", "token kc-r:a"),
        ] {
            let error = w
                .fetch(request("GET", url, &[(name, value)], b""))
                .await
                .result
                .unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage);
            let name = name.to_ascii_lowercase();
            assert!(error.message.contains(&name), "{}", error.message);
        }
    }
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
    // In a body it is only text.
    let url = "https://oauth2.googleapis.com/revoke?token=kc:a";
    w.answer(request(
        "POST",
        url,
        &[],
        b"token=kc:a&Authorization: Bearer kc:a",
    ))
    .await;
    let seen = &w.server.seen()[0];
    assert_eq!(seen.body, b"token=kc:a&Authorization: Bearer kc:a");
    assert_eq!(seen.target, "/revoke?token=kc:a");
}

#[tokio::test]
async fn batch_parts_carry_the_tokens_of_their_accounts() {
    let w = World::new(|_, _| batch_reply(&[(200, "{}"), (200, "{}")])).await;
    let fetched = w
        .fetch(batch(&[("a", "/gmail/v1/users/me/profile"), ("b", "/x")]))
        .await;
    assert_eq!(fetched.record.error, None);
    let sent = String::from_utf8(w.server.seen()[0].body.clone()).unwrap();
    assert!(
        sent.contains(&format!("Authorization: Bearer {}\n", token("a", 0))),
        "{sent}"
    );
    assert!(
        sent.contains(&format!("Authorization: Bearer {}\n", token("b", 0))),
        "{sent}"
    );
    assert!(!sent.contains("kc:"), "{sent}");
}

#[tokio::test]
async fn a_token_that_is_echoed_comes_back_as_its_placeholder() {
    let w = World::new(|seen, n| {
        let auth = seen.header("authorization").unwrap_or_default().to_owned();
        if n == 0 {
            return json(401, &auth);
        }
        let escaped = auth.replace('/', "\\/");
        with(
            200,
            &[("x-echo", &auth)],
            &format!("{{\"is\":\"{auth}\",\"as\":\"{escaped}\"}}"),
        )
    })
    .await;
    let fetched = w.fetch(get(PROFILE)).await;
    let response = fetched.result.unwrap();
    let body = String::from_utf8(response.body.clone()).unwrap();
    assert_eq!(body, r#"{"is":"Bearer kc:a","as":"Bearer kc:a"}"#);
    let echo = response
        .headers
        .iter()
        .find(|(k, _)| k == "x-echo")
        .unwrap();
    assert_eq!(echo.1, "Bearer kc:a");
    let shown = format!("{response:?} {:?} {:?}", fetched.record, w.budget);
    assert!(!shown.contains("ya29"), "{shown}");
}

#[tokio::test]
async fn a_token_echoed_in_an_error_does_not_reach_the_record() {
    let w = World::new(|seen, _| {
        let auth = seen.header("authorization").unwrap_or_default();
        json(400, &google_error(400, "invalid", &format!("Bad: {auth}")))
    })
    .await;
    let fetched = w.fetch(get(PROFILE)).await;
    let message = fetched.record.error.unwrap().message;
    assert!(
        message.contains("Bearer kc:a") && !message.contains("ya29"),
        "{message}"
    );
}

#[tokio::test]
async fn a_compressed_echo_is_scrubbed_after_decoding() {
    // gzip with one stored block, so that the test needs no compressor.
    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut crc = !0u32;
        for &byte in data {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xedb8_8320
                } else {
                    crc >> 1
                };
            }
        }
        let len = u16::try_from(data.len()).unwrap();
        let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(&(!crc).to_le_bytes());
        out.extend_from_slice(&u32::from(len).to_le_bytes());
        out
    }
    let w = World::new(|seen, _| Reply::Answer {
        status: 200,
        headers: vec![("content-encoding", "gzip".into())],
        body: gzip(seen.header("authorization").unwrap_or_default().as_bytes()),
    })
    .await;
    let response = w.answer(get(PROFILE)).await;
    assert_eq!(response.body, b"Bearer kc:a");
    assert!(
        !response
            .headers
            .iter()
            .any(|(k, _)| k == "content-encoding")
    );
}

#[tokio::test]
async fn ten_calls_with_an_expired_token_lead_to_one_refresh() {
    let w = World::new(only(1)).await;
    let all = join_all((0..10).map(|_| w.fetch(get(PROFILE)))).await;
    for fetched in all {
        assert_eq!(fetched.result.unwrap().status, 200);
        assert_eq!(fetched.record.error, None);
    }
    assert_eq!(w.tokens.refreshes.load(Ordering::SeqCst), 1);
    assert!(w.server.seen().len() <= 20);
    assert_eq!(w.budget.unrecovered().count, 0);
}

#[tokio::test]
async fn a_second_401_is_not_retried_again() {
    let w = World::new(only(99)).await;
    let fetched = w.fetch(get(PROFILE)).await;
    assert_eq!(fetched.result.unwrap().status, 401);
    assert_eq!(fetched.record.error.unwrap().kind, ErrorKind::Provider);
    assert_eq!(w.server.seen().len(), 2);
    assert_eq!(w.tokens.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn when_the_grant_is_dead_the_charm_gets_the_401_and_the_record_says_sign_in() {
    let w = World::new(only(1)).await;
    let dead = TokenError::SignIn {
        account: "a@example.com".into(),
        reason: "revoked".into(),
    };
    *w.tokens.failure.lock().unwrap() = Some(dead);
    let fetched = w.fetch(get(PROFILE)).await;
    assert_eq!(fetched.result.unwrap().status, 401);
    let error = fetched.record.error.unwrap();
    assert_eq!(error.kind, ErrorKind::SignIn);
    assert!(error.message.contains("a@example.com"), "{}", error.message);
    assert_eq!(w.server.seen().len(), 1);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let w = World::new(ok).await;
    let reason = || "because".to_owned();
    for (error, kind) in [
        (TokenError::Offline { detail: reason() }, ErrorKind::Offline),
        (
            TokenError::Keychain { reason: reason() },
            ErrorKind::Keychain,
        ),
        (
            TokenError::SignIn {
                account: "a".into(),
                reason: reason(),
            },
            ErrorKind::SignIn,
        ),
    ] {
        *w.tokens.unavailable.lock().unwrap() = Some(error);
        let fetched = w.fetch(get(PROFILE)).await;
        assert_eq!(fetched.result.unwrap_err().kind, kind);
        assert_eq!(fetched.record.error.unwrap().kind, kind);
        assert_eq!(fetched.record.account.as_deref(), Some("a"));
    }
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_401_inside_a_batch_is_noted_refreshed_once_and_not_repeated() {
    let w = World::new(|_, n| match n {
        0 => batch_reply(&[(200, "{}"), (401, "{}"), (401, "{}")]),
        _ => batch_reply(&[(200, "{}"), (200, "{}")]),
    })
    .await;
    let fetched = w
        .fetch(batch(&[("a", "/1"), ("a", "/2"), ("a", "/3")]))
        .await;
    assert_eq!(fetched.result.unwrap().status, 200);
    let error = fetched.record.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Provider);
    assert!(
        error.message.starts_with("2 of 3 parts"),
        "{}",
        error.message
    );
    assert_eq!(w.tokens.refreshes.load(Ordering::SeqCst), 1);
    assert_eq!(w.server.seen().len(), 1);
    assert_eq!(w.budget.unrecovered().count, 2);
    // The charm's own repeat finds the fresh token, and makes the failure good.
    w.fetch(batch(&[("a", "/2"), ("a", "/3")])).await;
    let sent = String::from_utf8(w.server.seen()[1].body.clone()).unwrap();
    assert!(sent.contains(&token("a", 1)), "{sent}");
    assert_eq!(w.budget.unrecovered().count, 0);
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_is_signed_anew() {
    let w = World::new(|_, n| match n {
        0 => json(401, "{}"),
        _ => batch_reply(&[(200, "{}"), (200, "{}")]),
    })
    .await;
    let fetched = w.fetch(batch(&[("a", "/1"), ("b", "/2")])).await;
    assert_eq!(fetched.record.error, None);
    assert_eq!(w.tokens.refreshes.load(Ordering::SeqCst), 2);
    let sent = String::from_utf8(w.server.seen()[1].body.clone()).unwrap();
    assert!(
        sent.contains(&token("a", 1)) && sent.contains(&token("b", 1)),
        "{sent}"
    );
}
