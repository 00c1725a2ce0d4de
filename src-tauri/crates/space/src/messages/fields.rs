//! Taking members out of an object, and putting them in.
//!
//! Owns the type checks of members. Never knows a message.

use serde_json::{Map, Value};

use super::ShapeError;
use crate::codec::{Special, special};

/// The members of an object that is being read.
#[derive(Default)]
pub(super) struct Fields(Map<String, Value>);

/// A count that is a sequence number in the protocol.
fn as_seq(value: &Value) -> Option<u64> {
    // Beyond this not every whole number is a float.
    value.as_u64().filter(|n| *n <= 1 << 53)
}

impl Fields {
    pub(super) fn of(value: Value, field: &'static str) -> Result<Self, ShapeError> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(ShapeError { field }),
        }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// An absent member and one that is `undefined` are the same.
    pub(super) fn take(&mut self, field: &'static str) -> Option<Value> {
        // The order of what is left does not matter.
        self.0
            .swap_remove(field)
            .filter(|value| special(value) != Some(Special::Undefined))
    }

    pub(super) fn value(&mut self, field: &'static str) -> Result<Value, ShapeError> {
        self.take(field).ok_or(ShapeError { field })
    }

    pub(super) fn peek_text(&self, field: &'static str) -> Result<&str, ShapeError> {
        self.0
            .get(field)
            .and_then(Value::as_str)
            .ok_or(ShapeError { field })
    }

    pub(super) fn peek_is_number(&self, field: &'static str) -> bool {
        self.0.get(field).is_some_and(Value::is_number)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<String, ShapeError> {
        self.maybe_text(field)?.ok_or(ShapeError { field })
    }

    pub(super) fn maybe_text(&mut self, field: &'static str) -> Result<Option<String>, ShapeError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ShapeError { field }),
        }
    }

    pub(super) fn seq(&mut self, field: &'static str) -> Result<u64, ShapeError> {
        self.maybe_seq(field)?.ok_or(ShapeError { field })
    }

    pub(super) fn maybe_seq(&mut self, field: &'static str) -> Result<Option<u64>, ShapeError> {
        self.take(field)
            .map(|value| as_seq(&value).ok_or(ShapeError { field }))
            .transpose()
    }

    /// Unix seconds; may have a fraction, which is cut off.
    pub(super) fn seconds(&mut self, field: &'static str) -> Result<i64, ShapeError> {
        let value = self.value(field)?;
        let seconds = value
            .as_i64()
            .or_else(|| value.as_f64().map(|n| n.floor() as i64));
        seconds.ok_or(ShapeError { field })
    }

    /// True when the member is `true`; absent counts as false.
    pub(super) fn flag(&mut self, field: &'static str) -> bool {
        self.take(field) == Some(Value::Bool(true))
    }

    pub(super) fn bytes(&mut self, field: &'static str) -> Result<Vec<u8>, ShapeError> {
        match special(&self.value(field)?) {
            Some(Special::Bytes(bytes)) => Ok(bytes),
            _ => Err(ShapeError { field }),
        }
    }

    pub(super) fn object(&mut self, field: &'static str) -> Result<Self, ShapeError> {
        Self::of(self.value(field)?, field)
    }

    /// Reads each element of an array.
    pub(super) fn list<T>(
        &mut self,
        field: &'static str,
        each: impl FnMut(Value) -> Result<T, ShapeError>,
    ) -> Result<Vec<T>, ShapeError> {
        match self.value(field)? {
            Value::Array(items) => items.into_iter().map(each).collect(),
            _ => Err(ShapeError { field }),
        }
    }

    pub(super) fn maybe_list<T>(
        &mut self,
        field: &'static str,
        each: impl FnMut(Value) -> Result<T, ShapeError>,
    ) -> Result<Vec<T>, ShapeError> {
        if self.0.contains_key(field) {
            self.list(field, each)
        } else {
            Ok(Vec::new())
        }
    }

    pub(super) fn texts(&mut self, field: &'static str) -> Result<Vec<String>, ShapeError> {
        self.list(field, |item| match item {
            Value::String(text) => Ok(text),
            _ => Err(ShapeError { field }),
        })
    }

    pub(super) fn seqs(&mut self, field: &'static str) -> Result<Vec<u64>, ShapeError> {
        match self.value(field)? {
            Value::Array(items) => items
                .iter()
                .map(|item| as_seq(item).ok_or(ShapeError { field }))
                .collect(),
            one => as_seq(&one).map(|n| vec![n]).ok_or(ShapeError { field }),
        }
    }
}

/// The members of an object that is being written.
#[derive(Default)]
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// Leaves the member out when there is nothing.
    pub(super) fn maybe(self, field: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// Adds `true`, or leaves the member out.
    pub(super) fn flag(self, field: &str, yes: bool) -> Self {
        self.maybe(field, yes.then_some(true))
    }

    pub(super) fn list<T>(self, field: &str, items: &[T], each: impl FnMut(&T) -> Value) -> Self {
        self.with(field, items.iter().map(each).collect::<Vec<_>>())
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}
