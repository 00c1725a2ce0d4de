//! Forgetting old runs.
//!
//! Works in small transactions, so that a run that ends meanwhile waits a few
//! milliseconds at most.

use charmkeeper_base::UnixMs;
use rusqlite::{OptionalExtension as _, params};

use crate::store::{Durability, lock};
use crate::text::int;
use crate::{Store, StoreError, lanes, run_text};

/// Runs deleted per transaction.
const BATCH: usize = 500;

/// What pruning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs deleted, with their calls, logs and changed places.
    pub runs: u64,
}

impl Store {
    /// Deletes runs that started before `older_than` and, of the rest, all but
    /// the newest `keep_rows`. Runs that are going on stay. Gives the space back
    /// to the disk.
    ///
    /// # Errors
    /// When it cannot be written; what was deleted until then stays deleted.
    pub fn prune(&self, keep_rows: u64, older_than: UnixMs) -> Result<Pruned, StoreError> {
        let cutoff = self.cutoff(keep_rows, older_than)?;
        let mut pruned = Pruned::default();
        loop {
            let deleted = self.write(Durability::Process, |tx| {
                let mut oldest = tx.prepare_cached(
                    "SELECT seq, started_at FROM runs
                     WHERE (started_at, seq) < (?1, ?2) AND outcome IS NOT NULL
                     ORDER BY started_at, seq LIMIT ?3",
                )?;
                let old = oldest
                    .query_map(params![cutoff.0, cutoff.1, int(BATCH)], |row| {
                        Ok((row.get(0)?, UnixMs(row.get(1)?)))
                    })?
                    .collect::<Result<Vec<(i64, UnixMs)>, _>>()?;
                let mut delete = tx.prepare_cached("DELETE FROM runs WHERE seq = ?1")?;
                for (seq, started_at) in &old {
                    delete.execute([seq])?;
                    run_text::forget_run(tx, *started_at, *seq)?;
                }
                Ok(old.len())
            })?;
            pruned.runs += deleted as u64;
            if deleted < BATCH {
                break;
            }
        }
        if pruned.runs > 0 {
            self.forget_what_no_run_names(UnixMs(cutoff.0))?;
            self.give_space_back()?;
        }
        Ok(pruned)
    }

    /// The oldest (`started_at`, `seq`) that stays.
    fn cutoff(&self, keep_rows: u64, older_than: UnixMs) -> Result<(i64, i64), StoreError> {
        let by_age = (older_than.0, i64::MIN);
        let Some(skip) = keep_rows.checked_sub(1) else {
            return Ok((i64::MAX, i64::MAX));
        };
        let by_count = self.read(|tx| {
            let mut query = tx.prepare(
                "SELECT started_at, seq FROM runs
                 ORDER BY started_at DESC, seq DESC LIMIT 1 OFFSET ?1",
            )?;
            Ok(query
                .query_row([int(skip)], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?)
        })?;
        Ok(by_count.map_or(by_age, |by_count: (i64, i64)| by_count.max(by_age)))
    }

    fn forget_what_no_run_names(&self, oldest: UnixMs) -> Result<(), StoreError> {
        self.write(Durability::Process, |tx| {
            lanes::forget_before(tx, oldest)?;
            run_text::forget_charms(tx)?;
            tx.execute(
                "DELETE FROM run_charms WHERE NOT EXISTS
                     (SELECT 1 FROM runs WHERE runs.charm = run_charms.seq)",
                [],
            )?;
            tx.execute(
                "DELETE FROM run_accounts WHERE NOT EXISTS
                     (SELECT 1 FROM runs WHERE runs.account = run_accounts.seq)",
                [],
            )?;
            Ok(())
        })
    }

    /// Moves free pages out of the file, some at a time.
    pub(crate) fn give_space_back(&self) -> Result<(), StoreError> {
        let mut before = i64::MAX;
        loop {
            let db = lock(&self.writer);
            let free: i64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
            // A file made without incremental vacuum keeps its free pages.
            if free == 0 || free >= before {
                return Ok(());
            }
            before = free;
            let mut vacuum = db.prepare("PRAGMA incremental_vacuum(256)")?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {}
        }
    }
}
