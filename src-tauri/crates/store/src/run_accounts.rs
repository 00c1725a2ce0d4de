//! Table `run_accounts`: whose accounts the history names. Keeps the address
//! when the account is gone.

use charmkeeper_base::http::CallRecord;
use rusqlite::{OptionalExtension as _, Transaction};

use crate::StoreError;

/// The account that a charm is bound to, as runs name it.
pub(crate) fn of_charm(tx: &Transaction<'_>, charm: &str) -> Result<Option<i64>, StoreError> {
    let mut query = tx.prepare_cached("SELECT account FROM charms WHERE id = ?1")?;
    let bound: Option<Option<String>> = query.query_row([charm], |row| row.get(0)).optional()?;
    bound.flatten().map(|id| seq(tx, &id)).transpose()
}

/// The first account that calls were made with.
pub(crate) fn of_calls(
    tx: &Transaction<'_>,
    calls: &[CallRecord],
) -> Result<Option<i64>, StoreError> {
    let first = calls.iter().find_map(|call| call.account.as_deref());
    first.map(|id| seq(tx, id)).transpose()
}

/// The account's row, made when it is missing.
fn seq(tx: &Transaction<'_>, account: &str) -> Result<i64, StoreError> {
    let mut known = tx.prepare_cached("SELECT seq FROM run_accounts WHERE account = ?1")?;
    if let Some(seq) = known.query_row([account], |row| row.get(0)).optional()? {
        return Ok(seq);
    }
    tx.execute(
        "INSERT INTO run_accounts (account, email)
         VALUES (?1, coalesce((SELECT email FROM accounts WHERE id = ?1), ?1))",
        [account],
    )?;
    Ok(tx.last_insert_rowid())
}
