//! The program is killed and starts again while the server still keeps its
//! sessions, which it does for half a minute: it goes on with them at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use charmkeeper_tests::program::Going;
use charmkeeper_tests::remote_stage::{RemoteStage, TICKER};
use serde_json::{Value, json};

/// How long the server keeps a session without a connection.
const KEPT: Duration = Duration::from_secs(30);

async fn sessions(stage: &RemoteStage) -> Value {
    let space = &stage.piece.piece.space;
    stage
        .server
        .tell("sessions", json!({ "space": space }))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_goes_on_with_its_session_at_once() {
    let (stage, mut serve) = RemoteStage::connected().await;
    stage.tick().await;
    stage.settled().await;
    let before = sessions(&stage).await;
    // Each opening has a token of its own.
    for round in 1..=3 {
        serve.kill().await;
        let killed = Instant::now();
        serve = stage.serve().await;
        stage.tick().await;
        stage.settled().await;
        // Otherwise it would have waited until the server forgot.
        let took = killed.elapsed();
        assert!(took < KEPT, "round {round}: {took:?}");
        assert_eq!(sessions(&stage).await, before, "round {round}");
        stage.assert_once(&format!("round {round}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_doubt_is_told_once_by_the_session_that_goes_on() {
    let (stage, serve) = RemoteStage::connected().await;
    let space = stage.piece.piece.space.clone();
    stage.tick().await;
    stage.settled().await;
    stage.server.fault("hold-after", "transact", &space).await;
    let run = Going::start(stage.command(&["run", TICKER]));
    stage.server.held().await;
    serve.kill().await;
    let killed = Instant::now();
    stage.server.calm().await;
    let _serve = stage.serve().await;
    run.end().await;
    stage.settled().await;
    let took = killed.elapsed();
    assert!(took < KEPT, "{took:?}");
    stage.assert_once("after the kill").await;
}
