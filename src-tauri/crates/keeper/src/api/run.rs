//! Runs, as rows and in full.

use charmkeeper_base::http::CallRecord;
use charmkeeper_base::{ErrorKind, Outcome, SyncState, Trigger, UnixMs};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// One row of the history: the shape of design contract "a run in JSON".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RunView {
    /// Run id.
    pub run: String,
    /// Handle of the charm.
    pub charm: String,
    /// What the charm calls itself.
    #[serde(default)]
    pub charm_name: String,
    /// Account id that its calls used, where they used one.
    #[serde(default)]
    pub account: Option<String>,
    /// `did:key` of the space.
    pub space: String,
    /// What began it.
    pub trigger: Trigger,
    /// How it ended; nothing while it is running.
    pub outcome: Option<Outcome>,
    /// How far its changes got.
    pub sync: SyncState,
    /// When it began.
    pub started_at: UnixMs,
    /// Wall-clock milliseconds; nothing while it is running.
    pub duration_ms: Option<u64>,
    /// Number of changed cells.
    pub changed: u64,
    /// Number of requests.
    pub calls: u64,
    /// What went wrong, if anything did.
    pub error: Option<RunError>,
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RunError {
    /// The kind that decided what happened next.
    pub kind: ErrorKind,
    /// One sentence.
    pub message: String,
    /// Stack in the charm's own lines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[ts(optional)]
    pub stack: Option<String>,
}

/// One run in full.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RunDetails {
    /// Run id.
    pub run: String,
    /// Handle of the charm.
    pub charm: String,
    /// What the charm calls itself.
    #[serde(default)]
    pub charm_name: String,
    /// Account id that its calls used, where they used one.
    #[serde(default)]
    pub account: Option<String>,
    /// `did:key` of the space.
    pub space: String,
    /// What began it.
    pub trigger: Trigger,
    /// How it ended; nothing while it is running.
    pub outcome: Option<Outcome>,
    /// How far its changes got.
    pub sync: SyncState,
    /// When it began.
    pub started_at: UnixMs,
    /// Wall-clock milliseconds.
    pub duration_ms: Option<u64>,
    /// Number of changed cells.
    pub changed: u64,
    /// Every request, in order.
    pub calls: Vec<CallRecord>,
    /// What went wrong, if anything did.
    pub error: Option<RunError>,
    /// What the charm wrote to its console.
    pub log: Vec<LogView>,
    /// Every changed cell, before and after.
    pub cells_changed: Vec<CellChangeView>,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LogView {
    /// When it was written.
    pub at: UnixMs,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text; may hold anything the charm wrote.
    pub text: String,
}

/// One changed place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CellChangeView {
    /// Document id.
    pub id: String,
    /// JSON pointer in the document.
    pub path: String,
    /// `add`, `replace`, `remove` or `create`.
    pub op: String,
    /// Value before, cut when long.
    pub before: Option<Value>,
    /// Value after, cut when long.
    pub after: Option<Value>,
    /// True when a value was cut.
    pub truncated: bool,
}

impl RunDetails {
    /// The run as a row of the history.
    #[must_use]
    pub fn row(&self) -> RunView {
        RunView {
            run: self.run.clone(),
            charm: self.charm.clone(),
            charm_name: self.charm_name.clone(),
            account: self.account.clone(),
            space: self.space.clone(),
            trigger: self.trigger,
            outcome: self.outcome,
            sync: self.sync,
            started_at: self.started_at,
            duration_ms: self.duration_ms,
            changed: self.changed,
            calls: self.calls.len() as u64,
            error: self.error.clone(),
        }
    }
}
