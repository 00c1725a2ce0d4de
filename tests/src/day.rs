//! A day of runs whose changes wait for a server that is away.
//!
//! Writes what 1,440 runs would have left, with the program's own rules and in its
//! own database, while no keeper is at work on it. Never speaks to a server.

use charmkeeper_base::cell::link::Link;
use charmkeeper_base::cell::patch::diff;
use charmkeeper_base::cell::{Change, DocRef, id};
use charmkeeper_base::{Outcome, SyncState, Trigger, UnixMs};
use charmkeeper_space::outbox::{Changed, Entry, select};
use charmkeeper_store::{FinishRun, NewChange, NewRun, Store};
use serde_json::{Value, json};

use crate::remote_stage::RemoteStage;

/// A run a minute.
pub const RUNS: u64 = 1440;
/// How many elements the charm keeps in its list.
const KEPT: usize = 50;
const MINUTE_MS: i64 = 60_000;

/// The element's document of a run of that day.
#[must_use]
pub fn element(run: u64) -> String {
    id::by_cause(&json!({ "a day": run })).0
}

/// Adds a day of runs to the stage's database. Each makes a document of its own,
/// links it at the end of the piece's list, which keeps the newest, and counts.
///
/// # Panics
/// When a keeper is at work, or the database cannot be written.
pub fn fill(stage: &RemoteStage) {
    let path = stage.home().join("charmkeeper.sqlite");
    let now = stage.number("SELECT max(started_at) FROM runs");
    let store = Store::open(&path, UnixMs(now)).expect("a store").store;
    let charm = store.charms().expect("charms").remove(0);
    for run in 0..RUNS {
        let at = UnixMs(now + MINUTE_MS * i64::try_from(run).expect("small"));
        let argument = stage.piece.argument.clone();
        let found = store.documents(std::slice::from_ref(&argument));
        let found = found.expect("a read").remove(0);
        let before = found.doc.expect("the inputs");
        let mut after = before.clone();
        let made = json!({ "value": { "name": format!("minute {run}"), "run": run } });
        let element = DocRef {
            id: element(run),
            space: argument.space.clone(),
        };
        let count = before["value"]["count"].as_f64().expect("a count");
        // As the worker writes a whole number, and as it comes back.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let next = count as u64 + 1;
        after["value"]["count"] = json!(next);
        let list = after["value"]["items"].as_array_mut().expect("a list");
        list.push(Link::to(&element.id).to_value());
        let over = list.len().saturating_sub(KEPT);
        list.drain(..over);
        let patches = diff(&before, &after);
        let changed = |id: &str, before: Option<Value>, after: Value| Changed {
            id: id.to_owned(),
            before,
            after,
        };
        let wanted = vec![
            changed(&argument.id, Some(before), after),
            changed(&element.id, None, made.clone()),
        ];
        let known = |id: &str| store.is_told(&argument.space, id).expect("a read");
        let entry = Entry::of(&select(&argument.space, wanted, known, |_| None));
        let id = format!("day-{run}");
        let mut finish = FinishRun::new(id.clone(), Outcome::Ok, 12);
        finish.sync = SyncState::Queued;
        finish.outbox = vec![NewChange {
            space: argument.space.clone(),
            run: Some(id.clone()),
            charm: charm.name.clone(),
            made_at: at,
            documents: entry.documents.keys().cloned().collect(),
            entry: entry.to_text(),
        }];
        finish.changes = vec![
            Change::create(element, Some(0), made),
            Change::patch(argument, Some(found.version), patches),
        ];
        let new = NewRun {
            id,
            charm: charm.id.clone(),
            trigger: Trigger::Timer,
            started_at: at,
        };
        store.record_run(&new, &finish).expect("a run");
    }
}
