//! Values in document form that JSON has no word for.
//!
//! Owns telling them from data. Never changes one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::number;
use super::parse::is_json;

pub(super) const UNDEFINED: &str = "/Undefined@1";
pub(super) const BYTES: &str = "/Bytes@1";
pub(super) const BIG_INT: &str = "/BigInt@1";
pub(super) const SPECIAL_NUMBER: &str = "/SpecialNumber@1";
/// Data follows that only looks like a tagged form.
pub(super) const OBJECT: &str = "/object";
/// All of the data that follows is literal. On the wire only.
pub(super) const QUOTE: &str = "/quote";
/// A run of absent elements of an array.
pub(super) const HOLE: &str = "/hole";
/// A subtree in wire form. In documents only.
pub(super) const WIRE: &str = "/wire";

/// What a special value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Special<'v> {
    /// JavaScript's `undefined`.
    Undefined,
    /// A byte string.
    Bytes(Vec<u8>),
    /// A big integer as minimal two's complement, big-endian.
    BigInt(Vec<u8>),
    /// Not a number, or an infinity. Minus zero is a plain JSON number.
    Number(f64),
    /// A type that is not known here, such as `Map@1`, with its state in wire form.
    Other {
        /// Without the slash.
        tag: &'v str,
        /// Untouched.
        state: &'v Value,
    },
    /// A subtree that is nested too deep, as wire text without the prefix.
    Deep(&'v str),
}

/// What `value` is, when it is not plain data.
#[must_use]
pub fn special(value: &Value) -> Option<Special<'_>> {
    let (key, state) = single(value.as_object()?)?;
    if key == WIRE {
        // Checked, because a charm can write such an object too.
        return state
            .as_str()
            .filter(|text| is_json(text))
            .map(Special::Deep);
    }
    let tag = tag(key)?;
    let packed = |state: &Value| URL_SAFE_NO_PAD.decode(state.as_str()?).ok();
    let known = match (key, state) {
        (UNDEFINED, Value::Null) => Some(Special::Undefined),
        (BYTES, _) => packed(state).map(Special::Bytes),
        (BIG_INT, _) => packed(state).map(Special::BigInt),
        (SPECIAL_NUMBER, _) => match state.as_str() {
            Some("NaN") => Some(Special::Number(f64::NAN)),
            Some("+Infinity") => Some(Special::Number(f64::INFINITY)),
            Some("-Infinity") => Some(Special::Number(f64::NEG_INFINITY)),
            Some("-0") => Some(Special::Number(-0.0)),
            _ => None,
        },
        _ => None,
    };
    Some(known.unwrap_or(Special::Other { tag, state }))
}

/// True when a path must not lead into `value`, though it is a JSON object:
/// whoever compares documents takes it as a whole.
#[must_use]
pub fn is_leaf(value: &Value) -> bool {
    let Some((key, state)) = value.as_object().and_then(single) else {
        return false;
    };
    tag(key).is_some()
        || match key {
            WIRE => state.as_str().is_some_and(is_json),
            OBJECT => state.is_object(),
            HOLE => hole(value).is_some(),
            _ => false,
        }
}

/// JavaScript's `undefined`.
#[must_use]
pub fn undefined() -> Value {
    json!({ UNDEFINED: null })
}

/// A byte string.
#[must_use]
pub fn bytes(bytes: &[u8]) -> Value {
    json!({ BYTES: URL_SAFE_NO_PAD.encode(bytes) })
}

/// The only member of an object.
pub(super) fn single(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut all = members.iter();
    match (all.next(), all.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

/// The type tag in a key: `Name@N` after a slash, with an upper-case first letter
/// and no leading zero.
pub(super) fn tag(key: &str) -> Option<&str> {
    let tag = key.strip_prefix('/')?;
    let (name, version) = tag.split_once('@')?;
    let name_fits = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let version_fits = version.bytes().all(|b| b.is_ascii_digit())
        && !version.starts_with('0')
        && !version.is_empty();
    (name_fits && version_fits).then_some(tag)
}

/// True when data with this single key has to be told from a special value.
pub(super) fn is_reserved(key: &str) -> bool {
    matches!(key, OBJECT | HOLE | WIRE) || tag(key).is_some()
}

/// How many absent elements an element of an array stands for.
pub(super) fn hole(element: &Value) -> Option<u64> {
    match single(element.as_object()?)? {
        (HOLE, Value::Number(count)) => hole_count(count),
        _ => None,
    }
}

/// A count of at least one that JavaScript can hold.
pub(super) fn hole_count(count: &serde_json::Number) -> Option<u64> {
    let float = number::float(count);
    (1.0..=9_007_199_254_740_991.0)
        .contains(&float)
        .then(|| count.as_u64())
        .flatten()
}
