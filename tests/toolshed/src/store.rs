//! The spaces on disk: documents, what changed them, and what was answered.
//!
//! Owns one SQLite file. A commit is one transaction, so that a process that is
//! killed leaves a commit whole or not at all. Never decides what is allowed.

use std::path::Path;

use charmkeeper_space::codec;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::Value;

use crate::error::ServerError;

/// The scope of documents that everybody shares.
pub(crate) const SPACE: &str = "space";

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS head (
  space TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
  seq INTEGER NOT NULL, doc TEXT,
  PRIMARY KEY (space, scope, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revision (
  space TEXT NOT NULL, seq INTEGER NOT NULL, op_index INTEGER NOT NULL,
  scope TEXT NOT NULL, id TEXT NOT NULL, op TEXT NOT NULL, data TEXT,
  PRIMARY KEY (space, seq, op_index)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS revision_of ON revision (space, scope, id, seq);
CREATE TABLE IF NOT EXISTS accepted (
  space TEXT NOT NULL, seq INTEGER NOT NULL,
  principal TEXT NOT NULL, session TEXT NOT NULL, local_seq INTEGER NOT NULL,
  original TEXT NOT NULL,
  PRIMARY KEY (space, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS accepted_once
  ON accepted (space, principal, session, local_seq);
";

/// A document as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Of its last change; 0 when it was never written.
    pub seq: u64,
    /// `None` when it was never written or was deleted.
    pub document: Option<Value>,
}

/// One change of one document.
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) op_index: u64,
    pub(crate) scope: String,
    pub(crate) id: String,
    /// `set`, `patch` or `delete`.
    pub(crate) op: String,
    /// The document or the list of patches.
    pub(crate) data: Option<Value>,
}

/// A commit that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The space's sequence number.
    pub seq: u64,
    /// Who made it.
    pub principal: String,
    /// In which session.
    pub session: String,
    /// The session's own number.
    pub local_seq: u64,
    /// The commit exactly as it was sent, as a frame.
    pub original: String,
}

/// All spaces.
pub(crate) struct Store(Connection);

impl Store {
    pub(crate) fn open(folder: &Path) -> Result<Self, ServerError> {
        std::fs::create_dir_all(folder)?;
        let db = Connection::open(folder.join("spaces.sqlite"))?;
        // A write-ahead log in this mode survives the end of the process at any
        // moment; only a power cut could lose the last commits.
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        db.execute_batch(SCHEMA)?;
        Ok(Self(db))
    }

    pub(crate) fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// Everything that `work` does, or nothing when it fails.
    pub(crate) fn change<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = self.0.transaction()?;
        let done = work(&Writer(&tx))?;
        tx.commit()?;
        Ok(done)
    }
}

/// Reading.
#[derive(Clone, Copy)]
pub(crate) struct View<'c>(&'c Connection);

/// Reading and writing inside a transaction.
pub(crate) struct Writer<'t>(&'t Transaction<'t>);

fn text(value: &Value) -> Result<String, ServerError> {
    codec::encode(value).map_err(|_| ServerError::Damaged)
}

fn value(text: &str) -> Result<Value, ServerError> {
    codec::decode(text).map_err(|_| ServerError::Damaged)
}

/// SQLite's integers are signed; numbers here stay far below that limit.
fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

type Row = (u64, u64, String, String, String, Option<String>);

