//! Document form to wire text.
//!
//! Owns putting escapes on, and the order of keys. Never reads text.

use std::collections::HashSet;

use charmkeeper_base::cell::document::MAX_DEPTH;
use serde_json::{Map, Number, Value};

use super::parse::{Wire, is_json};
use super::special::{HOLE, OBJECT, QUOTE, SPECIAL_NUMBER, WIRE, hole, single, tag};
use super::{CodecError, number, text};

/// A message puts some levels around a document.
const MAX_LEVELS: usize = MAX_DEPTH + 32;

/// Appends `value` in wire form.
pub(super) fn write(value: &Value, out: &mut String) -> Result<(), CodecError> {
    let mut found = HashSet::new();
    quotable(value, 0, &mut found);
    let mut writer = Writer {
        out,
        level: 0,
        quotable: found,
    };
    writer.value(value)
}

type Members = Map<String, Value>;

struct Writer<'o> {
    out: &'o mut String,
    level: usize,
    /// Objects with `/` keys that hold no special form. Compared by address only.
    quotable: HashSet<*const Members>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Number(n) if is_minus_zero(n) => {
                self.out.push_str("{\"");
                self.out.push_str(SPECIAL_NUMBER);
                self.out.push_str("\":\"-0\"}");
                Ok(())
            }
            Value::Array(items) => self.deeper(|writer| writer.array(items)),
            Value::Object(members) => self.deeper(|writer| writer.maybe_special(members)),
            scalar => {
                self.scalar(scalar);
                Ok(())
            }
        }
    }

    fn deeper(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.level += 1;
        if self.level > MAX_LEVELS {
            return Err(CodecError::TooDeep);
        }
        inside(self)?;
        self.level -= 1;
        Ok(())
    }

    fn scalar(&mut self, value: &Value) {
        match value {
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(n) => number::write(number::float(n), self.out),
            Value::String(text) => text::write(text, self.out),
            Value::Null | Value::Array(_) | Value::Object(_) => self.out.push_str("null"),
        }
    }

    fn array(&mut self, items: &[Value]) -> Result<(), CodecError> {
        self.out.push('[');
        let mut rest = items.iter().peekable();
        let mut first = true;
        while let Some(item) = rest.next() {
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            let Some(mut run) = hole(item) else {
                self.value(item)?;
                continue;
            };
            while let Some(more) = rest.peek().and_then(|next| hole(next)) {
                run = run.saturating_add(more);
                rest.next();
            }
            self.out.push_str("{\"");
            self.out.push_str(HOLE);
            self.out.push_str("\":");
            self.out.push_str(&run.to_string());
            self.out.push('}');
        }
        self.out.push(']');
        Ok(())
    }

    fn maybe_special(&mut self, members: &Map<String, Value>) -> Result<(), CodecError> {
        match single(members) {
            Some((OBJECT, Value::Object(inner))) => self.object(inner),
            Some((WIRE, Value::String(text))) if is_json(text) => {
                self.out.push_str(text);
                Ok(())
            }
            Some((key, state)) if tag(key).is_some() => self.literal_members([(key, state)]),
            _ => self.object(members),
        }
    }

    /// An object of data: its keys mean nothing.
    fn object(&mut self, members: &Map<String, Value>) -> Result<(), CodecError> {
        if !has_slash(members) {
            return self.members(members, Self::value);
        }
        let quote = self.quotable.contains(&std::ptr::from_ref(members));
        self.out.push_str("{\"");
        self.out.push_str(if quote { QUOTE } else { OBJECT });
        self.out.push_str("\":");
        self.members(members, if quote { Self::quoted } else { Self::value })?;
        self.out.push('}');
        Ok(())
    }

    fn members(
        &mut self,
        members: &Map<String, Value>,
        each: fn(&mut Self, &Value) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.out.push('{');
        for (n, (key, member)) in ordered(members).into_iter().enumerate() {
            if n > 0 {
                self.out.push(',');
            }
            text::write(key, self.out);
            self.out.push(':');
            each(self, member)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// A quotable value inside `/quote`: data only, without escapes.
    fn quoted(&mut self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Array(items) => self.deeper(|writer| writer.items(items, Self::quoted)),
            Value::Object(members) => self.deeper(|writer| match single(members) {
                Some((OBJECT, Value::Object(inner))) => writer.members(inner, Self::quoted),
                _ => writer.members(members, Self::quoted),
            }),
            scalar => {
                self.scalar(scalar);
                Ok(())
            }
        }
    }

    /// The state of a tagged form, as it is.
    fn literal(&mut self, value: &Value) -> Result<(), CodecError> {
        match value {
            Value::Array(items) => self.deeper(|writer| writer.items(items, Self::literal)),
            Value::Object(members) => self.deeper(|writer| {
                writer.literal_members(members.iter().map(|(key, value)| (key.as_str(), value)))
            }),
            Value::Number(n) if is_minus_zero(n) => {
                self.out.push_str("-0");
                Ok(())
            }
            scalar => {
                self.scalar(scalar);
                Ok(())
            }
        }
    }

    fn items(
        &mut self,
        items: &[Value],
        each: fn(&mut Self, &Value) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.out.push('[');
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                self.out.push(',');
            }
            each(self, item)?;
        }
        self.out.push(']');
        Ok(())
    }

    /// Members in their own order.
    fn literal_members<'v>(
        &mut self,
        members: impl IntoIterator<Item = (&'v str, &'v Value)>,
    ) -> Result<(), CodecError> {
        self.out.push('{');
        for (n, (key, value)) in members.into_iter().enumerate() {
            if n > 0 {
                self.out.push(',');
            }
            text::write(key, self.out);
            self.out.push(':');
            self.literal(value)?;
        }
        self.out.push('}');
        Ok(())
    }
}

