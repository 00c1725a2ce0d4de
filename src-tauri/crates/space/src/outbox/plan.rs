//! The exact commit for the state that the server is known to have.

use std::collections::BTreeMap;

use charmkeeper_base::cell::document::{self, same};
use charmkeeper_base::cell::patch::{Patch, diff};
use charmkeeper_base::cell::pointer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Entry;

/// A document as the server last confirmed it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confirmed {
    /// The number of the commit that last changed it; 0 for never.
    pub seq: u64,
    /// Nothing when it is not there.
    pub doc: Option<Value>,
}

/// A place whose state the commit rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The document.
    pub id: String,
    /// Steps from the document on, so the first is `value`.
    pub path: Vec<String>,
    /// The number at which it was read.
    pub seq: u64,
}

/// What is done to one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Makes a document; it must be absent.
    Set {
        /// Its id.
        id: String,
        /// The whole document.
        value: Value,
    },
    /// Changes a document.
    Patch {
        /// Its id.
        id: String,
        /// In this order.
        patches: Vec<Patch>,
    },
}

/// A commit without its number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// What it rests on.
    pub reads: Vec<Read>,
    /// What it does.
    pub operations: Vec<Operation>,
    /// Documents that must be absent.
    pub absent: Vec<String>,
}

/// What is to be done about an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// The server already has all of it.
    Nothing,
    /// This commit, after which these documents look like this.
    Commit {
        /// What is sent.
        body: Body,
        /// The documents that it changes, afterwards.
        after: Vec<(String, Value)>,
        /// Intents that have no place any more.
        without_place: usize,
    },
}

/// Makes the commit of an entry. `confirmed` holds every document of the entry
/// that the server has; one that is missing there counts as absent.
#[must_use]
pub fn plan(entry: &Entry, confirmed: &BTreeMap<String, Confirmed>) -> Plan {
    let mut body = Body::default();
    let mut afterwards = Vec::new();
    let mut without_place = 0;
    for (id, wanted) in &entry.documents {
        let known = confirmed.get(id);
        let before = known.and_then(|known| known.doc.as_ref());
        let (after, lost) = wanted.carried_out(before);
        without_place += lost;
        let Some(after) = after else { continue };
        match before {
            None => {
                body.absent.push(id.clone());
                body.operations.push(Operation::Set {
                    id: id.clone(),
                    value: after.clone(),
                });
            }
            Some(before) if same(before, &after) => continue,
            Some(before) => {
                let patches = patches(before, &after);
                let seq = known.map_or(0, |known| known.seq);
                body.reads.extend(reads(id, seq, before, &patches));
                body.operations.push(Operation::Patch {
                    id: id.clone(),
                    patches,
                });
            }
        }
        afterwards.push((id.clone(), after));
    }
    if body.operations.is_empty() {
        return Plan::Nothing;
    }
    Plan::Commit {
        body,
        after: afterwards,
        without_place,
    }
}

/// Patches below `/value`; what stands beside the value is not ours to change.
fn patches(before: &Value, after: &Value) -> Vec<Patch> {
    let path = || "/value".to_owned();
    match (document::value(before), document::value(after)) {
        (Some(a), Some(b)) => {
            let (a, b) = (
                serde_json::json!({ "value": a }),
                serde_json::json!({ "value": b }),
            );
            diff(&a, &b)
        }
        (None, Some(value)) => vec![Patch::Add {
            path: path(),
            value: value.clone(),
        }],
        (Some(_), None) => vec![Patch::Remove { path: path() }],
        (None, None) => Vec::new(),
    }
}

/// The places that the patches rest on, each once.
fn reads(id: &str, seq: u64, before: &Value, patches: &[Patch]) -> Vec<Read> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    for patch in patches {
        let steps = pointer::split(patch.path()).unwrap_or_else(|| vec!["value".to_owned()]);
        let path = guarded(before, steps);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let covered = |path: &Vec<String>| {
        paths
            .iter()
            .any(|other| other.len() < path.len() && path.starts_with(other))
    };
    let kept = paths.iter().filter(|path| !covered(path));
    kept.map(|path| Read {
        id: id.to_owned(),
        path: path.clone(),
        seq,
    })
    .collect()
}

/// The path up to the first array on it.
fn guarded(doc: &Value, steps: Vec<String>) -> Vec<String> {
    let mut here = Some(doc);
    let mut taken = 0;
    while taken < steps.len() {
        match here {
            Some(Value::Array(_)) => break,
            Some(Value::Object(members)) => here = members.get(&steps[taken]),
            _ => here = None,
        }
        taken += 1;
    }
    steps.into_iter().take(taken).collect()
}
