//! Table `calls`: the requests of a run.

use charmkeeper_base::http::{CallError, CallRecord};
use charmkeeper_base::{ErrorKind, UnixMs};
use rusqlite::{Transaction, params};

use crate::StoreError;
use crate::text::{count, cut, int, word_or_null};

/// Requests kept per run; the run's row counts the others too.
pub const MAX_CALLS_PER_RUN: usize = 1000;

/// Longest path and error message kept, in bytes.
const MAX_TEXT: usize = 1024;

pub(crate) fn insert(
    tx: &Transaction<'_>,
    run: i64,
    calls: &[CallRecord],
) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO calls (run, n, method, host, path, status, started_at, duration_ms,
                            bytes_out, bytes_in, account, error_kind, error_message, retry_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    for (n, call) in calls.iter().take(MAX_CALLS_PER_RUN).enumerate() {
        let error = call.error.as_ref();
        statement.execute(params![
            run,
            int(n),
            call.method,
            call.host,
            cut(&call.path, MAX_TEXT),
            call.status,
            call.started_at.0,
            int(call.duration_ms),
            int(call.bytes_out),
            int(call.bytes_in),
            call.account,
            error.map(|e| e.kind.as_str()),
            error.map(|e| cut(&e.message, MAX_TEXT)),
            error.and_then(|e| e.retry_at).map(|t| t.0),
        ])?;
    }
    Ok(())
}

pub(crate) fn of_run(tx: &Transaction<'_>, run: i64) -> Result<Vec<CallRecord>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT method, host, path, status, started_at, duration_ms, bytes_out, bytes_in, account,
                error_kind, error_message, retry_at
         FROM calls WHERE run = ?1 ORDER BY n",
    )?;
    let rows = query.query_map([run], |row| {
        let message: Option<String> = row.get(10)?;
        let retry_at = row.get::<_, Option<i64>>(11)?.map(UnixMs);
        Ok(CallRecord {
            method: row.get(0)?,
            host: row.get(1)?,
            path: row.get(2)?,
            status: row.get(3)?,
            started_at: UnixMs(row.get(4)?),
            duration_ms: count(row, 5)?,
            bytes_out: count(row, 6)?,
            bytes_in: count(row, 7)?,
            account: row.get(8)?,
            error: word_or_null(row, 9, ErrorKind::parse)?.map(|kind| CallError {
                kind,
                message: message.unwrap_or_default(),
                retry_at,
            }),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
