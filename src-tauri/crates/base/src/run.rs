//! The vocabulary of a run: how it ended, how far its result got, what began it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }
        impl $name {
            /// Every value, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word used in JSON, SQLite and the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// The value whose word is `word`.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// How a run ended.
    Outcome {
        /// The handler finished and something changed.
        Ok = "ok",
        /// The handler finished and nothing changed.
        OkUnchanged = "ok-unchanged",
        /// The handler finished, but a request failed and was not recovered.
        Partial = "partial",
        /// The charm threw, or could not be compiled.
        Failed = "failed",
        /// The wall-clock or processor limit was reached.
        TimedOut = "timed-out",
        /// The memory limit was reached.
        OutOfMemory = "out-of-memory",
        /// The worker process died.
        Crashed = "crashed",
        /// A person cancelled it.
        Cancelled = "cancelled",
        /// The keeper itself died while the run was going on.
        Interrupted = "interrupted",
        /// Ticks that passed while the computer slept, folded into one row.
        Missed = "missed",
        /// Not started, for a stated reason (offline, sign-in, quota).
        Skipped = "skipped",
    }
}

words! {
    /// How far a run's changes got on their way to the remote space.
    SyncState {
        /// Kept in a local space; there is nowhere else to go.
        Local = "local",
        /// In the outbox.
        Queued = "queued",
        /// Acknowledged by the server.
        Synced = "synced",
        /// Acknowledged after a conflict was merged.
        ConflictMerged = "conflict-merged",
        /// Refused by the server and set aside.
        Stuck = "stuck",
    }
}

words! {
    /// What began a run.
    Trigger {
        /// The charm's own timer.
        Timer = "timer",
        /// A person, from the tray, the window or the command line.
        Manual = "manual",
        /// The computer woke from sleep.
        Wake = "wake",
        /// The network returned.
        Network = "network",
        /// The charm was just added, or its account just connected.
        Added = "added",
        /// The daily probe of a charm that was paused after repeated failures.
        Probe = "probe",
        /// An event that another charm sent in its own run.
        Event = "event",
    }
}

impl Outcome {
    /// True for the outcomes after which nothing needs attention.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Ok | Self::OkUnchanged)
    }
    /// True when changes of the handler were stored.
    #[must_use]
    pub fn commits(self) -> bool {
        matches!(self, Self::Ok | Self::OkUnchanged | Self::Partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_command_line_contract() {
        let words: Vec<_> = Outcome::ALL.iter().map(|o| o.as_str()).collect();
        assert_eq!(
            words,
            [
                "ok",
                "ok-unchanged",
                "partial",
                "failed",
                "timed-out",
                "out-of-memory",
                "crashed",
                "cancelled",
                "interrupted",
                "missed",
                "skipped"
            ]
        );
        for o in Outcome::ALL {
            assert_eq!(Outcome::parse(o.as_str()), Some(*o));
            assert_eq!(serde_json::to_value(o).unwrap(), o.as_str());
        }
    }
}
