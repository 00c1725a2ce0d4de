//! Changes that the server refused: set aside with the reason, until somebody
//! tries them again or gives them up.
//!
//! Rows of the table `outbox` in the state `stuck`. Their documents wait behind
//! them; others go on.

use charmkeeper_base::UnixMs;
use rusqlite::{OptionalExtension as _, params};

use super::outbox::documents_of;
use super::{Rebase, number, rebase};
use crate::store::Durability;
use crate::text::count;
use crate::{Store, StoreError};

/// A change that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckChange {
    /// Its id.
    pub id: u64,
    /// Its space.
    pub space: String,
    /// Run that made it.
    pub run: Option<String>,
    /// Name of the charm that made it.
    pub charm: String,
    /// Number of documents in it.
    pub documents: u64,
    /// Why the server refused it.
    pub reason: String,
    /// When it was made.
    pub made_at: UnixMs,
}

impl Store {
    /// Sets a refused change aside.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_change_aside(&self, change: u64, reason: &str) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            let run: Option<Option<String>> = tx
                .prepare_cached(
                    "UPDATE outbox SET state = 'stuck', reason = ?2, local_seq = NULL,
                       commit_text = NULL WHERE id = ?1 RETURNING run",
                )?
                .query_row(params![number(change), reason], |row| row.get(0))
                .optional()?;
            if let Some(Some(run)) = run {
                tx.execute("UPDATE runs SET sync = 'stuck' WHERE id = ?1", [run])?;
            }
            Ok(())
        })
    }

    /// Changes that were set aside, oldest first; of one space, or of all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn stuck_changes(&self, space: Option<&str>) -> Result<Vec<StuckChange>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT id, space, run, charm, COALESCE(reason, ''), made_at,
                   (SELECT count(*) FROM outbox_documents WHERE change = outbox.id)
                 FROM outbox WHERE state = 'stuck' AND (?1 IS NULL OR space = ?1) ORDER BY id",
            )?;
            let rows = query.query_map([space], |row| {
                Ok(StuckChange {
                    id: count(row, 0)?,
                    space: row.get(1)?,
                    run: row.get(2)?,
                    charm: row.get(3)?,
                    reason: row.get(4)?,
                    made_at: UnixMs(row.get(5)?),
                    documents: count(row, 6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Lets a change that was set aside try again. Answers its space.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when no such change is stuck.
    pub fn retry_change(&self, change: u64) -> Result<String, StoreError> {
        self.write(Durability::Power, |tx| {
            let found: Option<(String, Option<String>)> = tx
                .prepare_cached(
                    "UPDATE outbox SET state = 'queued', reason = NULL
                     WHERE id = ?1 AND state = 'stuck' RETURNING space, run",
                )?
                .query_row([number(change)], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (space, run) = found.ok_or_else(|| not_stuck(change))?;
            if let Some(run) = run {
                tx.execute("UPDATE runs SET sync = 'queued' WHERE id = ?1", [run])?;
            }
            Ok(space)
        })
    }

    /// Gives a change up: it leaves, and charms see its documents without it.
    /// Answers its space.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when no such change is stuck; those of `compute`.
    pub fn drop_change(&self, change: u64, compute: Rebase<'_>) -> Result<String, StoreError> {
        self.write(Durability::Power, |tx| {
            let documents = documents_of(tx, number(change))?;
            let space: Option<String> = tx
                .prepare_cached(
                    "DELETE FROM outbox WHERE id = ?1 AND state = 'stuck' RETURNING space",
                )?
                .query_row([number(change)], |row| row.get(0))
                .optional()?;
            let space = space.ok_or_else(|| not_stuck(change))?;
            for id in documents {
                rebase(tx, &space, &id, compute)?;
            }
            Ok(space)
        })
    }
}

fn not_stuck(change: u64) -> StoreError {
    StoreError::NotFound {
        what: "stuck change",
        name: change.to_string(),
    }
}
