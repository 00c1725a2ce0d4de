//! The main job, end to end: a mailbox and calendars that are really there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_tests::expected::{RUN_MEMBERS, members};
use charmkeeper_tests::program;
use charmkeeper_tests::stage::{CALENDAR, GMAIL, Stage};
use serde_json::{Value, json};

#[tokio::test]
async fn the_sandbox_command_runs_every_charm_twice_and_says_so_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program::command(folder.path());
    command.args(["sandbox", "--once", "--json"]);
    let done = program::run(command).await.with_code(0);

    let answer = done.json();
    assert_eq!(members(&answer), ["runs", "cells"]);
    assert_eq!(members(&answer["cells"]), ["emails", "events"]);
    let runs = answer["runs"].as_array().unwrap();
    let mut outcomes: std::collections::BTreeMap<&str, Vec<&str>> = Default::default();
    for run in runs {
        assert_eq!(members(run), RUN_MEMBERS);
        assert_eq!(run["error"], Value::Null, "{run}");
        assert_eq!(run["sync"], "local");
        assert_eq!(run["trigger"], "manual");
        assert!(run["changed"].is_u64() && run["calls"].is_u64(), "{run}");
        assert!(run["duration_ms"].is_u64(), "{run}");
        assert!(run["space"].as_str().unwrap().starts_with("did:key:z"));
        let started = run["started_at"].as_str().unwrap();
        assert!(charmkeeper_base::UnixMs::parse_rfc3339(started).is_some());
        let charm = run["charm"].as_str().unwrap();
        let outcome = run["outcome"].as_str().unwrap();
        outcomes.entry(charm).or_default().push(outcome);
    }
    assert_eq!(
        outcomes.keys().copied().collect::<Vec<_>>(),
        [GMAIL, "google-auth", CALENDAR]
    );
    for importer in [GMAIL, CALENDAR] {
        let [first, second] = outcomes[importer][..] else {
            panic!("{importer} did not run twice: {answer}");
        };
        assert_eq!(first, "ok", "{importer}");
        assert!(
            ["ok", "ok-unchanged"].contains(&second),
            "{importer}: {second}"
        );
    }

    // The cells are still there without the stand-in, through the same home.
    for (charm, cell) in [(GMAIL, "emails"), (CALENDAR, "events")] {
        let mut command = program::command(folder.path());
        command.args(["cells", charm, cell, "--json", "--home"]);
        command.arg(folder.path().join("data"));
        let held = program::run(command).await.with_code(0).json();
        let count = held.as_array().unwrap().len();
        assert!(count > 0);
        assert_eq!(answer["cells"][cell], count, "{cell}");
    }
}

#[tokio::test]
async fn mail_in_the_cells_is_the_mailbox_one_for_one() {
    let stage = Stage::with(|config| config.messages = 120).await;
    let account = charmkeeper_sandbox::SAMPLE_ACCOUNT;
    stage.connect(account, None).await;

    let run = stage.expect_run(GMAIL, "ok").await;
    assert!(run["changed"].as_u64() > Some(0), "{run:#}");
    stage.assert_mail().await;

    let truth = stage.world().messages(account).unwrap();
    // Else the comparison would prove less than it seems to.
    assert!(
        truth.iter().any(|m| !m.subject.is_ascii()),
        "no UTF-8 subject"
    );
    assert!(
        truth
            .iter()
            .any(|m| m.text.as_ref().is_some_and(|t| !t.is_ascii())),
        "no UTF-8 body"
    );
    assert!(
        truth
            .iter()
            .any(|m| m.label_ids.iter().any(|l| l == "SPAM")),
        "no spam to leave out"
    );

    let again = stage.expect_run(GMAIL, "ok-unchanged").await;
    assert_eq!(again["changed"], 0, "{again:#}");
    assert_eq!(again["cells_changed"], json!([]));
}

#[tokio::test]
async fn events_in_the_cells_are_the_calendars_one_for_one() {
    let stage = Stage::with(|config| config.events = 60).await;
    let account = charmkeeper_sandbox::SAMPLE_ACCOUNT;
    stage.connect(account, None).await;

    let run = stage.expect_run(CALENDAR, "ok").await;
    stage.assert_events(&run).await;

    let stored = stage.world().events(account).unwrap();
    assert!(stored.iter().any(|e| e.all_day), "no all-day event");
    assert!(
        stored.iter().any(|e| e.status == "cancelled"),
        "no cancelled event to leave out"
    );
    assert!(
        stored.iter().any(|e| !e.recurrence.is_empty()),
        "no recurring event"
    );

    let again = stage.expect_run(CALENDAR, "ok-unchanged").await;
    assert_eq!(again["changed"], 0, "{again:#}");
}
