//! Carrying intents out on what is there now.

use std::collections::{HashMap, HashSet};

use charmkeeper_base::cell::link::is_leaf;
use serde_json::{Map, Value};

use super::identity::of_all;
use super::{Identity, Insert, Intent, Step};

/// What carrying out came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Intents whose place is gone, because another writer removed it.
    pub without_place: usize,
}

/// Carries intents out, one after another. `value` is nothing where there is no
/// value at all.
pub fn carry_out(intents: &[Intent], value: &mut Option<Value>) -> Outcome {
    let mut outcome = Outcome::default();
    for intent in intents {
        let done = match intent {
            Intent::Put { at, value: new } => put(value, at, new),
            Intent::Clear { at } => clear(value, at),
            Intent::Edit { at, take, insert } => edit(value, at, take, insert),
        };
        if done.is_none() {
            outcome.without_place += 1;
        }
    }
    outcome
}

/// The place at the end of the steps; objects are made on the way. Nothing when
/// an element is gone or something else stands in the way.
fn reach<'v>(root: &'v mut Option<Value>, at: &[Step]) -> Option<&'v mut Value> {
    let mut here = root.get_or_insert_with(|| empty_for(at.first()));
    for (n, step) in at.iter().enumerate() {
        if is_leaf(here) {
            return None;
        }
        here = match (step, here) {
            (Step::Key(key), Value::Object(members)) => members
                .entry(key.clone())
                .or_insert_with(|| empty_for(at.get(n + 1))),
            (Step::Element(identity), Value::Array(items)) => {
                let position = of_all(items).iter().position(|i| i == identity)?;
                items.get_mut(position)?
            }
            _ => return None,
        };
    }
    Some(here)
}

/// What must be there for this step to lead on.
fn empty_for(next: Option<&Step>) -> Value {
    match next {
        Some(Step::Key(_)) => Value::Object(Map::new()),
        Some(Step::Element(_)) => Value::Array(Vec::new()),
        None => Value::Null,
    }
}

fn put(root: &mut Option<Value>, at: &[Step], new: &Value) -> Option<()> {
    if at.is_empty() {
        *root = Some(new.clone());
        return Some(());
    }
    *reach(root, at)? = new.clone();
    Some(())
}

fn clear(root: &mut Option<Value>, at: &[Step]) -> Option<()> {
    let Some((last, above)) = at.split_last() else {
        *root = None;
        return Some(());
    };
    // What is not there need not be made in order to be cleared.
    let mut here = root.as_mut()?;
    for step in above {
        here = match (step, here) {
            (Step::Key(key), Value::Object(members)) => members.get_mut(key)?,
            (Step::Element(identity), Value::Array(items)) => {
                let position = of_all(items).iter().position(|i| i == identity)?;
                items.get_mut(position)?
            }
            _ => return None,
        };
    }
    match (last, here) {
        (Step::Key(key), Value::Object(members)) => {
            members.shift_remove(key);
            Some(())
        }
        _ => None,
    }
}

fn edit(root: &mut Option<Value>, at: &[Step], take: &[Identity], insert: &[Insert]) -> Option<()> {
    let here = if at.is_empty() {
        root.get_or_insert(Value::Null)
    } else {
        reach(root, at)?
    };
    if here.is_null() {
        *here = Value::Array(Vec::new());
    }
    let Value::Array(items) = here else {
        return None;
    };
    let taken: HashSet<&Identity> = take.iter().collect();
    let mut rest: Vec<(Identity, Value)> = of_all(items)
        .into_iter()
        .zip(std::mem::take(items))
        .filter(|(identity, _)| !taken.contains(identity))
        .collect();
    rest = inserted(rest, insert);
    *items = rest.into_iter().map(|(_, value)| value).collect();
    Some(())
}

/// Puts the new elements behind the ones they name. Elements that another
/// writer has already put there are not doubled.
fn inserted(there: Vec<(Identity, Value)>, insert: &[Insert]) -> Vec<(Identity, Value)> {
    let mut present: HashSet<Identity> = there.iter().map(|(i, _)| i.clone()).collect();
    let mut front = Vec::new();
    let mut behind: HashMap<&Identity, Vec<&Insert>> = HashMap::new();
    let mut end = Vec::new();
    for new in insert {
        if present.contains(&new.element) {
            continue;
        }
        match &new.after {
            None => front.push(new),
            Some(anchor) if present.contains(anchor) => {
                behind.entry(anchor).or_default().push(new);
            }
            Some(_) => end.push(new),
        }
        present.insert(new.element.clone());
    }
    let mut result = Vec::with_capacity(present.len());
    // A stack instead of recursion: a thousand appended elements are a chain of
    // a thousand anchors.
    let mut stack: Vec<(Identity, Value)> = Vec::new();
    let push = |stack: &mut Vec<(Identity, Value)>, news: &[&Insert]| {
        stack.extend(news.iter().map(|n| (n.element.clone(), n.value.clone())));
    };
    stack.extend(there.into_iter().rev());
    push(&mut stack, &front.into_iter().rev().collect::<Vec<_>>());
    loop {
        while let Some((identity, value)) = stack.pop() {
            let next = behind.remove(&identity);
            result.push((identity, value));
            if let Some(news) = next {
                push(&mut stack, &news.into_iter().rev().collect::<Vec<_>>());
            }
        }
        if end.is_empty() {
            return result;
        }
        push(
            &mut stack,
            &std::mem::take(&mut end)
                .into_iter()
                .rev()
                .collect::<Vec<_>>(),
        );
    }
}
