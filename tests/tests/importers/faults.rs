//! Requests that fail in the middle of the work.

use charmkeeper_sandbox::Fault;
use charmkeeper_tests::stage::{CALENDAR, GMAIL, Stage};
use charmkeeper_tests::wait_until;
use serde_json::json;

use crate::{ACCOUNT, now, since};

#[tokio::test]
async fn messages_that_fail_inside_a_batch_are_read_in_the_next_run() {
    let stage = Stage::connected().await;
    // As often as needed for the batch to fail after every second try.
    let fault = stage.fault("/gmail/v1/users/me/messages/", |f| {
        f.skip = 3;
        f.status = Some(500);
    });
    let run = stage.expect_run(GMAIL, "partial").await;
    assert_eq!(run["error"]["kind"], "provider", "{run:#}");
    stage.google.clear_faults(Some(fault));
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;

    // The same for changes: the place in the history waits for them.
    for _ in 0..4 {
        stage.world().arrive_mail(ACCOUNT).unwrap();
    }
    let fault = stage.fault("/gmail/v1/users/me/messages/", |f| {
        f.skip = 1;
        f.status = Some(503);
    });
    stage.expect_run(GMAIL, "partial").await;
    stage.google.clear_faults(Some(fault));
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;
}

#[tokio::test]
async fn what_came_before_a_failure_is_not_read_again() {
    let stage = Stage::connected().await;
    let before = now(&stage);
    let fault = stage.fault("batch", |f| {
        f.skip = 1;
        f.status = Some(500);
    });
    let run = stage.expect_run(GMAIL, "partial").await;
    assert_eq!(run["error"]["kind"], "provider", "{run:#}");
    let held = stage.cells(GMAIL, "emails").await;
    assert_eq!(held.as_array().unwrap().len(), 20, "one batch");
    stage.google.clear_faults(Some(fault));
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;
    let mut parts: Vec<_> = since(&stage, before)
        .into_iter()
        .filter(|r| r.in_batch)
        .map(|r| r.path)
        .collect();
    let all = parts.len();
    parts.sort();
    parts.dedup();
    assert_eq!(parts.len(), all, "a message was read twice");
}

#[tokio::test]
async fn too_many_requests_inside_a_batch_pause_the_account_and_lose_nothing() {
    let stage = Stage::connected().await;
    let fault = stage.fault("/gmail/v1/users/me/messages/", |f| {
        f.skip = 3;
        f.status = Some(429);
        f.reason = Some("rateLimitExceeded".into());
    });
    let run = stage.expect_run(GMAIL, "partial").await;
    assert_eq!(run["error"]["kind"], "quota", "{run:#}");
    stage.google.clear_faults(Some(fault));
    wait_until("the account's pause ends", async || {
        stage.run_charm(GMAIL).await["error"].is_null()
    })
    .await;
    stage.assert_mail().await;
}

#[tokio::test]
async fn one_calendar_that_fails_leaves_the_others_alone() {
    let stage = Stage::connected().await;
    let calendars = stage.world().calendars(ACCOUNT).unwrap();
    let other = calendars.iter().find(|c| !c.primary).unwrap();
    let encoded: String = url::form_urlencoded::byte_serialize(other.id.as_bytes()).collect();
    let path = format!("/calendar/v3/calendars/{encoded}/events");
    let fault = stage.fault(&path, |f| f.status = Some(500));
    let run = stage.expect_run(CALENDAR, "partial").await;
    assert_eq!(run["error"]["kind"], "provider", "{run:#}");
    let held = stage.cells(CALENDAR, "events").await;
    let held = held.as_array().unwrap();
    assert!(held.iter().any(|e| e["calendarId"] == ACCOUNT));
    assert!(!held.iter().any(|e| e["calendarId"] == other.id.as_str()));

    stage.google.clear_faults(Some(fault));
    let run = stage.expect_run(CALENDAR, "ok").await;
    stage.assert_events(&run).await;
}

#[tokio::test]
async fn a_service_that_is_down_is_blamed_and_nothing_is_written() {
    let stage = Stage::connected().await;
    for change in [
        |f: &mut Fault| f.status = Some(503),
        |f: &mut Fault| f.reset = true,
        |f: &mut Fault| f.truncate = Some(40),
    ] {
        let fault = stage.fault("/gmail/v1/users/me/messages", change);
        let run = stage.expect_run(GMAIL, "failed").await;
        assert_eq!(run["error"]["kind"], "provider", "{run:#}");
        assert_eq!(
            (&run["changed"], &run["cells_changed"]),
            (&json!(0), &json!([]))
        );
        stage.google.clear_faults(Some(fault));
    }
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;
}

#[tokio::test]
async fn a_captive_portal_is_no_data() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    let portal = stage.fault("gmail", |f| {
        f.status = Some(200);
        f.body = Some("<html><body>Welcome to the hotel</body></html>".into());
    });
    let run = stage.run_charm(GMAIL).await;
    assert_ne!(run["outcome"], "ok", "{run:#}");
    assert_eq!(run["changed"], 0, "{run:#}");
    stage.google.clear_faults(Some(portal));
    stage.world().arrive_mail(ACCOUNT).unwrap();
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;
}
