//! The page's process dies while it starts, which ends the whole program inside
//! WebKit: the icon and the keeper come back by themselves, in the same process,
//! and the window opens again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{PATIENCE, processes, wait_until};

/// Kills the page's process in its first moment; its number.
fn kill_the_page(pid: u32) -> u32 {
    let began = Instant::now();
    loop {
        let pages = desk::web_processes(pid);
        let Some(page) = pages.into_iter().find(|p| processes::is_alive(*p)) else {
            assert!(began.elapsed() < PATIENCE, "no process for a page came");
            continue;
        };
        let killed = std::process::Command::new("kill")
            .args(["-9", &page.to_string()])
            .status();
        assert!(killed.unwrap().success());
        return page;
    }
}

/// True when the program in this process is the one that began anew.
fn began_anew(pid: u32) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
    line.unwrap_or_default().contains("--window-died")
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_page_that_dies_while_it_starts_takes_nothing_with_it() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = Going::start(desk::command(&stage, ["--page", "/settings"]));
    desk::wait_for_keeper(&stage).await;
    let pid = processes::keeper(&desk::data(&stage)).unwrap();
    kill_the_page(pid);
    wait_until("the program anew", async || began_anew(pid)).await;

    // Icon and keeper are there, and no window; nothing was lost.
    wait_until("its keeper", async || {
        stage.ask(["status"]).await["pid"] == pid
    })
    .await;
    panel.wait_for_icons(2).await;
    let item = panel.item().await;
    item.wait("its state", |l| l[0].text == "Nothing to do yet")
        .await;
    assert!(desk::windows(pid).await.is_empty());

    // The next click opens the window.
    item.click("Open Charmkeeper").await;
    desk::wait_for_windows(pid, 1).await;
    wait_until("a page's process", async || {
        let pages = desk::web_processes(pid);
        pages.into_iter().any(processes::is_alive)
    })
    .await;
    item.click("Quit").await;
    program.end().await.with_code(0);
}
