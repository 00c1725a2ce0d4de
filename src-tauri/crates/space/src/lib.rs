//! The remote space: who we are to a space server, its wire codec and messages,
//! and the connection to it.
//!
//! Owns everything that knows the memory protocol of a Common Fabric server.
//! Never knows a charm, a window or where secrets are kept.

pub mod client;
pub mod codec;
pub mod identity;
pub mod merge;
pub mod messages;
pub mod outbox;
pub mod pieces;
