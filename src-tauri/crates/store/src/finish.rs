//! The end of a run, in one transaction.
//!
//! The documents that the run changed, the places that the history shows, its
//! calls and log, its own row, and what follows for its charm and its account
//! are stored together or not at all. Whenever the program dies, either the run
//! is going on and nothing of it is stored, or it has ended and everything is.

use charmkeeper_base::cell::{Change, DocRef};
use charmkeeper_base::http::CallRecord;
use charmkeeper_base::{Outcome, SyncState};
use rusqlite::{Transaction, params};

use crate::changed_cells::Recorder;
use crate::documents::{self, Writer};
use crate::fault::reached;
use crate::remote::{self, NewChange};
use crate::runs::{self, Going};
use crate::store::Durability;
use crate::text::int;
use crate::{
    AccountUpdate, CharmUpdate, LogLine, NewRun, Pause, RunError, Store, StoreError, accounts,
    calls, charms, elements, lanes, log_lines, pauses, run_accounts, run_text,
};

/// Everything that the end of a run leaves behind.
#[derive(Clone, Debug)]
pub struct FinishRun {
    /// UUID of the run.
    pub run: String,
    /// How it ended. `Ok` becomes `OkUnchanged` when `changes` change nothing.
    pub outcome: Outcome,
    /// How far its changes got.
    pub sync: SyncState,
    /// How long it took, by a clock that does not jump.
    pub duration_ms: u64,
    /// The reason of a skipped run, the count of missed ones.
    pub note: Option<String>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Its requests, in order.
    pub calls: Vec<CallRecord>,
    /// What the charm printed.
    pub log: Vec<LogLine>,
    /// What the charm wrote. Must be empty unless the outcome commits.
    pub changes: Vec<Change>,
    /// What remote spaces have yet to be told of the changes.
    pub outbox: Vec<NewChange>,
    /// What follows for the charm: its schedule, a pause. Does nothing when the
    /// charm has been removed.
    pub charm: CharmUpdate,
    /// What follows for accounts.
    pub accounts: Vec<AccountUpdate>,
    /// Accounts that have to wait.
    pub pauses: Vec<Pause>,
}

impl FinishRun {
    /// A run that ended like this, took this long and left nothing else behind.
    #[must_use]
    pub fn new(run: impl Into<String>, outcome: Outcome, duration_ms: u64) -> Self {
        Self {
            run: run.into(),
            outcome,
            sync: SyncState::Local,
            duration_ms,
            note: None,
            error: None,
            calls: Vec::new(),
            log: Vec::new(),
            changes: Vec::new(),
            outbox: Vec::new(),
            charm: CharmUpdate::default(),
            accounts: Vec::new(),
            pauses: Vec::new(),
        }
    }
}

/// What the end of a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// As it stands in the history.
    pub outcome: Outcome,
    /// How many places changed.
    pub changed: u64,
    /// The version of each changed document, in the order of the changes.
    pub documents: Vec<(DocRef, u64)>,
}

impl Store {
    /// Ends a run: everything in `finish` is stored, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::NotOwner`] and the others of
    /// [`Store::write_documents`] for its changes; [`StoreError::RunEnded`] and
    /// [`StoreError::NotFound`] for the run. After an error the run is still going
    /// on and can be finished in another way.
    pub fn finish_run(&self, finish: &FinishRun) -> Result<Finished, StoreError> {
        self.write(durability(finish), |tx| {
            reached("begun");
            let run = runs::going(tx, &finish.run)?;
            end(tx, &run, finish)
        })
    }

    /// Stores a run that never went on, such as a skipped or a missed one: its
    /// beginning and its end at once. The run is `new.id`, whatever `finish` says.
    ///
    /// # Errors
    /// Those of [`Store::begin_runs`] and [`Store::finish_run`].
    pub fn record_run(&self, new: &NewRun, finish: &FinishRun) -> Result<Finished, StoreError> {
        self.write(durability(finish), |tx| {
            let run = runs::begin(tx, new)?;
            end(tx, &run, finish)
        })
    }

    /// The same for many runs, all or none.
    ///
    /// # Errors
    /// Those of [`Store::record_run`].
    pub fn record_runs(&self, runs: &[(NewRun, FinishRun)]) -> Result<(), StoreError> {
        self.write(Durability::Process, |tx| {
            runs.iter().try_for_each(|(new, finish)| {
                let run = runs::begin(tx, new)?;
                end(tx, &run, finish).map(|_| ())
            })
        })
    }
}

