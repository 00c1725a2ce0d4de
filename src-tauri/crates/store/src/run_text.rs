//! Tables `run_text` and `charm_text`: the words that runs are found by.
//!
//! What all runs of a charm share (its name, its handle, the hosts it calls) is
//! kept once per charm, so that a quiet run has no words of its own and costs
//! nothing here. Owns keeping both in step; finding is in `search`.

use std::collections::BTreeSet;

use charmkeeper_base::{Outcome, UnixMs};
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::runs::Going;
use crate::text::cut;
use crate::{FinishRun, StoreError};

/// Bytes of one run that are searched at most.
const MAX_BODY: usize = 32 * 1024;
/// Changed documents whose paths are searched at most.
const MAX_PATHS: usize = 200;

/// Bits of the rowid that hold the run's `seq`: more runs than that do not
/// start in one millisecond.
const SEQ_BITS: u32 = 20;
/// Times beyond the year 2248, or as far before 1970, are not told apart.
const MAX_TIME: i64 = (1 << (63 - SEQ_BITS)) - 1;

/// The rowid in `run_text` of a run: sorts like (`started_at`, `seq`).
pub(crate) fn text_id(started_at: UnixMs, seq: i64) -> i64 {
    let time = started_at.0.clamp(-MAX_TIME, MAX_TIME);
    (time << SEQ_BITS) | (seq & ((1 << SEQ_BITS) - 1))
}

/// SQL that joins `runs AS r` to `run_text AS t`.
pub(crate) fn join() -> String {
    let mask = (1 << SEQ_BITS) - 1;
    format!("r.started_at = (t.rowid >> {SEQ_BITS}) AND (r.seq & {mask}) = (t.rowid & {mask})")
}

/// The facet that a run of this charm has.
pub(crate) fn charm_facet(seq: i64) -> String {
    format!("c{seq}")
}
/// The facet that a run with this account has.
pub(crate) fn account_facet(seq: i64) -> String {
    format!("a{seq}")
}
/// The facet that a run with this outcome has: one word, as the tokenizer would
/// make two of a hyphenated one.
pub(crate) fn outcome_facet(outcome: Outcome) -> String {
    format!("o{}", outcome.as_str().replace('-', ""))
}
/// The facet that a run which changed something has.
pub(crate) const CHANGED_FACET: &str = "x1";

/// Makes a run that ended findable.
pub(crate) fn index_run(
    tx: &Transaction<'_>,
    run: &Going,
    finish: &FinishRun,
    outcome: Outcome,
    changed: u64,
) -> Result<(), StoreError> {
    remember_hosts(tx, run.charm_seq, finish)?;
    let body = body(finish, changed);
    if body.is_empty() {
        return Ok(());
    }
    let account: Option<i64> = tx
        .prepare_cached("SELECT account FROM runs WHERE seq = ?1")?
        .query_row([run.seq], |row| row.get(0))?;
    let mut facets = vec![charm_facet(run.charm_seq), outcome_facet(outcome)];
    facets.extend(account.map(account_facet));
    if changed > 0 {
        facets.push(CHANGED_FACET.to_owned());
    }
    tx.prepare_cached("INSERT OR REPLACE INTO run_text (rowid, facets, body) VALUES (?1, ?2, ?3)")?
        .execute(params![
            text_id(run.started_at, run.seq),
            facets.join(" "),
            body
        ])?;
    Ok(())
}

/// The words that only this run has.
fn body(finish: &FinishRun, changed: u64) -> String {
    let mut words = String::new();
    let mut add = |text: &str| {
        if words.len() < MAX_BODY && !text.is_empty() {
            words.push_str(cut(text, MAX_BODY - words.len()));
            words.push('\n');
        }
    };
    if let Some(error) = &finish.error {
        add(&error.message);
    }
    finish.note.iter().for_each(|note| add(note));
    let errors = finish.calls.iter().filter_map(|call| call.error.as_ref());
    errors.for_each(|error| add(&error.message));
    finish.log.iter().for_each(|line| add(&line.text));
    if changed > 0 {
        let mut paths = BTreeSet::new();
        for change in finish.changes.iter().take(MAX_PATHS) {
            // Every path begins with the same word, which would find everything.
            let short = |path: &str| path.strip_prefix("/value").unwrap_or(path).to_owned();
            paths.extend(change.patches.iter().map(|patch| short(patch.path())));
        }
        paths.iter().take(MAX_PATHS).for_each(|path| add(path));
    }
    words
}

fn remember_hosts(tx: &Transaction<'_>, charm: i64, finish: &FinishRun) -> Result<(), StoreError> {
    let hosts: BTreeSet<&str> = finish.calls.iter().map(|c| c.host.as_str()).collect();
    let mut fresh = 0;
    for host in hosts {
        fresh += tx
            .prepare_cached("INSERT OR IGNORE INTO run_hosts (charm, host) VALUES (?1, ?2)")?
            .execute(params![charm, host])?;
    }
    if fresh > 0 {
        index_charm(tx, charm)?;
    }
    Ok(())
}

/// Takes the words of a charm anew: its name or its hosts changed.
pub(crate) fn index_charm(tx: &Transaction<'_>, seq: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO charm_text (rowid, body)
         SELECT seq, name || ' ' || handle || ' ' || coalesce(
             (SELECT group_concat(host, ' ') FROM run_hosts WHERE charm = run_charms.seq), '')
         FROM run_charms WHERE seq = ?1",
    )?
    .execute([seq])?;
    Ok(())
}

/// The same for a charm by its id; nothing when it never ran.
pub(crate) fn index_charm_by_id(tx: &Transaction<'_>, id: &str) -> Result<(), StoreError> {
    let seq: Option<i64> = tx
        .prepare_cached("SELECT seq FROM run_charms WHERE charm = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    seq.map_or(Ok(()), |seq| index_charm(tx, seq))
}

/// Forgets the words of one run.
pub(crate) fn forget_run(
    tx: &Transaction<'_>,
    started_at: UnixMs,
    seq: i64,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM run_text WHERE rowid = ?1")?
        .execute([text_id(started_at, seq)])?;
    Ok(())
}

/// Forgets the words of charms that have no runs. Must come before their rows go.
pub(crate) fn forget_charms(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM charm_text WHERE rowid IN (SELECT seq FROM run_charms WHERE NOT EXISTS
             (SELECT 1 FROM runs WHERE runs.charm = run_charms.seq))",
        [],
    )?;
    Ok(())
}
