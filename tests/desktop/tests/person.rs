//! The whole way of a person: the first start, signing in from the panel, the
//! first sync as it goes, its run and what it changed, a pause, the end, and
//! everything as it was left at the next start.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::{Panel, find};
use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::stage::{GMAIL, Stage};
use charmkeeper_tests::{processes, wait_until};
use serde_json::Value;

const MESSAGES: u32 = 120;
/// Each answer to a batch of messages takes so long, so that there is progress
/// to watch.
const SLOW_MS: u64 = 2500;

/// The first line of the menu in a pause without an end.
const PAUSED: &str = "Paused until resumed";

/// So many changes are drawn of a run before more are asked for.
const PAGE: usize = 25;

/// The rows of the history, folds and days left out.
const ROWS: &str = "[role=treegrid] .line.run";

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn from_the_first_start_to_the_next() {
    let stage = Stage::with(|config| config.messages = MESSAGES).await;
    let slow = stage.fault("batch", |fault| fault.delay_ms = SLOW_MS);
    let panel = Panel::appear(&stage.keyring.address).await;

    // The first start.
    let page = Page::open(&stage, &[]).await;
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    page.see_words("h1", "Welcome to Charmkeeper").await;
    let choices = page.see(".choice .name", |names| names.len() == 3).await;
    assert_eq!(
        choices,
        ["Connect Google", "Try the sandbox", "Add a charm"]
    );
    item.wait("nothing yet", |l| l[0].text == "Nothing to do yet")
        .await;

    sign_in(&stage, &page, &item).await;
    let run = watch_the_first_sync(&page).await;
    stage.google.clear_faults(Some(slow));
    let diff = read_the_run(&stage, &page).await;
    item.wait("the account", |l| {
        find(l, &format!("{SAMPLE_ACCOUNT}: connected")).is_some()
    })
    .await;

    // A pause, from the panel.
    item.wait("all is well", |l| l[0].text.starts_with("All synced"))
        .await;
    item.click("Until resumed").await;
    item.wait("the pause", |l| l[0].text == PAUSED).await;
    page.see_words("header button", "Resume").await;
    page.see_words("header .sentence", PAUSED).await;
    let runs = runs(&stage).await;

    let pages = desk::web_processes(pid);
    assert_eq!(pages.len(), 1);
    item.click("Quit").await;
    wait_until("the end, of the page's process too", async || {
        !processes::is_alive(pid) && !processes::is_alive(pages[0])
    })
    .await;
    drop(page);
    drop(panel);

    // The next start: as it was left.
    let panel = Panel::appear(&stage.keyring.address).await;
    let page = Page::open(&stage, &[]).await;
    let again = desk::wait_for_keeper(&stage).await;
    assert_ne!(again, pid);
    let item = panel.item().await;
    item.wait("still paused", |l| l[0].text == PAUSED).await;
    assert!(item.line("Resume").await.enabled);
    let account = format!("{SAMPLE_ACCOUNT}: connected");
    item.wait("still connected", |l| find(l, &account).is_some())
        .await;
    page.see_words("h1", "History").await;
    page.see_words("header .sentence", PAUSED).await;
    page.see_words("header button", "Resume").await;
    assert_eq!(self::runs(&stage).await, runs, "nothing ran while paused");
    page.click("xpath", &row_of("Changed", "Gmail importer"))
        .await;
    page.wait("the same run", &format!("return {AT_RUN} === {run:?}"))
        .await;
    let same = page.see(".pane .changes li", |now| now.len() == PAGE).await;
    assert_eq!(same, diff);
    item.click("Quit").await;
    wait_until("the end", async || !processes::is_alive(again)).await;
}

/// Which run the address of the page names.
const AT_RUN: &str = "new URLSearchParams(location.hash.split('?')[1] ?? '').get('run')";

/// The row of a run of this charm with this outcome.
fn row_of(outcome: &str, charm: &str) -> String {
    let cell = |class: &str, text: &str| {
        format!("[.//*[contains(@class,{class:?})][normalize-space(.)={text:?}]]")
    };
    let (outcome, charm) = (cell("outcome", outcome), cell("charm", charm));
    format!("//*[@role='treegrid']//*[@role='row']{outcome}{charm}")
}

