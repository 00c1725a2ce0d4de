//! Cells as plain data: how documents are named, linked, hashed and changed.
//!
//! A cell is a document or a path inside one; a document is JSON of the form
//! `{"value": ..., ...}`. Local and remote spaces use the same forms, so that
//! everything above shares one code path.
//!
//! Owns the pure functions on these forms. Never reads or writes a store, never
//! opens a connection, and never draws random numbers.

mod apply;
pub mod change;
pub mod did;
mod diff;
pub mod document;
pub mod hash;
pub mod id;
pub mod link;
pub mod patch;
pub mod pointer;

pub use change::Change;
pub use document::{DocRef, DocSnapshot};
pub use id::EntityId;
pub use link::Link;
pub use patch::Patch;
