//! The limits of one run and its record.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use charmkeeper_accounts::broker::RunBudget;
use charmkeeper_base::ErrorKind;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::support::*;

#[tokio::test]
async fn ten_thousand_parallel_requests_are_eight_at_a_time_and_end_at_the_limit() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let mut w =
        World::new(move |_, _| Reply::When(Arc::clone(&held), Box::new(json(200, "{}")))).await;
    w.policy.caps.max_requests = 40;
    w.budget = RunBudget::new(&w.policy.caps);
    let all = join_all((0..10_000).map(|_| w.fetch(plain(PROFILE))));
    // The server lets answers go only while it watches how many wait.
    let watch = async {
        for done in 0..40 {
            while w.server.seen.lock().unwrap().len() < (done + 8).min(40) {
                tokio::task::yield_now().await;
            }
            let under_way = w.server.seen.lock().unwrap().len() - done;
            assert!(under_way <= 8, "{under_way}");
            gate.add_permits(1);
        }
        // Should more get through, they must not hang.
        gate.add_permits(10_000);
    };
    let (all, ()) = tokio::join!(all, watch);
    let (fine, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(|f| f.result.is_ok());
    assert_eq!((fine.len(), refused.len()), (40, 9_960));
    let error = refused[0].record.error.clone().unwrap();
    assert_eq!(error.kind, ErrorKind::Charm);
    assert!(
        error.message.contains("more than 40 requests"),
        "{}",
        error.message
    );
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 40);
    // The record of a run does not grow with what is refused.
    assert_eq!(w.budget.records().len(), 140);
    assert_eq!(w.budget.left_out(), 9_860);
}

#[tokio::test]
async fn bodies_have_limits_one_by_one_and_together() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let mut w =
        World::new(move |_, _| Reply::When(Arc::clone(&held), Box::new(json(200, "{}")))).await;
    w.policy.caps.max_request_body = 100;
    w.policy.caps.max_pending = 150;
    w.budget = RunBudget::new(&w.policy.caps);
    let post = |size: usize| request("POST", PROFILE, &[], &vec![b'x'; size]);
    let error = w.fetch(post(101)).await.result.unwrap_err();
    assert!(
        error.message.contains("the limit is 100"),
        "{}",
        error.message
    );
    let first = w.fetch(post(100));
    let second = async {
        while w.server.seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let refused = w.fetch(post(51)).await;
        gate.add_permits(1);
        refused
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.result.is_ok());
    let error = second.result.unwrap_err();
    assert!(error.message.contains("under way"), "{}", error.message);
    // The place is given back.
    gate.add_permits(1);
    assert!(w.fetch(post(100)).await.result.is_ok());
}

#[tokio::test]
async fn calls_stand_in_the_order_in_which_they_were_made() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let w = World::new(move |seen, _| match seen.target.as_str() {
        "/first" => Reply::When(Arc::clone(&held), Box::new(json(200, "{}"))),
        _ => json(500, "{}"),
    })
    .await;
    let first = w.fetch(plain("https://gmail.googleapis.com/first"));
    let rest = async {
        while w.server.seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        w.fetch(request(
            "POST",
            "https://gmail.googleapis.com/second?q=secret",
            &[],
            b"abc",
        ))
        .await;
        w.clock.advance(Duration::from_millis(250));
        gate.add_permits(1);
        w.fetch(plain("https://evil.org/third")).await;
    };
    tokio::join!(first, rest);
    let records = w.budget.records();
    let paths: Vec<_> = records.iter().map(|r| r.path.as_str()).collect();
    assert_eq!(paths, ["/first", "/second", "/third"]);
    assert_eq!(records[0].duration_ms, 250);
    assert_eq!((records[1].bytes_out, records[1].bytes_in), (3, 2));
    assert_eq!(records[1].status, Some(500));
    assert_eq!(records[2].host, "evil.org");
    assert_eq!(records[2].error.as_ref().unwrap().kind, ErrorKind::Usage);
    assert!(!serde_json::to_string(&records).unwrap().contains("secret"));
}

#[tokio::test]
async fn an_aborted_request_is_recorded_and_gives_everything_back() {
    let w = World::new(|seen, _| match seen.target.as_str() {
        "/hang" => Reply::Stall(Vec::new()),
        _ => json(200, "{}"),
    })
    .await;
    for _ in 0..20 {
        let seen_before = w.server.seen().len();
        tokio::select! {
            _ = w.fetch(get("https://gmail.googleapis.com/hang")) => panic!("it cannot end"),
            () = async {
                while w.server.seen.lock().unwrap().len() == seen_before {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
    }
    let records = w.budget.records();
    assert_eq!(records.len(), 20);
    assert!(
        records
            .iter()
            .all(|r| r.error.as_ref().unwrap().message.contains("abandoned"))
    );
    assert_eq!(w.answer(get(PROFILE)).await.status, 200);
    assert_eq!(
        w.budget.unrecovered().count,
        1,
        "the same request, twenty times"
    );
}

#[tokio::test]
async fn a_failure_counts_until_the_same_request_succeeds() {
    let w = World::new(|_, n| {
        if n == 0 {
            json(500, "{}")
        } else {
            json(200, "{}")
        }
    })
    .await;
    w.fetch(get(PROFILE)).await;
    let left = w.budget.unrecovered();
    assert_eq!(
        (left.count, left.first.unwrap().kind),
        (1, ErrorKind::Provider)
    );
    // Another request, or another account's, makes nothing good.
    w.fetch(get(&format!("{PROFILE}?other"))).await;
    w.fetch(request(
        "GET",
        PROFILE,
        &[("Authorization", "Bearer kc:b")],
        b"",
    ))
    .await;
    assert_eq!(w.budget.unrecovered().count, 1);
    w.fetch(get(PROFILE)).await;
    assert_eq!(w.budget.unrecovered().count, 0);
    assert_eq!(w.budget.records().len(), 4);
}
