//! Words that every crate of Charmkeeper shares.
//!
//! Owns: the vocabulary of a run (outcome, trigger, kind of error), secrets,
//! time and randomness as arguments, HTTP messages as plain data, and the
//! document model of cells (ids, links, patches).
//!
//! Never does I/O, never logs, never holds global state. Every other crate may
//! depend on it; it depends on none of them.

pub mod cell;
pub mod http;
pub mod kind;
pub mod random;
pub mod run;
pub mod secret;
pub mod time;

pub use kind::{ErrorKind, Explain};
pub use run::{Outcome, SyncState, Trigger};
pub use secret::Secret;
pub use time::{Clock, SystemClock, UnixMs};
