//! The history at a million runs: filled once, then asked as the window asks.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use charmkeeper_base::http::CallRecord;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::{ErrorKind, Outcome, Trigger, UnixMs};
use charmkeeper_keeper::home::Home;
use charmkeeper_store::{
    Charm, FinishRun, LaneRequest, LogLevel, LogLine, NewCharm, NewRun, RunError, RunFilter,
    Schedule, Space, SpaceKind, Store,
};
use serde_json::json;
use tempfile::TempDir;

use crate::Bench;

const RUNS: i64 = 1_000_000;
const CHARMS: i64 = 100;
const BATCH: i64 = 10_000;
/// 2026-01-01, and from then on a run every six seconds.
const START: i64 = 1_767_225_600_000;
const EVERY_MS: i64 = 6_000;
const SPACE: &str = "did:key:zBench";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A home with the million runs in it, deleted when dropped.
pub(crate) fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    fill(&database(&home));
    home
}

/// Where a keeper of this home looks for its database.
fn database(home: &TempDir) -> PathBuf {
    let home = Home::open(home.path()).expect("the folder is there");
    home.database()
}

/// Measures pages, searches, lanes and the rest of a home's database.
pub(crate) fn measure(bench: &mut Bench, home: &TempDir) {
    let path = database(home);
    let store = Store::open(&path, UnixMs(START)).expect("a store").store;

    let all = RunFilter::default();
    page(bench, &store, "all", &all);
    page(
        bench,
        &store,
        "one charm",
        &RunFilter {
            charm: Some("c7".into()),
            ..all.clone()
        },
    );
    let failed = RunFilter {
        outcome: Some(Outcome::Failed),
        ..all.clone()
    };
    page(bench, &store, "failed", &failed);
    page(
        bench,
        &store,
        "changed",
        &RunFilter {
            changed: true,
            ..all.clone()
        },
    );
    let account = RunFilter {
        account: Some("google-1".into()),
        ..all.clone()
    };
    page(bench, &store, "one account", &account);
    let rare = RunFilter {
        outcome: Some(Outcome::Failed),
        changed: false,
        ..account.clone()
    };
    page(bench, &store, "one account, failed", &rare);
    let deep = store.run_cursor("r500000").expect("the store answers");
    page(
        bench,
        &store,
        "half way down",
        &RunFilter {
            after: deep,
            ..all.clone()
        },
    );
    for text in [
        "charm-7",
        "gmail",
        "undefined",
        "messages",
        "m",
        "rare",
        "undefined charm-42",
        "nothing-has-this",
    ] {
        let filter = RunFilter {
            text: Some(text.into()),
            ..all.clone()
        };
        page(bench, &store, &format!("search \"{text}\""), &filter);
    }
    let both = RunFilter {
        text: Some("undefined".into()),
        account: Some("google-1".into()),
        ..failed
    };
    page(
        bench,
        &store,
        "search \"undefined\", one account, failed",
        &both,
    );

    let until = UnixMs(START + RUNS * EVERY_MS);
    let day = LaneRequest {
        since: UnixMs(until.0 - DAY_MS),
        until,
        buckets: 96,
    };
    bench.figure(
        "history: lanes of a day",
        median(|| store.lanes(day)),
        "ms",
        20.0,
    );
    let hour = LaneRequest {
        since: UnixMs(until.0 - DAY_MS / 24),
        until,
        buckets: 60,
    };
    bench.figure(
        "history: lanes of an hour",
        median(|| store.lanes(hour)),
        "ms",
        20.0,
    );
    bench.figure("history: facets", median(|| store.facets()), "ms", 100.0);
    let next = Cell::new(RUNS);
    let write = median(|| {
        next.set(next.get() + 1);
        store.record_run(&new(next.get(), "c1"), &finish(next.get()))
    });
    println!("      a further run is stored in {write:.2} ms");
}

fn page(bench: &mut Bench, store: &Store, what: &str, filter: &RunFilter) {
    let ms = median(|| store.runs(filter, 100));
    bench.figure(&format!("history: page, {what}"), ms, "ms", 5.0);
}

