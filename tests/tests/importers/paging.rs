//! A mailbox that is larger than what one run takes.

use charmkeeper_sandbox::MessageTruth;
use charmkeeper_tests::expected::is_listed;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::{GMAIL, Stage};
use charmkeeper_tests::wait_until;
use serde_json::Value;

use crate::ACCOUNT;

const FEW: &str = r#"{"settings": {"gmailFilterQuery": "", "limit": 0, "perRun": 30}}"#;

async fn large() -> Stage {
    let stage = Stage::with(|config| config.messages = 110).await;
    stage.connect(ACCOUNT, None).await;
    stage
}

fn ids(emails: &Value) -> Vec<String> {
    let all = emails.as_array().unwrap();
    let mut ids: Vec<_> = all
        .iter()
        .map(|e| e["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

/// Ids of the newest messages that Gmail lists.
fn newest(stage: &Stage, count: usize) -> Vec<String> {
    let all = stage.world().messages(ACCOUNT).unwrap();
    let mut all: Vec<MessageTruth> = all.into_iter().filter(is_listed).collect();
    all.sort_by_key(|m| std::cmp::Reverse(m.internal_date));
    let mut ids: Vec<_> = all.into_iter().take(count).map(|m| m.id).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn the_newest_come_first_and_the_rest_follows() {
    let stage = large().await;
    let first = stage.ask(["run", GMAIL, "--argument", FEW]).await;
    assert_eq!(first["outcome"], "ok", "{first:#}");
    let held = ids(&stage.cells(GMAIL, "emails").await);
    assert_eq!(held, newest(&stage, 30));

    // Changes do not wait for the end of the walk.
    let arrived = stage.world().arrive_mail(ACCOUNT).unwrap();
    stage.world().delete_message(ACCOUNT, &held[0]).unwrap();
    stage.expect_run(GMAIL, "ok").await;
    let second = ids(&stage.cells(GMAIL, "emails").await);
    assert!(second.contains(&arrived) && !second.contains(&held[0]));
    assert!((55..70).contains(&second.len()), "{}", second.len());

    for _ in 0..5 {
        stage.run_charm(GMAIL).await;
    }
    stage.assert_mail().await;
    stage.expect_run(GMAIL, "ok-unchanged").await;
}

#[tokio::test]
async fn a_keeper_that_is_killed_between_runs_goes_on_where_it_was() {
    let stage = large().await;
    let serve = stage.serve().await;
    stage.ask(["pause", GMAIL]).await;
    stage.ask(["run", GMAIL, "--argument", FEW]).await;
    let held = ids(&stage.cells(GMAIL, "emails").await);
    serve.kill().await;

    let serve = stage.serve().await;
    assert_eq!(ids(&stage.cells(GMAIL, "emails").await), held);
    stage.expect_run(GMAIL, "ok").await;
    serve.kill().await;

    for _ in 0..4 {
        stage.run_charm(GMAIL).await;
    }
    stage.assert_mail().await;
}

#[tokio::test]
async fn a_run_that_is_killed_half_way_is_interrupted_and_leaves_nothing_half_written() {
    let stage = large().await;
    stage.ask(["run", GMAIL, "--argument", FEW]).await;
    let held = stage.cells(GMAIL, "emails").await;
    let before = stage.google.requests().len();
    // The first batch of the next run is answered, the second one never.
    stage.fault("batch", |f| {
        f.skip = 1;
        f.delay_ms = 600_000;
    });
    let run = Going::start(stage.command(["run", GMAIL]));
    wait_until("a batch is answered", async || {
        let requests = stage.google.requests();
        requests[before..]
            .iter()
            .any(|r| r.path.starts_with("/batch"))
    })
    .await;
    run.kill().await;
    stage.google.clear_faults(None);

    assert_eq!(stage.cells(GMAIL, "emails").await, held);
    let history = stage.ask(["history", "--charm", GMAIL]).await;
    assert_eq!(history[0]["outcome"], "interrupted", "{history:#}");
    assert_eq!(history[0]["changed"], 0);

    for _ in 0..5 {
        stage.run_charm(GMAIL).await;
    }
    stage.assert_mail().await;
}