/// Connect Gmail from the panel, and the sandbox's page as the browser shows it.
async fn sign_in(stage: &Stage, page: &Page, item: &charmkeeper_desktop_tests::panel::Item<'_>) {
    item.click("Connect Gmail…").await;
    page.see_words("h1", "Connect Google").await;
    let ticked =
        "return [...document.querySelectorAll('input[type=checkbox]')].map(c => c.checked)";
    assert_eq!(
        page.run(ticked).await,
        serde_json::json!([true, false]),
        "Gmail alone was asked for"
    );
    assert!(desk::opened(stage).is_empty());
    page.press("Continue in the browser").await;
    page.see_words("h2", "Waiting for your browser").await;
    wait_until("the browser", async || !desk::opened(stage).is_empty()).await;
    let url = url::Url::parse(&desk::opened(stage)[0]).unwrap();

    // What the browser shows, and its form filled in and sent.
    let shown = reqwest::get(url.clone()).await.unwrap();
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("Sign in with a sample account"), "{shown}");
    assert!(shown.contains("gmail.readonly"), "{shown}");
    assert!(!shown.contains("calendar.readonly"), "{shown}");
    let answered = stage.world().complete(&url, SAMPLE_ACCOUNT, None).await;
    assert_eq!(answered.unwrap(), 200);

    page.see_words("h2", &format!("{SAMPLE_ACCOUNT} is connected"))
        .await;
    page.see(".services .name", |names| {
        names.len() == 1 && names[0].starts_with("Gmail") && names[0].ends_with("Granted")
    })
    .await;
}

/// The run as it goes on: on the page of the sign-in, in the history, in full,
/// until it is done. Its id.
async fn watch_the_first_sync(page: &Page) -> String {
    page.see(".working li", |charms| {
        charms.len() == 1 && charms[0].contains("gmail.googleapis.com")
    })
    .await;
    page.press("Watch the history").await;
    page.see_words("h1", "History").await;
    page.see(ROWS, |rows| {
        let one = |row: &String| row.contains("Running") && row.contains("Gmail importer");
        rows.iter().any(one)
    })
    .await;
    page.click("xpath", &row_of("Running", "Gmail importer"))
        .await;
    page.see(".pane .live", |live| {
        live.len() == 1 && live[0].contains("request")
    })
    .await;
    let run = page.run(&format!("return {AT_RUN}")).await;
    // It ends before the eyes: the row and the pane say so by themselves.
    page.see(&format!("{ROWS} .outcome"), |all| {
        all.iter().any(|outcome| outcome == "Changed")
    })
    .await;
    page.see_words(".pane .what", "Changed").await;
    let held = page.run(&format!("return {AT_RUN}")).await;
    assert_eq!(held, run, "the person stays where they are");
    run.as_str().expect("the address names the run").to_owned()
}

/// What the run changed and called, as it is drawn; the diff.
async fn read_the_run(stage: &Stage, page: &Page) -> Vec<String> {
    let title = page.see(".pane h2", |t| t.len() == 1).await;
    assert!(title[0].contains("Gmail"), "{title:?}");
    let diff = page.see(".pane .changes li", |now| now.len() == PAGE).await;
    let messages = stage.world().messages(SAMPLE_ACCOUNT).unwrap();
    let named: Vec<_> = diff
        .iter()
        .filter(|change| {
            let subject = |m: &&charmkeeper_sandbox::MessageTruth| {
                !m.subject.is_empty() && change.contains(&format!("\"subject\": {:?}", m.subject))
            };
            messages.iter().find(subject).is_some()
        })
        .collect();
    assert!(!named.is_empty(), "no message in {diff:#?}");
    assert!(
        named
            .iter()
            .all(|c| c.starts_with("New") && c.contains('+')),
        "{named:#?}"
    );
    let calls = page.texts(".pane tbody .what").await;
    assert!(
        calls
            .iter()
            .any(|c| c.contains("gmail.googleapis.com") && c.contains("messages")),
        "{calls:#?}"
    );
    diff
}

/// Every run of the importer, newest first, without what time alone changes.
async fn runs(stage: &Stage) -> Vec<Value> {
    let runs = stage.ask(["history", "--charm", GMAIL]).await;
    runs.as_array().expect("a list").clone()
}
