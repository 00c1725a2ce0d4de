//! The scheduler's settings: limits, windows and the power policy.
//!
//! Plain data. The waits that belong to a kind of error are in `wait.rs`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The interval of a charm that sets none.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
/// The shortest interval a charm may have.
pub const MIN_INTERVAL: Duration = Duration::from_secs(30);
/// The longest interval a charm may have.
pub const MAX_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// When to hold charms back to save power or money.
///
/// By default they run in every state, because a background task that stops
/// without being told to is the complaint this program answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerPolicy {
    /// Hold while the computer runs on its battery.
    pub pause_on_battery: bool,
    /// Hold while the system's battery saver is on.
    pub pause_on_saver: bool,
    /// Hold while the network is charged by volume.
    pub pause_on_metered: bool,
}

/// What the system says about power and network cost. What is unknown is
/// `false`, so that a system that cannot tell never holds a charm back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerReading {
    /// No mains supply.
    pub on_battery: bool,
    /// The network is charged by volume.
    pub metered: bool,
    /// The battery saver is on.
    pub saver: bool,
}

/// The scheduler's settings. [`Config::default`] holds the values of the design.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Batches (worker processes) that timers may have at work at once; at least 1.
    pub concurrency: usize,
    /// Batches beyond that for runs a person asked for, so that "run now"
    /// never waits behind two slow charms.
    pub manual_extra: usize,
    /// The most charms in one batch; at least 1.
    pub max_batch: usize,
    /// Jitter of an interval, as a part of it: 0.1 is ±10 %.
    pub jitter: f64,
    /// How much each further space widens the window in which charms that fall
    /// due together are started.
    pub spread_step: Duration,
    /// The widest such window after the program starts.
    pub start_window: Duration,
    /// The widest such window after the computer wakes.
    pub wake_window: Duration,
    /// The widest such window after the network returns.
    pub network_window: Duration,
    /// Timers this close together share one wake-up.
    pub slack: Duration,
    /// Two batches that use one account start at least this far apart.
    pub account_gap: Duration,
    /// A step of the clocks this large means sleep or a changed clock.
    pub gap: Duration,
    /// After a wake that earned every due charm a run at once, the next wake
    /// earns one only after this time. Computers that wake for a minute many
    /// times a night would otherwise run everything each time.
    pub wake_every: Duration,
    /// True when the caller sends `Input::Woke` for every sleep. A wall clock
    /// that jumps ahead is then a changed clock; otherwise it is taken for sleep.
    pub sleep_is_reported: bool,
    /// The longest a single run may take before its worker is killed.
    pub run_limit: Duration,
    /// Failures of the charm's own making, one after another, before it is paused.
    pub failures_before_pause: u32,
    /// How often a charm paused for its failures is tried again.
    pub probe_every: Duration,
    /// When to hold charms back; a charm's plan may override it.
    pub power: PowerPolicy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 2,
            manual_extra: 1,
            max_batch: 64,
            jitter: 0.1,
            spread_step: Duration::from_millis(250),
            start_window: Duration::from_secs(10),
            wake_window: Duration::from_secs(10),
            network_window: Duration::from_secs(3),
            slack: Duration::from_millis(250),
            account_gap: Duration::from_millis(500),
            gap: Duration::from_secs(30),
            wake_every: Duration::from_secs(300),
            sleep_is_reported: false,
            run_limit: Duration::from_secs(120),
            failures_before_pause: 5,
            probe_every: Duration::from_secs(24 * 60 * 60),
            power: PowerPolicy::default(),
        }
    }
}
