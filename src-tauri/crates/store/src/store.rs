//! The open database: one connection that writes, one that reads.
//!
//! Owns locking, transactions and how durable they are. Never knows a table.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StoreError;
use crate::files::Suspicion;

/// Everything that Charmkeeper remembers. Safe to share between threads.
#[derive(Debug)]
pub struct Store {
    pub(crate) writer: Mutex<Connection>,
    pub(crate) reader: Mutex<Connection>,
    pub(crate) suspicion: Suspicion,
}

/// What a transaction must survive. All survive the death of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A power failure too: data, settings, anything that cannot be had again.
    Power,
    /// The death of the program. After a power failure the last few may be
    /// missing, which is well for rows of the history that changed nothing.
    Process,
}

impl Store {
    /// Reads from one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut db = lock(&self.reader);
        self.suspect((|| {
            let tx = db.transaction()?;
            let answer = work(&tx)?;
            tx.finish()?;
            Ok(answer)
        })())
    }

    /// Does `work` whole or, when it fails, not at all.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut db = lock(&self.writer);
        self.suspect((|| {
            let level = match durability {
                Durability::Power => "FULL",
                Durability::Process => "NORMAL",
            };
            db.pragma_update(None, "synchronous", level)?;
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&tx)?;
            crate::fault::reached("before commit");
            tx.commit()?;
            crate::fault::reached("committed");
            Ok(answer)
        })())
    }

    /// Gives back the pages that both connections keep in memory.
    ///
    /// # Errors
    /// When the database cannot be asked to.
    pub fn release_memory(&self) -> Result<(), StoreError> {
        for db in [&self.writer, &self.reader] {
            lock(db).execute_batch("PRAGMA shrink_memory")?;
        }
        Ok(())
    }

    /// Remembers that SQLite called the file damaged, for the next start.
    fn suspect<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Damaged { .. }) = &result {
            self.suspicion.raise();
        }
        result
    }
}

/// A panic elsewhere leaves no transaction open, so the connection is usable.
pub(crate) fn lock(db: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    db.lock().unwrap_or_else(PoisonError::into_inner)
}
