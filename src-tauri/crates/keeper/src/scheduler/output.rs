//! What the scheduler wants done. Plain data.

use std::time::Duration;

use charmkeeper_base::{Outcome, Trigger, UnixMs};
use serde::Serialize;

use super::input::{BatchId, Saved};

/// The answer to one input: what to do, in order, and when to call again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// What to do.
    pub outputs: Vec<Output>,
    /// Send `Input::Tick` at this monotonic time, if nothing else comes first.
    /// Replaces every earlier answer. `None`: nothing is planned.
    pub wake_at: Option<Duration>,
}

/// One run of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The charm.
    pub charm: String,
    /// What began the run.
    pub trigger: Trigger,
}

/// Why ticks of a charm passed without a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The computer slept.
    Asleep,
    /// The program was not running.
    NotRunning,
    /// There was no network.
    Offline,
    /// The account had to sign in again.
    SignIn,
    /// A permission was missing.
    Scope,
    /// The provider wanted a pause.
    Quota,
    /// The keychain was locked or absent.
    Keychain,
    /// Held back to save power or money.
    Power,
    /// No worker was free.
    Busy,
}

impl Reason {
    /// The word used in JSON and SQLite.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asleep => "asleep",
            Self::NotRunning => "not-running",
            Self::Offline => "offline",
            Self::SignIn => "sign-in",
            Self::Scope => "scope",
            Self::Quota => "quota",
            Self::Keychain => "keychain",
            Self::Power => "power",
            Self::Busy => "busy",
        }
    }

    /// `missed` when nobody was there to run it, `skipped` when the keeper
    /// decided not to.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Asleep | Self::NotRunning => Outcome::Missed,
            _ => Outcome::Skipped,
        }
    }
}

/// Why a run is to be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelWhy {
    /// A person asked for it.
    Asked,
    /// The charm was removed.
    Removed,
    /// Its batch has not reported for longer than a run can take.
    Lost,
}

/// Why a manual run will not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such charm.
    Unknown,
    /// The program is ending.
    Stopping,
    /// It was cancelled, or the charm removed, before it began.
    Cancelled,
}

/// What a notice says is well again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One charm.
    Charm(String),
    /// One account.
    Account(String),
    /// The keychain.
    Keychain,
    /// The provider.
    Provider,
}

/// A change of state that a person is told of, once per change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An account must sign in again. `account` is unknown when a charm with
    /// several accounts, or none named, failed.
    NeedsSignIn {
        /// The account.
        account: Option<String>,
        /// The charm that found out, if one did.
        charm: Option<String>,
    },
    /// A permission is missing.
    NeedsScope {
        /// The account.
        account: Option<String>,
        /// The charm that found out, if one did.
        charm: Option<String>,
    },
    /// The keychain is locked or absent.
    NeedsKeychain,
    /// The provider has failed for a quarter of an hour.
    ProviderTrouble {
        /// Since then.
        since: UnixMs,
        /// These charms wait.
        charms: Vec<String>,
    },
    /// A charm failed too often and is paused.
    PausedAfterFailures {
        /// The charm.
        charm: String,
        /// How often it failed.
        failures: u32,
        /// When it will be tried again.
        next_probe: UnixMs,
    },
    /// A charm has not run for three intervals and nothing explains it.
    Overdue {
        /// The charm.
        charm: String,
        /// Its last run ended then.
        last_end: Option<UnixMs>,
    },
    /// What an earlier notice spoke of works again.
    WorkingAgain(Subject),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Run these charms one after another, in one worker: those of one space
    /// that are due, and quick ones of others.
    Start {
        /// To be named in `RunStarted` and `RunEnded`.
        batch: BatchId,
        /// In this order.
        runs: Vec<Start>,
    },
    /// End this run, and report it as ended.
    Cancel {
        /// Its batch.
        batch: BatchId,
        /// Its charm.
        charm: String,
        /// Why.
        why: CancelWhy,
    },
    /// The scheduler no longer waits for this run: its end was never reported,
    /// not even after `Cancel`. Mark it interrupted.
    Lost {
        /// Its batch.
        batch: BatchId,
        /// Its charm.
        charm: String,
    },
    /// Write one row for ticks that passed without a run.
    Record {
        /// The charm.
        charm: String,
        /// `Missed` or `Skipped`.
        outcome: Outcome,
        /// Why.
        reason: Reason,
        /// How many ticks, beside the one that runs now.
        count: u64,
        /// When the first of them was due.
        since: UnixMs,
    },
    /// Store this for the charm.
    Persist {
        /// The charm.
        charm: String,
        /// Replaces what was stored.
        saved: Saved,
    },
    /// Store that the account waits; send it back as `AccountState` with
    /// `Blocked::Quota` after a restart.
    AccountWait {
        /// The account.
        account: String,
        /// Until then.
        until: UnixMs,
    },
    /// A manual run was asked for while one is going on (`Some`) or waits for
    /// a worker (`None`): the asker gets the result of that one.
    Joined {
        /// The charm.
        charm: String,
        /// The batch it is in.
        batch: Option<BatchId>,
    },
    /// A manual run will not happen.
    Refused {
        /// The charm.
        charm: String,
        /// Why.
        why: Refusal,
    },
    /// Tell the person.
    Notify(Notice),
}
