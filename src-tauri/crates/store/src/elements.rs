//! Documents of list elements: told apart when a run makes them, and collected
//! when nothing links them any more.
//!
//! An object that a charm puts into a list becomes a document of its own. When
//! the charm takes it out of the list, only the link goes. Never touches what a
//! charm was added with, nor what a run made without linking it: code may find
//! such a document again by its cause.

use std::collections::{BTreeSet, HashSet};

use charmkeeper_base::cell::Change;
use rusqlite::{Transaction, params};
use serde_json::Value;

use crate::store::Durability;
use crate::{Store, StoreError};

/// What the id of a document begins with.
const PREFIX: &str = "of:";
/// Elements whose own elements went with them are found in the next round.
const ROUNDS: usize = 8;

/// The documents that `changes` create and link from another document.
pub(crate) fn of(changes: &[Change]) -> HashSet<String> {
    let created: HashSet<&str> = changes
        .iter()
        .filter(|change| change.create.is_some())
        .map(|change| change.id.as_str())
        .collect();
    let mut linked = HashSet::new();
    if created.is_empty() {
        return linked;
    }
    for change in changes {
        let mut note = |text: &str| {
            if text != change.id && created.contains(text) {
                linked.insert(text.to_owned());
            }
        };
        change
            .create
            .iter()
            .for_each(|doc| each_string(doc, &mut note));
        for patch in &change.patches {
            patch.values().for_each(|v| each_string(v, &mut note));
        }
    }
    linked
}

/// Every string in a value. Documents are at most as deep as the store allows.
fn each_string(value: &Value, note: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) if text.starts_with(PREFIX) => note(text),
        Value::Array(items) => items.iter().for_each(|v| each_string(v, note)),
        Value::Object(members) => members.values().for_each(|v| each_string(v, note)),
        _ => {}
    }
}

impl Store {
    /// Removes the documents of elements that no other document of their space
    /// names. Does nothing while a run is going on, which may be about to link
    /// one again. Returns the number of documents removed.
    ///
    /// # Errors
    /// When it cannot be written; then nothing was removed.
    pub fn collect_elements(&self) -> Result<usize, StoreError> {
        let any = self.read(|tx| {
            Ok(tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM documents WHERE element = 1)",
                [],
                |row| row.get::<_, bool>(0),
            )?)
        })?;
        if !any {
            return Ok(0);
        }
        self.write(Durability::Process, |tx| {
            let going = tx.query_row(
                "SELECT EXISTS (SELECT 1 FROM runs WHERE outcome IS NULL)",
                [],
                |row| row.get::<_, bool>(0),
            )?;
            if going {
                return Ok(0);
            }
            let spaces = tx
                .prepare("SELECT did FROM spaces WHERE kind = 'local'")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            let mut removed = 0;
            for space in spaces {
                for _ in 0..ROUNDS {
                    let gone = collect(tx, &space)?;
                    removed += gone;
                    if gone == 0 {
                        break;
                    }
                }
            }
            Ok(removed)
        })
    }
}

fn collect(tx: &Transaction<'_>, space: &str) -> Result<usize, StoreError> {
    let mut elements = tx
        .prepare("SELECT id FROM documents WHERE space = ?1 AND element = 1")?
        .query_map([space], |row| row.get(0))?
        .collect::<Result<BTreeSet<String>, _>>()?;
    let mut all = tx.prepare("SELECT id, json FROM documents WHERE space = ?1")?;
    let mut rows = all.query([space])?;
    while let (false, Some(row)) = (elements.is_empty(), rows.next()?) {
        let id: String = row.get(0)?;
        let own = elements.contains(&id);
        for named in ids_in(row.get_ref(1)?.as_str().unwrap_or_default()) {
            // A document that only names itself is as lost as any other.
            if !(own && named == id) {
                elements.remove(named);
            }
        }
    }
    drop(rows);
    let mut delete = tx.prepare("DELETE FROM documents WHERE space = ?1 AND id = ?2")?;
    for id in &elements {
        delete.execute(params![space, id])?;
    }
    Ok(elements.len())
}

/// Everything in a document's text that looks like an id. Finding one too many,
/// in the text of a message say, only keeps a document longer.
fn ids_in(json: &str) -> impl Iterator<Item = &str> {
    json.match_indices(PREFIX).map(|(at, _)| {
        let text = &json[at..];
        let end = text.find(['"', '\\']).unwrap_or(text.len());
        &text[..end]
    })
}
