//! Table `events`: what happened to Charmkeeper itself, for the history.

use charmkeeper_base::UnixMs;
use rusqlite::params;
use serde_json::Value;

use crate::store::Durability;
use crate::text::{to_json, value};
use crate::{Store, StoreError};

/// Kind of the event that tells of a database set aside; its detail holds
/// `path` and `reason`.
pub const DATABASE_DAMAGED: &str = "database-damaged";

/// Events beyond this many are forgotten, the oldest first.
const KEPT: i64 = 1000;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened.
    pub at: UnixMs,
    /// A word for programs, such as [`DATABASE_DAMAGED`].
    pub kind: String,
    /// A sentence for people.
    pub message: String,
    /// More, as JSON.
    pub detail: Value,
}

impl Store {
    /// Adds an event.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_event(
        &self,
        at: UnixMs,
        kind: &str,
        message: &str,
        detail: &Value,
    ) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            tx.execute(
                "INSERT INTO events (at, kind, message, detail) VALUES (?1, ?2, ?3, ?4)",
                params![at.0, kind, message, to_json(detail)?],
            )?;
            let oldest = tx.last_insert_rowid() - KEPT;
            tx.execute("DELETE FROM events WHERE seq <= ?1", [oldest])?;
            Ok(())
        })
    }

    /// The newest events, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT at, kind, message, detail FROM events ORDER BY seq DESC LIMIT ?1",
            )?;
            let rows = query.query_map([limit], |row| {
                Ok(Event {
                    at: UnixMs(row.get(0)?),
                    kind: row.get(1)?,
                    message: row.get(2)?,
                    detail: value(row, 3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
