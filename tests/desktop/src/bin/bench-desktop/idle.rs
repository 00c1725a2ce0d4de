//! What the program costs while nobody looks.

use std::time::Duration;

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{processes, wait_until};

use crate::Bench;
use crate::process::Process;
use crate::start::ARGS;

pub(crate) async fn measure(bench: &mut Bench) {
    let stage = Stage::connected().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = Going::start(desk::command(&stage, ARGS));
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    let process = Process(pid);
    // What is due a moment after the start is done by then.
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.figure(
        "window never opened, private memory",
        process.private_mib(),
        "MiB",
        45.0,
    );
    wakeups(bench, "window never opened", &process).await;

    for _ in 0..3 {
        item.click("Open Charmkeeper").await;
        let windows = desk::wait_for_windows(pid, 1).await;
        wait_until("a page's process", async || alive(pid) == 1).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        desk::close(&windows[0]).await;
        desk::wait_for_windows(pid, 0).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    #[allow(clippy::cast_precision_loss, reason = "a few")]
    bench.figure("window closed, web processes", alive(pid) as f64, "", 0.0);
    bench.figure(
        "window closed after three times, private memory",
        process.private_mib(),
        "MiB",
        45.0,
    );
    wakeups(bench, "window closed", &process).await;
    item.click("Quit").await;
    program.end().await.with_code(0);
}

/// Live processes of pages.
fn alive(pid: u32) -> usize {
    let pages = desk::web_processes(pid).into_iter();
    pages.filter(|page| processes::is_alive(*page)).count()
}

async fn wakeups(bench: &mut Bench, when: &str, process: &Process) {
    let before = process.wakeups();
    tokio::time::sleep(Duration::from_secs(20)).await;
    #[allow(clippy::cast_precision_loss, reason = "small")]
    let woken = process.wakeups_since(&before) as f64 / 2.0;
    bench.figure(&format!("{when}, wake-ups in 10 s"), woken, "", 1.0);
}
