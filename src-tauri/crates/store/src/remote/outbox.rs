//! Tables `outbox` and `outbox_documents`: what the server has yet to be told.
//!
//! A change is written in the transaction that ends its run. When its turn comes
//! it is given a number and its exact commit, which are stored before anything is
//! sent and sent again unchanged while the answer is in doubt. It leaves when the
//! server acknowledged it. A refused change is set aside; changes of the same
//! documents behind it wait, others go on.

use std::collections::BTreeSet;

use charmkeeper_base::{SyncState, UnixMs};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{Rebase, ReplicaDocument, number, rebase, replica};
use crate::store::Durability;
use crate::text::count;
use crate::{Store, StoreError};

/// A change to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// `did:key` of the remote space.
    pub space: String,
    /// Run that made it, where a run did.
    pub run: Option<String>,
    /// Name of the charm that made it.
    pub charm: String,
    /// When.
    pub made_at: UnixMs,
    /// What it wants, as text that only the caller understands.
    pub entry: String,
    /// Ids of the documents that it touches.
    pub documents: Vec<String>,
}

/// A change in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxChange {
    /// Its id; rises.
    pub id: u64,
    /// Run that made it.
    pub run: Option<String>,
    /// As it was given.
    pub entry: String,
    /// True when it met a conflict.
    pub merged: bool,
    /// The exact commit, when it may have been sent.
    pub prepared: Option<Prepared>,
}

/// An exact commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its number within the session; never used for anything else.
    pub local_seq: u64,
    /// Its text; free of the number's meaning to this crate.
    pub commit: String,
}

/// What the server acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub struct Acknowledged {
    /// The change.
    pub change: u64,
    /// Its documents as they are on the server now.
    pub documents: Vec<ReplicaDocument>,
    /// When.
    pub at: UnixMs,
}

/// How many changes wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting for the server.
    pub queued: u64,
    /// Set aside.
    pub stuck: u64,
}

/// Writes a change in the caller's transaction.
pub(crate) fn enqueue(tx: &Transaction<'_>, new: &NewChange) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (space, run, charm, made_at, entry, state)
         VALUES (?1, ?2, ?3, ?4, ?5, 'queued')",
    )?
    .execute(params![
        new.space,
        new.run,
        new.charm,
        new.made_at.0,
        new.entry
    ])?;
    let change = tx.last_insert_rowid();
    let mut insert = tx.prepare_cached(
        "INSERT OR IGNORE INTO outbox_documents (change, space, document) VALUES (?1, ?2, ?3)",
    )?;
    for id in &new.documents {
        insert.execute(params![change, new.space, id])?;
    }
    Ok(())
}

/// The entries that touch a document, in order. Those set aside count: what the
/// person saw stays until it is dropped.
pub(super) fn entries_of(
    tx: &Transaction<'_>,
    space: &str,
    document: &str,
) -> Result<Vec<String>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT o.entry FROM outbox_documents d JOIN outbox o ON o.id = d.change
         WHERE d.space = ?1 AND d.document = ?2 ORDER BY d.change",
    )?;
    let entries = query.query_map([space, document], |row| row.get(0))?;
    Ok(entries.collect::<Result<_, _>>()?)
}

