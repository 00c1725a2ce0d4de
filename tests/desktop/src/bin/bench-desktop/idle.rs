//! What the program costs while nobody looks.

use std::time::Duration;

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::bench::{Bench, Process};
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{processes, wait_until};

use crate::start::ARGS;

pub(crate) async fn measure(bench: &mut Bench) {
    let stage = Stage::connected().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = Going::start(desk::command(&stage, ARGS));
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    // A run is work; what is measured is the wait between two. Not paused: the
    // panel goes on saying how long ago the last one was.
    let charms = stage.ask(["charms"]).await;
    for charm in charms.as_array().into_iter().flatten() {
        let handle = charm["charm"].as_str().expect("a handle");
        stage.once_a_day(handle).await;
    }
    let process = Process(pid);
    settle(&process).await;
    memory(bench, "window never opened", &process);
    wakeups(bench, "window never opened", &process).await;

    for _ in 0..3 {
        item.click("Open Charmkeeper").await;
        let windows = desk::wait_for_windows(pid, 1).await;
        wait_until("a page's process", async || alive(pid) == 1).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        desk::close(&windows[0]).await;
        desk::wait_for_windows(pid, 0).await;
    }
    settle(&process).await;
    #[allow(clippy::cast_precision_loss, reason = "a few")]
    bench.figure("window closed, web processes", alive(pid) as f64, "", 0.0);
    memory(bench, "window closed after three times", &process);
    wakeups(bench, "window closed", &process).await;
    item.click("Quit").await;
    program.end().await.with_code(0);
}

/// Live processes of pages.
fn alive(pid: u32) -> usize {
    let pages = desk::web_processes(pid).into_iter();
    pages.filter(|page| processes::is_alive(*page)).count()
}

/// Pages that can be dropped and read again from the program's file count as
/// nobody's: the libraries of the window are shared with whatever else uses them.
fn memory(bench: &mut Bench, when: &str, process: &Process) {
    let files = process.private_mib() - process.dirty_mib();
    println!("      {when}: {files:.0} MiB of its files are in memory for it alone");
    bench.figure(
        &format!("{when}, private memory"),
        process.dirty_mib(),
        "MiB",
        45.0,
    );
}

/// Half a minute after the last run the connections to its host are let go, and
/// as long after the window was closed WebKit's last timers are over.
const SETTLED: Duration = Duration::from_secs(45);

async fn settle(process: &Process) {
    let before = process.wakeups();
    tokio::time::sleep(SETTLED).await;
    println!("      at first: {:?}", process.woken_since(&before));
}

/// Over a whole minute: the panel's "2 min ago" moves on once in it.
async fn wakeups(bench: &mut Bench, when: &str, process: &Process) {
    let before = process.wakeups();
    tokio::time::sleep(Duration::from_secs(60)).await;
    #[allow(clippy::cast_precision_loss, reason = "small")]
    let woken = process.wakeups_since(&before) as f64 / 6.0;
    println!("      {:?}", process.woken_since(&before));
    bench.figure(&format!("{when}, wake-ups in 10 s"), woken, "", 1.0);
}
