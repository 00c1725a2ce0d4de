//! The one interface of the keeper: what the tray, the window, the command
//! line and the tests can ask, and what they get back.
//!
//! Owns: requests, events and answers as plain data that travel over the local
//! socket unchanged. Never holds a secret that JSON could show: a client secret
//! is passed as the path of the file that holds it.

use std::path::PathBuf;

use charmkeeper_base::{ErrorKind, Explain, Outcome, SyncState, Trigger, UnixMs, http::CallRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something to do. The answer to each is named in its comment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// [`StatusView`].
    Status,
    /// A list of [`CharmView`].
    Charms,
    /// [`CharmView`] of the new charm.
    Add {
        /// A file, a folder, or an https URL.
        source: String,
        /// Name of a local space; made when it does not exist.
        space: Option<String>,
        /// Inputs of the charm; merged over the defaults of its types.
        argument: Option<Value>,
        /// Hosts the charm may call besides those its source names.
        hosts: Vec<String>,
    },
    /// Removes a charm and its cells; its history stays. [`CharmView`].
    Remove {
        /// Handle, id or name.
        charm: String,
    },
    /// Switches a charm's timer off. [`CharmView`].
    Pause {
        /// Handle, id or name.
        charm: String,
    },
    /// Switches it on again and forgets its failures. [`CharmView`].
    Resume {
        /// Handle, id or name.
        charm: String,
    },
    /// Changes how often a charm runs. [`CharmView`].
    SetInterval {
        /// Handle, id or name.
        charm: String,
        /// 30 to 86,400 seconds.
        seconds: u64,
    },
    /// One run now. [`RunDetails`].
    Run {
        /// Handle, id, name, or a path to a charm's source.
        charm: String,
        /// Inputs to set before the run.
        argument: Option<Value>,
    },
    /// Ends a run that is going on. `null`.
    Cancel {
        /// Run id.
        run: String,
    },
    /// What a charm's cells hold now: any JSON.
    Cells {
        /// Handle, id or name.
        charm: String,
        /// `emails/0/subject`; empty for all outputs.
        path: Vec<String>,
    },
    /// A list of [`RunView`], newest first.
    History(HistoryFilter),
    /// [`RunDetails`].
    RunDetails {
        /// Run id.
        run: String,
    },
    /// A list of [`AccountView`].
    Accounts,
    /// Signs in to Google. [`ConnectView`].
    Connect {
        /// `gmail`, `calendar`; empty for both.
        services: Vec<String>,
        /// A downloaded `client_secret_*.json`.
        client: Option<PathBuf>,
        /// Only send the address as an event; do not open a browser.
        print_url: bool,
    },
    /// Revokes and forgets an account. [`DisconnectView`].
    Disconnect {
        /// Account id or email address.
        account: String,
    },
    /// Stops all timers. `null`.
    PauseAll {
        /// Until this moment, or until resumed.
        until: Option<UnixMs>,
    },
    /// Starts all timers again. `null`.
    ResumeAll,
    /// A list of [`CheckView`].
    Doctor,
    /// Events without end, until the caller hangs up.
    Watch,
}

/// What is sent while a request is being carried out, and to watchers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// One line for a person about what is happening.
    Progress {
        /// Sentence case, no trailing dots.
        message: String,
    },
    /// The sign-in page waits at this address.
    OpenUrl {
        /// To be opened in the system browser.
        url: String,
    },
    /// A run began.
    RunStarted {
        /// Run id.
        run: String,
        /// Handle of the charm.
        charm: String,
        /// What began it.
        trigger: Trigger,
    },
    /// A run ended and is stored.
    RunEnded {
        /// The row that the history shows.
        run: RunView,
    },
    /// A state changed that the person should hear of.
    Notice {
        /// Kind of the state, for choosing an icon.
        kind: String,
        /// One sentence.
        message: String,
    },
    /// Charms, accounts or pauses changed; read them again.
    Changed,
}

/// One row of the history: the shape of design contract "a run in JSON".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// Run id.
    pub run: String,
    /// Handle of the charm.
    pub charm: String,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// The kind that decided what happened next.
    pub kind: ErrorKind,
    /// One sentence.
    pub message: String,
    /// Stack in the charm's own lines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stack: Option<String>,
}

/// One run in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunDetails {
    /// Run id.
    pub run: String,
    /// Handle of the charm.
    pub charm: String,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// When it was written.
    pub at: UnixMs,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text; may hold anything the charm wrote.
    pub text: String,
}

/// One changed place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// Which runs to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HistoryFilter {
    /// Handle, id or name of a charm.
    pub charm: Option<String>,
    /// Only this outcome.
    pub outcome: Option<Outcome>,
    /// Only runs begun at or after this moment.
    pub since: Option<UnixMs>,
    /// Only runs that changed something.
    pub changed: bool,
    /// At most this many rows; 0 for the default of 100.
    pub limit: u32,
    /// Only runs older than this one: the last row of the page before.
    pub before: Option<String>,
}

/// One charm.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// One account. Holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// Lasting id.
    pub account: String,
    /// Address, as Google gave it.
    pub email: String,
    /// Name, as Google gave it.
    pub name: String,
    /// `gmail`, `calendar`: what was granted.
    pub services: Vec<String>,
    /// Granted scopes as full URLs.
    pub scopes: Vec<String>,
    /// `ready`, `needs-sign-in`, `waiting`, `keychain`: one word.
    pub state: String,
    /// The state in one sentence.
    pub detail: String,
    /// When it was connected.
    pub connected_at: UnixMs,
}

/// The result of signing in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectView {
    /// The account.
    pub account: AccountView,
    /// Services that were granted.
    pub granted: Vec<String>,
    /// Services that were asked for and not granted.
    pub missing: Vec<String>,
    /// Handles of the charms that were added for it.
    pub charms: Vec<String>,
}

/// The result of disconnecting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisconnectView {
    /// Account id.
    pub account: String,
    /// Address.
    pub email: String,
    /// True when Google confirmed; false when it will be tried again later.
    pub revoked: bool,
    /// Handles of charms that can no longer run.
    pub stopped: Vec<String>,
}

/// The state of everything, in short.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// The end, or nothing for "until resumed".
    pub until: Option<UnixMs>,
}

/// One line of the doctor's report.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// An error at the boundary: a closed code, a sentence, a hint.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The kind; clients branch on this, never on the text.
    pub kind: ErrorKind,
    /// One sentence.
    pub message: String,
    /// What to do, where something can be done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }
    /// An error that names the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Takes kind, sentence and hint from any error that has them.
    pub fn of(error: &dyn Explain) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            hint: error.hint(),
        }
    }
}

impl Explain for ApiError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}