impl View<'_> {
    /// The last sequence number of a space.
    pub(crate) fn seq(&self, space: &str) -> Result<u64, ServerError> {
        let sql = "SELECT COALESCE(MAX(seq), 0) FROM accepted WHERE space = ?1";
        Ok(self.0.query_row(sql, [space], |row| number(row, 0))?)
    }

    pub(crate) fn head(&self, space: &str, scope: &str, id: &str) -> Result<Head, ServerError> {
        let sql = "SELECT seq, doc FROM head WHERE space = ?1 AND scope = ?2 AND id = ?3";
        let mut statement = self.0.prepare_cached(sql)?;
        let row: Option<(u64, Option<String>)> = statement
            .query_row([space, scope, id], |row| Ok((number(row, 0)?, row.get(1)?)))
            .optional()?;
        let Some((seq, doc)) = row else {
            return Ok(Head::default());
        };
        let document = doc.as_deref().map(value).transpose()?;
        Ok(Head { seq, document })
    }

    /// Ids of the documents that exist in the shared scope, in order.
    pub(crate) fn ids(
        &self,
        space: &str,
        after: &str,
        limit: u64,
    ) -> Result<Vec<String>, ServerError> {
        let sql = "SELECT id FROM head WHERE space = ?1 AND scope = 'space' AND id > ?2
                   AND doc IS NOT NULL ORDER BY id LIMIT ?3";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(params![space, after, int(limit)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn changes(
        &self,
        filter: &str,
        args: impl rusqlite::Params,
    ) -> Result<Vec<Change>, ServerError> {
        let sql = format!(
            "SELECT seq, op_index, scope, id, op, data FROM revision WHERE {filter}
             ORDER BY seq, op_index"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(args, |row| {
            Ok((
                number(row, 0)?,
                number(row, 1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        })?;
        let rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
        rows.into_iter()
            .map(|(seq, op_index, scope, id, op, data)| {
                let data = data.as_deref().map(value).transpose()?;
                Ok(Change {
                    seq,
                    op_index,
                    scope,
                    id,
                    op,
                    data,
                })
            })
            .collect()
    }

    /// What changed a document after number `after`.
    pub(crate) fn since(
        &self,
        space: &str,
        scope: &str,
        id: &str,
        after: u64,
    ) -> Result<Vec<Change>, ServerError> {
        let filter = "space = ?1 AND scope = ?2 AND id = ?3 AND seq > ?4";
        self.changes(filter, params![space, scope, id, int(after)])
    }

    /// What commit `seq` changed.
    pub(crate) fn of_commit(&self, space: &str, seq: u64) -> Result<Vec<Change>, ServerError> {
        self.changes("space = ?1 AND seq = ?2", params![space, int(seq)])
    }

    /// The commit that a session numbered so.
    pub(crate) fn accepted(
        &self,
        space: &str,
        principal: &str,
        session: &str,
        local_seq: u64,
    ) -> Result<Option<Accepted>, ServerError> {
        let sql = "SELECT seq, principal, session, local_seq, original FROM accepted
                   WHERE space = ?1 AND principal = ?2 AND session = ?3 AND local_seq = ?4";
        let mut statement = self.0.prepare_cached(sql)?;
        let args = params![space, principal, session, int(local_seq)];
        Ok(statement.query_row(args, read_accepted).optional()?)
    }

    /// Every commit of a space, in order.
    pub(crate) fn commits(&self, space: &str) -> Result<Vec<Accepted>, ServerError> {
        let sql = "SELECT seq, principal, session, local_seq, original FROM accepted
                   WHERE space = ?1 ORDER BY seq";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([space], read_accepted)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many commits changed a document of the shared scope.
    pub(crate) fn count(&self, space: &str, id: &str) -> Result<u64, ServerError> {
        let sql = "SELECT COUNT(DISTINCT seq) FROM revision
                   WHERE space = ?1 AND scope = 'space' AND id = ?2";
        Ok(self.0.query_row(sql, [space, id], |row| number(row, 0))?)
    }
}

fn read_accepted(row: &rusqlite::Row<'_>) -> rusqlite::Result<Accepted> {
    Ok(Accepted {
        seq: number(row, 0)?,
        principal: row.get(1)?,
        session: row.get(2)?,
        local_seq: number(row, 3)?,
        original: row.get(4)?,
    })
}

impl Writer<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View(self.0)
    }

    /// Notes a commit; with its number, it is what `seq` counts.
    pub(crate) fn accept(&self, space: &str, commit: &Accepted) -> Result<(), ServerError> {
        let sql = "INSERT INTO accepted (space, seq, principal, session, local_seq, original)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.0.prepare_cached(sql)?.execute(params![
            space,
            int(commit.seq),
            commit.principal,
            commit.session,
            int(commit.local_seq),
            commit.original
        ])?;
        Ok(())
    }

    /// Notes a change and the document that it leaves.
    pub(crate) fn change(
        &self,
        space: &str,
        change: &Change,
        left: Option<&Value>,
    ) -> Result<(), ServerError> {
        let data = change.data.as_ref().map(text).transpose()?;
        let sql = "INSERT INTO revision (space, seq, op_index, scope, id, op, data)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.0.prepare_cached(sql)?.execute(params![
            space,
            int(change.seq),
            int(change.op_index),
            change.scope,
            change.id,
            change.op,
            data
        ])?;
        let sql = "INSERT INTO head (space, scope, id, seq, doc) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (space, scope, id) DO UPDATE SET seq = ?4, doc = ?5";
        let doc = left.map(text).transpose()?;
        let seq = int(change.seq);
        self.0
            .prepare_cached(sql)?
            .execute(params![space, change.scope, change.id, seq, doc])?;
        Ok(())
    }
}
