//! Table `replica`: documents as the server last confirmed them.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;

use super::{Rebase, number, rebase};
use crate::store::Durability;
use crate::text::{count, to_json, value};
use crate::{Store, StoreError};

/// A document on the server.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaDocument {
    /// Its id, with the scheme.
    pub id: String,
    /// The server's number of the commit that last changed it; 0 when it was
    /// never written.
    pub seq: u64,
    /// The whole document; nothing when it is not there.
    pub doc: Option<Value>,
}

/// A place in the order in which documents came into the replica. Good for as long
/// as the store is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(i64);

/// Some documents of the replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaPage {
    /// Their ids.
    pub ids: Vec<String>,
    /// The place of the last.
    pub last: Mark,
}

impl ReplicaPage {
    fn behind(after: Mark) -> Self {
        Self {
            ids: Vec::new(),
            last: after,
        }
    }
}

/// Number and state of one document; nothing when it was never heard of.
pub(super) fn load(
    tx: &Transaction<'_>,
    space: &str,
    id: &str,
) -> Result<Option<(u64, Option<Value>)>, StoreError> {
    let mut query =
        tx.prepare_cached("SELECT seq, json FROM replica WHERE space = ?1 AND id = ?2")?;
    let found = query.query_row([space, id], |row| {
        let doc = match row.get_ref(1)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(value(row, 1)?),
        };
        Ok((count(row, 0)?, doc))
    });
    Ok(found.optional()?)
}

/// Stores what the server said, unless something newer is known. True when it
/// was news.
pub(super) fn store(
    tx: &Transaction<'_>,
    space: &str,
    new: &ReplicaDocument,
) -> Result<bool, StoreError> {
    let text = new.doc.as_ref().map(to_json).transpose()?;
    let changed = tx
        .prepare_cached(
            "INSERT INTO replica (space, id, seq, json) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (space, id) DO UPDATE SET seq = ?3, json = ?4 WHERE seq < ?3",
        )?
        .execute(params![space, new.id, number(new.seq), text])?;
    Ok(changed > 0)
}

impl Store {
    /// What the server is known to hold, in the order of `ids`; nothing for
    /// documents that were never heard of.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn replica(
        &self,
        space: &str,
        ids: &[String],
    ) -> Result<Vec<Option<ReplicaDocument>>, StoreError> {
        self.read(|tx| {
            let read = |id: &String| {
                let found = load(tx, space, id)?;
                Ok(found.map(|(seq, doc)| ReplicaDocument {
                    id: id.clone(),
                    seq,
                    doc,
                }))
            };
            ids.iter().map(read).collect()
        })
    }

    /// Whether the server has a document, or is about to be told of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_told(&self, space: &str, id: &str) -> Result<bool, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM replica
                                WHERE space = ?1 AND id = ?2 AND json IS NOT NULL)
                   OR EXISTS (SELECT 1 FROM outbox_documents WHERE space = ?1 AND document = ?2)",
            )?;
            Ok(query.query_row([space, id], |row| row.get(0))?)
        })
    }

    /// Whether any document of the space, as charms see it, names one of these.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_linked(&self, space: &str, ids: &BTreeSet<String>) -> Result<bool, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached("SELECT json FROM documents WHERE space = ?1")?;
            let mut rows = query.query([space])?;
            while let Some(row) = rows.next()? {
                let json = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                // Ids hold nothing that JSON writes in another way.
                if ids.iter().any(|id| json.contains(id.as_str())) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Documents that came into the replica after `after`, in the order in which
    /// they came: at most `count`, and no more than `bytes` of them unless one alone
    /// is larger. None at the end. A document that changes keeps its place.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn replica_page(
        &self,
        space: &str,
        after: Mark,
        count: usize,
        bytes: u64,
    ) -> Result<ReplicaPage, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT rowid, id, COALESCE(octet_length(json), 0) FROM replica
                 WHERE space = ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3",
            )?;
            let limit = i64::try_from(count).unwrap_or(i64::MAX);
            let mut rows = query.query(params![space, after.0, limit])?;
            let (mut page, mut size) = (ReplicaPage::behind(after), 0);
            while let Some(row) = rows.next()? {
                size += crate::text::count(row, 2)?;
                if size > bytes && !page.ids.is_empty() {
                    break;
                }
                page.last = Mark(row.get(0)?);
                page.ids.push(row.get(1)?);
            }
            Ok(page)
        })
    }

    /// The place of what came into the replica last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn replica_mark(&self) -> Result<Mark, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached("SELECT COALESCE(max(rowid), 0) FROM replica")?;
            Ok(Mark(query.query_row([], |row| row.get(0))?))
        })
    }

    /// Those of `ids` that the server was never asked about.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unheard_of(&self, space: &str, ids: Vec<String>) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            let mut query =
                tx.prepare_cached("SELECT 1 FROM replica WHERE space = ?1 AND id = ?2")?;
            let mut unheard = Vec::new();
            for id in ids {
                if !query.exists([space, &id])? {
                    unheard.push(id);
                }
            }
            Ok(unheard)
        })
    }

    /// Takes in what the server said, and computes what charms see again. Older
    /// news is ignored. Answers the ids of documents that were news.
    ///
    /// # Errors
    /// Those of `compute`, and when the database cannot be written.
    pub fn integrate(
        &self,
        space: &str,
        news: &[ReplicaDocument],
        compute: Rebase<'_>,
    ) -> Result<Vec<String>, StoreError> {
        if news.is_empty() {
            return Ok(Vec::new());
        }
        self.write(Durability::Process, |tx| {
            let mut changed = Vec::new();
            for new in news {
                if store(tx, space, new)? {
                    rebase(tx, space, &new.id, compute)?;
                    changed.push(new.id.clone());
                }
            }
            Ok(changed)
        })
    }
}
