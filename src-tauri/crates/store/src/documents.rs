//! Table `documents`: cells as the charms left them.
//!
//! Owns versions and ownership: every commit that changes a document raises its
//! version by one, and a charm writes only documents that it created or that
//! belong to nobody. Never follows a link.

use charmkeeper_base::cell::document::{MAX_DEPTH, depth, same};
use charmkeeper_base::cell::patch::{Effect, empty_document};
use charmkeeper_base::cell::{Change, DocRef, DocSnapshot};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;

use crate::store::Durability;
use crate::text::{count, int, to_json, value};
use crate::{Store, StoreError};

/// Who writes documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The keeper itself, for the person: may write anything. Documents that it
    /// creates belong to charm `owner`, or to nobody.
    Keeper {
        /// Id of a charm.
        owner: Option<String>,
    },
    /// A charm in a run: bound by ownership and to its own space.
    Charm {
        /// Its id.
        id: String,
    },
}

/// A document in the list of what a charm owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedDocument {
    /// Which document.
    pub target: DocRef,
    /// Its version, from 1.
    pub version: u64,
    /// Length of its JSON text in bytes.
    pub bytes: u64,
}

/// One change as the history shows it.
pub(crate) struct Recorded {
    pub(crate) path: String,
    pub(crate) op: &'static str,
    pub(crate) effect: Effect,
}

/// What a change came to.
pub(crate) struct Applied {
    /// The version afterwards.
    pub(crate) version: u64,
    /// Empty when the document already was as the change wants it.
    pub(crate) recorded: Vec<Recorded>,
}

struct Stored {
    version: u64,
    owner: Option<String>,
    doc: Value,
}

fn load(tx: &Transaction<'_>, space: &str, id: &str) -> Result<Option<Stored>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT version, owner, json FROM documents WHERE space = ?1 AND id = ?2",
    )?;
    let stored = query.query_row([space, id], |row| {
        Ok(Stored {
            version: count(row, 0)?,
            owner: row.get(1)?,
            doc: value(row, 2)?,
        })
    });
    Ok(stored.optional()?)
}

/// Applies one change inside the caller's transaction.
pub(crate) fn apply(
    tx: &Transaction<'_>,
    writer: &Writer,
    change: &Change,
) -> Result<Applied, StoreError> {
    apply_as(tx, writer, change, false)
}

/// The same; a document that it creates is an element of a list, or not.
pub(crate) fn apply_as(
    tx: &Transaction<'_>,
    writer: &Writer,
    change: &Change,
    element: bool,
) -> Result<Applied, StoreError> {
    let stored = load(tx, &change.space, &change.id)?;
    let owner = new_owner(tx, writer, change, stored.as_ref())?;
    let version = stored.as_ref().map_or(0, |stored| stored.version);
    if let Some(expected) = change.base_version.filter(|expected| *expected != version) {
        let (space, id) = (change.space.clone(), change.id.clone());
        return Err(StoreError::Conflict {
            space,
            id,
            expected,
            found: version,
        });
    }
    let (doc, recorded) = patched(change, stored.map(|stored| stored.doc))?;
    if recorded.is_empty() {
        return Ok(Applied { version, recorded });
    }
    let version = version + 1;
    tx.prepare_cached(
        "INSERT INTO documents (space, id, version, owner, json, element)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (space, id) DO UPDATE SET version = ?3, json = ?5",
    )?
    .execute(params![
        change.space,
        change.id,
        int(version),
        owner,
        to_json(&doc)?,
        element
    ])?;
    Ok(Applied { version, recorded })
}

/// Checks that `writer` may make this change, and tells who owns the document
/// when the change creates it.
fn new_owner(
    tx: &Transaction<'_>,
    writer: &Writer,
    change: &Change,
    stored: Option<&Stored>,
) -> Result<Option<String>, StoreError> {
    let charm = match writer {
        Writer::Keeper { owner } => {
            if stored.is_none() {
                need_space(tx, &change.space)?;
            }
            return Ok(owner.clone());
        }
        Writer::Charm { id } => id,
    };
    let mut query = tx.prepare_cached("SELECT handle, space FROM charms WHERE id = ?1")?;
    let lookup = |query: &mut rusqlite::CachedStatement<'_>, id: &str| {
        query
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    };
    let (handle, home): (String, String) =
        lookup(&mut query, charm)?.ok_or_else(|| StoreError::NotFound {
            what: "charm",
            name: charm.clone(),
        })?;
    match stored {
        None if change.space != home => Err(StoreError::ForeignSpace {
            writer: handle,
            space: change.space.clone(),
        }),
        Some(Stored {
            owner: Some(owner), ..
        }) if owner != charm => {
            let owner = lookup(&mut query, owner)?.map_or_else(|| owner.clone(), |other| other.0);
            Err(StoreError::NotOwner {
                id: change.id.clone(),
                owner,
                writer: handle,
            })
        }
        _ => Ok(Some(charm.clone())),
    }
}

