//! Table `programs`: the source files of charms, kept by the hash of their
//! content and shared by charms with the same source.

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;

use crate::text::{to_json, value};
use crate::{Store, StoreError};

pub(crate) fn keep(tx: &Transaction<'_>, hash: &str, program: &Value) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR IGNORE INTO programs (hash, json) VALUES (?1, ?2)")?
        .execute(params![hash, to_json(program)?])?;
    Ok(())
}

/// Deletes the programs that no charm uses.
pub(crate) fn sweep(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM programs WHERE hash NOT IN (SELECT program_hash FROM charms)",
        [],
    )?;
    Ok(())
}

impl Store {
    /// The source files stored under `hash`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn program(&self, hash: &str) -> Result<Option<Value>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached("SELECT json FROM programs WHERE hash = ?1")?;
            Ok(query.query_row([hash], |row| value(row, 0)).optional()?)
        })
    }
}
