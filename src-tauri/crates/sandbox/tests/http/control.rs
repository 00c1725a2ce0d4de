//! The control endpoint, arrivals, and what guards the sandbox.

use std::time::Duration;

use charmkeeper_base::{ErrorKind, Explain as _};
use charmkeeper_sandbox::{SAMPLE_ACCOUNT, Sandbox, SandboxConfig, SandboxError, fingerprint};
use serde_json::json;

use crate::common::*;

#[tokio::test]
async fn the_same_seed_and_clock_give_the_same_world_and_another_seed_another() {
    let state = async |seed| {
        let b = start_with(|c| c.seed = seed).await;
        b.sandbox
            .world()
            .arrive_mail(SAMPLE_ACCOUNT)
            .expect("account");
        let mut state = b.control("GET", "/sandbox/state", json!({})).await.ok();
        state["base_url"] = json!(null);
        state
    };
    let one = state(5).await;
    assert_eq!(one, state(5).await);
    assert_ne!(one, state(6).await);
    assert_eq!(one["accounts"].as_array().expect("accounts").len(), 4);
    assert_eq!(
        one["accounts"][0]["messages"]
            .as_array()
            .expect("messages")
            .len(),
        61
    );
    assert!(
        !one["accounts"][0]["occurrences"]
            .as_array()
            .expect("occurrences")
            .is_empty()
    );
}

