//! Finding runs, drawing them and writing them to files.

use std::path::PathBuf;

use charmkeeper_base::{Outcome, UnixMs};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which runs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(optional_fields = nullable)]
pub struct HistoryFilter {
    /// Handle, id or name of a charm.
    pub charm: Option<String>,
    /// Only this outcome.
    pub outcome: Option<Outcome>,
    /// Only runs begun at or after this moment.
    pub since: Option<UnixMs>,
    /// Only runs that changed something.
    pub changed: bool,
    /// Only runs of charms bound to this account, or that called with its token.
    pub account: Option<String>,
    /// Words that the run's charm, error, log, hosts or changed cells hold, all
    /// of them, in any order and case.
    pub text: Option<String>,
    /// At most this many rows; 0 for the default of 100.
    pub limit: u32,
    /// Only runs older than this one: the last row of the page before.
    pub before: Option<String>,
}

/// What the history can be filtered by.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct FacetsView {
    /// Charms that have runs, removed ones included, by name.
    pub charms: Vec<FacetView>,
    /// Accounts that runs used.
    pub accounts: Vec<FacetView>,
    /// Number of runs kept.
    pub runs: u64,
    /// When the oldest of them began.
    pub oldest: Option<UnixMs>,
}

/// One choice of a filter.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct FacetView {
    /// The value for the filter.
    pub value: String,
    /// What a person reads.
    pub label: String,
}

/// One charm's runs over time.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct LaneView {
    /// Handle of the charm.
    pub charm: String,
    /// What it calls itself.
    pub name: String,
    /// Only buckets in which something ran, in order.
    pub buckets: Vec<LaneBucket>,
}

/// What happened in one part of a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LaneBucket {
    /// Number of the part, from 0.
    pub index: u32,
    /// Runs that ended well and changed something.
    pub changed: u32,
    /// Runs that ended well and changed nothing.
    pub quiet: u32,
    /// Runs that were partial, skipped or missed.
    pub uneven: u32,
    /// Runs that failed in any way.
    pub failed: u32,
    /// The last run in it.
    pub run: String,
}

/// How runs are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// One array.
    Json,
    /// RFC 4180 with a heading.
    Csv,
}

/// What was written.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ExportView {
    /// The file or folder.
    pub path: PathBuf,
    /// Number of runs in it.
    pub runs: u64,
}
