//! Table `changed_cells`: what a run did to cells, as the history shows it.
//!
//! Values are excerpts for people to read. They are not enough to undo a run.

use charmkeeper_base::cell::DocRef;
use rusqlite::{CachedStatement, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::StoreError;
use crate::documents::Recorded;
use crate::text::{excerpt, int};

/// Changed places kept per run; the run's row counts the others too.
pub const MAX_CHANGED_PER_RUN: usize = 1000;

/// Longest excerpt of a value, in bytes of its JSON text.
pub const MAX_EXCERPT_BYTES: usize = 4 * 1024;

/// One place that a run changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedCell {
    /// `did:key` of the space.
    pub space: String,
    /// Id of the document.
    pub document: String,
    /// JSON pointer into the document, starting with `/value`.
    pub path: String,
    /// `create`, or the operation of the patch, such as `replace` or `splice`.
    pub op: String,
    /// What was there; for operations on elements, those that went.
    pub before: Option<JsonExcerpt>,
    /// What is there; for operations on elements, those that came.
    pub after: Option<JsonExcerpt>,
}

/// The beginning of a value's JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonExcerpt {
    /// At most [`MAX_EXCERPT_BYTES`]; whole JSON unless `cut`.
    pub text: String,
    /// True when the value is longer than that.
    pub cut: bool,
}

/// Writes the changed places of one run, up to the cap.
pub(crate) struct Recorder<'t> {
    statement: CachedStatement<'t>,
    run: i64,
    seen: usize,
}

impl<'t> Recorder<'t> {
    pub(crate) fn new(tx: &'t Transaction<'_>, run: i64) -> Result<Self, StoreError> {
        let statement = tx.prepare_cached(
            "INSERT INTO changed_cells (run, n, space, document, path, op, before, before_cut,
                                        after, after_cut)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        Ok(Self {
            statement,
            run,
            seen: 0,
        })
    }

    pub(crate) fn record(
        &mut self,
        target: &DocRef,
        changes: &[Recorded],
    ) -> Result<(), StoreError> {
        for change in changes {
            let n = self.seen;
            self.seen += 1;
            if n >= MAX_CHANGED_PER_RUN {
                continue;
            }
            let (before, before_cut) = column(change.effect.before.as_ref());
            let (after, after_cut) = column(change.effect.after.as_ref());
            self.statement.execute(params![
                self.run,
                int(n),
                target.space,
                target.id,
                change.path,
                change.op,
                before,
                before_cut,
                after,
                after_cut,
            ])?;
        }
        Ok(())
    }

    /// How many places changed, those beyond the cap included.
    pub(crate) fn seen(&self) -> u64 {
        self.seen as u64
    }
}

fn column(value: Option<&Value>) -> (Option<String>, bool) {
    value.map_or((None, false), |value| {
        let (text, was_cut) = excerpt(value, MAX_EXCERPT_BYTES);
        (Some(text), was_cut)
    })
}

pub(crate) fn of_run(tx: &Transaction<'_>, run: i64) -> Result<Vec<ChangedCell>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT space, document, path, op, before, before_cut, after, after_cut
         FROM changed_cells WHERE run = ?1 ORDER BY n",
    )?;
    let side = |row: &Row<'_>, column: usize| {
        let text: Option<String> = row.get(column)?;
        let cut = row.get(column + 1)?;
        Ok::<_, rusqlite::Error>(text.map(|text| JsonExcerpt { text, cut }))
    };
    let rows = query.query_map([run], |row| {
        Ok(ChangedCell {
            space: row.get(0)?,
            document: row.get(1)?,
            path: row.get(2)?,
            op: row.get(3)?,
            before: side(row, 4)?,
            after: side(row, 6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
