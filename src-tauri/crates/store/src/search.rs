//! Finding runs by words.
//!
//! A word is found in what a charm's runs share (`charm_text`) or in what one
//! run has of its own (`run_text`). So a search is split: for each charm, the
//! words that its own name and hosts do not answer must be in the run. Each
//! part is a lookup that is already in the order of the page, and the parts are
//! merged; nothing is sorted that is not shown.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension as _, Transaction};

use crate::history::{PageQuery, page_query};
use crate::run_text::{CHANGED_FACET, account_facet, charm_facet, join, outcome_facet, text_id};
use crate::runs::{ACCOUNT, COLUMNS};
use crate::text::int;
use crate::{RunFilter, RunRow, StoreError};

/// Words looked at; more make a search narrower than anybody means.
const MAX_WORDS: usize = 12;
/// Longest word, in characters.
const MAX_WORD: usize = 64;
/// Charms that are paged one by one; more are filtered out of all runs, of
/// which they then have a large part.
const MAX_SINGLE: usize = 16;

/// Charms that are named in the full-text query.
const MAX_NAMED: usize = 64;

/// The words of what a person typed, each as a full-text phrase that its last
/// letters may go beyond. Quoted, so that nothing of it is an operator.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| {
            let word: String = word.chars().filter(|c| *c != '"').take(MAX_WORD).collect();
            format!("\"{word}\"*")
        })
        .collect()
}

/// A page of runs that have all the words.
pub(crate) fn page(
    tx: &Transaction<'_>,
    filter: &RunFilter,
    words: &[String],
    limit: usize,
) -> Result<Vec<RunRow>, StoreError> {
    let Some(narrowed) = Narrowed::of(tx, filter)? else {
        return Ok(Vec::new());
    };
    let all: Vec<usize> = (0..words.len()).collect();
    let mut rows = own_words(filter, &narrowed, words, &all, &[], limit).rows(tx)?;
    for (missing, charms) in by_missing_words(tx, &narrowed, words)? {
        if !missing.is_empty() && charms.len() <= MAX_NAMED {
            rows.extend(own_words(filter, &narrowed, words, &missing, &charms, limit).rows(tx)?);
        } else if !missing.is_empty() {
            let query = own_words(filter, &narrowed, words, &missing, &[], limit);
            rows.extend(among(query, &charms).rows(tx)?);
        } else if charms.len() <= MAX_SINGLE {
            for charm in charms {
                rows.extend(of_charm(tx, filter, charm, limit)?);
            }
        } else {
            rows.extend(among(page_query(filter, limit), &charms).rows(tx)?);
        }
    }
    rows.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.seq)));
    rows.dedup_by_key(|run| run.seq);
    rows.truncate(limit);
    Ok(rows)
}

/// The filter's charm and account by their numbers.
struct Narrowed {
    charm: Option<i64>,
    account: Option<i64>,
}

impl Narrowed {
    /// Nothing when no run can be meant.
    fn of(tx: &Transaction<'_>, filter: &RunFilter) -> Result<Option<Self>, StoreError> {
        let seq = |sql: &str, id: &Option<String>| -> Result<Option<Option<i64>>, StoreError> {
            let Some(id) = id else { return Ok(Some(None)) };
            let found = tx
                .prepare_cached(sql)?
                .query_row([id], |row| row.get(0))
                .optional()?;
            Ok(found.map(Some))
        };
        let charm = seq("SELECT seq FROM run_charms WHERE charm = ?1", &filter.charm)?;
        let account = seq(
            "SELECT seq FROM run_accounts WHERE account = ?1",
            &filter.account,
        )?;
        Ok(charm
            .zip(account)
            .map(|(charm, account)| Self { charm, account }))
    }
}

