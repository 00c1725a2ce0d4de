//! The server is away: runs go on, and when it is back it is told everything, in
//! order and once, over a line that breaks while it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_tests::day::{self, RUNS};
use charmkeeper_tests::remote_stage::RemoteStage;
use charmkeeper_tests::wait_until;
use serde_json::json;

/// Waits until nothing waits for the server, as long as it gets on.
async fn drained(stage: &RemoteStage) {
    let waiting = || stage.number("SELECT count(*) FROM outbox");
    loop {
        let before = waiting();
        if before == 0 {
            return;
        }
        wait_until("the next hundred are told", async || {
            waiting() <= (before - 100).max(0)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_changes_is_told_in_order_and_once() {
    let (mut stage, serve) = RemoteStage::connected().await;
    stage.tick().await;
    stage.settled().await;
    let before = stage.good_runs();
    stage.server.kill().await;
    serve.signal("TERM").await;
    serve.end().await;
    day::fill(&stage);
    let waiting = stage.number("SELECT count(*) FROM outbox");
    assert_eq!(waiting.unsigned_abs(), RUNS);

    // The keeper is there before the server is.
    let serve = stage.serve().await;
    let away = stage.ask(&["space", "status"]).await;
    assert!(
        away.as_array()
            .unwrap()
            .iter()
            .all(|s| s["state"] == "offline")
    );
    stage.server.start_again().await;
    for (action, skip) in [
        ("drop-before", 300),
        ("drop-after", 400),
        ("drop-after", 200),
    ] {
        let rule = json!({ "action": action, "skip": skip });
        stage.server.tell("fault", rule).await;
    }
    drained(&stage).await;
    stage.settled().await;

    // Every element is there, made by a commit of its own, one after the other.
    let space = &stage.piece.piece.space;
    let on_server = stage.on_server(space);
    let mut last = 0;
    for run in 0..RUNS {
        let id = day::element(run);
        let found = on_server.iter().find(|(other, ..)| *other == id);
        let (_, seq, doc) = found.unwrap_or_else(|| panic!("minute {run} is lost"));
        let name = &doc.as_ref().unwrap()["value"]["name"];
        assert_eq!(name, &json!(format!("minute {run}")));
        assert!(*seq > last, "minute {run} came as {seq}, after {last}");
        last = *seq;
        let asked = json!({ "space": space, "id": id });
        if run % 100 == 0 {
            let written = stage.server.tell("count", asked).await;
            assert_eq!(written["count"], 1, "minute {run}");
        }
    }
    let numbers = stage.numbers_of(before + RUNS);
    assert_eq!(stage.numbers(), numbers, "one commit for each run");
    let (count, names) = stage.elements();
    assert_eq!(count, before + RUNS);
    let newest: Vec<_> = (RUNS - 50..RUNS).map(|n| format!("minute {n}")).collect();
    assert_eq!(names, newest);
    wait_until("both sides are the same", async || {
        stage.difference().is_none()
    })
    .await;
    let told = "SELECT count(*) FROM runs WHERE sync = 'synced'";
    assert_eq!(stage.number(told).unsigned_abs(), before + RUNS);
    serve.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_makes_documents_while_the_server_is_away() {
    let (mut stage, serve) = RemoteStage::connected().await;
    let before = stage.good_runs();
    stage.server.kill().await;
    // Documents that this computer never asked for are those that the run makes.
    for _ in 0..3 {
        let run = stage.tick().await;
        assert_eq!(run["sync"], "queued", "{run:#}");
    }
    stage.server.start_again().await;
    stage.settled().await;
    stage.assert_once("back again").await;
    assert_eq!(stage.good_runs(), before + 3);
    serve.kill().await;
}
