//! Table `runs`: one row per run, written when it starts and completed when it
//! ends. A row without an outcome is a run that is going on, or one during which
//! the program died.
//!
//! Owns the rows. Reading them back page by page is in `history`.

use charmkeeper_base::{ErrorKind, Outcome, SyncState, Trigger, UnixMs};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::error::is_taken;
use crate::history::Cursor;
use crate::store::Durability;
use crate::text::{count, cut, word, word_or_null};
use crate::{Store, StoreError, lanes, run_accounts, run_text};

/// Longest error message kept, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;
/// Longest stack kept, in bytes.
const MAX_STACK: usize = 16 * 1024;

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// UUID of the run.
    pub id: String,
    /// Id of the charm.
    pub charm: String,
    /// What began it.
    pub trigger: Trigger,
    /// When.
    pub started_at: UnixMs,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// The kind that decides what happens next.
    pub kind: ErrorKind,
    /// One sentence, or what the charm threw.
    pub message: String,
    /// Stack in terms of the charm's own files.
    pub stack: Option<String>,
}

/// One row of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Orders runs that started in the same millisecond.
    pub seq: i64,
    /// UUID of the run.
    pub id: String,
    /// Id of the charm, which may have been removed since.
    pub charm: String,
    /// What the charm is, or was last, called.
    pub charm_name: String,
    /// Its handle.
    pub charm_handle: String,
    /// `did:key` of its space.
    pub space: String,
    /// The name of its space.
    pub space_name: String,
    /// The account that it called with, or else the one that its charm was
    /// bound to.
    pub account: Option<String>,
    /// What began the run.
    pub trigger: Trigger,
    /// How it ended; nothing while it is going on.
    pub outcome: Option<Outcome>,
    /// How far its changes got.
    pub sync: SyncState,
    /// When it started.
    pub started_at: UnixMs,
    /// How long it took; nothing while it is going on, and for `interrupted`.
    pub duration_ms: Option<u64>,
    /// Changed places.
    pub changed: u64,
    /// Requests.
    pub calls: u64,
    /// Requests that failed.
    pub calls_failed: u64,
    /// Lines of its log.
    pub log_lines: u64,
    /// The reason of a skipped run, the count of missed ones.
    pub note: Option<String>,
    /// Why it failed.
    pub error: Option<RunError>,
}

impl RunRow {
    /// Where the page after this row begins.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            started_at: self.started_at,
            seq: self.seq,
        }
    }
}

/// What [`row`] reads, from `runs AS r`, `run_charms AS c` and [`ACCOUNT`].
pub(crate) const COLUMNS: &str = "r.seq, r.id, c.charm, c.name, c.handle, c.space, c.space_name, \
     r.trigger, r.outcome, r.sync, r.started_at, r.duration_ms, r.changed, r.calls, \
     r.calls_failed, r.log_lines, r.note, r.error_kind, r.error_message, r.error_stack, \
     a.account";
/// Joins the account of a run.
pub(crate) const ACCOUNT: &str = "LEFT JOIN run_accounts AS a ON a.seq = r.account";

pub(crate) fn row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let message: Option<String> = row.get(18)?;
    let stack = row.get(19)?;
    Ok(RunRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        charm: row.get(2)?,
        charm_name: row.get(3)?,
        charm_handle: row.get(4)?,
        space: row.get(5)?,
        space_name: row.get(6)?,
        account: row.get(20)?,
        trigger: word(row, 7, Trigger::parse)?,
        outcome: word_or_null(row, 8, Outcome::parse)?,
        sync: word(row, 9, SyncState::parse)?,
        started_at: UnixMs(row.get(10)?),
        duration_ms: row
            .get::<_, Option<i64>>(11)?
            .and_then(|ms| u64::try_from(ms).ok()),
        changed: count(row, 12)?,
        calls: count(row, 13)?,
        calls_failed: count(row, 14)?,
        log_lines: count(row, 15)?,
        note: row.get(16)?,
        error: word_or_null(row, 17, ErrorKind::parse)?.map(|kind| RunError {
            kind,
            message: message.unwrap_or_default(),
            stack,
        }),
    })
}

/// A run that is going on.
pub(crate) struct Going {
    pub(crate) seq: i64,
    /// Id of its charm.
    pub(crate) charm: String,
    /// Its charm's `seq` in `run_charms`.
    pub(crate) charm_seq: i64,
    pub(crate) started_at: UnixMs,
}