/// The charms that answer some of the words, by the words that are still missing.
fn by_missing_words(
    tx: &Transaction<'_>,
    narrowed: &Narrowed,
    words: &[String],
) -> Result<BTreeMap<Vec<usize>, Vec<i64>>, StoreError> {
    let mut answered: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    let mut query = tx.prepare_cached("SELECT rowid FROM charm_text WHERE charm_text MATCH ?1")?;
    for (n, word) in words.iter().enumerate() {
        let charms = query.query_map([word], |row| row.get::<_, i64>(0))?;
        for charm in charms {
            let charm = charm?;
            if narrowed.charm.is_none_or(|wanted| wanted == charm) {
                answered.entry(charm).or_default().insert(n);
            }
        }
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<i64>> = BTreeMap::new();
    for (charm, has) in answered {
        let missing = (0..words.len()).filter(|n| !has.contains(n)).collect();
        groups.entry(missing).or_default().push(charm);
    }
    Ok(groups)
}

/// Runs that have these words of their own; of these charms, or of any.
fn own_words(
    filter: &RunFilter,
    narrowed: &Narrowed,
    words: &[String],
    needed: &[usize],
    charms: &[i64],
    limit: usize,
) -> PageQuery {
    let body: Vec<&str> = needed.iter().map(|n| words[*n].as_str()).collect();
    let mut facets = Vec::new();
    facets.extend(narrowed.charm.map(charm_facet));
    facets.extend(narrowed.account.map(account_facet));
    facets.extend(filter.outcome.map(outcome_facet));
    if filter.changed {
        facets.push(CHANGED_FACET.to_owned());
    }
    if !charms.is_empty() {
        let any: Vec<String> = charms.iter().map(|seq| charm_facet(*seq)).collect();
        facets.push(format!("({})", any.join(" OR ")));
    }
    let mut matching = format!("{{body}} : ({})", body.join(" AND "));
    if !facets.is_empty() {
        matching = format!("({matching}) AND {{facets}} : ({})", facets.join(" AND "));
    }
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(matching)];
    let mut conditions = String::new();
    let mut bind = |condition: &str, id: i64| {
        values.push(Box::new(id));
        conditions.push_str(&format!(" AND t.rowid {condition} ?{}", values.len()));
    };
    if let Some(since) = filter.since {
        bind(">=", text_id(since, 0));
    }
    if let Some(after) = filter.after {
        bind("<", text_id(after.started_at, after.seq));
    }
    values.push(Box::new(int(limit)));
    let sql = format!(
        "SELECT {COLUMNS} FROM run_text AS t
         CROSS JOIN runs AS r INDEXED BY runs_by_time ON {join}
         CROSS JOIN run_charms AS c ON c.seq = r.charm {ACCOUNT}
         WHERE run_text MATCH ?1{conditions} ORDER BY t.rowid DESC LIMIT ?{limit}",
        join = join(),
        limit = values.len(),
    );
    PageQuery { sql, values }
}

/// Adds to a query that a run is of one of these charms. The numbers come from
/// the database, so they can stand in the text.
fn among(query: PageQuery, charms: &[i64]) -> PageQuery {
    let list: Vec<String> = charms.iter().map(i64::to_string).collect();
    let (head, tail) = query.sql.split_once("ORDER BY").unwrap_or((&query.sql, ""));
    let word = if head.contains("WHERE") {
        "AND"
    } else {
        "WHERE"
    };
    PageQuery {
        sql: format!(
            "{head} {word} r.charm IN ({}) ORDER BY {tail}",
            list.join(", ")
        ),
        values: query.values,
    }
}

/// All runs of one charm.
fn of_charm(
    tx: &Transaction<'_>,
    filter: &RunFilter,
    charm: i64,
    limit: usize,
) -> Result<Vec<RunRow>, StoreError> {
    let id = tx
        .prepare_cached("SELECT charm FROM run_charms WHERE seq = ?1")?
        .query_row([charm], |row| row.get(0))?;
    let filter = RunFilter {
        charm: Some(id),
        text: None,
        ..filter.clone()
    };
    page_query(&filter, limit).rows(tx)
}
