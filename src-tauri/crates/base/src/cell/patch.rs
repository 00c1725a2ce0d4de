//! Patches: small changes of a document, in the wire's form.
//!
//! The operations are those of a remote space's commit; their meaning follows
//! the reference server (`append`, `add-unique` and `increment` create what is
//! not there; `remove-by-value` removes every equal element).
//!
//! Owns the operations and their errors; `apply` carries them out and `diff` makes
//! them. Never decides who may write.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::apply::Place;
use super::document::{MAX_DEPTH, same};

pub use super::diff::diff;

/// One operation. Paths are JSON pointers into the document, so they start with
/// `/value` for the document's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Patch {
    /// Replaces what is at `path`; it must be there.
    Replace {
        /// Where.
        path: String,
        /// The new value.
        value: Value,
    },
    /// Sets a key of an object, or inserts into an array (`-` is its end).
    Add {
        /// Where; the parent must be there.
        path: String,
        /// The new value.
        value: Value,
    },
    /// Removes a key or an element; it must be there.
    Remove {
        /// Where.
        path: String,
    },
    /// Removes what is at `from` and adds it at `path`.
    Move {
        /// From where; it must be there.
        from: String,
        /// Where to, as in `add`.
        path: String,
    },
    /// Replaces `remove` elements of an array from `index` on with `add`.
    Splice {
        /// The array.
        path: String,
        /// The first element to replace, 0 to the array's length.
        index: usize,
        /// How many elements go; they must be there.
        remove: usize,
        /// What comes in their place.
        add: Vec<Value>,
    },
    /// Adds elements at the end of an array, which is made when absent.
    Append {
        /// The array.
        path: String,
        /// The elements.
        values: Vec<Value>,
    },
    /// Adds those elements that the array does not hold yet.
    AddUnique {
        /// The array, made when absent.
        path: String,
        /// The elements.
        values: Vec<Value>,
    },
    /// Removes every element that equals `value`.
    RemoveByValue {
        /// The array.
        path: String,
        /// The element to remove.
        value: Value,
    },
    /// Adds `by` to a number, which counts as 0 when absent.
    Increment {
        /// The number.
        path: String,
        /// May be negative.
        by: Number,
    },
}

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The path is no JSON pointer.
    #[error("{path:?} is not a path in a document")]
    BadPath {
        /// As given.
        path: String,
    },
    /// There is nothing at the path, or its parent is missing.
    #[error("there is nothing at {path} to {op}")]
    Missing {
        /// The operation.
        op: &'static str,
        /// As given.
        path: String,
    },
    /// Something is there, but not what the operation needs.
    #[error("cannot {op} at {path}: that is not {needs}")]
    WrongType {
        /// The operation.
        op: &'static str,
        /// As given.
        path: String,
        /// What the operation needs.
        needs: &'static str,
    },
    /// The result would be nested deeper than [`MAX_DEPTH`].
    #[error("the document would be nested more than {MAX_DEPTH} levels deep at {path}")]
    TooDeep {
        /// As given.
        path: String,
    },
}

impl crate::Explain for PatchError {
    fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::Charm
    }
}

/// What a patch did, for the history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// What was at the path; for operations on elements, those that went.
    pub before: Option<Value>,
    /// What is there now; for operations on elements, those that came.
    pub after: Option<Value>,
}

impl Effect {
    /// True when the document is what it was.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match (&self.before, &self.after) {
            (None, None) => true,
            (Some(before), Some(after)) => same(before, after),
            _ => false,
        }
    }
}

impl Patch {
    /// The operation's name on the wire.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::Replace { .. } => "replace",
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Move { .. } => "move",
            Self::Splice { .. } => "splice",
            Self::Append { .. } => "append",
            Self::AddUnique { .. } => "add-unique",
            Self::RemoveByValue { .. } => "remove-by-value",
            Self::Increment { .. } => "increment",
        }
    }

    /// The place that the operation changes.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Replace { path, .. }
            | Self::Add { path, .. }
            | Self::Remove { path }
            | Self::Move { path, .. }
            | Self::Splice { path, .. }
            | Self::Append { path, .. }
            | Self::AddUnique { path, .. }
            | Self::RemoveByValue { path, .. }
            | Self::Increment { path, .. } => path,
        }
    }

    /// The values that the operation puts into the document.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let (one, many): (Option<&Value>, &[Value]) = match self {
            Self::Replace { value, .. } | Self::Add { value, .. } => (Some(value), &[]),
            Self::Splice { add, .. } => (None, add),
            Self::Append { values, .. } | Self::AddUnique { values, .. } => (None, values),
            Self::Remove { .. }
            | Self::Move { .. }
            | Self::RemoveByValue { .. }
            | Self::Increment { .. } => (None, &[]),
        };
        one.into_iter().chain(many)
    }

    /// Applies the operation and tells what it did.
    ///
    /// # Errors
    /// When the document does not have what the operation needs. The document
    /// is then as it was, except after a `move` whose target is missing.
    pub fn apply(&self, doc: &mut Value) -> Result<Effect, PatchError> {
        let at = Place::of(self.op(), self.path())?;
        match self {
            Self::Replace { value, .. } => at.replace(doc, value),
            Self::Add { value, .. } => at.add(doc, value),
            Self::Remove { .. } => at.remove(doc),
            Self::Move { from, .. } => {
                let moved = Place::of(self.op(), from)?
                    .remove(doc)?
                    .before
                    .unwrap_or_default();
                at.add(doc, &moved)
            }
            Self::Splice {
                index, remove, add, ..
            } => at.splice(doc, *index, *remove, add),
            Self::Append { values, .. } => at.append(doc, values),
            Self::AddUnique { values, .. } => at.add_unique(doc, values),
            Self::RemoveByValue { value, .. } => at.remove_by_value(doc, value),
            Self::Increment { by, .. } => at.increment(doc, by),
        }
    }
}

/// Applies patches one after another.
///
/// # Errors
/// When one does not apply. Those before it have then been applied: work on a
/// copy where that matters.
pub fn apply(doc: &mut Value, patches: &[Patch]) -> Result<(), PatchError> {
    patches
        .iter()
        .try_for_each(|patch| patch.apply(doc).map(|_| ()))
}

/// The envelope that a patch of a document that was never written starts from.
#[must_use]
pub fn empty_document() -> Value {
    Value::Object(Map::new())
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