/// Writes the row of a run that begins.
pub(crate) fn begin(tx: &Transaction<'_>, new: &NewRun) -> Result<Going, StoreError> {
    let whose = remember_charm(tx, &new.charm)?;
    let account = run_accounts::of_charm(tx, &new.charm)?;
    let added = tx
        .prepare_cached(
            "INSERT INTO runs (id, charm, account, trigger, sync, started_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            new.id,
            whose,
            account,
            new.trigger.as_str(),
            SyncState::Local.as_str(),
            new.started_at.0
        ]);
    match added {
        Err(e) if is_taken(&e) => Err(StoreError::Taken {
            what: "run",
            name: new.id.clone(),
        }),
        other => {
            other?;
            Ok(Going {
                seq: tx.last_insert_rowid(),
                charm: new.charm.clone(),
                charm_seq: whose,
                started_at: new.started_at,
            })
        }
    }
}

/// The charm's row in `run_charms`, made when this is its first run.
fn remember_charm(tx: &Transaction<'_>, charm: &str) -> Result<i64, StoreError> {
    let mut known = tx.prepare_cached("SELECT seq FROM run_charms WHERE charm = ?1")?;
    if let Some(seq) = known.query_row([charm], |row| row.get(0)).optional()? {
        return Ok(seq);
    }
    let added = tx.execute(
        "INSERT INTO run_charms (charm, name, handle, space, space_name)
         SELECT charms.id, charms.name, charms.handle, charms.space, spaces.name
         FROM charms JOIN spaces ON spaces.did = charms.space WHERE charms.id = ?1",
        [charm],
    )?;
    if added == 0 {
        return Err(StoreError::NotFound {
            what: "charm",
            name: charm.to_owned(),
        });
    }
    let seq = tx.last_insert_rowid();
    run_text::index_charm(tx, seq)?;
    Ok(seq)
}

/// Finds a run that has not ended.
pub(crate) fn going(tx: &Transaction<'_>, id: &str) -> Result<Going, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT r.seq, c.charm, r.outcome IS NULL, r.charm, r.started_at
         FROM runs AS r JOIN run_charms AS c ON c.seq = r.charm WHERE r.id = ?1",
    )?;
    let found = query
        .query_row([id], |row| {
            Ok((
                Going {
                    seq: row.get(0)?,
                    charm: row.get(1)?,
                    charm_seq: row.get(3)?,
                    started_at: UnixMs(row.get(4)?),
                },
                row.get::<_, bool>(2)?,
            ))
        })
        .optional()?;
    match found {
        Some((run, true)) => Ok(run),
        Some((_, false)) => Err(StoreError::RunEnded { run: id.to_owned() }),
        None => Err(StoreError::NotFound {
            what: "run",
            name: id.to_owned(),
        }),
    }
}

/// The error's columns: kind, message, stack.
pub(crate) fn error_columns(
    error: Option<&RunError>,
) -> (Option<&'static str>, Option<&str>, Option<&str>) {
    error.map_or((None, None, None), |error| {
        let stack = error.stack.as_deref().map(|stack| cut(stack, MAX_STACK));
        (
            Some(error.kind.as_str()),
            Some(cut(&error.message, MAX_MESSAGE)),
            stack,
        )
    })
}

impl Store {
    /// Writes the rows of runs that begin now, all or none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown charm, [`StoreError::Taken`] for a
    /// run id that is in use.
    pub fn begin_runs(&self, runs: &[NewRun]) -> Result<(), StoreError> {
        self.write(Durability::Process, |tx| {
            runs.iter().try_for_each(|new| begin(tx, new).map(|_| ()))
        })
    }

    /// At start: every run that had not ended when the program died becomes
    /// `interrupted`, in its own row and as its charm's last outcome. When it
    /// ended is not known, so it has no duration. Returns those rows, newest first.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark_interrupted(&self) -> Result<Vec<RunRow>, StoreError> {
        self.write(Durability::Process, |tx| {
            let word = Outcome::Interrupted.as_str();
            let mut rows = {
                let mut query = tx.prepare(&format!(
                    "SELECT {COLUMNS} FROM runs AS r JOIN run_charms AS c ON c.seq = r.charm
                     {ACCOUNT} WHERE r.outcome IS NULL ORDER BY r.started_at DESC, r.seq DESC"
                ))?;
                query.query_map([], row)?.collect::<Result<Vec<_>, _>>()?
            };
            // Oldest first, so that a charm keeps the newest of several.
            for run in rows.iter_mut().rev() {
                tx.execute(
                    "UPDATE runs SET outcome = ?2 WHERE seq = ?1",
                    params![run.seq, word],
                )?;
                tx.execute(
                    "UPDATE charms SET last_outcome = ?2, last_run_at = ?3 WHERE id = ?1",
                    params![run.charm, word, run.started_at.0],
                )?;
                run.outcome = Some(Outcome::Interrupted);
                let charm: i64 =
                    tx.query_row("SELECT charm FROM runs WHERE seq = ?1", [run.seq], |row| {
                        row.get(0)
                    })?;
                lanes::count(tx, charm, run.started_at, Outcome::Interrupted, run.seq)?;
            }
            Ok(rows)
        })
    }
}
