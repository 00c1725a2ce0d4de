//! Table `settings`: what the person chose, as JSON by key.

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;

use crate::store::Durability;
use crate::text::{to_json, value};
use crate::{Store, StoreError};

/// Sets a setting in the caller's transaction; `None` forgets it.
pub(crate) fn put(tx: &Transaction<'_>, key: &str, new: Option<&Value>) -> Result<(), StoreError> {
    match new {
        Some(new) => tx.execute(
            "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)",
            params![key, to_json(new)?],
        )?,
        None => tx.execute("DELETE FROM settings WHERE key = ?1", [key])?,
    };
    Ok(())
}

impl Store {
    /// The value of a setting; nothing when it was never set.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
            Ok(query.query_row([key], |row| value(row, 0)).optional()?)
        })
    }

    /// Sets a setting; `None` forgets it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_setting(&self, key: &str, new: Option<&Value>) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| put(tx, key, new))
    }

    /// The settings whose keys begin like this, by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn settings_below(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT key, value FROM settings WHERE substr(key, 1, length(?1)) = ?1
                 ORDER BY key",
            )?;
            let rows = query.query_map([prefix], |row| Ok((row.get(0)?, value(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
