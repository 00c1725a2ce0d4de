//! Forgetting everything.

use crate::store::Durability;
use crate::{Store, StoreError};

impl Store {
    /// Empties every table, in one transaction, and gives the space back to the
    /// disk.
    ///
    /// # Errors
    /// When it cannot be written; then everything is as it was.
    pub fn reset(&self) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            // Rows may go in any order; all references are gone at the end.
            tx.execute_batch("PRAGMA defer_foreign_keys = ON")?;
            let mut tables = tx.prepare(
                "SELECT name, type FROM pragma_table_list
                 WHERE schema = 'main' AND type IN ('table', 'virtual')
                       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            )?;
            let tables = tables
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<Vec<(String, String)>, _>>()?;
            for (name, kind) in tables {
                // Names are those of our own migrations.
                if kind == "virtual" {
                    tx.execute_batch(&format!(
                        "INSERT INTO {name} ({name}) VALUES ('delete-all')"
                    ))?;
                } else {
                    tx.execute_batch(&format!("DELETE FROM {name}"))?;
                }
            }
            Ok(())
        })?;
        self.give_space_back()
    }
}
