//! The local socket: how other processes of the same person reach the running
//! keeper.
//!
//! In: one JSON line with a [`Request`]. Out: JSON lines, any number of
//! `{"event": …}` and then one `{"ok": …}` or `{"error": …}`. When the caller
//! hangs up before that, the work is dropped, which cancels it.
//!
//! Owns: the socket file (mode 0600 in a 0700 folder) and the framing. Never
//! looks into a request: it hands it to the [`Service`].

mod client;
mod server;

pub use client::{ClientError, call};
pub use server::{Server, ServerError, Service};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{ApiError, Event};

/// Longest request line in bytes. A request carries names and small arguments.
const MAX_REQUEST: u64 = 8 * 1024 * 1024;
/// Longest answer line in bytes. A million-row export is read in pages.
const MAX_ANSWER: u64 = 256 * 1024 * 1024;

/// One line from the keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Event(Event),
    Ok(Value),
    Error(ApiError),
}
