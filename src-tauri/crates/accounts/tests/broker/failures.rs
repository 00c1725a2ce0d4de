//! Networks and servers that fail.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::broker::{BrokerConfig, RunBudget};
use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::CallError;
use charmkeeper_base::time::FakeClock;
use url::Url;

use super::support::*;

async fn failed(reply: fn() -> Reply) -> CallError {
    let mut w = World::new(move |_, _| reply()).await;
    w.policy.caps.timeout = Duration::from_millis(300);
    let fetched = w.fetch(get(PROFILE)).await;
    let error = fetched.result.unwrap_err();
    assert_eq!(fetched.record.error.as_ref(), Some(&error));
    assert_eq!(w.budget.unrecovered().count, 1);
    assert!(
        error.message.contains("gmail.googleapis.com"),
        "{}",
        error.message
    );
    assert!(!error.message.contains("ya29") && !error.message.contains("127.0.0.1"));
    error
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_providers_fault() {
    let cut = || Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec());
    let error = failed(cut).await;
    assert_eq!(error.kind, ErrorKind::Provider);
    assert!(error.message.contains("broke off"), "{}", error.message);
    let chunked =
        || Reply::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab".to_vec());
    assert_eq!(failed(chunked).await.kind, ErrorKind::Provider);
    let garbled = || Reply::Answer {
        status: 200,
        headers: vec![("content-encoding", "gzip".into())],
        body: b"this is not gzip".to_vec(),
    };
    assert_eq!(failed(garbled).await.kind, ErrorKind::Provider);
}

#[tokio::test]
async fn resets_and_nonsense_are_the_providers_fault() {
    assert_eq!(failed(|| Reply::Reset).await.kind, ErrorKind::Provider);
    assert_eq!(
        failed(|| Reply::Raw(Vec::new())).await.kind,
        ErrorKind::Provider
    );
    assert_eq!(
        failed(|| Reply::Raw(b"SSH-2.0-x\r\n\r\n".to_vec()))
            .await
            .kind,
        ErrorKind::Provider
    );
    assert_eq!(failed(|| json(999, "")).await.kind, ErrorKind::Provider);
}

#[tokio::test]
async fn a_server_that_is_silent_or_too_slow_is_given_up() {
    let silent = failed(|| Reply::Stall(Vec::new())).await;
    assert_eq!(silent.kind, ErrorKind::Provider);
    assert!(
        silent.message.contains("did not finish"),
        "{}",
        silent.message
    );
    let drip = || Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na".to_vec());
    assert_eq!(failed(drip).await.kind, ErrorKind::Provider);
}

#[tokio::test]
async fn a_get_that_is_reset_is_tried_once_more_and_a_post_is_not() {
    let w = World::new(|_, n| {
        if n == 0 {
            Reply::Reset
        } else {
            json(200, "{}")
        }
    })
    .await;
    assert_eq!(w.answer(get(PROFILE)).await.status, 200);
    assert_eq!(w.server.seen().len(), 2);
    let w = World::new(|_, n| {
        if n == 0 {
            Reply::Reset
        } else {
            json(200, "{}")
        }
    })
    .await;
    let fetched = w.fetch(request("POST", PROFILE, &[], b"x")).await;
    assert_eq!(fetched.result.unwrap_err().kind, ErrorKind::Provider);
    assert_eq!(w.server.seen().len(), 1);
}

