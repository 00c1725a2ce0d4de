//! Table `pauses`: accounts that must wait, because the provider said so. Kept,
//! so that a restart does not shorten the wait.

use charmkeeper_base::UnixMs;
use rusqlite::{Transaction, params};

use crate::store::Durability;
use crate::{Store, StoreError};

/// One account's wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The account's id.
    pub account: String,
    /// No request before this moment.
    pub until: UnixMs,
    /// One sentence for the person.
    pub reason: String,
}

pub(crate) fn put(tx: &Transaction<'_>, pause: &Pause) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO pauses (account, until, reason) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![pause.account, pause.until.0, pause.reason])?;
    Ok(())
}

pub(crate) fn lift(tx: &Transaction<'_>, account: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM pauses WHERE account = ?1", [account])?;
    Ok(())
}

impl Store {
    /// Stores a pause, in place of an earlier one of the same account.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_pause(&self, pause: &Pause) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| put(tx, pause))
    }

    /// Ends a pause; does nothing when there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lift_pause(&self, account: &str) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| lift(tx, account))
    }

    /// All pauses, those included that are over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.read(|tx| {
            let mut query =
                tx.prepare_cached("SELECT account, until, reason FROM pauses ORDER BY account")?;
            let rows = query.query_map([], |row| {
                Ok(Pause {
                    account: row.get(0)?,
                    until: UnixMs(row.get(1)?),
                    reason: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
