//! Applying one patch to a document.
//!
//! Owns walking to a place and changing it. Never knows a patch's wire form.

use serde_json::{Number, Value};

use super::document::{MAX_DEPTH, depth, same};
use super::patch::{Effect, PatchError};
use super::{hash, pointer};

/// A path split into steps, with what an error needs to name it.
pub(super) struct Place<'p> {
    op: &'static str,
    path: &'p str,
    steps: Vec<String>,
}

impl<'p> Place<'p> {
    /// The place at `path` for the operation `op`.
    pub(super) fn of(op: &'static str, path: &'p str) -> Result<Self, PatchError> {
        let steps = pointer::split(path).ok_or_else(|| PatchError::BadPath {
            path: path.to_owned(),
        })?;
        let place = Self { op, path, steps };
        place.fits(0)?;
        Ok(place)
    }

    fn missing(&self) -> PatchError {
        PatchError::Missing {
            op: self.op,
            path: self.path.to_owned(),
        }
    }

    fn wrong(&self, needs: &'static str) -> PatchError {
        PatchError::WrongType {
            op: self.op,
            path: self.path.to_owned(),
            needs,
        }
    }

    /// Checks that something this deep may stand here.
    fn fits(&self, depth: usize) -> Result<(), PatchError> {
        if self.steps.len() + depth > MAX_DEPTH {
            return Err(PatchError::TooDeep {
                path: self.path.to_owned(),
            });
        }
        Ok(())
    }

    fn all_fit<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Result<(), PatchError> {
        values
            .into_iter()
            .try_for_each(|value| self.fits(depth(value) + 1))
    }

