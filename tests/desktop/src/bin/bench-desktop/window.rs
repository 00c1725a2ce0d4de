//! The window: how soon it can be used, how soon a long history shows, and
//! whether it answers while much happens.

use std::path::Path;
use std::time::{Duration, Instant};

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::{Item, Panel};
use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::wait_until;
use serde_json::{Value, json};

use crate::{Bench, median};

const TIMES: usize = 10;
/// A release build refuses another address for Google unless told.
const ARGS: [&str; 1] = ["--allow-insecure-endpoints"];

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

const MESSAGES: u32 = 10_000;
/// A task longer than this is felt.
const LONGEST_MS: f64 = 50.0;
/// A run takes so many, as the built-in importer does.
const PER_RUN: u32 = 200;

/// Measures from now on how long the page's main thread was kept from a task
/// that asks for its turn again and again.
const WATCH: &str = r#"
const gaps = { longest: 0, over: 0, count: 0, began: performance.now() };
window.gaps = gaps;
const channel = new MessageChannel();
let last = performance.now();
channel.port1.onmessage = () => {
  const now = performance.now();
  const gap = now - last;
  gaps.count += 1;
  if (gap > 50) gaps.over += 1;
  if (gap > gaps.longest) gaps.longest = gap;
  if (window.gaps !== gaps) return;
  setTimeout(() => { last = performance.now(); channel.port2.postMessage(0); }, 0);
};
channel.port2.postMessage(0);
return true;
"#;

/// A mailbox of 10,000 messages is synced while the history is on the screen.
pub(crate) async fn sync(bench: &mut Bench) {
    let stage = Stage::with(|config| config.messages = MESSAGES).await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let page = Page::open(&stage, &ARGS).await;
    let item = panel.item().await;
    connect(&stage, &page).await;
    let importer = add_importer(&page).await;
    page.run("location.hash = '#/history'; return true").await;
    page.wait(
        "the history",
        "return document.querySelector('[role=treegrid]') !== null",
    )
    .await;

    // The same measure while nothing happens: what this computer adds.
    page.run(WATCH).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let rest = gaps(&page).await;
    told("at rest", &rest);

    page.run(WATCH).await;
    let began = Instant::now();
    for run in 0..=MESSAGES / PER_RUN {
        sync_once(&page, &item, &importer).await;
        // A person looks at one of them.
        if run == 2 {
            told("until a run is opened", &gaps(&page).await);
            let first = "[role=treegrid] .line.run";
            page.click("css selector", first).await;
        }
    }
    let took = began.elapsed().as_secs_f64();
    let gaps = gaps(&page).await;
    let read = stage.google.requests();
    let read = read
        .iter()
        .filter(|r| r.in_batch && r.status == 200)
        .count();
    println!("      {read} messages read in {took:.0} s");
    told("while syncing", &gaps);
    if longest(&rest) > LONGEST_MS {
        println!("      the computer was too busy to tell: even at rest the page waited for it");
    }
    bench.figure(
        "10,000 messages syncing, longest task of the page's main thread",
        longest(&gaps),
        "ms",
        LONGEST_MS,
    );
    page.close().await;
}

/// One run of every charm, from the panel, and the end of this one's.
async fn sync_once(page: &Page, item: &Item<'_>, charm: &str) {
    let before = runs(page, charm).await;
    item.click("Sync now").await;
    while runs(page, charm).await == before {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn gaps(page: &Page) -> Value {
    page.run("return window.gaps").await
}

fn longest(gaps: &Value) -> f64 {
    gaps["longest"].as_f64().expect("a number")
}

fn told(when: &str, gaps: &Value) {
    println!(
        "      {when}: longest {:.1} ms, {} of {} above 50 ms",
        longest(gaps),
        gaps["over"],
        gaps["count"],
    );
}

/// How many runs of a charm have ended, up to a page of them.
async fn runs(page: &Page, charm: &str) -> usize {
    let filter = json!({ "args": { "charm": charm, "changed": false, "limit": 500 } });
    let runs = page.invoke("history", &filter).await;
    let runs = runs.as_array().into_iter().flatten();
    runs.filter(|run| run["outcome"].is_string()).count()
}

/// Signs the sample account in through the page's own command.
async fn connect(stage: &Stage, page: &Page) {
    let begin = "window.answer = null; window.__TAURI_INTERNALS__.invoke('connect', {args: \
        {services: ['gmail'], client: null, print_url: false, account: null}})\
        .then(a => window.answer = a, e => window.answer = {error: e}); return true";
    page.run(begin).await;
    wait_until("the browser", async || !desk::opened(stage).is_empty()).await;
    let url = url::Url::parse(&desk::opened(stage)[0]).expect("an address");
    let done = stage.world().complete(&url, SAMPLE_ACCOUNT, None).await;
    assert_eq!(done.expect("the page answers"), 200);
    page.wait("the answer", "return window.answer !== null")
        .await;
}

/// An importer that takes the whole mailbox; its handle.
async fn add_importer(page: &Page) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../patterns/gmail-importer.tsx");
    let argument = json!({ "emails": [], "settings": {
        "gmailFilterQuery": "", "limit": 0, "perRun": PER_RUN
    }});
    let added = page
        .invoke(
            "add",
            &json!({ "args": {
                "source": source, "space": null, "argument": argument, "hosts": []
            }}),
        )
        .await;
    let handle = added["charm"].as_str();
    handle.unwrap_or_else(|| panic!("{added}")).to_owned()
}
