//! Wire form to document form.
//!
//! Owns taking escapes off. Never reads text.

use serde_json::{Map, Value, json};

use super::parse::Wire;
use super::special::{HOLE, OBJECT, QUOTE, SPECIAL_NUMBER, WIRE, hole_count, is_reserved, tag};
use super::write;

/// Below this level a subtree stays wire text. Above `LEVELS`, because data of
/// the shape of a tagged form gains a level, and below the depth that a store
/// takes, because such text adds one.
const CUT: usize = 250;

/// In one array, more absent elements than this are not written one by one.
const MAX_HOLES: u64 = 1_000;

/// Turns a tree in wire form into document form.
pub(super) fn from_wire(wire: Wire) -> Value {
    value(wire, false, 0)
}

/// `literal` is true inside `/quote`.
fn value(wire: Wire, literal: bool, level: usize) -> Value {
    match wire {
        Wire::Null => Value::Null,
        Wire::Bool(yes) => Value::Bool(yes),
        Wire::Number(number) => Value::Number(number),
        Wire::String(text) => Value::String(text),
        Wire::Deep(text) => deep(&text, literal),
        Wire::Array(_) | Wire::Object(_) if level >= CUT => deep(&text_of(&wire), literal),
        Wire::Array(items) => array(items, literal, level),
        Wire::Object(members) if literal => object(members, true, level),
        Wire::Object(mut members) => match members.as_slice() {
            [(key, _)] if key.starts_with('/') => match members.pop() {
                Some((key, state)) => tagged(key, state, level),
                None => Value::Null,
            },
            _ => object(members, false, level),
        },
    }
}

fn tagged(key: String, state: Wire, level: usize) -> Value {
    match (key.as_str(), state) {
        (QUOTE, literal) => value(literal, true, level),
        (OBJECT, Wire::Object(members)) => object(members, false, level),
        (SPECIAL_NUMBER, Wire::String(name)) if name == "-0" => json!(-0.0),
        (_, state) if tag(&key).is_some() => {
            let whole = Wire::Object(vec![(key, state)]);
            verbatim(&whole, level).unwrap_or_else(|| deep(&text_of(&whole), false))
        }
        // Not what the encoding allows. Nothing is lost by taking it as data.
        (_, state) => object(vec![(key, state)], false, level),
    }
}

fn object(members: Vec<(String, Wire)>, literal: bool, level: usize) -> Value {
    let reserved = matches!(members.as_slice(), [(key, _)] if is_reserved(key));
    let inner = level + 1 + usize::from(reserved);
    let map: Map<String, Value> = members
        .into_iter()
        .map(|(key, member)| (key, value(member, literal, inner)))
        .collect();
    if reserved {
        json!({ OBJECT: map })
    } else {
        Value::Object(map)
    }
}

fn array(items: Vec<Wire>, literal: bool, level: usize) -> Value {
    let mut out = Vec::with_capacity(items.len());
    let mut holes = 0;
    for item in items {
        match run(&item).filter(|_| !literal) {
            Some(count) if count <= MAX_HOLES - holes => {
                holes += count;
                out.extend((0..count).map(|_| json!({ HOLE: 1 })));
            }
            Some(count) => out.push(json!({ HOLE: count })),
            None => out.push(value(item, literal, level + 1)),
        }
    }
    Value::Array(out)
}

/// The length of a run of absent elements.
fn run(item: &Wire) -> Option<u64> {
    match item {
        Wire::Object(members) => match members.as_slice() {
            [(key, Wire::Number(count))] if key == HOLE => hole_count(count),
            _ => None,
        },
        _ => None,
    }
}

/// The same tree as a JSON value; `None` when a part of it is nested too deep.
fn verbatim(wire: &Wire, level: usize) -> Option<Value> {
    Some(match wire {
        Wire::Null => Value::Null,
        Wire::Bool(yes) => Value::Bool(*yes),
        Wire::Number(number) => Value::Number(number.clone()),
        Wire::String(text) => Value::String(text.clone()),
        Wire::Deep(_) => return None,
        Wire::Array(_) | Wire::Object(_) if level >= CUT => return None,
        Wire::Array(items) => items
            .iter()
            .map(|item| verbatim(item, level + 1))
            .collect::<Option<Vec<_>>>()?
            .into(),
        Wire::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Some((key.clone(), verbatim(member, level + 1)?)))
                .collect::<Option<Map<_, _>>>()?,
        ),
    })
}

fn text_of(wire: &Wire) -> String {
    let mut text = String::new();
    write::wire(wire, &mut text);
    text
}

fn deep(text: &str, literal: bool) -> Value {
    if literal {
        json!({ WIRE: format!("{{\"{QUOTE}\":{text}}}") })
    } else {
        json!({ WIRE: text })
    }
}
