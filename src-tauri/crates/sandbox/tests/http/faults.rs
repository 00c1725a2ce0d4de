//! Faults over real HTTP, the connection ones included.

use std::time::Duration;

use charmkeeper_sandbox::{Drip, Fault, SAMPLE_ACCOUNT};
use serde_json::json;

use crate::common::*;

const PROFILE: &str = "/gmail/v1/users/me/profile";
const CALENDARS: &str = "/calendar/v3/users/me/calendarList";

fn fault(target: &str) -> Fault {
    Fault {
        target: target.into(),
        ..Fault::default()
    }
}

#[tokio::test]
async fn a_status_comes_in_the_services_own_form_with_retry_after() {
    let b = start().await;
    let token = b.sign_in().await;
    for target in ["gmail", "calendar", "token"] {
        let status = if target == "token" { 400 } else { 429 };
        let one = Fault {
            status: Some(status),
            count: Some(1),
            retry_after: Some("Sat, 21 Nov 2026 09:45:00 GMT".into()),
            ..fault(target)
        };
        b.sandbox.add_fault(one).expect("a target");
    }
    let gmail = b.get(PROFILE, &token).await;
    assert_eq!(
        (gmail.status, gmail.reason().as_str()),
        (429, "rateLimitExceeded")
    );
    assert_eq!(
        gmail.headers["retry-after"],
        "Sat, 21 Nov 2026 09:45:00 GMT"
    );
    assert_eq!(gmail.json()["error"]["status"], "RESOURCE_EXHAUSTED");
    let calendar = b.get(CALENDARS, &token).await;
    assert_eq!(calendar.status, 429);
    assert!(calendar.json()["error"].get("status").is_none());
    assert_eq!(b.refresh("x").await.json()["error"], "invalid_grant");
    b.get(PROFILE, &token).await.ok();
    b.get(CALENDARS, &token).await.ok();
    assert!(b.sandbox.add_fault(fault("gmial")).is_err());
}

#[tokio::test]
async fn one_account_can_fail_alone_and_the_wait_can_be_in_the_text() {
    let b = start().await;
    let (mine, other) = (
        b.sign_in().await,
        b.sign_in_as("work@sandbox.example").await,
    );
    let limit = Fault {
        status: Some(403),
        reason: Some("userRateLimitExceeded".into()),
        account: Some(SAMPLE_ACCOUNT.into()),
        retry_text_s: Some(900),
        ..fault("gmail")
    };
    let id = b.sandbox.add_fault(limit).expect("a target");
    let refused = b.get(PROFILE, &mine).await;
    assert_eq!(refused.reason(), "userRateLimitExceeded");
    assert!(
        refused
            .text
            .contains("Retry after 2026-11-21T09:45:00.000Z"),
        "{}",
        refused.text
    );
    b.get(PROFILE, &other).await.ok();
    b.sandbox.clear_faults(Some(id));
    b.get(PROFILE, &mine).await.ok();
}

#[tokio::test]
async fn parts_of_a_batch_fail_one_by_one() {
    let b = start().await;
    let token = b.sign_in().await;
    let some = Fault {
        status: Some(429),
        skip: 1,
        count: Some(1),
        ..fault(PROFILE)
    };
    b.sandbox.add_fault(some).expect("a target");
    let part = format!("--b\r\nContent-Type: application/http\r\n\r\nGET {PROFILE}\r\n\r\n");
    let body = format!("{part}{part}{part}--b--");
    let send = || {
        b.send(
            b.http
                .post(b.url("/batch/gmail/v1"))
                .bearer_auth(&token)
                .header("content-type", "multipart/mixed; boundary=b")
                .body(body.clone()),
        )
    };
    let answer = send().await;
    assert_eq!(answer.status, 200);
    let lines: Vec<_> = answer
        .text
        .lines()
        .filter(|l| l.starts_with("HTTP/1.1"))
        .collect();
    assert_eq!(
        lines,
        [
            "HTTP/1.1 200 OK",
            "HTTP/1.1 429 Too Many Requests",
            "HTTP/1.1 200 OK"
        ]
    );
    b.sandbox
        .add_fault(Fault {
            status: Some(503),
            ..fault("batch")
        })
        .expect("a target");
    assert_eq!(send().await.status, 503);
}

#[tokio::test]
async fn a_reset_is_no_answer_and_the_next_request_is_well() {
    let b = start().await;
    let token = b.sign_in().await;
    b.sandbox
        .add_fault(Fault {
            reset: true,
            count: Some(1),
            ..fault("gmail")
        })
        .expect("a target");
    let error = b
        .http
        .get(b.url(PROFILE))
        .bearer_auth(&token)
        .send()
        .await
        .expect_err("a reset");
    assert!(!error.is_timeout() && !error.is_status(), "{error:?}");
    let last = b.sandbox.requests().pop().expect("logged");
    assert_eq!((last.status, last.fault), (0, Some(1)));
    b.get(PROFILE, &token).await.ok();
}

#[tokio::test]
async fn a_body_can_be_cut_reset_dripped_and_padded() {
    let b = start().await;
    let token = b.sign_in().await;
    let whole = b.get(PROFILE, &token).await.text;
    for reset in [false, true] {
        let cut = Fault {
            truncate: Some(10),
            reset,
            count: Some(1),
            ..fault("gmail")
        };
        b.sandbox.add_fault(cut).expect("a target");
        let response = b
            .http
            .get(b.url(PROFILE))
            .bearer_auth(&token)
            .send()
            .await
            .expect("a head");
        assert_eq!(response.status(), 200);
        assert_eq!(response.content_length(), Some(whole.len() as u64));
        assert!(response.bytes().await.is_err(), "reset: {reset}");
    }
    let drip = Drip {
        bytes: 16,
        every_ms: 1,
    };
    b.sandbox
        .add_fault(Fault {
            drip: Some(drip),
            count: Some(1),
            ..fault("gmail")
        })
        .expect("ok");
    assert_eq!(b.get(PROFILE, &token).await.text, whole);
    b.sandbox
        .add_fault(Fault {
            pad: 3_000_000,
            count: Some(1),
            ..fault("gmail")
        })
        .expect("ok");
    let padded = b.get(PROFILE, &token).await;
    assert_eq!(padded.text.len(), whole.len() + 3_000_000);
    assert_eq!(padded.text.trim_end(), whole);
}

#[tokio::test]
async fn a_captive_portal_and_a_delay_look_like_what_they_are() {
    let b = start().await;
    let token = b.sign_in().await;
    let portal = Fault {
        body: Some("<h1>Log in to the café</h1>".into()),
        count: Some(1),
        ..fault("all")
    };
    b.sandbox.add_fault(portal).expect("a target");
    let page = b.get(CALENDARS, &token).await;
    assert_eq!(
        (
            page.status,
            page.headers["content-type"].to_str().expect("text")
        ),
        (200, "text/html; charset=utf-8")
    );
    b.sandbox
        .add_fault(Fault {
            delay_ms: 600_000,
            ..fault("calendar")
        })
        .expect("a target");
    let slow = b
        .http
        .get(b.url(CALENDARS))
        .bearer_auth(&token)
        .timeout(Duration::from_millis(100));
    assert!(slow.send().await.expect_err("too slow").is_timeout());
    b.sandbox.clear_faults(None);
    b.get(CALENDARS, &token).await.ok();
    assert_eq!(
        b.control("GET", "/sandbox/faults", json!({})).await.ok(),
        json!([])
    );
}
