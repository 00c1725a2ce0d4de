//! The icon in the panel and its menu, over D-Bus, against a keeper that uses
//! the stand-in for Google.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::{Item, Panel, find};
use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::{GMAIL, Stage};
use charmkeeper_tests::wait_until;
use serde_json::Value;

/// The program in the background, with its keeper ready.
async fn start(stage: &Stage) -> Going {
    let going = Going::start(desk::command(stage, ["--background"]));
    desk::wait_for_keeper(stage).await;
    going
}

async fn quit(item: Item<'_>, program: Going) {
    item.click("Quit").await;
    program.end().await.with_code(0);
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_menu_offers_everything_in_one_level() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = start(&stage).await;
    let item = panel.item().await;
    item.wait("the first state", |l| l[0].text == "Nothing to do yet")
        .await;
    assert_eq!(
        item.texts().await,
        [
            "Nothing to do yet",
            "Sync now",
            "Pause",
            "Accounts",
            "Connect Gmail…",
            "Connect Calendar…",
            "Open Charmkeeper",
            "Settings",
            "Quit",
        ]
    );
    assert!(!item.line("Nothing to do yet").await.enabled);
    assert!(!item.line("Sync now").await.enabled, "there is no charm");
    let accounts = item.line("Accounts").await.below;
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].text, "No account is connected");
    assert!(!accounts[0].enabled);
    quit(item, program).await;
    assert!(!desk::data(&stage).join("keeper.sock").exists());
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn accounts_and_states_change_in_place() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = start(&stage).await;
    let item = panel.item().await;
    item.wait("the first state", |l| l[0].text == "Nothing to do yet")
        .await;
    let idle = item.picture().await;
    let ids = |lines: &[charmkeeper_desktop_tests::panel::Line]| {
        lines.iter().map(|l| l.id).collect::<Vec<_>>()
    };
    let before = ids(&item.lines().await);

    let connected = stage.connect(SAMPLE_ACCOUNT, None).await;
    let email = connected["account"]["email"].as_str().unwrap();
    let line = format!("{email}: connected");
    item.wait("the account", |l| find(l, &line).is_some()).await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    assert!(item.line("Sync now").await.enabled);
    assert_eq!(ids(&item.lines().await), before, "the menu was rebuilt");

    stage.world().revoke_grants(SAMPLE_ACCOUNT).unwrap();
    item.click("Sync now").await;
    let ill = format!("{email}: needs sign-in");
    item.wait("the account's trouble", |l| find(l, &ill).is_some())
        .await;
    item.wait("the state line", |l| l[0].text.contains("sign"))
        .await;
    assert_ne!(item.picture().await, idle, "attention has its own picture");
    assert_eq!(ids(&item.lines().await), before, "the menu was rebuilt");
    quit(item, program).await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn pause_for_an_hour_really_pauses_and_resume_ends_it() {
    let stage = Stage::connected().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = start(&stage).await;
    let item = panel.item().await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    let going = item.picture().await;
    let resume = item.line("Resume").await;
    assert!(!resume.enabled, "nothing is paused");

    item.click("For 1 hour").await;
    item.wait("the pause", |l| {
        l.iter().any(|l| l.text.starts_with("Paused until "))
    })
    .await;
    let status = stage.ask(["status"]).await;
    let until = time(&status["paused"]["until"]);
    let now = jiff_now();
    let left = until - now;
    assert!((3500..=3600).contains(&left), "{left} seconds left");
    assert_ne!(item.picture().await, going, "paused has its own picture");

    item.click("Resume").await;
    item.wait("the end of the pause", |l| {
        l.iter().any(|l| l.text == "Pause")
    })
    .await;
    wait_until("the end of the pause", async || {
        stage.ask(["status"]).await["paused"] == Value::Null
    })
    .await;
    item.wait("nothing to resume", |l| {
        find(l, "Resume").is_some_and(|l| !l.enabled)
    })
    .await;
    quit(item, program).await;
}

/// Seconds since 1970 of an RFC 3339 time.
fn time(value: &Value) -> i64 {
    let text = value.as_str().expect("a time");
    let time: jiff::Timestamp = text.parse().expect("RFC 3339");
    time.as_second()
}

fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn sync_now_runs_every_charm() {
    let stage = Stage::connected().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = start(&stage).await;
    let item = panel.item().await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    let runs = || async {
        let runs = stage.ask(["history", "--charm", GMAIL]).await;
        runs.as_array().expect("a list").len()
    };
    let before = runs().await;
    item.click("Sync now").await;
    wait_until("another run", async || runs().await > before).await;
    quit(item, program).await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_menus_page_opens_the_window() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = start(&stage).await;
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    assert!(desk::windows(pid).await.is_empty(), "in the background");
    assert!(desk::web_processes(pid).is_empty());
    for entry in ["Connect Gmail…", "Settings", "Open Charmkeeper"] {
        item.click(entry).await;
        let windows = desk::wait_for_windows(pid, 1).await;
        wait_until("a page's process", async || {
            desk::web_processes(pid).len() == 1
        })
        .await;
        desk::close(&windows[0]).await;
        desk::wait_for_windows(pid, 0).await;
        wait_until("the end of the page's process", async || {
            desk::web_processes(pid).is_empty()
        })
        .await;
    }
    assert_eq!(
        stage.ask(["status"]).await["pid"],
        pid,
        "the keeper goes on"
    );
    quit(item, program).await;
}
