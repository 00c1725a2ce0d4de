//! What a charm's row and first documents are made of.
//!
//! Pure: from the compiled program, what the worker saw of it, and what the
//! person gave, to the values that are stored.

use std::path::Path;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{Change, DocRef};
use charmkeeper_charms::compile::{Compiled, readable_name};
use charmkeeper_charms::runner::Inspection;
use charmkeeper_store::Charm;
use serde_json::{Map, Value, json};

use crate::api::ApiError;

/// A charm's inputs: what was given, laid over the defaults.
pub(super) fn merged(defaults: &Value, given: Option<&Value>) -> Result<Value, ApiError> {
    let mut all = Value::Object(defaults.as_object().cloned().unwrap_or_else(Map::new));
    match given {
        None => {}
        Some(inputs @ Value::Object(_)) => lay_over(&mut all, inputs),
        Some(_) => {
            return Err(ApiError::new(
                ErrorKind::Usage,
                "The argument must be a JSON object.",
            ));
        }
    }
    Ok(all)
}

/// Lays `given` over `base`: objects member by member, everything else whole,
/// so that one setting can be given without the others. Links are not entered.
pub(super) fn lay_over(base: &mut Value, given: &Value) {
    match (base, given) {
        (Value::Object(base), Value::Object(given)) if !base.contains_key("/") => {
            for (name, value) in given {
                lay_over(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, given) => *base = given.clone(),
    }
}

/// What is stored of a compiled charm beside its code: its facts, and the
/// constructs in it that will not work here.
pub(crate) fn facts(compiled: &Compiled) -> Value {
    let mut facts = serde_json::to_value(&compiled.facts).unwrap_or(Value::Null);
    let warnings = compiled.warnings.iter().map(|warning| {
        json!({
            "file": warning.place.file,
            "line": warning.place.line,
            "column": warning.place.column,
            "message": warning.message,
        })
    });
    let warnings: Vec<Value> = warnings.collect();
    if !warnings.is_empty() && facts.is_object() {
        facts["warnings"] = Value::Array(warnings);
    }
    facts
}

pub(crate) fn hosts(found: &[String], given: &[String]) -> Vec<String> {
    let all: std::collections::BTreeSet<String> = found
        .iter()
        .chain(given)
        .map(|h| h.to_lowercase())
        .collect();
    all.into_iter().collect()
}

pub(super) fn name_of(charm: &Charm, compiled: &Compiled, seen: &Inspection) -> String {
    seen.name
        .clone()
        .filter(|n| !n.trim().is_empty())
        .or_else(|| compiled.facts.name.clone())
        .or_else(|| readable_name(Path::new(&charm.source)))
        .unwrap_or_else(|| charm.handle.clone())
}

pub(crate) fn tags(compiled: &Compiled, seen: &Inspection) -> Vec<String> {
    let mut tags = compiled.facts.tags.clone();
    for tag in &seen.tags {
        if !tags.iter().any(|t| t.to_lowercase() == tag.to_lowercase()) {
            tags.push(tag.clone());
        }
    }
    tags
}

/// The argument document, and what the inspection says the piece consists of.
pub(super) fn documents(charm: &Charm, argument: &Value, seen: &Inspection) -> Vec<Change> {
    let target = |id: &str| DocRef {
        space: charm.space.clone(),
        id: id.to_owned(),
    };
    let mut all = vec![Change::create(
        target(&charm.argument),
        Some(0),
        json!({ "value": argument }),
    )];
    for new in &seen.documents {
        if new.id != charm.argument {
            all.push(Change::create(target(&new.id), Some(0), new.doc.clone()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_lie_over_the_defaults() {
        let both = merged(&json!({"a": 1, "b": 2}), Some(&json!({"b": 3}))).unwrap();
        assert_eq!(both, json!({"a": 1, "b": 3}));
        let defaults = json!({"settings": {"query": "", "limit": 1000}});
        let one = merged(&defaults, Some(&json!({"settings": {"limit": 5}}))).unwrap();
        assert_eq!(one, json!({"settings": {"query": "", "limit": 5}}));
        assert!(merged(&json!({}), Some(&json!([]))).is_err());
    }
}