#[tokio::test]
async fn the_state_never_holds_a_token_and_can_leave_bodies_out() {
    let b = start().await;
    b.sign_in().await;
    let state = b.control("GET", "/sandbox/state", json!({})).await;
    assert!(
        state
            .text
            .contains(&format!("\"email\": \"{SAMPLE_ACCOUNT}\""))
    );
    for token in b.sandbox.world().issued_tokens() {
        assert!(!state.text.contains(&token));
    }
    let path = format!(
        "/sandbox/state?bodies=false&account={SAMPLE_ACCOUNT}&from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z"
    );
    let short = b.control("GET", &path, json!({})).await.ok();
    assert_eq!(short["accounts"].as_array().expect("accounts").len(), 1);
    assert!(short["accounts"][0]["messages"][0]["text"].is_null());
    assert!(
        short["accounts"][0]["occurrences"]
            .as_array()
            .expect("list")
            .len()
            < 12
    );
    assert_eq!(
        b.control("GET", "/sandbox/state?from=today", json!({}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn arrivals_follow_the_clock_and_are_the_same_however_they_are_fetched() {
    let config = |c: &mut SandboxConfig| c.arrival = Some(Duration::from_secs(30));
    let (one, two) = (start_with(config).await, start_with(config).await);
    let tick = |b: &Bench| {
        b.sandbox
            .world()
            .tick(charmkeeper_base::Clock::now(&*b.clock))
    };
    assert_eq!(tick(&one), 0);
    for _ in 0..20 {
        one.clock.advance(Duration::from_secs(30));
        assert_eq!(tick(&one), 1);
    }
    two.clock.advance(Duration::from_secs(600));
    assert_eq!(tick(&two), 20);
    let held = |b: &Bench| {
        let w = b.sandbox.world();
        let (m, e) = (
            w.messages(SAMPLE_ACCOUNT).expect("account"),
            w.events(SAMPLE_ACCOUNT).expect("account"),
        );
        (m, e)
    };
    assert_eq!(held(&one), held(&two));
    assert!(held(&one).0.len() > 65 && held(&one).1.len() > 40);
}

#[tokio::test]
async fn the_background_task_lets_things_arrive_by_itself() {
    let sandbox = Sandbox::start(SandboxConfig {
        messages: 1,
        events: 0,
        arrival: Some(Duration::from_millis(20)),
        ..SandboxConfig::default()
    })
    .await
    .expect("a sandbox");
    let start = sandbox.world().history_id(SAMPLE_ACCOUNT).expect("account");
    let changed = async {
        while sandbox.world().history_id(SAMPLE_ACCOUNT).expect("account") == start {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), changed)
        .await
        .expect("something arrived");
    sandbox.stop().await;
}

#[tokio::test]
async fn every_control_request_does_what_it_says() {
    let b = start().await;
    let token = b.sign_in().await;
    let post = async |path: &str, body| b.control("POST", &format!("/sandbox/{path}"), body).await;
    let new = post("arrive", json!({"kind": "mail", "count": 2}))
        .await
        .ok();
    let id = new["ids"][1].as_str().expect("id").to_owned();
    let own = post(
        "arrive",
        json!({"mail": {"subject": "S"}, "event": {"summary": "E"}}),
    )
    .await
    .ok();
    assert_eq!(own["ids"].as_array().expect("ids").len(), 2);
    post(
        "arrive",
        json!({"account": "work@sandbox.example", "count": 3}),
    )
    .await
    .ok();
    post(
        "relabel",
        json!({"id": id, "add": ["STARRED", "TRASH"], "remove": ["INBOX"]}),
    )
    .await
    .ok();
    let path = format!("/gmail/v1/users/me/messages/{id}?format=minimal");
    let labels = b.get(&path, &token).await.ok()["labelIds"].clone();
    assert!(labels.as_array().expect("labels").contains(&json!("TRASH")));
    post("delete", json!({"id": id})).await.ok();
    assert_eq!(b.get(&path, &token).await.status, 404);
    assert_eq!(post("delete", json!({"id": id})).await.status, 404);
    post("cancel_event", json!({"id": own["ids"][1]}))
        .await
        .ok();
    let event = b
        .get(
            &format!(
                "/calendar/v3/calendars/primary/events/{}",
                own["ids"][1].as_str().expect("id")
            ),
            &token,
        )
        .await;
    assert_eq!(event.ok()["status"], "cancelled");
    let before = b
        .sandbox
        .world()
        .history_id(SAMPLE_ACCOUNT)
        .expect("account");
    post("expire_sync", json!({"what": "history"})).await.ok();
    let history = b
        .get_with(
            "/gmail/v1/users/me/history",
            &token,
            &[("startHistoryId", &before)],
        )
        .await;
    assert_eq!(history.status, 404);
    assert_eq!(post("expire_tokens", json!({})).await.ok()["expired"], 1);
    assert_eq!(b.get(&path, &token).await.status, 401);
    assert_eq!(post("invalid_grant", json!({})).await.ok()["ended"], 1);
    for (path, body) in [
        ("arrive", json!({"kind": "fax"})),
        ("arrive", json!({"knd": "mail"})),
        ("expire_sync", json!({"what": "x"})),
        ("faults", json!({"match": "gmial"})),
        ("faults", json!({"match": "gmail", "stauts": 500})),
    ] {
        assert_eq!(post(path, body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(post("arrive", json!({"account": "x"})).await.status, 404);
    assert_eq!(post("nonsense", json!({})).await.status, 404);
}

#[tokio::test]
async fn faults_behaviour_and_the_log_are_reachable_from_outside() {
    let b = start().await;
    let token = b.sign_in().await;
    let two = json!([{"match": "gmail", "status": 503, "count": 1}, {"match": "/calendar/v3", "delay_ms": 1}]);
    assert_eq!(
        b.control("POST", "/sandbox/faults", two).await.ok(),
        json!({"ids": [1, 2]})
    );
    assert_eq!(
        b.get("/gmail/v1/users/me/profile", &token).await.status,
        503
    );
    let list = b.control("GET", "/sandbox/faults", json!({})).await.ok();
    assert_eq!(
        (&list[0]["hits"], &list[0]["match"]),
        (&json!(1), &json!("gmail"))
    );
    b.control("DELETE", "/sandbox/faults/1", json!({}))
        .await
        .ok();
    b.control("DELETE", "/sandbox/faults", json!({})).await.ok();
    let patch = json!({"issuer": "https://evil.example", "access_token_lifetime_s": 60});
    b.control("PATCH", "/sandbox/behaviour", patch).await.ok();
    let url = b
        .sandbox
        .approve(&b.auth_url(&[]), SAMPLE_ACCOUNT, None)
        .await
        .expect("consent");
    assert_eq!(param(&url, "iss").as_deref(), Some("https://evil.example"));
    assert_eq!(
        b.control("PATCH", "/sandbox/behaviour", json!({"isuer": 1}))
            .await
            .status,
        400
    );

    let log = b.control("GET", "/sandbox/requests", json!({})).await.ok();
    let entry = log
        .as_array()
        .expect("log")
        .iter()
        .find(|r| r["status"] == 503)
        .expect("the fault");
    assert_eq!(entry["token_fingerprint"], json!(fingerprint(&token)));
    assert_eq!(
        (&entry["path"], &entry["fault"]),
        (&json!("/gmail/v1/users/me/profile"), &json!(1))
    );
    let last = log.as_array().expect("log").last().expect("one")["number"]
        .as_u64()
        .expect("number");
    let none = b
        .control("GET", &format!("/sandbox/requests?after={last}"), json!({}))
        .await
        .ok();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn a_test_can_wait_for_a_request() {
    let b = start().await;
    let token = b.sign_in().await;
    let wait = b.sandbox.wait_for_request(|r| r.path.ends_with("/labels"));
    let (entry, _) = tokio::join!(wait, b.get("/gmail/v1/users/me/labels", &token));
    assert_eq!((entry.status, entry.authorization), (200, true));
}

#[tokio::test]
async fn other_names_and_other_pages_are_kept_out() {
    let b = start().await;
    let rebound = b
        .send(
            b.http
                .get(b.url("/sandbox/state"))
                .header("host", "evil.example"),
        )
        .await;
    assert_eq!(rebound.status, 403);
    let page = b
        .http
        .post(b.url("/sandbox/expire_tokens"))
        .header("origin", "https://evil.example");
    assert_eq!(b.send(page).await.status, 403);
    let port = b.sandbox.base_url.port().expect("a port");
    let local = b
        .send(
            b.http
                .get(format!("http://127.0.0.1:{port}/"))
                .header("host", format!("localhost:{port}")),
        )
        .await;
    assert_eq!(local.status, 200);
    assert!(local.text.contains("Sandbox, not Google."));
    assert_eq!(b.get("/nowhere", "x").await.status, 404);
    assert_eq!(b.get("/token", "x").await.status, 404);
}

#[tokio::test]
async fn a_taken_port_is_said_and_a_stopped_one_is_free_again() {
    let b = start().await;
    let port = b.sandbox.base_url.port().expect("a port");
    let again = || {
        Sandbox::start(SandboxConfig {
            port,
            messages: 1,
            events: 0,
            ..SandboxConfig::default()
        })
    };
    let error = again().await.expect_err("taken");
    assert!(matches!(error, SandboxError::Bind { .. }));
    assert_eq!(error.kind(), ErrorKind::Local);
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")) && error.hint().is_some());
    b.sandbox.stop().await;
    again().await.expect("free again").stop().await;
}
