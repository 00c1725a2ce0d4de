//! From two versions of a value to what changed, by identity.

use std::collections::{HashMap, HashSet};

use charmkeeper_base::cell::document::same;
use charmkeeper_base::cell::link::is_leaf;
use serde_json::{Map, Value};

use super::identity::of_all;
use super::{Identity, Insert, Intent, Step};

/// What makes `after` of `before`; nothing stands for "no value at all".
#[must_use]
pub fn between(before: Option<&Value>, after: Option<&Value>) -> Vec<Intent> {
    let mut intents = Vec::new();
    match (before, after) {
        (_, None) if before.is_none() => {}
        (_, None) => intents.push(Intent::Clear { at: Vec::new() }),
        (None, Some(after)) => intents.push(Intent::Put {
            at: Vec::new(),
            value: after.clone(),
        }),
        (Some(before), Some(after)) => values(before, after, &mut Vec::new(), &mut intents),
    }
    intents
}

fn values(before: &Value, after: &Value, at: &mut Vec<Step>, intents: &mut Vec<Intent>) {
    if same(before, after) {
        return;
    }
    match (before, after) {
        (Value::Object(a), Value::Object(b)) if !is_leaf(before) && !is_leaf(after) => {
            objects(a, b, at, intents);
        }
        (Value::Array(a), Value::Array(b)) => arrays(a, b, at, intents),
        _ => intents.push(Intent::Put {
            at: at.clone(),
            value: after.clone(),
        }),
    }
}

fn objects(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    at: &mut Vec<Step>,
    intents: &mut Vec<Intent>,
) {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        at.push(Step::Key(key.clone()));
        intents.push(Intent::Clear { at: at.clone() });
        at.pop();
    }
    for (key, value) in after {
        at.push(Step::Key(key.clone()));
        match before.get(key) {
            Some(old) => values(old, value, at, intents),
            None => intents.push(Intent::Put {
                at: at.clone(),
                value: value.clone(),
            }),
        }
        at.pop();
    }
}

fn arrays(before: &[Value], after: &[Value], at: &mut Vec<Step>, intents: &mut Vec<Intent>) {
    let (old, new) = (of_all(before), of_all(after));
    let position: HashMap<&Identity, usize> = old.iter().enumerate().map(|(n, i)| (i, n)).collect();
    let common: Vec<(usize, usize)> = new
        .iter()
        .enumerate()
        .filter_map(|(n, identity)| Some((*position.get(identity)?, n)))
        .collect();
    let stays: HashSet<usize> = longest_rising(&common).into_iter().collect();
    // Changes within elements come first, while they are named as before.
    for (from, to) in &common {
        if stays.contains(to) {
            at.push(Step::Element(new[*to].clone()));
            values(&before[*from], &after[*to], at, intents);
            at.pop();
        }
    }
    let kept: HashSet<&Identity> = stays.iter().map(|n| &new[*n]).collect();
    let take: Vec<Identity> = old.iter().filter(|i| !kept.contains(i)).cloned().collect();
    let insert: Vec<Insert> = (0..new.len())
        .filter(|n| !stays.contains(n))
        .map(|n| Insert {
            element: new[n].clone(),
            value: after[n].clone(),
            after: n.checked_sub(1).map(|before| new[before].clone()),
        })
        .collect();
    if !take.is_empty() || !insert.is_empty() {
        intents.push(Intent::Edit {
            at: at.clone(),
            take,
            insert,
        });
    }
}

/// Of pairs (old position, new position) in order of the new one: the new
/// positions of the longest run whose old positions rise. These elements stay
/// where they are; the others moved.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<usize> {
    // The last pair of the best run of each length, and what came before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (n, (old, _)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].0 < *old);
        previous.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(n);
        } else {
            ends[length] = n;
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(n) = at {
        run.push(pairs[n].1);
        at = previous[n];
    }
    run
}