pub(super) fn documents_of(
    tx: &Transaction<'_>,
    change: i64,
) -> Result<BTreeSet<String>, StoreError> {
    let mut query = tx.prepare_cached("SELECT document FROM outbox_documents WHERE change = ?1")?;
    let ids = query.query_map([change], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn outbox_change(row: &Row<'_>) -> rusqlite::Result<OutboxChange> {
    let commit: Option<String> = row.get(5)?;
    let prepared = match commit {
        Some(commit) => Some(Prepared {
            local_seq: count(row, 4)?,
            commit,
        }),
        None => None,
    };
    Ok(OutboxChange {
        id: count(row, 0)?,
        run: row.get(1)?,
        entry: row.get(2)?,
        merged: row.get(3)?,
        prepared,
    })
}

/// The run's changes got this far, unless others of it still wait.
fn settle_run(tx: &Transaction<'_>, run: Option<&str>, sync: SyncState) -> Result<(), StoreError> {
    let Some(run) = run else { return Ok(()) };
    tx.prepare_cached(
        "UPDATE runs SET sync = ?2 WHERE id = ?1 AND sync <> 'stuck'
           AND NOT EXISTS (SELECT 1 FROM outbox WHERE run = ?1)",
    )?
    .execute(params![run, sync.as_str()])?;
    Ok(())
}

impl Store {
    /// Writes a change that no run made, and computes what charms see.
    ///
    /// # Errors
    /// Those of `compute`, and when the database cannot be written.
    pub fn enqueue(&self, new: &NewChange, compute: Rebase<'_>) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            enqueue(tx, new)?;
            new.documents
                .iter()
                .try_for_each(|id| rebase(tx, &new.space, id, compute))
        })
    }

    /// The change whose turn it is: the first that touches no document of one
    /// that was set aside before it, nor of one that waits for such a one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_change(&self, space: &str) -> Result<Option<OutboxChange>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT id, run, entry, merged, local_seq, commit_text, state FROM outbox
                 WHERE space = ?1 ORDER BY id",
            )?;
            let mut blocked = BTreeSet::new();
            let mut rows = query.query([space])?;
            while let Some(row) = rows.next()? {
                let free = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)? == "queued";
                if free && blocked.is_empty() {
                    return Ok(Some(outbox_change(row)?));
                }
                let documents = documents_of(tx, row.get(0)?)?;
                if free && blocked.is_disjoint(&documents) {
                    return Ok(Some(outbox_change(row)?));
                }
                blocked.extend(documents);
            }
            Ok(None)
        })
    }

    /// Gives a change its number and exact commit. `commit` is told the number.
    ///
    /// The write survives the death of the program, not a power failure: after
    /// one, the same number is given to a commit computed from the same state.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the change is gone.
    pub fn prepare_change(
        &self,
        space: &str,
        change: u64,
        commit: impl FnOnce(u64) -> String,
    ) -> Result<Prepared, StoreError> {
        self.write(Durability::Process, |tx| {
            let local_seq: i64 = tx
                .prepare_cached(
                    "UPDATE remote_spaces SET next_local_seq = next_local_seq + 1
                     WHERE did = ?1 RETURNING next_local_seq - 1",
                )?
                .query_row([space], |row| row.get(0))?;
            let prepared = Prepared {
                local_seq: u64::try_from(local_seq).unwrap_or(0),
                commit: commit(u64::try_from(local_seq).unwrap_or(0)),
            };
            let done = tx
                .prepare_cached("UPDATE outbox SET local_seq = ?2, commit_text = ?3 WHERE id = ?1")?
                .execute(params![number(change), local_seq, prepared.commit])?;
            if done == 0 {
                return Err(StoreError::NotFound {
                    what: "waiting change",
                    name: change.to_string(),
                });
            }
            Ok(prepared)
        })
    }

    /// The server has a change: its documents are the server's, it leaves.
    ///
    /// What charms see is computed again only for documents of which something
    /// newer is known: otherwise a change that moves from waiting to confirmed
    /// leaves the sum as it was.
    ///
    /// # Errors
    /// Those of `compute`, and when the database cannot be written.
    pub fn settle_change(
        &self,
        space: &str,
        done: &Acknowledged,
        compute: Rebase<'_>,
    ) -> Result<(), StoreError> {
        self.write(Durability::Process, |tx| {
            let mut newer = Vec::new();
            for document in &done.documents {
                if !replica::store(tx, space, document)? {
                    newer.push(&document.id);
                }
            }
            let gone = tx
                .prepare_cached("DELETE FROM outbox WHERE id = ?1 RETURNING run, merged")?
                .query_row([number(done.change)], |row| {
                    Ok((row.get::<_, Option<String>>(0)?, row.get::<_, bool>(1)?))
                })
                .optional()?;
            let Some((run, merged)) = gone else {
                return Ok(());
            };
            for id in newer {
                rebase(tx, space, id, compute)?;
            }
            tx.prepare_cached(
                "UPDATE remote_spaces SET synced_at = ?2, merged = merged + ?3, refused = NULL
                 WHERE did = ?1",
            )?
            .execute(params![space, done.at.0, merged])?;
            let sync = if merged {
                SyncState::ConflictMerged
            } else {
                SyncState::Synced
            };
            settle_run(tx, run.as_deref(), sync)
        })
    }

    /// A change met a conflict: what the server has now is taken in, and the
    /// change is to be computed and numbered anew.
    ///
    /// # Errors
    /// Those of `compute`, and when the database cannot be written.
    pub fn change_conflicted(
        &self,
        space: &str,
        change: u64,
        news: &[ReplicaDocument],
        compute: Rebase<'_>,
    ) -> Result<(), StoreError> {
        self.write(Durability::Process, |tx| {
            tx.prepare_cached(
                "UPDATE outbox SET merged = 1, local_seq = NULL, commit_text = NULL WHERE id = ?1",
            )?
            .execute([number(change)])?;
            for new in news {
                if replica::store(tx, space, new)? {
                    rebase(tx, space, &new.id, compute)?;
                }
            }
            Ok(())
        })
    }

    /// How many changes of a space wait.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn outbox_counts(&self, space: &str) -> Result<OutboxCounts, StoreError> {
        self.read(|tx| {
            let of = |state: &str| -> Result<u64, StoreError> {
                let mut query = tx.prepare_cached(
                    "SELECT count(*) FROM outbox WHERE space = ?1 AND state = ?2",
                )?;
                Ok(query.query_row([space, state], |row| count(row, 0))?)
            };
            Ok(OutboxCounts {
                queued: of("queued")?,
                stuck: of("stuck")?,
            })
        })
    }
}
