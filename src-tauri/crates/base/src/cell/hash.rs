//! The canonical hash of a value: SHA-256 over a byte feed with a tag per type.
//!
//! Entity ids, signatures and preconditions of a remote space rest on it, so
//! the bytes follow the server's `fid1` format exactly; recorded values are in
//! `tests/data/cell-vectors.json`.
//!
//! Owns the feed. Never knows what a hash is used for (see `id`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

const ARRAY: u8 = 0x10;
const OBJECT: u8 = 0x11;
const END: u8 = 0x00;
const HOLES: u8 = 0x01;
const NULL: u8 = 0x20;
const UNDEFINED: u8 = 0x21;
const BOOLEAN: u8 = 0x22;
const NUMBER: u8 = 0x23;
const STRING: u8 = 0x24;
const BYTES: u8 = 0x25;
const BIGINT: u8 = 0x26;
const STRING_DIGEST: u8 = 0xf0;

/// Strings of more UTF-8 bytes than this enter the feed as their own SHA-256.
const LONG_STRING: usize = 64;

/// The canonical hash of a JSON value. Numbers count as 64-bit floats, so `1`
/// and `1.0` hash alike; the order of an object's keys does not matter.
///
/// Uses no recursion: any depth that fits in memory is fine.
#[must_use]
pub fn hash(value: &Value) -> [u8; 32] {
    let mut feed = Feed::new();
    feed.value(value);
    feed.finish()
}

/// The hash as text: `fid1:` and 43 characters of unpadded base64url.
#[must_use]
pub fn fid(value: &Value) -> String {
    fid_of_digest(&hash(value))
}

/// A digest made with [`Feed`] in the same text form as [`fid`].
#[must_use]
pub fn fid_of_digest(digest: &[u8; 32]) -> String {
    format!("fid1:{}", URL_SAFE_NO_PAD.encode(digest))
}

/// The byte feed, for values that JSON cannot hold (bytes, undefined, big
/// integers). Containers are opened and closed by the caller:
/// [`begin_object`](Self::begin_object), then key and value in turn with the
/// keys in the order of their UTF-8 bytes, then [`end`](Self::end).
#[derive(Clone, Default)]
pub struct Feed(Sha256);

impl Feed {
    /// An empty feed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of everything fed so far.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// Feeds `null`.
    pub fn null(&mut self) {
        self.0.update([NULL]);
    }

    /// Feeds JavaScript's `undefined`.
    pub fn undefined(&mut self) {
        self.0.update([UNDEFINED]);
    }

    /// Feeds a boolean.
    pub fn boolean(&mut self, value: bool) {
        self.0.update([BOOLEAN, u8::from(value)]);
    }

    /// Feeds a number. Every NaN is the same number; minus zero is not zero.
    pub fn number(&mut self, value: f64) {
        let canonical = if value.is_nan() {
            f64::from_bits(0x7ff8_0000_0000_0000)
        } else {
            value
        };
        self.0.update([NUMBER]);
        self.0.update(canonical.to_be_bytes());
    }

    /// Feeds a string or an object's key.
    pub fn string(&mut self, text: &str) {
        if text.len() > LONG_STRING {
            self.0.update([STRING_DIGEST]);
            self.0.update(Sha256::digest(text.as_bytes()));
        } else {
            self.sized(STRING, text.as_bytes());
        }
    }

