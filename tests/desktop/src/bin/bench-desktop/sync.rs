//! Whether the page answers while a large mailbox is synced.

use std::path::Path;
use std::time::{Duration, Instant};

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::{Item, Panel};
use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::bench::Bench;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::wait_until;
use serde_json::json;

use crate::gaps::{LONGEST_MS, Watch};
use crate::window::ARGS;

const MESSAGES: u32 = 10_000;
/// A run takes so many, as the built-in importer does.
const PER_RUN: u32 = 200;

/// A mailbox of 10,000 messages is synced while the history is on the screen.
pub(crate) async fn measure(bench: &mut Bench) {
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

    let pid = desk::wait_for_keeper(&stage).await;
    let thread = desk::web_processes(pid)[0];
    // The same measure while nothing happens: what this computer adds.
    let rest = Watch::begin(&page, thread).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    rest.end(&page, "at rest").await;

    let mut watch = Watch::begin(&page, thread).await;
    let mut longest = 0.0_f64;
    let began = Instant::now();
    for run in 0..=MESSAGES / PER_RUN {
        sync_once(&stage, &item, &importer).await;
        // A person looks at one of them.
        if run == 2 {
            longest = longest.max(watch.end(&page, "until a run is opened").await);
            watch = Watch::begin(&page, thread).await;
            let first = "[role=treegrid] .line.run";
            page.click("css selector", first).await;
        }
    }
    let took = began.elapsed().as_secs_f64();
    longest = longest.max(watch.end(&page, "with its details open").await);
    let read = stage.google.requests();
    let read = read
        .iter()
        .filter(|r| r.in_batch && r.status == 200)
        .count();
    println!("      {read} messages read in {took:.0} s");
    bench.figure(
        "10,000 messages syncing, longest task of the page's main thread",
        longest,
        "ms",
        LONGEST_MS,
    );
    page.close().await;
}

/// One run of every charm, from the panel, and the end of this one's. Looked at
/// from outside: what the page is asked would be work of its main thread.
async fn sync_once(stage: &Stage, item: &Item<'_>, charm: &str) {
    let before = stage.ended(charm).await;
    item.click("Sync now").await;
    while stage.ended(charm).await == before {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
