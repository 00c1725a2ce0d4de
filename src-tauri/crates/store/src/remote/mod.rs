//! Remote spaces: the replica of what a server holds, and the outbox of what it
//! has yet to be told.
//!
//! Three layers for each document: the server's confirmed state (`replica`), the
//! waiting changes in their order (`outbox`), and what charms read (`documents`),
//! which is the first with the second on top. Whatever changes one of the first
//! two computes the third again in the same transaction, through the caller's
//! [`Rebase`]: what a change means is not for this crate to know.
//!
//! Owns the rows, their order and the numbers of commits. Never sends anything.

mod moving;
mod outbox;
mod replica;
mod spaces;
mod stuck;

use rusqlite::{Transaction, params};
use serde_json::Value;

pub use moving::{CharmMove, Moved, Standing};
pub(crate) use outbox::enqueue;
pub use outbox::{Acknowledged, NewChange, OutboxChange, OutboxCounts, Prepared};
pub use replica::{Mark, ReplicaDocument, ReplicaPage};
pub use spaces::RemoteSpace;
pub use stuck::StuckChange;

use crate::StoreError;
use crate::text::{int, to_json, value};

/// What charms see of a document: the server's state, nothing when there is
/// none, with waiting entries on top, in order.
///
/// Arguments: id of the document, its confirmed state, the entries' text.
pub type Rebase<'r> =
    &'r dyn Fn(&str, Option<&Value>, &[String]) -> Result<Option<Value>, StoreError>;

/// Computes what charms see of one document again.
fn rebase(
    tx: &Transaction<'_>,
    space: &str,
    id: &str,
    compute: Rebase<'_>,
) -> Result<(), StoreError> {
    let (seq, confirmed) = replica::load(tx, space, id)?.unwrap_or_default();
    let entries = outbox::entries_of(tx, space, id)?;
    if seq == 0 && entries.is_empty() {
        // The server never heard of it: a cell that is kept here alone.
        return Ok(());
    }
    let doc = compute(id, confirmed.as_ref(), &entries)?;
    let Some(doc) = doc else {
        tx.prepare_cached("DELETE FROM documents WHERE space = ?1 AND id = ?2")?
            .execute([space, id])?;
        return Ok(());
    };
    let mut stored =
        tx.prepare_cached("SELECT version, json FROM documents WHERE space = ?1 AND id = ?2")?;
    let mut rows = stored.query([space, id])?;
    let version = match rows.next()? {
        Some(row) => {
            let there = value(row, 1)?;
            if charmkeeper_base::cell::document::same(&there, &doc) {
                return Ok(());
            }
            row.get::<_, i64>(0)? + 1
        }
        None => 1,
    };
    tx.prepare_cached(
        "INSERT INTO documents (space, id, version, owner, json) VALUES (?1, ?2, ?3, NULL, ?4)
         ON CONFLICT (space, id) DO UPDATE SET version = ?3, json = ?4",
    )?
    .execute(params![space, id, version, to_json(&doc)?])?;
    Ok(())
}

/// A number of the protocol as a column.
fn number(seq: u64) -> i64 {
    int(seq)
}
