//! What a charm's types say that its JavaScript no longer does: default values,
//! how a handler wants its state, tags and descriptions.
//!
//! Not a type checker. Each rule has its own file: [`lower`] reads types from
//! the tree, [`resolve`] and [`properties`] follow names, [`kinds`],
//! [`defaults`] and [`fit`] answer, and
//! [`doc`] reads comments.

pub(super) mod defaults;
pub(super) mod doc;
mod fit;
pub(super) mod kinds;
pub(super) mod literal;
pub(super) mod lower;
pub(super) mod model;
mod properties;
pub(super) mod resolve;
#[cfg(test)]
mod tests;