/// The document after the change, and what that did to it.
fn patched(change: &Change, before: Option<Value>) -> Result<(Value, Vec<Recorded>), StoreError> {
    let mut recorded = Vec::new();
    let mut doc = match (&change.create, before) {
        (Some(new), before) => {
            check(change, new)?;
            if before.as_ref().is_none_or(|before| !same(before, new)) {
                let value_of = |doc: &Value| doc.get("value").cloned();
                let before = before.as_ref().and_then(value_of);
                let effect = Effect {
                    before,
                    after: value_of(new),
                };
                recorded.push(Recorded {
                    path: "/value".to_owned(),
                    op: "create",
                    effect,
                });
            }
            new.clone()
        }
        (None, Some(before)) => before,
        (None, None) => empty_document(),
    };
    for patch in &change.patches {
        let effect = patch.apply(&mut doc).map_err(|source| StoreError::Patch {
            id: change.id.clone(),
            source,
        })?;
        if !effect.is_nothing() {
            recorded.push(Recorded {
                path: patch.path().to_owned(),
                op: patch.op(),
                effect,
            });
        }
    }
    check(change, &doc)?;
    Ok((doc, recorded))
}

fn check(change: &Change, doc: &Value) -> Result<(), StoreError> {
    let bad = |reason| StoreError::BadDocument {
        id: change.id.clone(),
        reason,
    };
    if !doc.is_object() {
        return Err(bad("a document is an object with a value in it"));
    }
    if depth(doc) > MAX_DEPTH {
        return Err(bad("it is nested too deep"));
    }
    Ok(())
}

/// Fails when there is no such space.
pub(crate) fn need_space(tx: &Transaction<'_>, did: &str) -> Result<(), StoreError> {
    let known: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM spaces WHERE did = ?1)")?
        .query_row([did], |row| row.get(0))?;
    if known {
        Ok(())
    } else {
        Err(StoreError::NotFound {
            what: "space",
            name: did.to_owned(),
        })
    }
}

impl Store {
    /// Reads documents as they were at one moment, in the order of `targets`. A
    /// document that does not exist has version 0.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn documents(&self, targets: &[DocRef]) -> Result<Vec<DocSnapshot>, StoreError> {
        self.read(|tx| {
            let read = |target: &DocRef| {
                let stored = load(tx, &target.space, &target.id)?;
                Ok(DocSnapshot {
                    space: target.space.clone(),
                    id: target.id.clone(),
                    version: stored.as_ref().map_or(0, |stored| stored.version),
                    doc: stored.map(|stored| stored.doc),
                })
            };
            targets.iter().map(read).collect()
        })
    }

    /// What a charm owns, by space and id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn owned_documents(&self, charm: &str) -> Result<Vec<OwnedDocument>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT space, id, version, octet_length(json) FROM documents
                 WHERE owner = ?1 ORDER BY space, id",
            )?;
            let rows = query.query_map([charm], |row| {
                Ok(OwnedDocument {
                    target: DocRef {
                        space: row.get(0)?,
                        id: row.get(1)?,
                    },
                    version: count(row, 2)?,
                    bytes: count(row, 3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes documents outside a run, all or none. Returns the versions after
    /// it, in the order of `changes`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::NotOwner`],
    /// [`StoreError::ForeignSpace`], [`StoreError::Patch`],
    /// [`StoreError::BadDocument`]; [`StoreError::NotFound`] for a space or charm.
    pub fn write_documents(
        &self,
        writer: &Writer,
        changes: &[Change],
    ) -> Result<Vec<u64>, StoreError> {
        self.write(Durability::Power, |tx| {
            changes
                .iter()
                .map(|change| Ok(apply(tx, writer, change)?.version))
                .collect()
        })
    }
}
