//! The keeper is killed again and again while importers are at work: nothing
//! is ever half-written, and in the end nothing is missing and nothing double.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::processes::{descendants, is_alive, keeper};
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::{CALENDAR, GMAIL, Stage};
use charmkeeper_tests::{database, wait_until};
use serde_json::Value;

const SEED: u64 = 20_261_121;
const ROUNDS: u32 = 20;

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // Steele, Lea and Flood: SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Every link in a document: space, where it names one, and id.
fn links(value: &Value, found: &mut Vec<(Option<String>, String)>) {
    match value {
        Value::Object(fields) => {
            let link = value.pointer("/~1/link@1");
            if let Some(id) = link.and_then(|l| l["id"].as_str()) {
                let space = value.pointer("/~1/link@1/space").and_then(Value::as_str);
                found.push((space.map(str::to_owned), id.to_owned()));
            }
            fields.values().for_each(|v| links(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| links(v, found)),
        _ => {}
    }
}

/// What must hold whenever no keeper is at work.
fn assert_whole(home: &Path, when: &str) {
    assert_eq!(
        database::rows(home, "PRAGMA integrity_check"),
        [[Value::from("ok")]],
        "{when}"
    );
    assert!(
        database::rows(home, "PRAGMA foreign_key_check").is_empty(),
        "{when}"
    );
    let open = database::number(home, "SELECT count(*) FROM runs WHERE outcome IS NULL");
    assert_eq!(open, 0, "{when}: runs without an end");
    for (column, table) in [
        ("calls", "calls"),
        ("log_lines", "log_lines"),
        ("changed", "changed_cells"),
    ] {
        let torn = format!(
            "SELECT id, outcome, {column} FROM runs WHERE {column} <> \
             (SELECT count(*) FROM {table} WHERE run = runs.seq)"
        );
        let torn = database::rows(home, &torn);
        assert!(torn.is_empty(), "{when}: {table} are missing: {torn:?}");
    }
    let late = "SELECT id FROM runs WHERE outcome = 'interrupted' AND (calls > 0 OR changed > 0)";
    assert!(database::rows(home, late).is_empty(), "{when}");

    let rows = database::rows(home, "SELECT space, id, json FROM documents");
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let known: BTreeSet<_> = rows.iter().map(|r| (text(&r[0]), text(&r[1]))).collect();
    for row in &rows {
        let mut found = Vec::new();
        links(&serde_json::from_str(&text(&row[2])).unwrap(), &mut found);
        for (space, id) in found {
            let place = (space.unwrap_or_else(|| text(&row[0])), id);
            assert!(
                known.contains(&place),
                "{when}: {} links to {place:?}",
                row[1]
            );
        }
    }
}

/// Something new, something gone, something changed.
fn live_on(stage: &Stage, dice: &mut Dice) {
    let world = stage.world();
    for _ in 0..=dice.below(3) {
        world.arrive_mail(SAMPLE_ACCOUNT).unwrap();
    }
    world.arrive_event(SAMPLE_ACCOUNT).unwrap();
    let left: Vec<_> = world.messages(SAMPLE_ACCOUNT).unwrap();
    let left: Vec<_> = left.into_iter().filter(|m| !m.deleted).collect();
    let one = &left[usize::try_from(dice.below(left.len() as u64)).unwrap()];
    if dice.below(2) == 0 {
        world.delete_message(SAMPLE_ACCOUNT, &one.id).unwrap();
    } else {
        world
            .relabel(SAMPLE_ACCOUNT, &one.id, &["STARRED"], &["UNREAD"])
            .unwrap();
    }
}

/// Starts both importers and kills the keeper after some of their requests.
async fn run_and_kill(stage: &Stage, dice: &mut Dice) {
    let serve = stage.serve().await;
    let seen = stage.google.requests().len();
    let runs = [GMAIL, CALENDAR].map(|charm| Going::start(stage.command(["run", charm])));
    let home = stage.folder().join("data");
    let going = "SELECT count(*) FROM runs WHERE outcome IS NULL";
    wait_until("a run begins", async || {
        database::number(&home, going) > 0 || stage.google.requests().len() > seen
    })
    .await;
    let wanted = seen + usize::try_from(dice.below(48)).unwrap();
    wait_until("enough requests, or the end of the runs", async || {
        stage.google.requests().len() >= wanted || database::number(&home, going) == 0
    })
    .await;
    // Between two requests, in the middle of one, while the end is stored.
    let moment = Instant::now() + Duration::from_micros(dice.below(40_000));
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
    let workers = keeper(&home).map(descendants).unwrap_or_default();
    serve.kill().await;
    drop(runs);
    wait_until("no worker outlives its keeper", async || {
        !workers.iter().any(|pid| is_alive(*pid))
    })
    .await;
}

/// Runs a charm until nothing changes any more; the last run.
async fn run_to_the_end(stage: &Stage, charm: &str) -> Value {
    for _ in 0..40 {
        let run = stage.run_charm(charm).await;
        if run["outcome"] == "ok-unchanged" {
            return run;
        }
        assert_eq!(run["outcome"], "ok", "{run:#}");
    }
    panic!("{charm} always finds something to change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_killed_at_any_moment_leaves_nothing_half_written() {
    let stage = Stage::with(|config| {
        config.messages = 150;
        config.events = 30;
    })
    .await;
    stage.connect(SAMPLE_ACCOUNT, None).await;
    let home = stage.folder().join("data");
    let few = r#"{"settings": {"perRun": 10}}"#;
    stage.ask(["run", GMAIL, "--argument", few]).await;
    // Slow answers, so that a run is long enough to be hit in.
    for service in ["gmail", "calendar"] {
        stage.fault(service, |fault| fault.delay_ms = 3);
    }
    let mut dice = Dice(SEED);
    for round in 0..ROUNDS {
        live_on(&stage, &mut dice);
        run_and_kill(&stage, &mut dice).await;
        let when = format!("round {round} of seed {SEED}");
        // The next keeper takes over what the last one left.
        stage.ask(["status"]).await;
        assert_whole(&home, &when);
        let emails = stage.cells(GMAIL, "emails").await;
        let ids: Vec<_> = emails
            .as_array()
            .unwrap()
            .iter()
            .map(|e| &e["id"])
            .collect();
        let different: BTreeSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(different.len(), ids.len(), "{when}: a message twice");
    }
    let count = |outcome: &str| {
        let sql = format!("SELECT count(*) FROM runs WHERE outcome = '{outcome}'");
        database::number(&home, &sql)
    };
    let outcomes = "SELECT outcome, count(*) FROM runs GROUP BY outcome";
    let outcomes = database::rows(&home, outcomes);
    assert!(
        count("interrupted") >= 5 && count("ok") >= 5,
        "{outcomes:?}"
    );

    stage.google.clear_faults(None);
    run_to_the_end(&stage, GMAIL).await;
    let events = run_to_the_end(&stage, CALENDAR).await;
    stage.assert_mail().await;
    stage.assert_events(&events).await;
    assert_whole(&home, "the end");
}
