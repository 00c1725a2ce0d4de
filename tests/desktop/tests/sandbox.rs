//! `charmkeeper` and `charmkeeper sandbox` with a display: the panel icon and
//! the window open, and everything ends together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::{Panel, find};
use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{processes, wait_until};
use tokio::process::Command;

/// The command line with a display, as a person on a desktop starts it.
fn displayed(stage: &Stage, args: &[&str]) -> Command {
    let mut command = stage.plain(args);
    command.envs(desk::environment(stage));
    command
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_sandbox_opens_the_window_with_its_sample_account() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let mut sandbox = Going::start(displayed(&stage, &["sandbox"]));
    sandbox.err_line(|l| l.contains("Signed in as")).await;
    let pid = desk::wait_for_keeper(&stage).await;
    desk::wait_for_windows(pid, 1).await;
    let item = panel.item().await;
    let line = format!("{SAMPLE_ACCOUNT}: connected");
    item.wait("the sample account", |l| find(l, &line).is_some())
        .await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    wait_until("the importers' first runs", async || {
        let runs = stage.ask(["history", "--outcome", "ok"]).await;
        runs.as_array().is_some_and(|r| r.len() >= 2)
    })
    .await;
    item.click("Quit").await;
    sandbox.end().await.with_code(0);
    assert!(!processes::is_alive(pid));
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn ending_the_sandbox_ends_its_window() {
    let stage = Stage::start().await;
    let _panel = Panel::appear(&stage.keyring.address).await;
    let mut sandbox = Going::start(displayed(&stage, &["sandbox"]));
    sandbox.err_line(|l| l.contains("Signed in as")).await;
    let pid = desk::wait_for_keeper(&stage).await;
    sandbox.signal("INT").await;
    sandbox.end().await.with_code(0);
    assert!(!processes::is_alive(pid));
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn without_a_command_it_becomes_the_desktop_program() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let other = stage.folder().join("another profile");
    let home = other.to_str().unwrap();
    let program = Going::start(displayed(&stage, &["--background", "--home", home]));
    let item = panel.item().await;
    wait_until("its keeper", async || {
        processes::keeper(&other).is_some_and(processes::is_alive)
    })
    .await;
    item.wait("the first state", |l| l[0].text == "Nothing to do yet")
        .await;
    // One process: a signal to what was started ends everything.
    program.signal("TERM").await;
    program.end().await.with_code(0);
    assert!(!other.join("keeper.sock").exists());
}
