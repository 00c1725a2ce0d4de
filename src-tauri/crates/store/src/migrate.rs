//! The numbered migrations, and bringing a database up to date with them.
//!
//! Owns the order of migrations. Never edits one that has been released: a test
//! holds the hash of each.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// SQL text of migration n at position n - 1.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_remote.sql"),
];

/// The data version of this program: the number of its migrations.
#[allow(clippy::cast_possible_truncation)] // there are not four billion
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Marks the file as ours in its header: `CHKP`.
pub(crate) const APPLICATION_ID: u32 = 0x4348_4b50;

/// The data version of an open database.
pub(crate) fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Runs the migrations that the database does not have yet, all in one
/// transaction.
pub(crate) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    if version(db)? == VERSION {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have been faster.
    let have = version(&tx)? as usize;
    for sql in MIGRATIONS.iter().skip(have) {
        tx.execute_batch(sql)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}
