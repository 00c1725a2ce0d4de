//! The difference of two documents, as patches.
//!
//! Follows the structure, so that a patch names the smallest place that
//! changed. In arrays it keeps the elements that both sides share, in order, and
//! splices the rest. Links are whole: nothing is patched inside one.
//!
//! Owns making patches. Never applies them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::document::same;
use super::hash::hash;
use super::link::is_leaf;
use super::patch::Patch;
use super::pointer;

/// Below this depth a changed part is replaced whole, which bounds the stack.
const MAX_DESCENT: usize = 96;

/// Patches that turn `before` into `after` when applied in order; none when the
/// two are the same.
#[must_use]
pub fn diff(before: &Value, after: &Value) -> Vec<Patch> {
    let mut differ = Differ {
        path: String::new(),
        depth: 0,
        patches: Vec::new(),
    };
    differ.values(before, after);
    differ.patches
}

struct Differ {
    path: String,
    depth: usize,
    patches: Vec<Patch>,
}

impl Differ {
    fn values(&mut self, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Object(old), Value::Object(new)) if self.descends(before, after) => {
                self.objects(old, new);
            }
            (Value::Array(old), Value::Array(new)) if self.descends(before, after) => {
                self.arrays(old, new);
            }
            _ if same(before, after) => {}
            _ => {
                let (path, value) = (self.path.clone(), after.clone());
                self.patches.push(Patch::Replace { path, value });
            }
        }
    }

    fn descends(&self, before: &Value, after: &Value) -> bool {
        self.depth < MAX_DESCENT && mergeable(before, after)
    }

    fn inside(&mut self, step: &str, before: &Value, after: &Value) {
        let length = self.path.len();
        pointer::push(&mut self.path, step);
        self.depth += 1;
        self.values(before, after);
        self.depth -= 1;
        self.path.truncate(length);
    }

    fn at(&self, step: &str) -> String {
        let mut path = self.path.clone();
        pointer::push(&mut path, step);
        path
    }

    fn objects(&mut self, before: &Map<String, Value>, after: &Map<String, Value>) {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            self.patches.push(Patch::Remove { path: self.at(key) });
        }
        for (key, value) in after {
            match before.get(key) {
                Some(old) => self.inside(key, old, value),
                None => {
                    let patch = Patch::Add {
                        path: self.at(key),
                        value: value.clone(),
                    };
                    self.patches.push(patch);
                }
            }
        }
    }

    fn arrays(&mut self, before: &[Value], after: &[Value]) {
        let (mut old, mut new) = (0, 0);
        for (next_old, next_new) in shared(before, after) {
            self.gap(new, &before[old..next_old], &after[new..next_new]);
            (old, new) = (next_old + 1, next_new + 1);
        }
        self.gap(new, &before[old..], &after[new..]);
    }

    /// Elements between two shared ones. `index` is where they stand when
    /// everything before them has been patched.
    fn gap(&mut self, index: usize, before: &[Value], after: &[Value]) {
        if before.len() != after.len() {
            self.splice(index, before.len(), after);
            return;
        }
        let mut done = 0;
        while done < before.len() {
            let plain = before[done..]
                .iter()
                .zip(&after[done..])
                .take_while(|(old, new)| !mergeable(old, new))
                .count();
            if plain > 0 {
                self.splice(index + done, plain, &after[done..done + plain]);
                done += plain;
            } else {
                self.inside(&(index + done).to_string(), &before[done], &after[done]);
                done += 1;
            }
        }
    }

    fn splice(&mut self, index: usize, remove: usize, add: &[Value]) {
        if let (1, [value]) = (remove, add) {
            let path = self.at(&index.to_string());
            self.patches.push(Patch::Replace {
                path,
                value: value.clone(),
            });
        } else if remove > 0 || !add.is_empty() {
            let (path, add) = (self.path.clone(), add.to_vec());
            self.patches.push(Patch::Splice {
                path,
                index,
                remove,
                add,
            });
        }
    }
}

/// True when a change from one to the other is best told by their parts.
fn mergeable(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(_), Value::Object(_)) => !is_leaf(before) && !is_leaf(after),
        (Value::Array(_), Value::Array(_)) => true,
        _ => false,
    }
}

/// Positions of elements that stay, ascending on both sides: the common start
/// and end, and between them the longest ascending chain of elements that occur
/// once on each side (the idea of "patience" diff).
fn shared(before: &[Value], after: &[Value]) -> Vec<(usize, usize)> {
    let short = before.len().min(after.len());
    let start = (0..short)
        .take_while(|i| same(&before[*i], &after[*i]))
        .count();
    let end = (1..=short - start)
        .take_while(|i| same(&before[before.len() - i], &after[after.len() - i]))
        .count();
    let (old, new) = (start..before.len() - end, start..after.len() - end);

    let mut pairs: Vec<_> = (0..start).map(|i| (i, i)).collect();
    let anchors = unique_pairs(&before[old.clone()], &after[new.clone()]);
    pairs.extend(
        longest_ascending(&anchors)
            .into_iter()
            .map(|(i, j)| (i + start, j + start)),
    );
    pairs.extend((0..end).map(|i| (old.end + i, new.end + i)));
    pairs
}

/// Elements that occur exactly once on each side, in the order of `before`.
fn unique_pairs(before: &[Value], after: &[Value]) -> Vec<(usize, usize)> {
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let mut seen: HashMap<[u8; 32], (Side, Side)> = HashMap::new();
    for (i, value) in before.iter().enumerate() {
        seen.entry(hash(value)).or_default().0.meet(i);
    }
    for (j, value) in after.iter().enumerate() {
        if let Some(sides) = seen.get_mut(&hash(value)) {
            sides.1.meet(j);
        }
    }
    let once = |sides: &(Side, Side)| match sides {
        (Side::Once(i), Side::Once(j)) => Some((*i, *j)),
        _ => None,
    };
    let mut pairs: Vec<_> = seen.values().filter_map(once).collect();
    pairs.sort_unstable();
    pairs
}

#[derive(Default)]
enum Side {
    #[default]
    Never,
    Once(usize),
    Often,
}

impl Side {
    fn meet(&mut self, at: usize) {
        *self = match self {
            Self::Never => Self::Once(at),
            Self::Once(_) | Self::Often => Self::Often,
        };
    }
}

/// The longest part of `pairs` in which the second number ascends too, in
/// O(n log n): `tails[k]` ends the best chain of length k + 1.
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (k, (_, j)) in pairs.iter().enumerate() {
        let length = tails.partition_point(|tail| pairs[*tail].1 < *j);
        previous.push(length.checked_sub(1).map(|shorter| tails[shorter]));
        if length == tails.len() {
            tails.push(k);
        } else {
            tails[length] = k;
        }
    }
    let mut chain = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(k) = next {
        chain.push(pairs[k]);
        next = previous[k];
    }
    chain.reverse();
    chain
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