fn is_minus_zero(n: &Number) -> bool {
    number::is_minus_zero(number::float(n))
}

/// True when the encoding of `value` holds no special form, so that it may stand
/// inside `/quote`. Notes the objects with `/` keys for which that holds; each
/// value is looked at once, however they are nested.
fn quotable(value: &Value, level: usize, found: &mut HashSet<*const Members>) -> bool {
    if level > MAX_LEVELS {
        return false; // It is refused when it is written.
    }
    let mut all = |values: &mut dyn Iterator<Item = &Value>| {
        let mut safe = true;
        for inner in values {
            // Every one is looked at: one may be quotable where another is not.
            safe &= quotable(inner, level + 1, found);
        }
        safe
    };
    let members = match value {
        Value::Number(n) => return !is_minus_zero(n),
        Value::Array(items) => {
            let dense = items.iter().all(|item| hole(item).is_none());
            return all(&mut items.iter()) && dense;
        }
        Value::Object(members) => match single(members) {
            Some((OBJECT, Value::Object(inner))) => inner,
            Some((WIRE, Value::String(text))) if is_json(text) => return false,
            Some((key, _)) if tag(key).is_some() => return false,
            _ => members,
        },
        _ => return true,
    };
    let safe = all(&mut members.values());
    if safe && has_slash(members) {
        found.insert(std::ptr::from_ref(members));
    }
    safe
}

fn has_slash(members: &Members) -> bool {
    members.keys().any(|key| key.starts_with('/'))
}

/// Members in the order in which JavaScript enumerates what the server sorted:
/// keys that are array positions by their number, then the others by their
/// UTF-8 bytes.
fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut all: Vec<_> = members.iter().collect();
    all.sort_unstable_by_key(|(key, _)| (position(key).unwrap_or(u32::MAX), key.as_str()));
    all
}

/// The array position that a key is, as ECMAScript defines it.
fn position(key: &str) -> Option<u32> {
    let canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|&n| canonical && n < u32::MAX)
}

/// Appends a tree in wire form as it is.
pub(super) fn wire(tree: &Wire, out: &mut String) {
    match tree {
        Wire::Null => out.push_str("null"),
        Wire::Bool(true) => out.push_str("true"),
        Wire::Bool(false) => out.push_str("false"),
        Wire::Number(n) if is_minus_zero(n) => out.push_str("-0"),
        Wire::Number(n) => number::write(number::float(n), out),
        Wire::String(string) => text::write(string, out),
        Wire::Deep(text) => out.push_str(text),
        Wire::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                wire(item, out);
            }
            out.push(']');
        }
        Wire::Object(members) => {
            out.push('{');
            for (n, (key, member)) in members.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                text::write(key, out);
                out.push(':');
                wire(member, out);
            }
            out.push('}');
        }
    }
}
