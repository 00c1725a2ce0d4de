//! The window: how soon it can be used, and how soon a long history shows.

use std::path::Path;
use std::time::{Duration, Instant};

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::bench::{Bench, median};
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::wait_until;
use serde_json::{Value, json};

const TIMES: usize = 10;
/// A release build refuses another address for Google unless told.
pub(crate) const ARGS: [&str; 1] = ["--allow-insecure-endpoints"];

/// A page can be used when its heading and the state are drawn.
const USABLE: &str = "return document.querySelector('h1') !== null \
    && document.querySelector('header .sentence') !== null \
    && document.querySelector('header .sentence').innerText !== 'Starting'";

/// From the click in the panel to a window that can be used, read through the
/// driver: its own time is in the figure.
pub(crate) async fn clicks(bench: &mut Bench) {
    let stage = Stage::connected().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let mut page = Page::open(&stage, &ARGS).await;
    page.invoke(
        "change_settings",
        &json!({ "args": { "introduced": true } }),
    )
    .await;
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let windows = desk::wait_for_windows(pid, 1).await;
        desk::close(&windows[0]).await;
        desk::wait_for_windows(pid, 0).await;
        wait_until("the end of the page's process", async || {
            desk::web_processes(pid).is_empty()
        })
        .await;
        let began = Instant::now();
        item.click("Open Charmkeeper").await;
        page.wait_for_next_window().await;
        while page.run(USABLE).await != Value::Bool(true) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    bench.figure(
        "click to usable window, median of ten",
        median(times),
        "ms",
        700.0,
    );
    page.close().await;
}

/// Goes to the history and says how long its first rows took to be drawn, all in
/// the page: milliseconds.
const OPEN_HISTORY: &str = r#"
const frame = () => new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 200); });
location.hash = '#/settings';
while (document.querySelector("h1")?.innerText !== "Settings") await frame();
await frame();
const began = performance.now();
location.hash = '#/history';
while (document.querySelectorAll("[role=treegrid] .line.run, [role=treegrid] .line.fold").length < 5) {
  if (performance.now() - began > 20000) return -1;
  await new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); });
}
document.querySelector("[role=treegrid]").getBoundingClientRect();
await frame();
return performance.now() - began;
"#;

/// The history of a million runs in the window.
pub(crate) async fn history(bench: &mut Bench, home: &Path) {
    let stage = Stage::start().await;
    let home = home.to_str().expect("a path in UTF-8");
    let page = Page::open(&stage, &["--home", home, ARGS[0]]).await;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let took = page.run_async(OPEN_HISTORY).await;
        let took = took.as_f64().unwrap_or_else(|| panic!("{took}"));
        assert!(took > 0.0, "the history did not show");
        times.push(took);
    }
    let kept = page.texts(".count").await;
    println!("      the first time: {:.0} ms; {kept:?}", times[0]);
    bench.figure(
        "history of a million runs to its first rows, median of ten",
        median(times),
        "ms",
        300.0,
    );
    page.close().await;
}
