//! What is told without being asked.

use charmkeeper_base::Trigger;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::RunView;

/// What is sent while a request is being carried out, and to watchers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
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
    /// A run goes on: sent when a call ended or the charm logged something, at
    /// most a few times a second.
    RunProgress {
        /// Run id.
        run: String,
        /// Requests that ended so far.
        calls: u64,
        /// The last thing that happened, in a few words.
        message: String,
    },
    /// A run ended and is stored.
    RunEnded {
        /// The row that the history shows.
        run: RunView,
    },
    /// What a run changed reached its space, or was refused there.
    RunSynced {
        /// The row that the history shows.
        run: RunView,
    },
    /// A state changed that the person should hear of.
    Notice(NoticeView),
    /// Charms, accounts or pauses changed; read them again.
    Changed,
}

/// A change of state, told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NoticeView {
    /// Kind of the state, for choosing an icon.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// What the state belongs to, as `account/ID` or `charm/HANDLE`: two notices
    /// with the same cause are one.
    pub cause: String,
    /// The page of the window that shows it, as in `/accounts`.
    pub page: String,
    /// True for "working again".
    pub good: bool,
}
