//! Documents as JSON text and as values, with a limit on their depth.
//!
//! Owns reading a document's text and naming a document. Never stores one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The deepest nesting of arrays and objects that a document may have.
///
/// Reading, copying and dropping a value use the stack once per level; this
/// many levels fit well into the 2 MiB of a thread even in a debug build.
pub const MAX_DEPTH: usize = 256;

/// Names one document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocRef {
    /// `did:key` of the space.
    pub space: String,
    /// Id of the document, such as `of:fid1:...`.
    pub id: String,
}

/// A document as it was at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocSnapshot {
    /// `did:key` of the space.
    pub space: String,
    /// Id of the document.
    pub id: String,
    /// Counts the commits that changed the document; 0 when there is none.
    pub version: u64,
    /// `{"value": ..., ...}`, or nothing when there is no such document.
    pub doc: Option<Value>,
}

/// Why a text is not a document.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not JSON.
    #[error("this is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the data is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
}

impl crate::Explain for ParseError {
    fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::Charm
    }
}

/// Reads JSON that may be nested up to [`MAX_DEPTH`] levels (`serde_json`
/// alone stops at 128).
///
/// # Errors
/// When the text is not JSON, or is nested deeper.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    if text_depth(text) > MAX_DEPTH {
        return Err(ParseError::TooDeep);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// How deep `value` is nested: 0 for a scalar, 1 for `[]`. Stops counting when
/// it is certain to be more than [`MAX_DEPTH`]. Uses no recursion.
#[must_use]
pub fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut rest = vec![(value, 0)];
    while let Some((value, above)) = rest.pop() {
        let here = match value {
            Value::Array(items) => {
                rest.extend(items.iter().map(|item| (item, above + 1)));
                above + 1
            }
            Value::Object(members) => {
                rest.extend(members.values().map(|member| (member, above + 1)));
                above + 1
            }
            _ => above,
        };
        deepest = deepest.max(here);
        if deepest > MAX_DEPTH {
            break;
        }
    }
    deepest
}

/// Depth of brackets outside strings. Right for JSON, and an upper bound on how
/// deep a reader gets in anything else.
fn text_depth(text: &str) -> usize {
    let (mut deepest, mut now) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The `value` of a document; `None` when it has none.
#[must_use]
pub fn value(doc: &Value) -> Option<&Value> {
    doc.get("value")
}

/// True when the two values are the same in a space: numbers compare as 64-bit
/// floats and the order of keys does not matter. Exactly when their hashes are
/// equal. Uses no recursion.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    let mut rest = vec![(a, b)];
    while let Some(pair) = rest.pop() {
        let equal = match pair {
            (Value::Number(a), Value::Number(b)) => {
                super::hash::as_f64(a).to_bits() == super::hash::as_f64(b).to_bits()
            }
            (Value::Array(a), Value::Array(b)) => {
                rest.extend(a.iter().zip(b));
                a.len() == b.len()
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, in_a)| match b.get(key) {
                        Some(in_b) => {
                            rest.push((in_a, in_b));
                            true
                        }
                        None => false,
                    })
            }
            (Value::Array(_) | Value::Object(_) | Value::Number(_), _) => false,
            (a, b) => a == b,
        };
        if !equal {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn depth_is_bounded_and_the_bound_fits_the_stack() {
        // On the stack that a thread gets by default.
        let at_limit = parse(&nested(MAX_DEPTH)).unwrap();
        assert_eq!(depth(&at_limit), MAX_DEPTH);
        let copy = at_limit.clone();
        drop(at_limit);
        assert_eq!(serde_json::to_string(&copy).unwrap(), nested(MAX_DEPTH));
        let error = parse(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert!(matches!(error, ParseError::TooDeep), "{error}");
        assert!(matches!(
            parse(&"[".repeat(1_000_000)),
            Err(ParseError::TooDeep)
        ));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = json!({ "a": "[[[[\\\"[[[", "b": "\"{" }).to_string();
        assert_eq!(text_depth(&text), 1);
        assert!(parse(&format!("\"{}\"", "[".repeat(1000))).is_ok());
        assert!(matches!(parse("{} x"), Err(ParseError::Json(_))));
    }

    #[test]
    fn sameness_follows_the_hash() {
        let values = [
            json!(1),
            json!(1.0),
            json!(0.0),
            json!(-0.0),
            json!("1"),
            json!(null),
            json!(false),
            json!([1, 2]),
            json!([1.0, 2.0]),
            json!([2, 1]),
            json!({"a": 1, "b": 2}),
            json!({"b": 2.0, "a": 1}),
            json!({"a": 1}),
            json!({"a": 1, "c": 2}),
            json!([]),
            json!({}),
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992_u64),
        ];
        for a in &values {
            for b in &values {
                let hashes = crate::cell::hash::hash(a) == crate::cell::hash::hash(b);
                assert_eq!(same(a, b), hashes, "{a} and {b}");
            }
        }
    }
}
