//! Charms that were removed a short while ago: hidden with their cells, so that
//! they can be brought back.
//!
//! Everything else treats a hidden charm as gone: it is in no list, its handle
//! is free, its tags are not found.

use charmkeeper_base::UnixMs;
use rusqlite::params;

use crate::charms::{COLUMNS, charm};
use crate::store::Durability;
use crate::{Charm, Store, StoreError};

impl Store {
    /// Hides a charm.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such charm.
    pub fn hide_charm(&self, id: &str, at: UnixMs) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            let rows = tx.execute(
                "UPDATE charms SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL",
                params![id, at.0],
            )?;
            found(rows, id)
        })
    }

    /// Brings a hidden charm back under a handle that is free.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not hidden; [`StoreError::Taken`] when
    /// the handle is in use.
    pub fn restore_charm(&self, id: &str, handle: &str) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            let rows = tx.execute(
                "UPDATE charms SET removed_at = NULL, handle = ?2
                 WHERE id = ?1 AND removed_at IS NOT NULL",
                params![id, handle],
            );
            match rows {
                Err(e) if crate::error::is_taken(&e) => Err(StoreError::Taken {
                    what: "charm",
                    name: handle.to_owned(),
                }),
                other => found(other?, id),
            }
        })
    }

    /// The hidden charms, the last hidden first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn hidden_charms(&self) -> Result<Vec<Charm>, StoreError> {
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM charms WHERE removed_at IS NOT NULL
                 ORDER BY removed_at DESC, id"
            );
            Ok(tx
                .prepare_cached(&sql)?
                .query_map([], charm)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// Removes for good what was hidden before that moment. Returns the number
    /// of charms.
    ///
    /// # Errors
    /// When it cannot be written; what was removed until then stays removed.
    pub fn purge_hidden(&self, before: UnixMs) -> Result<usize, StoreError> {
        let old: Vec<String> = self.read(|tx| {
            let mut query = tx.prepare_cached("SELECT id FROM charms WHERE removed_at < ?1")?;
            Ok(query
                .query_map([before.0], |row| row.get(0))?
                .collect::<Result<_, _>>()?)
        })?;
        for id in &old {
            self.remove_charm(id)?;
        }
        Ok(old.len())
    }
}

fn found(rows: usize, id: &str) -> Result<(), StoreError> {
    if rows > 0 {
        return Ok(());
    }
    Err(StoreError::NotFound {
        what: "charm",
        name: id.to_owned(),
    })
}
