//! Moving a charm from a local space to a remote one.
//!
//! Its documents are changes in the outbox like any other, written together with a
//! note of what is going on ([`Store::enqueue_with_note`]); when the server has
//! them, the charm's row follows in one transaction ([`Store::move_charm`]), or the
//! changes are taken back ([`Store::withdraw_changes`]).
//!
//! Owns these transactions. What the note says is the caller's.

use charmkeeper_base::cell::{Change, DocRef};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;

use super::outbox::{documents_of, enqueue, entries_of};
use super::{NewChange, Rebase, number, rebase, replica};
use crate::documents::{self, Writer};
use crate::settings;
use crate::store::Durability;
use crate::text::{count, int};
use crate::{Store, StoreError};

/// Where changes stand that were enqueued together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At least one waits, and none was refused.
    Waiting,
    /// The server has all of them.
    Told,
    /// The server refused one, for this reason.
    Refused(String),
}

/// A charm's new home.
#[derive(Clone, Debug)]
pub struct CharmMove {
    /// Id of the charm.
    pub charm: String,
    /// Its new space.
    pub space: String,
    /// Its argument document there; its result document keeps its id.
    pub argument: String,
    /// All documents that it owns in its old space, with the versions from which
    /// the rest of this was computed.
    pub seen: Vec<(DocRef, u64)>,
    /// What becomes of them, and documents of the new space that stay here.
    pub changes: Vec<Change>,
    /// What changed since it was told.
    pub outbox: Option<NewChange>,
}

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is done.
    Done,
    /// A run of the charm is going on; nothing was changed.
    Running,
    /// Its documents are not those that were seen; nothing was changed.
    Changed,
    /// There is no such charm any more; nothing was changed.
    Gone,
}

impl Store {
    /// Writes changes that no run made, and a note beside them, all or none. The
    /// note is told the ids of the changes.
    ///
    /// # Errors
    /// Those of `compute`, and when the database cannot be written.
    pub fn enqueue_with_note(
        &self,
        changes: &[NewChange],
        key: &str,
        note: impl FnOnce(&[u64]) -> Option<Value>,
        compute: Rebase<'_>,
    ) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            let mut ids = Vec::with_capacity(changes.len());
            for new in changes {
                enqueue(tx, new)?;
                ids.push(u64::try_from(tx.last_insert_rowid()).unwrap_or(0));
                for id in &new.documents {
                    rebase(tx, &new.space, id, compute)?;
                }
            }
            settings::put(tx, key, note(&ids).as_ref())
        })
    }

    /// Where these changes stand.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn standing(&self, changes: &[u64]) -> Result<Standing, StoreError> {
        self.read(|tx| {
            let mut query =
                tx.prepare_cached("SELECT state, COALESCE(reason, '') FROM outbox WHERE id = ?1")?;
            let mut standing = Standing::Told;
            for change in changes {
                let row = query.query_row([number(*change)], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                });
                match row.optional()? {
                    Some((state, reason)) if state == "stuck" => {
                        return Ok(Standing::Refused(reason));
                    }
                    Some(_) => standing = Standing::Waiting,
                    None => {}
                }
            }
            Ok(standing)
        })
    }

    /// Takes changes back that the server refused or was not told yet, forgets what
    /// charms saw of them, and leaves a note.
    ///
    /// # Errors
    /// Those of `compute`, and when the database cannot be written.
    pub fn withdraw_changes(
        &self,
        space: &str,
        changes: &[u64],
        key: &str,
        note: Option<&Value>,
        compute: Rebase<'_>,
    ) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            for change in changes {
                let documents = documents_of(tx, number(*change))?;
                tx.execute("DELETE FROM outbox WHERE id = ?1", [number(*change)])?;
                for id in documents {
                    forget_or_rebase(tx, space, &id, compute)?;
                }
            }
            settings::put(tx, key, note)
        })
    }

    /// Moves a charm, unless it is busy or its documents changed. The note goes.
    ///
    /// # Errors
    /// Those of [`Store::write_documents`] and of `compute`.
    pub fn move_charm(
        &self,
        to: &CharmMove,
        key: &str,
        note: Option<&Value>,
        compute: Rebase<'_>,
    ) -> Result<Moved, StoreError> {
        self.write(Durability::Power, |tx| {
            if let Some(reason) = hindered(tx, to)? {
                return Ok(reason);
            }
            tx.execute(
                "UPDATE charms SET space = ?2, argument = ?3 WHERE id = ?1",
                params![to.charm, to.space, to.argument],
            )?;
            let writer = Writer::Keeper {
                owner: Some(to.charm.clone()),
            };
            for change in &to.changes {
                documents::apply(tx, &writer, change)?;
            }
            if let Some(new) = &to.outbox {
                enqueue(tx, new)?;
                for id in &new.documents {
                    rebase(tx, &new.space, id, compute)?;
                }
            }
            settings::put(tx, key, note)?;
            Ok(Moved::Done)
        })
    }
}

/// Why a charm cannot be moved now.
fn hindered(tx: &Transaction<'_>, to: &CharmMove) -> Result<Option<Moved>, StoreError> {
    let old: Option<String> = tx
        .prepare_cached("SELECT space FROM charms WHERE id = ?1")?
        .query_row([&to.charm], |row| row.get(0))
        .optional()?;
    let Some(old) = old else {
        return Ok(Some(Moved::Gone));
    };
    let running: bool = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM runs JOIN run_charms AS c ON c.seq = runs.charm
                            WHERE c.charm = ?1 AND runs.outcome IS NULL)",
        )?
        .query_row([&to.charm], |row| row.get(0))?;
    if running {
        return Ok(Some(Moved::Running));
    }
    let owned: u64 = tx
        .prepare_cached("SELECT count(*) FROM documents WHERE owner = ?1 AND space = ?2")?
        .query_row([&to.charm, &old], |row| count(row, 0))?;
    let mut same = owned == u64::try_from(to.seen.len()).unwrap_or(u64::MAX);
    let mut query = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM documents WHERE space = ?1 AND id = ?2 AND version = ?3)",
    )?;
    for (doc, version) in &to.seen {
        same &= query.query_row(params![doc.space, doc.id, int(*version)], |row| {
            row.get::<_, bool>(0)
        })?;
    }
    Ok((!same).then_some(Moved::Changed))
}

/// What charms see of a document without a change that is taken back; nothing is
/// left of one that the server never heard of.
fn forget_or_rebase(
    tx: &Transaction<'_>,
    space: &str,
    id: &str,
    compute: Rebase<'_>,
) -> Result<(), StoreError> {
    let confirmed = replica::load(tx, space, id)?.is_some_and(|(_, doc)| doc.is_some());
    if confirmed || !entries_of(tx, space, id)?.is_empty() {
        return rebase(tx, space, id, compute);
    }
    tx.prepare_cached("DELETE FROM documents WHERE space = ?1 AND id = ?2 AND owner IS NULL")?
        .execute([space, id])?;
    Ok(())
}
