//! What a run wanted of a document, in terms that survive other writers.
//!
//! A patch with the position of an array element means something else once
//! somebody has removed the element before it. An [`Intent`] names elements by
//! what they are (the document a link leads to, the `id` of an object, the value
//! itself), so it can be carried out on whatever the server holds by now.
//!
//! In: a value before and after a run. Out: intents ([`between`]), and a value
//! with intents carried out ([`carry_out`]). `carry_out(between(a, b), a)` is `b`;
//! carrying intents out twice is the same as once; what another writer did
//! elsewhere stays. Where both changed the same field, the later commit wins;
//! where one changed an element and the other removed it, it is gone.
//!
//! Owns no state, does no I/O, and never fails: an intent whose place is no
//! longer there has no effect, which [`carry_out`] counts.

mod apply;
mod diff;
mod identity;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use apply::{Outcome, carry_out};
pub use diff::between;

/// What an array element is, whatever its position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(pub String);

/// One step on the way to a place in a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// A key of an object.
    Key(String),
    /// An element of an array.
    Element(Identity),
}

/// One thing that a run wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Intent {
    /// This value is here; objects on the way to it are made.
    Put {
        /// Where.
        at: Vec<Step>,
        /// What.
        value: Value,
    },
    /// Nothing is here.
    Clear {
        /// Where.
        at: Vec<Step>,
    },
    /// The array here loses and gains elements.
    Edit {
        /// Where; an array is made when nothing is there.
        at: Vec<Step>,
        /// Elements that go.
        take: Vec<Identity>,
        /// Elements that come, in this order.
        insert: Vec<Insert>,
    },
}

/// An element that comes into an array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Insert {
    /// What it is.
    pub element: Identity,
    /// Its value.
    pub value: Value,
    /// The element it stands behind; nothing for the front. When that one is
    /// gone, it comes to the end.
    pub after: Option<Identity>,
}
