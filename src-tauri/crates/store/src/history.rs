//! Reading the history, page by page and run by run.
//!
//! A page costs the same whether there are a hundred runs or a million: each
//! filter has an index that already has the order of the page, and a page begins
//! where the last one ended instead of counting rows.

use charmkeeper_base::http::CallRecord;
use charmkeeper_base::{Outcome, UnixMs};
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension as _, Transaction};

use crate::runs::{self, ACCOUNT, COLUMNS};
use crate::text::{count, int};
use crate::{
    ChangedCell, LogLine, RunRow, Store, StoreError, calls, changed_cells, log_lines, search,
};

/// Largest page.
const MAX_PAGE: usize = 1000;

/// Which runs to list; the default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only of this charm, by id (see [`Store::charm_in_history`]).
    pub charm: Option<String>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only started then or later.
    pub since: Option<UnixMs>,
    /// Only those that changed something.
    pub changed: bool,
    /// Only of this account, by id.
    pub account: Option<String>,
    /// Only those that have all these words, whole or their beginnings, in the
    /// name, handle or hosts of their charm, or in their own error, log and
    /// changed paths. Text without a letter or digit is no filter.
    pub text: Option<String>,
    /// Only those after this place, going back in time.
    pub after: Option<Cursor>,
}

/// A place between two rows of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Start of the row before the place.
    pub started_at: UnixMs,
    /// Its `seq`.
    pub seq: i64,
}

/// What the history can be filtered by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Charms that have runs, by name.
    pub charms: Vec<Facet>,
    /// Accounts that runs used, by address.
    pub accounts: Vec<Facet>,
    /// Number of runs.
    pub runs: u64,
    /// When the oldest began.
    pub oldest: Option<UnixMs>,
}

/// One charm or account that runs name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// Its id.
    pub id: String,
    /// A charm's handle, an account's id.
    pub handle: String,
    /// What people read.
    pub name: String,
    /// False when it was removed.
    pub there: bool,
}

/// One run in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDetails {
    /// Its row.
    pub run: RunRow,
    /// Its requests, the first [`crate::MAX_CALLS_PER_RUN`].
    pub calls: Vec<CallRecord>,
    /// Its log, the first [`crate::MAX_LOG_LINES_PER_RUN`] lines.
    pub log: Vec<LogLine>,
    /// What it changed, the first [`crate::MAX_CHANGED_PER_RUN`] places.
    pub changed: Vec<ChangedCell>,
}

/// The SQL of a page and its values.
pub(crate) struct PageQuery {
    pub(crate) sql: String,
    pub(crate) values: Vec<Box<dyn ToSql>>,
}

impl PageQuery {
    /// The rows that it gives.
    pub(crate) fn rows(&self, tx: &Transaction<'_>) -> Result<Vec<RunRow>, StoreError> {
        let values: Vec<&dyn ToSql> = self.values.iter().map(AsRef::as_ref).collect();
        Ok(tx
            .prepare_cached(&self.sql)?
            .query_map(values.as_slice(), runs::row)?
            .collect::<Result<_, _>>()?)
    }
}

/// The query for a page, without regard to words.
pub(crate) fn page_query(filter: &RunFilter, limit: usize) -> PageQuery {
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut bind = |value: Box<dyn ToSql>| {
        values.push(value);
        format!("?{}", values.len())
    };
    let mut conditions = Vec::new();
    if let Some(charm) = &filter.charm {
        let charm = bind(Box::new(charm.clone()));
        conditions.push(format!(
            "r.charm = (SELECT seq FROM run_charms WHERE charm = {charm})"
        ));
    }
    if let Some(account) = &filter.account {
        let account = bind(Box::new(account.clone()));
        conditions.push(format!(
            "r.account = (SELECT seq FROM run_accounts WHERE account = {account})"
        ));
    }
    if let Some(outcome) = filter.outcome {
        conditions.push(format!("r.outcome = {}", bind(Box::new(outcome.as_str()))));
    }
    if let Some(since) = filter.since {
        conditions.push(format!("r.started_at >= {}", bind(Box::new(since.0))));
    }
    if let Some(after) = filter.after {
        let (at, seq) = (
            bind(Box::new(after.started_at.0)),
            bind(Box::new(after.seq)),
        );
        conditions.push(format!("(r.started_at, r.seq) < ({at}, {seq})"));
    }
    if filter.changed {
        conditions.push("r.changed > 0".to_owned());
    }
    let limit = bind(Box::new(int(limit.min(MAX_PAGE))));
    let conditions = match conditions.as_slice() {
        [] => String::new(),
        all => format!("WHERE {}", all.join(" AND ")),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM runs AS r INDEXED BY {index}
         CROSS JOIN run_charms AS c ON c.seq = r.charm {ACCOUNT}
         {conditions} ORDER BY r.started_at DESC, r.seq DESC LIMIT {limit}",
        index = index(filter),
    );
    PageQuery { sql, values }
}

