//! Which schema documents are referred to.
//!
//! Owns finding the references. Never reads a document.

use charmkeeper_base::cell::Link;
use serde_json::Value;

/// Schema documents that links in `value` refer to.
pub(crate) fn schema_refs(value: &Value, into: &mut Vec<String>) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        if let Some(schema) = Link::from_value(value).and_then(|link| link.schema) {
            refs_in_schema(&schema, into);
            continue;
        }
        match value {
            Value::Object(members) => rest.extend(members.values()),
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
}

/// Schema documents that a schema refers to with `$ref`.
pub(crate) fn refs_in_schema(schema: &Value, into: &mut Vec<String>) {
    let mut rest = vec![schema];
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                    let id = target.split('#').next().unwrap_or_default();
                    if id.starts_with("cid:") && !into.iter().any(|known| known == id) {
                        into.push(id.to_owned());
                    }
                }
                rest.extend(members.values());
            }
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
}
