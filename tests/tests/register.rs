//! `charmkeeper register` by itself, with no keeper that runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_tests::remote_stage::{PASSPHRASE, RemoteStage, TICKER};

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_is_registered_by_a_command_alone_and_runs_when_a_keeper_does() {
    let stage = RemoteStage::start().await;
    let serve = stage.serve().await;
    stage.connect(&["--passphrase-stdin"], PASSPHRASE).await;
    serve.signal("TERM").await;
    serve.end().await;

    let piece = &stage.piece.piece;
    let id = piece.id.trim_start_matches("of:");
    let register = ["register", "--space", &piece.space, "--piece", id];
    let register = [&register[..], &["--integration", "test"]].concat();
    let shown = stage.ask(&register).await;
    assert_eq!(shown["charm"], TICKER, "{shown:#}");
    assert_eq!(shown["background"], true, "{shown:#}");

    let mut serve = stage.serve().await;
    serve.out_line(|line| line.contains("\"ok\"")).await;
    stage.settled().await;
}
