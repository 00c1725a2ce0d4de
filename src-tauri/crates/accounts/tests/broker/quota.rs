//! Rate limits: one pause per account, for every charm.

use std::time::Duration;

use charmkeeper_accounts::broker::{BrokerConfig, RunBudget};
use charmkeeper_base::http::CallError;
use charmkeeper_base::{ErrorKind, UnixMs};

use super::support::*;

fn after(seconds: u64) -> Option<UnixMs> {
    Some(NOW.plus(Duration::from_secs(seconds)))
}

/// The error of the first request to a server that answers like this.
async fn refused(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: String,
) -> CallError {
    let w = World::new(move |_, _| with(status, headers, &body)).await;
    let fetched = w.fetch(get(PROFILE)).await;
    assert_eq!(
        fetched.result.unwrap().status,
        status,
        "the charm sees the answer itself"
    );
    fetched.record.error.unwrap()
}

#[tokio::test]
async fn retry_after_in_its_forms_sets_the_moment() {
    let limit = || google_error(429, "rateLimitExceeded", "Too many.");
    for (headers, seconds) in [
        (&[("retry-after", "30")] as &'static [_], 30),
        (&[("retry-after", "Sat, 21 Nov 2026 09:05:00 GMT")], 300),
        (
            &[
                ("retry-after", "Sat, 21 Nov 2026 08:05:00 GMT"),
                ("date", "Sat, 21 Nov 2026 08:00:00 GMT"),
            ],
            300,
        ),
        (&[("retry-after", "31536000")], 3600),
        (&[("retry-after", "Sun, 21 Nov 2027 09:00:00 GMT")], 3600),
    ] {
        let error = refused(429, headers, limit()).await;
        assert_eq!(error.kind, ErrorKind::Quota);
        assert_eq!(error.retry_at, after(seconds), "{headers:?}");
    }
    // Without one, our own backoff: five seconds and up to a fifth.
    let error = refused(429, &[], limit()).await;
    let wait = error.retry_at.unwrap().since(NOW).as_millis();
    assert!((5_000..=6_000).contains(&wait), "{wait}");
    let year = refused(429, &[("retry-after", "31536000")], limit()).await;
    assert!(year.message.contains("8760 hours"), "{}", year.message);
    assert!(
        year.message.contains("2026-11-21T10:00:00"),
        "{}",
        year.message
    );
}

#[tokio::test]
async fn the_wait_in_the_text_counts() {
    let text = "User-rate limit exceeded.  Retry after 2026-11-21T09:15:00.000Z";
    let error = refused(403, &[], google_error(403, "userRateLimitExceeded", text)).await;
    assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, after(900)));
}

#[tokio::test]
async fn a_missing_scope_is_no_pause() {
    let w =
        World::new(|_, _| json(403, &google_error(403, "insufficientPermissions", "No."))).await;
    let fetched = w.fetch(get(CALENDARS)).await;
    assert_eq!(fetched.result.unwrap().status, 403);
    let error = fetched.record.error.unwrap();
    assert_eq!((error.kind, error.retry_at), (ErrorKind::Scope, None));
    assert!(
        error.message.starts_with("Calendar was not granted"),
        "{}",
        error.message
    );
    assert_eq!(w.broker.pauses(), vec![]);
}

#[tokio::test]
async fn a_pause_is_shared_by_all_charms_of_the_account_and_by_no_other_account() {
    let w = World::new(|_, n| match n {
        0 => with(429, &[("retry-after", "900")], "{}"),
        _ => json(200, "{}"),
    })
    .await;
    w.fetch(get(PROFILE)).await;
    let mut other = policy();
    other.charm = "another".into();
    let budget = RunBudget::new(&other.caps);
    let fetched = w.broker.fetch(&other, &budget, get(CALENDARS)).await;
    let error = fetched.result.unwrap_err();
    assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, after(900)));
    assert!(
        error.message.contains("2026-11-21T09:15:00"),
        "{}",
        error.message
    );
    assert_eq!(w.server.seen().len(), 1, "a paused account sends nothing");
    // Account b, and requests without an account, go on.
    let b = request("GET", PROFILE, &[("Authorization", "Bearer kc:b")], b"");
    assert_eq!(w.answer(b).await.status, 200);
    assert_eq!(w.answer(plain(PROFILE)).await.status, 200);
    w.clock.advance(Duration::from_secs(899));
    assert!(w.fetch(get(PROFILE)).await.result.is_err());
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(w.answer(get(PROFILE)).await.status, 200);
}