/// Only a run that leaves something which cannot be had again waits for the
/// disk: a lost row about an unchanged run is no loss.
fn durability(finish: &FinishRun) -> Durability {
    let plain = finish.changes.is_empty() && finish.accounts.is_empty() && finish.pauses.is_empty();
    if plain {
        Durability::Process
    } else {
        Durability::Power
    }
}

fn end(tx: &Transaction<'_>, run: &Going, finish: &FinishRun) -> Result<Finished, StoreError> {
    if !finish.outcome.commits() && !finish.changes.is_empty() {
        let detail = format!(
            "a run that ended as {} changes no documents",
            finish.outcome
        );
        return Err(StoreError::Internal { detail });
    }
    let (documents, changed) = commit(tx, run, &finish.changes)?;
    finish
        .outbox
        .iter()
        .try_for_each(|change| remote::enqueue(tx, change))?;
    reached("outbox");
    let outcome = match finish.outcome {
        Outcome::Ok if changed == 0 => Outcome::OkUnchanged,
        other => other,
    };
    calls::insert(tx, run.seq, &finish.calls)?;
    reached("calls");
    log_lines::insert(tx, run.seq, &finish.log)?;
    reached("log");
    let account = run_accounts::of_calls(tx, &finish.calls)?;
    complete_row(tx, run, finish, outcome, changed, account)?;
    reached("row");
    lanes::count(tx, run.charm_seq, run.started_at, outcome, run.seq)?;
    run_text::index_run(tx, run, finish, outcome, changed)?;
    reached("text");
    charms::update(
        tx,
        &run.charm,
        &with_outcome(&finish.charm, finish.outcome, outcome),
    )?;
    reached("charm");
    finish
        .accounts
        .iter()
        .try_for_each(|change| accounts::update(tx, change))?;
    finish
        .pauses
        .iter()
        .try_for_each(|pause| pauses::put(tx, pause))?;
    reached("accounts");
    Ok(Finished {
        outcome,
        changed,
        documents,
    })
}

type Committed = (Vec<(DocRef, u64)>, u64);

fn commit(tx: &Transaction<'_>, run: &Going, changes: &[Change]) -> Result<Committed, StoreError> {
    let writer = Writer::Charm {
        id: run.charm.clone(),
    };
    let mut recorder = Recorder::new(tx, run.seq)?;
    let mut versions = Vec::new();
    let elements = elements::of(changes);
    for change in changes {
        let element = elements.contains(change.id.as_str());
        let applied = documents::apply_as(tx, &writer, change, element)?;
        reached("document");
        if !applied.recorded.is_empty() {
            let target = change.target();
            recorder.record(&target, &applied.recorded)?;
            versions.push((target, applied.version));
            reached("changed cells");
        }
    }
    Ok((versions, recorder.seen()))
}

fn complete_row(
    tx: &Transaction<'_>,
    run: &Going,
    finish: &FinishRun,
    outcome: Outcome,
    changed: u64,
    account: Option<i64>,
) -> Result<(), StoreError> {
    let (kind, message, stack) = runs::error_columns(finish.error.as_ref());
    let failed = finish
        .calls
        .iter()
        .filter(|call| call.error.is_some())
        .count();
    tx.prepare_cached(
        "UPDATE runs SET outcome = ?2, sync = ?3, duration_ms = ?4, changed = ?5, calls = ?6,
                calls_failed = ?7, log_lines = ?8, note = ?9, error_kind = ?10,
                error_message = ?11, error_stack = ?12, account = coalesce(?13, account)
         WHERE seq = ?1",
    )?
    .execute(params![
        run.seq,
        outcome.as_str(),
        finish.sync.as_str(),
        int(finish.duration_ms),
        int(changed),
        int(finish.calls.len()),
        int(failed),
        int(finish.log.len()),
        finish.note,
        kind,
        message,
        stack,
        account,
    ])?;
    Ok(())
}

/// The schedule remembers the outcome that the history shows.
fn with_outcome(update: &CharmUpdate, given: Outcome, stored: Outcome) -> CharmUpdate {
    let mut update = update.clone();
    if let Some(schedule) = &mut update.schedule
        && schedule.last_outcome == Some(given)
    {
        schedule.last_outcome = Some(stored);
    }
    update
}
