//! Which changes belong on the server.
//!
//! A charm has cells that nobody else can find: a cursor that it does not export,
//! say. Their ids follow the reference runtime's own counting and are not the
//! browser's ids, so they stay on this computer. What the server already holds,
//! and what is linked from what it will hold, goes there.

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::link::targets;
use serde_json::Value;

/// One document before and after a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Nothing when the run created it.
    pub before: Option<Value>,
    /// The whole document.
    pub after: Value,
}

/// Of the documents that a run changed in `space`, those to be told.
///
/// `known` says whether the server has a document or is about to; `load` gives
/// documents that were made here by earlier runs, in case one is linked only now:
/// they are told as new ones.
pub fn select(
    space: &str,
    changes: Vec<Changed>,
    known: impl Fn(&str) -> bool,
    load: impl Fn(&str) -> Option<Value>,
) -> Vec<Changed> {
    let mut waiting: BTreeMap<String, Changed> =
        changes.into_iter().map(|c| (c.id.clone(), c)).collect();
    let (told, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut waiting)
        .into_iter()
        .partition(|(id, _)| known(id));
    waiting = rest;
    let mut told: Vec<Changed> = told.into_values().collect();
    let mut seen: BTreeSet<String> = told.iter().map(|c| c.id.clone()).collect();
    let mut next = 0;
    while next < told.len() {
        let home = DocRef {
            space: space.to_owned(),
            id: told[next].id.clone(),
        };
        for target in targets(&told[next].after, &home) {
            if target.space != space || known(&target.id) || !seen.insert(target.id.clone()) {
                continue;
            }
            let new = match waiting.remove(&target.id) {
                // Whatever stood here before, the server never heard of it.
                Some(changed) => Some(changed.after),
                None => load(&target.id),
            };
            if let Some(after) = new {
                told.push(Changed {
                    id: target.id,
                    before: None,
                    after,
                });
            }
        }
        next += 1;
    }
    told
}