#[tokio::test]
async fn a_pause_survives_a_restart() {
    let w = World::new(|_, _| with(429, &[("retry-after", "900")], "{}")).await;
    w.fetch(get(PROFILE)).await;
    let stored = serde_json::to_string(&w.broker.pauses()).unwrap();
    assert!(!stored.contains("ya29"), "{stored}");
    let base = format!("http://{}", w.server.addr);
    let later = broker(&base, &w.tokens, &w.clock, &BrokerConfig::default());
    later.restore(serde_json::from_str(&stored).unwrap());
    let error = later
        .fetch(&w.policy, &w.budget, get(PROFILE))
        .await
        .result
        .unwrap_err();
    assert_eq!(error.retry_at, after(900));
    assert_eq!(w.server.seen().len(), 1);
}

#[tokio::test]
async fn refusals_in_a_row_wait_longer_and_a_success_ends_the_row() {
    let w = World::new(|_, n| match n {
        3 => json(200, "{}"),
        _ => json(429, "{}"),
    })
    .await;
    let mut waits = Vec::new();
    for _ in 0..5 {
        let now = charmkeeper_base::Clock::now(w.clock.as_ref());
        let fetched = w.fetch(get(PROFILE)).await;
        let wait = fetched
            .record
            .error
            .and_then(|e| e.retry_at)
            .map(|at| at.since(now));
        waits.push(wait.unwrap_or_default().as_millis());
        w.clock.advance(wait.unwrap_or(Duration::from_secs(1)));
    }
    for (wait, least) in waits.iter().zip([5_000, 10_000, 20_000, 0, 5_000]) {
        assert!((least..=least + least / 5).contains(wait), "{waits:?}");
    }
}

#[tokio::test]
async fn a_rate_limit_inside_a_batch_pauses_its_account_only() {
    let text = "User-rate limit exceeded.  Retry after 2026-11-21T09:15:00.000Z";
    let limit = google_error(403, "userRateLimitExceeded", text);
    let w = World::new(move |_, n| match n {
        0 => batch_reply(&[(200, "{}"), (403, &limit), (404, "{}")]),
        _ => json(200, "{}"),
    })
    .await;
    let fetched = w
        .fetch(batch(&[("a", "/1"), ("b", "/2"), ("a", "/3")]))
        .await;
    assert_eq!(fetched.result.unwrap().status, 200);
    let error = fetched.record.error.unwrap();
    assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, after(900)));
    assert!(
        error.message.starts_with("1 of 3 parts"),
        "{}",
        error.message
    );
    let paused: Vec<String> = w.broker.pauses().into_iter().map(|p| p.account).collect();
    assert_eq!(paused, ["b"]);
    assert_eq!(w.answer(get(PROFILE)).await.status, 200);
    assert!(
        w.fetch(batch(&[("a", "/1"), ("b", "/2")]))
            .await
            .result
            .is_err()
    );
    assert_eq!(
        w.budget.unrecovered().count,
        2,
        "the failed part, and the part never sent"
    );
}

#[tokio::test]
async fn a_batch_costs_the_sum_of_its_parts() {
    let w = World::new(|_, _| batch_reply(&[])).await;
    // 2,400 units can be spent at once; ten batches of ten messages are 2,000.
    let ten = [("a", "/gmail/v1/users/me/messages/1?format=full"); 10];
    for _ in 0..10 {
        assert!(w.fetch(batch(&ten)).await.result.is_ok());
    }
    // 160 threads would be 6,400: 400 are there, 6,000 come at 60 per second.
    let threads = [("a", "/gmail/v1/users/me/threads/1"); 160];
    let error = w.fetch(batch(&threads)).await.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Quota);
    let wait = error.retry_at.unwrap().since(NOW).as_secs();
    assert!((100..=101).contains(&wait), "{wait}");
    // What it would have cost account b is b's own.
    let b = [("b", "/gmail/v1/users/me/threads/1"); 60];
    assert!(w.fetch(batch(&b)).await.result.is_ok());
}