/// The index whose order is that of the page. Named in the query, because the
/// planner knows nothing of how the rows are spread.
fn index(filter: &RunFilter) -> &'static str {
    let (outcome, changed) = (filter.outcome.is_some(), filter.changed);
    if filter.charm.is_some() {
        // A charm's runs have one account, or few: the account is looked at
        // row by row.
        return match (outcome, changed) {
            (true, true) => "runs_changed_by_charm_outcome",
            (true, false) => "runs_by_charm_outcome",
            (false, true) => "runs_changed_by_charm",
            (false, false) => "runs_by_charm",
        };
    }
    match (filter.account.is_some(), outcome, changed) {
        (true, true, true) => "runs_changed_by_account_outcome",
        (true, true, false) => "runs_by_account_outcome",
        (true, false, true) => "runs_changed_by_account",
        (true, false, false) => "runs_by_account",
        (false, true, true) => "runs_changed_by_outcome",
        (false, true, false) => "runs_by_outcome",
        (false, false, true) => "runs_changed",
        (false, false, false) => "runs_by_time",
    }
}

fn row_by_id(tx: &Transaction<'_>, id: &str) -> Result<Option<RunRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs AS r JOIN run_charms AS c ON c.seq = r.charm
         {ACCOUNT} WHERE r.id = ?1"
    );
    Ok(tx
        .prepare_cached(&sql)?
        .query_row([id], runs::row)
        .optional()?)
}

impl Store {
    /// A page of at most `limit` runs (at most 1000), newest first. Runs that
    /// are going on are among them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>, StoreError> {
        let words = filter
            .text
            .as_deref()
            .map(search::words)
            .unwrap_or_default();
        self.read(|tx| {
            if words.is_empty() {
                page_query(filter, limit).rows(tx)
            } else {
                search::page(tx, filter, &words, limit.min(MAX_PAGE))
            }
        })
    }

    /// What the history can be filtered by.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn facets(&self) -> Result<Facets, StoreError> {
        self.read(|tx| {
            let mut charms = tx.prepare_cached(
                "SELECT charm, handle, name, EXISTS
                     (SELECT 1 FROM charms WHERE id = charm AND removed_at IS NULL)
                 FROM run_charms ORDER BY name COLLATE NOCASE, handle, seq",
            )?;
            let mut accounts = tx.prepare_cached(
                "SELECT a.account, a.account, coalesce(k.email, a.email), k.id IS NOT NULL
                 FROM run_accounts AS a LEFT JOIN accounts AS k ON k.id = a.account
                 ORDER BY 3 COLLATE NOCASE",
            )?;
            let facet = |row: &rusqlite::Row<'_>| {
                Ok(Facet {
                    id: row.get(0)?,
                    handle: row.get(1)?,
                    name: row.get(2)?,
                    there: row.get(3)?,
                })
            };
            // Two questions: together they read a million keys, apart the pages of one
            // index and a single key.
            let (runs, oldest) = tx
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM runs),
                         (SELECT min(started_at) FROM runs INDEXED BY runs_by_time)",
                )?
                .query_row([], |row| {
                    Ok((count(row, 0)?, row.get::<_, Option<i64>>(1)?.map(UnixMs)))
                })?;
            Ok(Facets {
                charms: charms.query_map([], facet)?.collect::<Result<_, _>>()?,
                accounts: accounts.query_map([], facet)?.collect::<Result<_, _>>()?,
                runs,
                oldest,
            })
        })
    }

    /// The place in the history after this run; nothing when it is not there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn run_cursor(&self, id: &str) -> Result<Option<Cursor>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached("SELECT started_at, seq FROM runs WHERE id = ?1")?;
            let place = query.query_row([id], |row| {
                Ok(Cursor {
                    started_at: UnixMs(row.get(0)?),
                    seq: row.get(1)?,
                })
            });
            Ok(place.optional()?)
        })
    }

    /// One run as a row of the history.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn run_row(&self, id: &str) -> Result<Option<RunRow>, StoreError> {
        self.read(|tx| row_by_id(tx, id))
    }

    /// One run with its calls, its log and what it changed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn run_details(&self, id: &str) -> Result<Option<RunDetails>, StoreError> {
        self.read(|tx| {
            let Some(run) = row_by_id(tx, id)? else {
                return Ok(None);
            };
            Ok(Some(RunDetails {
                calls: calls::of_run(tx, run.seq)?,
                log: log_lines::of_run(tx, run.seq)?,
                changed: changed_cells::of_run(tx, run.seq)?,
                run,
            }))
        })
    }

    /// The id of the charm that the history knows by this id, handle or name,
    /// removed charms included; the latest when there are several.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn charm_in_history(&self, which: &str) -> Result<Option<String>, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT charm FROM run_charms WHERE charm = ?1 OR handle = ?1 OR name = ?1
                 ORDER BY charm = ?1 DESC, handle = ?1 DESC, seq DESC LIMIT 1",
            )?;
            Ok(query.query_row([which], |row| row.get(0)).optional()?)
        })
    }
}
