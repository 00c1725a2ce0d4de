//! Charms, added and not added yet.

use charmkeeper_base::{Outcome, UnixMs};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ApiError;

/// One charm.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CharmView {
    /// Short name used in commands.
    pub charm: String,
    /// Lasting id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// First sentence of its description.
    pub description: Option<String>,
    /// `did:key` of its space.
    pub space: String,
    /// Name of its space.
    pub space_name: String,
    /// Tags that `wish` finds it by.
    pub tags: Vec<String>,
    /// Hosts it may call.
    pub hosts: Vec<String>,
    /// Account it is bound to.
    pub account: Option<String>,
    /// Where it came from.
    pub source: String,
    /// Constructs in its source that will not work here.
    #[serde(default)]
    pub warnings: Vec<WarningView>,
    /// `running`, `waiting`, `paused`, `off` and so on: one word.
    pub state: String,
    /// The state in one sentence.
    pub detail: String,
    /// Seconds between runs.
    pub interval_seconds: u64,
    /// Whether its timer is on.
    pub enabled: bool,
    /// When it runs next, where that is known.
    pub next_run_at: Option<UnixMs>,
    /// When it ran last.
    pub last_run_at: Option<UnixMs>,
    /// How that ended.
    pub last_outcome: Option<Outcome>,
    /// Failures in a row.
    pub failures: u32,
}

/// A construct that will not work here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WarningView {
    /// File within the charm.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// One sentence.
    pub message: String,
}

/// A charm that is not added yet.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct PreviewView {
    /// What it calls itself.
    pub name: String,
    /// First sentence of its description.
    pub description: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// Its files.
    pub files: Vec<String>,
    /// Tags that `wish` finds it by.
    pub tags: Vec<String>,
    /// Hosts it would be allowed to call.
    pub hosts: Vec<String>,
    /// What it looks for, `#googleAuth`.
    pub wishes: Vec<String>,
    /// Services of Google that it would use, `gmail`, `calendar`.
    pub services: Vec<String>,
    /// Whether it can work in the background.
    pub background: bool,
    /// Constructs that will not work here.
    pub warnings: Vec<WarningView>,
    /// Why it cannot be added, where it cannot.
    pub problem: Option<ApiError>,
}

/// Something that a charm looks for, and which of several it gets.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct WishView {
    /// As in its source, `#googleAuth`.
    pub tag: String,
    /// What answers to it, the one first that is taken by itself.
    pub matches: Vec<WishMatch>,
    /// Id of the charm that the person chose; it may be gone.
    pub chosen: Option<String>,
    /// Id of the charm that the next run gets.
    pub taken: Option<String>,
}

/// One charm that answers to a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WishMatch {
    /// Lasting id.
    pub id: String,
    /// Short name used in commands.
    pub charm: String,
    /// What it calls itself.
    pub name: String,
    /// Account whose sign-in it keeps, where it is such a charm.
    pub account: Option<String>,
    /// Address of that account.
    pub email: Option<String>,
}
