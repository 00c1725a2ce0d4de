//! What the scheduler is told. Plain data; each input comes with a [`Moment`].

use std::time::Duration;

use charmkeeper_base::{Clock, ErrorKind, Outcome, UnixMs};
use serde::{Deserialize, Serialize};

use super::config::{PowerPolicy, PowerReading};

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock. It may jump; it is used for what is stored and shown.
    pub wall: UnixMs,
    /// The monotonic clock. All waits are measured on it.
    pub mono: Duration,
}

impl Moment {
    /// Reads both clocks.
    #[must_use]
    pub fn of(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            mono: clock.monotonic(),
        }
    }
}

/// Names one batch. A report that names an older batch cannot end a newer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId(pub u64);

/// Who goes first among charms that are due together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// A charm that keeps a sign-in fresh; importers depend on it.
    Auth,
    /// Every other charm.
    #[default]
    Normal,
}

/// What a person decides about one charm.
#[derive(Clone, Debug, PartialEq)]
pub struct CharmPlan {
    /// The charm.
    pub id: String,
    /// The space it writes to; charms of one space share a batch.
    pub space: String,
    /// The accounts it uses. It is held back only while all of them are blocked.
    pub accounts: Vec<String>,
    /// The wait from the end of one run to the start of the next, clamped to
    /// [`MIN_INTERVAL`](super::MIN_INTERVAL) ..= [`MAX_INTERVAL`](super::MAX_INTERVAL).
    pub interval: Duration,
    /// False: switched off, only manual runs.
    pub enabled: bool,
    /// Who goes first.
    pub priority: Priority,
    /// Overrides the general power policy.
    pub power: Option<PowerPolicy>,
}

/// How long a person paused a charm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    /// Until this time.
    Until(UnixMs),
    /// Until the person resumes it.
    UntilResumed,
}

/// What the scheduler remembers of a charm across restarts. The keeper stores
/// it when told to and hands it back with [`Input::CharmAdded`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The next planned start.
    pub next_due: Option<UnixMs>,
    /// The end of the last run.
    pub last_end: Option<UnixMs>,
    /// How the last run ended. At the start of the program the keeper sets
    /// [`Outcome::Interrupted`] for a charm whose run was going on when it died.
    pub last_outcome: Option<Outcome>,
    /// Failures of the charm's own making, one after another. At
    /// [`Config::failures_before_pause`](super::Config) the charm is paused.
    pub failures: u32,
    /// Failures of any other kind since the last good run; sets the backoff.
    pub strikes: u32,
    /// The kind of trouble the charm is in.
    pub trouble: Option<ErrorKind>,
    /// A person's pause.
    pub pause: Option<Pause>,
    /// Whether it is still among the person's favorites.
    #[serde(default)]
    pub star: Star,
}

/// Whether a charm that was made for a favorite is still one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Star {
    /// It is, or it never had to be.
    #[default]
    Named,
    /// It is not, so it does not run; everything else about it stays.
    Gone,
    /// It is not, and the person wants it to run all the same.
    Kept,
}

/// Why a charm may not start here although it is due: computers of one person
/// agree on which of them runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The computer that runs it; `None` while that is not known.
    pub name: Option<String>,
    /// When to look again, if nothing is heard before. At most an hour counts.
    pub until: UnixMs,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// The outcome of design.md §5.
    pub outcome: Outcome,
    /// The kind of error, where there was one. An outcome that is a failure
    /// and comes without a kind counts as the charm's own.
    pub kind: Option<ErrorKind>,
    /// The earliest time the provider allows the next try (Retry-After, or
    /// the wait in its message). At most a day is honoured.
    pub retry_at: Option<UnixMs>,
}

/// Why an account cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It must sign in again.
    SignIn,
    /// It granted nothing that its charms need. (A permission that one charm
    /// misses is reported with that charm's run.)
    Scope,
    /// The provider wants a pause.
    Quota {
        /// Until then.
        until: UnixMs,
    },
    /// Its token is in a keychain that is locked or absent.
    Keychain,
}