    fn get<'d>(&self, doc: &'d mut Value) -> Option<&'d mut Value> {
        walk(doc, &self.steps)
    }

    /// The container and the last step.
    fn parent<'d>(&self, doc: &'d mut Value) -> Result<(&'d mut Value, &str), PatchError> {
        let (last, above) = self
            .steps
            .split_last()
            .ok_or_else(|| self.wrong("inside a value"))?;
        let parent = walk(doc, above).ok_or_else(|| self.missing())?;
        Ok((parent, last))
    }

    pub(super) fn replace(&self, doc: &mut Value, value: &Value) -> Result<Effect, PatchError> {
        self.fits(depth(value))?;
        let place = self.get(doc).ok_or_else(|| self.missing())?;
        let before = std::mem::replace(place, value.clone());
        Ok(Effect {
            before: Some(before),
            after: Some(value.clone()),
        })
    }

    pub(super) fn add(&self, doc: &mut Value, value: &Value) -> Result<Effect, PatchError> {
        self.fits(depth(value))?;
        if self.steps.is_empty() {
            return self.replace(doc, value);
        }
        let before = match self.parent(doc)? {
            (Value::Object(members), key) => members.insert(key.to_owned(), value.clone()),
            (Value::Array(items), step) => {
                let at = if step == "-" {
                    Some(items.len())
                } else {
                    pointer::index(step)
                };
                let at = at
                    .filter(|at| *at <= items.len())
                    .ok_or_else(|| self.missing())?;
                items.insert(at, value.clone());
                None
            }
            _ => return Err(self.wrong("inside an object or an array")),
        };
        Ok(Effect {
            before,
            after: Some(value.clone()),
        })
    }

    pub(super) fn remove(&self, doc: &mut Value) -> Result<Effect, PatchError> {
        let before = match self.parent(doc)? {
            // Keeps the order of the other keys.
            (Value::Object(members), key) => members.shift_remove(key),
            (Value::Array(items), step) => pointer::index(step)
                .filter(|at| *at < items.len())
                .map(|at| items.remove(at)),
            _ => return Err(self.wrong("inside an object or an array")),
        };
        let before = before.ok_or_else(|| self.missing())?;
        Ok(Effect {
            before: Some(before),
            after: None,
        })
    }

    fn array<'d>(&self, doc: &'d mut Value) -> Result<&'d mut Vec<Value>, PatchError> {
        let place = self.get(doc).ok_or_else(|| self.missing())?;
        place.as_array_mut().ok_or_else(|| self.wrong("an array"))
    }

    /// The array at the path, made when the key is absent (then `true`).
    fn array_or_new<'d>(
        &self,
        doc: &'d mut Value,
    ) -> Result<(&'d mut Vec<Value>, bool), PatchError> {
        let made = self.create_if_absent(doc, || Value::Array(Vec::new()))?;
        Ok((self.array(doc)?, made))
    }

    fn create_if_absent(
        &self,
        doc: &mut Value,
        make: impl FnOnce() -> Value,
    ) -> Result<bool, PatchError> {
        if self.get(doc).is_some() {
            return Ok(false);
        }
        let (last, above) = self.steps.split_last().ok_or_else(|| self.missing())?;
        let parent = walk(doc, above).and_then(Value::as_object_mut);
        parent
            .ok_or_else(|| self.missing())?
            .insert(last.clone(), make());
        Ok(true)
    }

    pub(super) fn splice(
        &self,
        doc: &mut Value,
        index: usize,
        remove: usize,
        add: &[Value],
    ) -> Result<Effect, PatchError> {
        self.all_fit(add)?;
        let items = self.array(doc)?;
        let end = index.checked_add(remove).filter(|end| *end <= items.len());
        let end = end.ok_or_else(|| self.missing())?;
        let gone: Vec<_> = items.splice(index..end, add.iter().cloned()).collect();
        Ok(elements(gone, add.to_vec()))
    }

    pub(super) fn append(&self, doc: &mut Value, values: &[Value]) -> Result<Effect, PatchError> {
        self.all_fit(values)?;
        let (items, made) = self.array_or_new(doc)?;
        items.extend(values.iter().cloned());
        Ok(elements_added(values.to_vec(), made))
    }

    pub(super) fn add_unique(
        &self,
        doc: &mut Value,
        values: &[Value],
    ) -> Result<Effect, PatchError> {
        self.all_fit(values)?;
        let (items, made) = self.array_or_new(doc)?;
        let mut held: std::collections::HashSet<_> = items.iter().map(hash::hash).collect();
        let new: Vec<_> = values
            .iter()
            .filter(|value| held.insert(hash::hash(value)))
            .cloned()
            .collect();
        items.extend(new.iter().cloned());
        Ok(elements_added(new, made))
    }

    pub(super) fn remove_by_value(
        &self,
        doc: &mut Value,
        value: &Value,
    ) -> Result<Effect, PatchError> {
        let items = self.array(doc)?;
        let gone: Vec<_> = items.extract_if(.., |item| same(item, value)).collect();
        Ok(elements(gone, Vec::new()))
    }

    pub(super) fn increment(&self, doc: &mut Value, by: &Number) -> Result<Effect, PatchError> {
        let made = self.create_if_absent(doc, || Value::from(0))?;
        let place = self.get(doc).ok_or_else(|| self.missing())?;
        let now = place.as_number().ok_or_else(|| self.wrong("a number"))?;
        let sum = number(hash::as_f64(now) + hash::as_f64(by))
            .ok_or_else(|| self.wrong("a number that can grow further"))?;
        let before = std::mem::replace(place, sum.clone());
        Ok(Effect {
            before: (!made).then_some(before),
            after: Some(sum),
        })
    }
}

/// What adding elements did; `made` when the array itself is new.
fn elements_added(came: Vec<Value>, made: bool) -> Effect {
    let after = (made || !came.is_empty()).then_some(Value::Array(came));
    Effect {
        before: None,
        after,
    }
}

fn elements(gone: Vec<Value>, came: Vec<Value>) -> Effect {
    let some = |values: Vec<Value>| (!values.is_empty()).then_some(Value::Array(values));
    Effect {
        before: some(gone),
        after: some(came),
    }
}

fn walk<'d>(doc: &'d mut Value, steps: &[String]) -> Option<&'d mut Value> {
    let mut here = doc;
    for step in steps {
        here = match here {
            Value::Object(members) => members.get_mut(step)?,
            Value::Array(items) => items.get_mut(pointer::index(step)?)?,
            _ => return None,
        };
    }
    Some(here)
}

/// A float as JavaScript would write it: whole numbers without a fraction.
/// `None` for what JSON cannot hold.
fn number(value: f64) -> Option<Value> {
    /// From here on not every whole number is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative()) {
        #[allow(clippy::cast_possible_truncation)] // checked above
        return Some(Value::from(value as i64));
    }
    Number::from_f64(value).map(Value::Number)
}
