//! The canonical hash of values in document form, special ones included.
//!
//! Owns choosing the feed for each value. The feed itself is
//! `base::cell::hash::Feed`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::cell::document::MAX_DEPTH;
use charmkeeper_base::cell::hash::Feed;
use serde_json::{Map, Value};

use super::special::{OBJECT, Special, hole, single, special};
use super::{CodecError, encode, number, text};

/// The hash of a value, as the server computes it.
///
/// # Errors
/// When the value holds something of a type whose feed is not known here, or is
/// nested too deep.
pub fn hash(value: &Value) -> Result<[u8; 32], CodecError> {
    let mut feed = Feed::new();
    add(&mut feed, value, 0)?;
    Ok(feed.finish())
}

/// The hash that an `entity-value-hash` precondition carries: that of the
/// value's encoding as a string, in unpadded base64url.
///
/// # Errors
/// When the value cannot be encoded.
pub fn value_hash(value: &Value) -> Result<String, CodecError> {
    let mut feed = Feed::new();
    feed.string(&encode(value)?);
    Ok(URL_SAFE_NO_PAD.encode(feed.finish()))
}

fn add(feed: &mut Feed, value: &Value, level: usize) -> Result<(), CodecError> {
    if level > MAX_DEPTH {
        return Err(CodecError::TooDeep);
    }
    match value {
        Value::Null => feed.null(),
        Value::Bool(yes) => feed.boolean(*yes),
        Value::Number(n) => feed.number(number::float(n)),
        Value::String(string) => feed.string(&text::utf8(string)),
        Value::Array(items) => array(feed, items, level)?,
        Value::Object(members) => match (special(value), single(members)) {
            (Some(special), _) => add_special(feed, &special)?,
            (None, Some((OBJECT, Value::Object(inner)))) => object(feed, inner, level)?,
            _ => object(feed, members, level)?,
        },
    }
    Ok(())
}

fn array(feed: &mut Feed, items: &[Value], level: usize) -> Result<(), CodecError> {
    feed.begin_array();
    let mut run = 0_u64;
    for item in items {
        if let Some(count) = hole(item) {
            run = run.saturating_add(count);
            continue;
        }
        if run > 0 {
            feed.holes(std::mem::take(&mut run));
        }
        add(feed, item, level + 1)?;
    }
    if run > 0 {
        feed.holes(run);
    }
    feed.end();
    Ok(())
}

fn object(feed: &mut Feed, members: &Map<String, Value>, level: usize) -> Result<(), CodecError> {
    let mut sorted: Vec<_> = members
        .iter()
        .map(|(key, member)| (text::utf8(key), member))
        .collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    feed.begin_object();
    for (key, member) in sorted {
        feed.string(&key);
        add(feed, member, level + 1)?;
    }
    feed.end();
    Ok(())
}

fn add_special(feed: &mut Feed, special: &Special<'_>) -> Result<(), CodecError> {
    match special {
        Special::Undefined => feed.undefined(),
        Special::Bytes(bytes) => feed.bytes(bytes),
        Special::BigInt(bytes) => feed.bigint(bytes),
        Special::Number(value) => feed.number(*value),
        Special::Other { tag, .. } => {
            return Err(CodecError::NoHash {
                tag: (*tag).to_owned(),
            });
        }
        Special::Deep(_) => return Err(CodecError::TooDeep),
    }
    Ok(())
}