/// The median of eleven, after one that fills the caches, in milliseconds.
fn median<T, E: std::fmt::Debug>(work: impl Fn() -> Result<T, E>) -> f64 {
    let mut times: Vec<Duration> = (0..12)
        .map(|_| {
            let began = Instant::now();
            let answer = work();
            let took = began.elapsed();
            answer.expect("the store answers");
            took
        })
        .skip(1)
        .collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn fill(path: &Path) {
    let began = Instant::now();
    let store = Store::open(path, UnixMs(START)).expect("a store").store;
    let space = Space {
        did: SPACE.into(),
        name: "bench".into(),
        kind: SpaceKind::Local,
        created_at: UnixMs(START),
    };
    store.add_space(&space).expect("a space");
    for n in 0..CHARMS {
        store.add_charm(&charm(n)).expect("a charm");
    }
    let random = SeededRandom::new(1);
    for from in (0..RUNS).step_by(usize::try_from(BATCH).expect("small")) {
        let runs: Vec<_> = (from..from + BATCH)
            .map(|n| {
                let charm = format!("c{}", random.next_u64() % CHARMS.unsigned_abs());
                (new(n, &charm), finish(n))
            })
            .collect();
        store.record_runs(&runs).expect("runs");
    }
    let size = std::fs::metadata(path).map_or(0, |m| m.len()) >> 20;
    println!(
        "      a million runs written in {:.0} s, {size} MiB",
        began.elapsed().as_secs_f64()
    );
}

fn charm(n: i64) -> NewCharm {
    NewCharm {
        charm: Charm {
            id: format!("c{n}"),
            handle: format!("charm-{n}"),
            name: format!("Charm number {n}"),
            space: SPACE.into(),
            piece: format!("of:{n}"),
            argument: format!("of:a{n}"),
            source: "bench".into(),
            program_hash: "hash".into(),
            facts: json!({}),
            tags: vec![],
            hosts: vec![],
            account: (n % 4 != 0).then(|| format!("google-{}", n % 4)),
            // A keeper that opens the home has nothing to do.
            enabled: false,
            paused_reason: None,
            interval_ms: 60_000,
            created_at: UnixMs(START),
            position: 0,
            schedule: Schedule::default(),
        },
        program: json!({}),
        documents: vec![],
    }
}

fn new(n: i64, charm: &str) -> NewRun {
    NewRun {
        id: format!("r{n}"),
        charm: charm.into(),
        trigger: Trigger::Timer,
        started_at: UnixMs(START + n * EVERY_MS),
    }
}

/// Most runs are quiet; every tenth logs, every twentieth fails, one in a
/// hundred thousand says something that no other does.
fn finish(n: i64) -> FinishRun {
    let mut finish = FinishRun::new(format!("r{n}"), Outcome::OkUnchanged, 40);
    let host = if n % 2 == 0 {
        "gmail.googleapis.com"
    } else {
        "www.googleapis.com"
    };
    finish.calls = vec![CallRecord {
        method: "GET".into(),
        host: host.into(),
        path: "/gmail/v1/users/me/messages".into(),
        status: Some(200),
        started_at: UnixMs(START + n * EVERY_MS),
        duration_ms: 12,
        bytes_out: 0,
        bytes_in: 400,
        account: None,
        error: None,
    }];
    if n % 10 == 0 {
        finish.log = vec![LogLine {
            at: UnixMs(START + n * EVERY_MS),
            level: LogLevel::Info,
            text: format!("Fetched {} messages in {} ms", n % 17, n % 977),
        }];
    }
    if n % 20 == 3 {
        finish.outcome = Outcome::Failed;
        finish.error = Some(RunError {
            kind: ErrorKind::Charm,
            message: format!("Cannot read property {} of undefined", n % 31),
            stack: None,
        });
    }
    if n % 100_000 == 17 {
        finish.log.push(LogLine {
            at: UnixMs(START),
            level: LogLevel::Warn,
            text: "A rare thing".into(),
        });
    }
    finish
}