    /// Feeds a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.sized(BYTES, bytes);
    }

    /// Feeds a big integer, given as minimal two's complement, big-endian.
    pub fn bigint(&mut self, twos_complement: &[u8]) {
        self.sized(BIGINT, twos_complement);
    }

    /// Opens an array; its items follow.
    pub fn begin_array(&mut self) {
        self.0.update([ARRAY]);
    }

    /// Feeds a run of absent elements of the open array, at least one.
    pub fn holes(&mut self, count: u64) {
        self.0.update([HOLES]);
        self.length(count);
    }

    /// Opens an object; sorted keys and their values follow.
    pub fn begin_object(&mut self) {
        self.0.update([OBJECT]);
    }

    /// Closes the innermost open array or object.
    pub fn end(&mut self) {
        self.0.update([END]);
    }

    /// Feeds a whole JSON value.
    pub fn value(&mut self, value: &Value) {
        let mut open = Vec::new();
        self.open_or_scalar(value, &mut open);
        while let Some(container) = open.last_mut() {
            let next = match container {
                Open::Array(items) => items.next(),
                Open::Object(members) => members.next().map(|(key, member)| {
                    self.string(key);
                    member
                }),
            };
            match next {
                Some(inner) => self.open_or_scalar(inner, &mut open),
                None => {
                    self.end();
                    open.pop();
                }
            }
        }
    }

    fn open_or_scalar<'v>(&mut self, value: &'v Value, open: &mut Vec<Open<'v>>) {
        match value {
            Value::Null => self.null(),
            Value::Bool(b) => self.boolean(*b),
            Value::Number(n) => self.number(as_f64(n)),
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.begin_array();
                open.push(Open::Array(items.iter()));
            }
            Value::Object(members) => {
                self.begin_object();
                let mut sorted: Vec<_> = members
                    .iter()
                    .map(|(key, member)| (key.as_str(), member))
                    .collect();
                // Rust orders strings by their UTF-8 bytes, as the format asks.
                sorted.sort_unstable_by_key(|(key, _)| *key);
                open.push(Open::Object(sorted.into_iter()));
            }
        }
    }

    fn sized(&mut self, tag: u8, bytes: &[u8]) {
        self.0.update([tag]);
        self.length(bytes.len() as u64);
        self.0.update(bytes);
    }

    /// An unsigned number as ULEB128.
    fn length(&mut self, length: u64) {
        let mut rest = length;
        loop {
            let low = (rest & 0x7f) as u8;
            rest >>= 7;
            self.0.update([if rest == 0 { low } else { low | 0x80 }]);
            if rest == 0 {
                break;
            }
        }
    }
}

enum Open<'v> {
    Array(std::slice::Iter<'v, Value>),
    Object(std::vec::IntoIter<(&'v str, &'v Value)>),
}

/// A JSON number as the 64-bit float that it is in a space.
pub fn as_f64(number: &serde_json::Number) -> f64 {
    // Without serde_json's `arbitrary_precision` every number converts.
    number.as_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/data/cell-vectors.json")).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Values that JSON cannot hold, by the label of their row.
    fn special(label: &str) -> [u8; 32] {
        let mut feed = Feed::new();
        match label {
            "minus zero" => feed.number(-0.0),
            "undefined" => feed.undefined(),
            "bytes 00ff10" => feed.bytes(&[0x00, 0xff, 0x10]),
            "bigint 128" => feed.bigint(&[0x00, 0x80]),
            "object with undefined member" => {
                feed.begin_object();
                feed.string("a");
                feed.undefined();
                feed.string("b");
                feed.number(1.0);
                feed.end();
            }
            "slash key with special inside" => {
                feed.begin_object();
                feed.string("/x");
                feed.bytes(&[1]);
                feed.end();
            }
            other => panic!("no value for {other}"),
        }
        feed.finish()
    }

    #[test]
    fn every_recorded_hash_is_reproduced() {
        let vectors = vectors();
        let rows = vectors["hashes"].as_array().unwrap();
        assert_eq!(rows.len(), 28);
        for row in rows {
            let label = row["label"].as_str().unwrap();
            let got = match row.get("value") {
                Some(value) => hash(value),
                None => special(label),
            };
            assert_eq!(hex(&got), row["sha256Hex"].as_str().unwrap(), "{label}");
        }
    }

    #[test]
    fn integers_are_floats_and_key_order_does_not_matter() {
        assert_eq!(hash(&json!(1)), hash(&json!(1.0)));
        let a: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":2,"b":1}"#).unwrap();
        assert_eq!(hash(&a), hash(&b));
        assert_ne!(hash(&json!([[], 1])), hash(&json!([[1]])));
    }

    #[test]
    fn depth_does_not_use_the_stack() {
        let mut deep = json!(1);
        for _ in 0..5_000 {
            deep = Value::Array(vec![deep]);
        }
        let mut feed = Feed::new();
        for _ in 0..5_000 {
            feed.begin_array();
        }
        feed.number(1.0);
        for _ in 0..5_000 {
            feed.end();
        }
        assert_eq!(hash(&deep), feed.finish());
    }

    #[test]
    fn long_lengths_take_more_than_one_byte() {
        let mut feed = Feed::new();
        feed.bytes(&[7; 300]);
        let expected = {
            let mut plain = vec![BYTES, 0xac, 0x02];
            plain.extend([7; 300]);
            Sha256::digest(plain)
        };
        assert_eq!(feed.finish(), <[u8; 32]>::from(expected));
    }
}