/// Everything that can happen to the scheduler.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time passed; the answer to [`Step::wake_at`](super::Step).
    Tick,
    /// A charm exists. `saved` is `None` for one that was just added, which
    /// runs at once. For a known charm this is `CharmChanged`.
    CharmAdded {
        /// Its settings.
        plan: CharmPlan,
        /// What [`Output::Persist`](super::Output) said last.
        saved: Option<Saved>,
    },
    /// Many charms exist: at the start of the program, so that all of them are
    /// known before the first one starts.
    CharmsAdded(Vec<(CharmPlan, Option<Saved>)>),
    /// A person edited a charm.
    CharmChanged {
        /// Its new settings.
        plan: CharmPlan,
    },
    /// A charm is gone. A run of it is cancelled.
    CharmRemoved {
        /// The charm.
        charm: String,
    },
    /// The worker began with this charm of the batch.
    RunStarted {
        /// From the `Start` output.
        batch: BatchId,
        /// The charm.
        charm: String,
    },
    /// A run of the batch ended. Every run that was started must be reported
    /// as ended, also when its worker could not be started.
    RunEnded {
        /// From the `Start` output.
        batch: BatchId,
        /// The charm.
        charm: String,
        /// How.
        end: RunEnd,
    },
    /// A run of the batch did not begin, because the charm runs elsewhere. It is
    /// as if it had never been started.
    RunWithheld {
        /// From the `Start` output.
        batch: BatchId,
        /// The charm.
        charm: String,
        /// Where, and until when.
        elsewhere: Elsewhere,
    },
    /// Charms that run elsewhere, or (`None`) here from now on: what is due
    /// starts at once.
    Elsewhere(Vec<(String, Option<Elsewhere>)>),
    /// A charm is among the person's favorites, or no longer.
    Starred {
        /// The charm.
        charm: String,
        /// True when it is.
        named: bool,
    },
    /// A person wants a run now. It goes past every pause, wait and block.
    Manual {
        /// The charm.
        charm: String,
    },
    /// A person wants the run of this charm ended.
    Cancel {
        /// The charm.
        charm: String,
    },
    /// A person pauses one charm.
    Pause {
        /// The charm.
        charm: String,
        /// How long.
        pause: Pause,
    },
    /// A person resumes one charm: ends their pause, and forgives its failures.
    Resume {
        /// The charm.
        charm: String,
    },
    /// A person pauses everything; replaces an earlier such pause.
    PauseAll {
        /// How long.
        pause: Pause,
    },
    /// Ends `PauseAll`.
    ResumeAll,
    /// The network went or came. `online: true` is worth sending again
    /// whenever a call succeeds after calls failed.
    NetworkChanged {
        /// Whether calls can be made.
        online: bool,
    },
    /// Power or network cost changed.
    Power(PowerReading),
    /// A person changed the general power policy.
    Policy(PowerPolicy),
    /// The computer woke from sleep.
    Woke {
        /// The part of the sleep that [`Moment::mono`] did not count: all of
        /// it on Linux and macOS, nothing on Windows.
        uncounted: Duration,
    },
    /// The state of an account. `Quota` adds a pause and leaves the rest as it
    /// is; every other word is the complete state.
    AccountState {
        /// The account.
        account: String,
        /// Why it cannot be used; `None` when it can.
        blocked: Option<Blocked>,
        /// When it was last connected or its permissions changed. A charm in
        /// sign-in or scope trouble since before then is tried again. `None`
        /// counts as now.
        granted_at: Option<UnixMs>,
    },
    /// The person repaired a space (retry, drop, reconnect): its charms that
    /// wait because of it run at once.
    SpaceRecovered {
        /// The space.
        space: String,
    },
    /// The program ends: start nothing more. Ends of runs are still taken.
    Shutdown,
}
