//! Table `settings`: what the person chose, as JSON by key.

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use crate::store::Durability;
use crate::text::{to_json, value};
use crate::{Store, StoreError};

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
        self.write(Durability::Power, |tx| {
            match new {
                Some(new) => tx.execute(
                    "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)",
                    params![key, to_json(new)?],
                )?,
                None => tx.execute("DELETE FROM settings WHERE key = ?1", [key])?,
            };
            Ok(())
        })
    }
}
