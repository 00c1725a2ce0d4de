//! A store in a folder of its own, with a space and charms in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use charmkeeper_base::cell::{Change, DocRef, DocSnapshot, Patch};
use charmkeeper_base::http::{CallError, CallRecord};
use charmkeeper_base::{ErrorKind, Outcome, Trigger, UnixMs};
use serde_json::{Value, json};

use crate::{
    Charm, FinishRun, LogLevel, LogLine, NewCharm, NewRun, RunRow, Schedule, Space, SpaceKind,
    Store, StoreError,
};

pub(crate) const NOW: UnixMs = UnixMs(1_795_253_400_000);
pub(crate) const HOME: &str = "did:key:zHome";

/// A store and the folder that is deleted with it.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) path: PathBuf,
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    /// An empty store with the space `home`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/charmkeeper.db");
        let store = open(&path);
        store.add_space(&space(HOME, "home")).unwrap();
        Self {
            store,
            path,
            folder,
        }
    }

    /// The same with the charms `a` and `b`, each with a document of its own.
    pub(crate) fn with_charms() -> Self {
        let fixture = Self::new();
        for id in ["a", "b"] {
            fixture.store.add_charm(&new_charm(id)).unwrap();
        }
        fixture
    }

    pub(crate) fn begin(&self, run: &str, charm: &str) {
        self.store.begin_runs(&[new_run(run, charm, NOW)]).unwrap();
    }

    pub(crate) fn doc(&self, id: &str) -> DocSnapshot {
        doc(&self.store, id)
    }

    pub(crate) fn run(&self, id: &str) -> RunRow {
        self.store.run_details(id).unwrap().unwrap().run
    }
}

/// Opens a store that must be in order.
pub(crate) fn open(path: &Path) -> Store {
    let opened = Store::open(path, NOW).unwrap();
    assert_eq!(opened.recovered, None);
    opened.store
}

/// Opens without waiting for others.
pub(crate) fn open_impatient(path: &Path) -> Result<Store, StoreError> {
    Store::open_within(path, NOW, Duration::ZERO).map(|opened| opened.store)
}

pub(crate) fn space(did: &str, name: &str) -> Space {
    Space {
        did: did.into(),
        name: name.into(),
        kind: SpaceKind::Local,
        created_at: NOW,
    }
}

/// Id of the document that a charm of the fixture owns.
pub(crate) fn doc_id(charm: &str) -> String {
    format!("of:{charm}")
}

pub(crate) fn target(id: &str) -> DocRef {
    DocRef {
        space: HOME.into(),
        id: id.into(),
    }
}

pub(crate) fn doc(store: &Store, id: &str) -> DocSnapshot {
    store.documents(&[target(id)]).unwrap().remove(0)
}

pub(crate) fn charm_row(id: &str) -> Charm {
    Charm {
        id: id.into(),
        handle: format!("charm-{id}"),
        name: format!("Charm {id}"),
        space: HOME.into(),
        piece: doc_id(id),
        argument: format!("of:{id}-argument"),
        source: format!("/charms/{id}.tsx"),
        program_hash: "hash-1".into(),
        facts: json!({ "imports": ["commonfabric"] }),
        tags: vec!["tag".into()],
        hosts: vec!["gmail.googleapis.com".into()],
        account: None,
        enabled: true,
        paused_reason: None,
        interval_ms: 60_000,
        created_at: NOW,
        position: 0,
        schedule: Schedule {
            next_due_at: Some(NOW),
            ..Schedule::default()
        },
    }
}

pub(crate) fn new_charm(id: &str) -> NewCharm {
    let doc = json!({ "value": { "count": 0, "list": [] } });
    NewCharm {
        charm: charm_row(id),
        program: json!({ "entry": "/main.tsx", "files": { "/main.tsx": "export default 1" } }),
        documents: vec![Change::create(target(&doc_id(id)), Some(0), doc)],
    }
}

pub(crate) fn new_run(id: &str, charm: &str, started_at: UnixMs) -> NewRun {
    NewRun {
        id: id.into(),
        charm: charm.into(),
        trigger: Trigger::Timer,
        started_at,
    }
}

pub(crate) fn set(path: &str, value: impl Into<Value>) -> Patch {
    Patch::Replace {
        path: path.into(),
        value: value.into(),
    }
}

pub(crate) fn call(path: &str, failed: bool) -> CallRecord {
    let error = CallError {
        kind: ErrorKind::Provider,
        message: "503".into(),
        retry_at: Some(NOW),
    };
    CallRecord {
        method: "GET".into(),
        host: "gmail.googleapis.com".into(),
        path: path.into(),
        status: Some(if failed { 503 } else { 200 }),
        started_at: NOW,
        duration_ms: 12,
        bytes_out: 3,
        bytes_in: 400,
        account: Some("account".into()),
        error: failed.then_some(error),
    }
}

pub(crate) fn line(text: &str) -> LogLine {
    LogLine {
        at: NOW,
        level: LogLevel::Info,
        text: text.into(),
    }
}

/// A run of charm `a` that raises its counter from `count` and makes `made`
/// documents, with calls, a log and a schedule.
pub(crate) fn busy_finish(run: &str, count: u64, made: usize) -> FinishRun {
    let mut changes = vec![Change::patch(
        target(&doc_id("a")),
        Some(count + 1),
        vec![
            set("/value/count", count + 1),
            Patch::Append {
                path: "/value/list".into(),
                values: vec![json!(run)],
            },
        ],
    )];
    changes.extend((0..made).map(|n| {
        let doc = json!({ "value": { "run": run, "text": "x".repeat(3000) } });
        Change::create(target(&format!("of:{run}-{n}")), Some(0), doc)
    }));
    let schedule = Schedule {
        next_due_at: Some(UnixMs(NOW.0 + 60_000)),
        failures: 0,
        last_outcome: Some(Outcome::Ok),
        last_run_at: Some(NOW),
        last_ok_at: Some(NOW),
        memory: serde_json::json!({"strikes": 1}),
    };
    FinishRun {
        calls: vec![call("/messages", false), call("/messages/1", true)],
        log: vec![line("one"), line("two"), line("three")],
        changes,
        charm: crate::CharmUpdate {
            schedule: Some(schedule),
            ..Default::default()
        },
        ..FinishRun::new(run, Outcome::Ok, 42)
    }
}

/// Checks that what a run of [`busy_finish`] leaves is there whole or not at
/// all, and returns whether it is there.
pub(crate) fn assert_whole(store: &Store, run: &str, made: usize) -> bool {
    let details = store.run_details(run).unwrap().expect("the run has a row");
    let ended = details.run.outcome == Some(Outcome::Ok);
    let list = doc(store, &doc_id("a")).doc.unwrap()["value"]["list"].clone();
    let listed = list.as_array().unwrap().contains(&json!(run));
    let documents = (0..made)
        .filter(|n| doc(store, &format!("of:{run}-{n}")).doc.is_some())
        .count();
    let found = (
        listed,
        documents,
        details.calls.len(),
        details.log.len(),
        details.changed.len(),
    );
    if ended {
        assert_eq!(found, (true, made, 2, 3, made + 2), "{run} ended");
        assert_eq!(details.run.changed as usize, made + 2);
    } else {
        assert_eq!(found, (false, 0, 0, 0, 0), "{run} did not end");
    }
    ended
}
