//! The state of everything, and the doctor's report.

use std::path::PathBuf;

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AccountView, CharmView, RunView};

/// The state of everything, in short.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct StatusView {
    /// One sentence, as the tray shows it.
    pub summary: String,
    /// `ok`, `running`, `attention` or `paused`: the tray's four icons.
    pub icon: String,
    /// True when a keeper with timers is running on this home.
    pub serving: bool,
    /// Process id of that keeper.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Data folder.
    pub home: PathBuf,
    /// Whether the network is there, as far as is known.
    pub online: bool,
    /// Something the person must know of the data folder: a database that was
    /// damaged and set aside, say.
    #[serde(default)]
    pub warning: Option<String>,
    /// All timers stopped until then.
    pub paused: Option<Pause>,
    /// Runs going on now.
    pub running: Vec<RunView>,
    /// Every charm.
    pub charms: Vec<CharmView>,
    /// Every account.
    pub accounts: Vec<AccountView>,
}

/// A pause of all timers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Pause {
    /// The end, or nothing for "until resumed".
    pub until: Option<UnixMs>,
}

/// One line of the doctor's report.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CheckView {
    /// What was looked at.
    pub name: String,
    /// `ok`, `warning` or `problem`.
    pub state: String,
    /// What was found, in one sentence.
    pub detail: String,
    /// What to do, where something can be done.
    pub hint: Option<String>,
}