#[tokio::test]
async fn answered_failures_reach_the_charm_and_are_classified() {
    for (status, kind) in [
        (500, Some(ErrorKind::Provider)),
        (503, Some(ErrorKind::Provider)),
        (400, Some(ErrorKind::Charm)),
        (511, Some(ErrorKind::Offline)),
        (404, None),
        (410, None),
    ] {
        let w = World::new(move |_, _| json(status, "{}")).await;
        let fetched = w.fetch(get(PROFILE)).await;
        assert_eq!(fetched.result.unwrap().status, status);
        assert_eq!(fetched.record.status, Some(status));
        assert_eq!(fetched.record.error.map(|e| e.kind), kind, "{status}");
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_json_is_a_network_that_wants_a_sign_in() {
    let portal = || {
        with(
            200,
            &[("content-type", "text/html")],
            "<html>Welcome to the hotel</html>",
        )
    };
    let error = failed(portal).await;
    assert_eq!(error.kind, ErrorKind::Offline);
}

#[tokio::test]
async fn nobody_listening_is_offline() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let (tokens, clock) = (Arc::default(), Arc::new(FakeClock::at(NOW)));
    let broker = broker(&base, &tokens, &clock, &BrokerConfig::default());
    let policy = policy();
    let budget = RunBudget::new(&policy.caps);
    let error = broker
        .fetch(&policy, &budget, get(PROFILE))
        .await
        .result
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Offline);
    assert!(
        error
            .message
            .starts_with("gmail.googleapis.com cannot be reached"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused_early_and_late() {
    let big = "x".repeat(2_000);
    let declared = big.clone();
    let mut w = World::new(move |seen, _| match seen.target.as_str() {
        "/declared" => json(200, &declared),
        // Nobody should wait for bytes that will not be taken.
        "/promised" => {
            Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n".to_vec())
        }
        _ => Reply::Raw(format!("HTTP/1.1 200 OK\r\n\r\n{big}").into_bytes()),
    })
    .await;
    w.policy.caps.max_response_body = 1_999;
    for path in ["declared", "open", "promised"] {
        let url = format!("https://gmail.googleapis.com/{path}");
        let error = w.fetch(plain(&url)).await.result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Charm);
        assert!(
            error.message.contains("larger than 1999 bytes"),
            "{}",
            error.message
        );
    }
    w.policy.caps.max_response_body = 2_000;
    for path in ["declared", "open"] {
        let url = format!("https://gmail.googleapis.com/{path}");
        assert_eq!(w.answer(plain(&url)).await.body.len(), 2_000);
    }
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_refused() {
    // One deflate block with fixed codes: a zero byte, then copies of 258 zeros
    // from distance 1, of 13 bits each.
    fn bomb(copies: usize) -> Vec<u8> {
        struct Bits(Vec<u8>, usize);
        impl Bits {
            fn put(&mut self, bits: &str) {
                for bit in bits.bytes() {
                    if self.1.is_multiple_of(8) {
                        self.0.push(0);
                    }
                    let last = self.0.len() - 1;
                    self.0[last] |= (bit - b'0') << (self.1 % 8);
                    self.1 += 1;
                }
            }
        }
        let mut bits = Bits(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], 0);
        bits.put("1");
        bits.put("10");
        bits.put("00110000");
        for _ in 0..copies {
            bits.put("11000101");
            bits.put("00000");
        }
        bits.0
    }
    let mut w = World::new(|_, _| Reply::Answer {
        status: 200,
        headers: vec![("content-encoding", "gzip".into())],
        body: bomb(20_000),
    })
    .await;
    w.policy.caps.max_response_body = 1 << 20;
    let error = w.fetch(get(PROFILE)).await.result.unwrap_err();
    assert!(
        error.message.contains("larger than 1048576 bytes"),
        "{}",
        error.message
    );
    assert_eq!(error.kind, ErrorKind::Charm);
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_offline() {
    let proxy = Server::start(|_, _| with(407, &[("proxy-authenticate", "Basic")], "")).await;
    let (tokens, clock) = (Arc::default(), Arc::new(FakeClock::at(NOW)));
    let config = BrokerConfig {
        proxy: Some(Url::parse(&format!("http://{}", proxy.addr)).unwrap()),
        ..BrokerConfig::default()
    };
    let broker = broker("http://127.0.0.1:1", &tokens, &clock, &config);
    let policy = policy();
    let budget = RunBudget::new(&policy.caps);
    let url = "https://api.example.com/x";
    let error = broker
        .fetch(&policy, &budget, plain(url))
        .await
        .result
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Offline, "{}", error.message);
    assert!(error.message.contains("proxy"), "{}", error.message);
    assert_eq!(proxy.seen()[0].method, "CONNECT");
}
