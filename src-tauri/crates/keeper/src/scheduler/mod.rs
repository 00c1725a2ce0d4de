//! When each charm runs: a pure state machine.
//!
//! Owns every decision about starting, waiting, backing off, pausing and
//! giving notice. The caller tells it what happened ([`Input`], with both
//! clocks) and does what it answers ([`Step`]): start these charms, store
//! this, tell the person that, call again then. It never reads a clock, draws
//! from a hidden source of randomness, touches a file or a socket, or waits:
//! the same inputs and the same seed give the same outputs, which is how a
//! year of a laptop's life is simulated in a test.
//!
//! How it is put together: each charm is in exactly one place (`charm::Place`):
//! parked, in the timers, in the queue for a worker, or in a batch. Whatever
//! may change where it belongs ends in `refresh`, which looks at the charm anew
//! and moves it. All waits are points on one time line (`time`) that neither
//! sleep nor a changed wall clock disturbs.

mod account;
mod bars;
mod block;
mod charm;
mod config;
mod elsewhere;
mod ended;
mod input;
mod output;
mod plan;
mod queue;
mod start;
mod status;
mod time;
mod wait;
mod watch;
mod world;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use charmkeeper_base::random::Random;

pub use config::{Config, DEFAULT_INTERVAL, MAX_INTERVAL, MIN_INTERVAL, PowerPolicy, PowerReading};
pub use input::{
    BatchId, Blocked, CharmPlan, Elsewhere, Input, Moment, Pause, Priority, RunEnd, Saved, Star,
};
pub use output::{CancelWhy, Notice, Output, Reason, Refusal, Start, Step, Subject};
pub use status::{CharmStatus, State};

use account::Account;
use charm::{Charm, Hold, Index};
use queue::{Burst, Space};
use start::Batch;
use time::{Leap, TimeLine, Vt};
use watch::ProviderWatch;

/// The scheduler. See the module's text.
pub struct Scheduler {
    config: Config,
    random: Arc<dyn Random>,
    time: TimeLine,
    /// The current point, for short.
    t: Vt,
    /// The wake-up that the last step asked for.
    promised: Option<Vt>,
    names: BTreeMap<String, Index>,
    charms: BTreeMap<Index, Charm>,
    next_index: Index,
    spaces: BTreeMap<String, Space>,
    accounts: BTreeMap<String, Account>,
    /// Charms by their next start.
    timers: BTreeSet<(Vt, Index)>,
    /// Charms that wait for a worker, by class and age.
    ready: BTreeSet<(u8, Vt, Index)>,
    /// Charms that become overdue.
    watch: BTreeSet<(Vt, Index)>,
    batches: BTreeMap<u64, Batch>,
    next_batch: u64,
    online: bool,
    power: PowerReading,
    pause_all: Option<Hold>,
    stopping: bool,
    burst: Burst,
    last_wake: Option<Vt>,
    provider: ProviderWatch,
    /// Charms whose stored state may have changed in this step.
    dirty: BTreeSet<Index>,
    out: Vec<Output>,
    /// How often a charm was looked at, to prove that no step looks at all.
    #[cfg(test)]
    looks: u64,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler")
            .field("charms", &self.charms.len())
            .field("batches", &self.batches.len())
            .field("online", &self.online)
            .finish_non_exhaustive()
    }
}

impl Scheduler {
    /// A scheduler without charms: online, on mains, nothing paused.
    #[must_use]
    pub fn new(config: Config, random: Arc<dyn Random>, now: Moment) -> Self {
        let time = TimeLine::new(now);
        Self {
            config,
            random,
            time,
            t: time.t(),
            promised: None,
            names: BTreeMap::new(),
            charms: BTreeMap::new(),
            next_index: 0,
            spaces: BTreeMap::new(),
            accounts: BTreeMap::new(),
            timers: BTreeSet::new(),
            ready: BTreeSet::new(),
            watch: BTreeSet::new(),
            batches: BTreeMap::new(),
            next_batch: 1,
            online: true,
            power: PowerReading::default(),
            pause_all: None,
            stopping: false,
            burst: Burst::default(),
            last_wake: None,
            provider: ProviderWatch::default(),
            dirty: BTreeSet::new(),
            out: Vec::new(),
            #[cfg(test)]
            looks: 0,
        }
    }

    /// Takes one input. Inputs of the same moment may follow each other; only
    /// the last answer's `wake_at` holds.
    pub fn handle(&mut self, now: Moment, input: Input) -> Step {
        self.pass_time(now, &input);
        self.apply(input);
        self.run_timers();
        self.run_watch();
        self.dispatch();
        self.persist();
        self.promised = self.next_wake();
        Step {
            outputs: std::mem::take(&mut self.out),
            wake_at: self.promised.map(|vt| self.time.mono(vt)),
        }
    }

    fn pass_time(&mut self, now: Moment, input: &Input) {
        let gap = self.config.gap;
        let reported = match input {
            Input::Woke { uncounted } => Some(*uncounted),
            _ => None,
        };
        let leap = self
            .time
            .advance(now, reported, !self.config.sleep_is_reported, gap);
        self.t = self.time.t();
        let late = self
            .promised
            .is_some_and(|at| self.t > at.saturating_add(gap));
        if leap == Leap::WallChanged {
            // What is stored in wall time is wrong now; waits are not.
            self.dirty.extend(self.charms.keys());
        }
        if leap == Leap::Slept || late {
            self.after_sleep();
        }
    }

    fn apply(&mut self, input: Input) {
        match input {
            // Sleep was handled when time passed.
            Input::Tick | Input::Woke { .. } => {}
            Input::CharmAdded { plan, saved } => self.add(plan, saved),
            Input::CharmsAdded(charms) => {
                for (plan, saved) in charms {
                    self.add(plan, saved);
                }
            }
            Input::CharmChanged { plan } => self.change(plan),
            Input::CharmRemoved { charm } => self.remove(&charm),
            Input::RunStarted { batch, charm } => self.run_started(batch, &charm),
            Input::RunEnded { batch, charm, end } => self.run_ended(batch, &charm, end),
            Input::RunWithheld {
                batch,
                charm,
                elsewhere,
            } => self.run_withheld(batch, &charm, elsewhere),
            Input::Elsewhere(charms) => self.elsewhere(charms),
            Input::Starred { charm, named } => self.starred(&charm, named),
            Input::Manual { charm } => self.manual(&charm),
            Input::Cancel { charm } => self.cancel(&charm),
            Input::Pause { charm, pause } => self.pause(&charm, pause),
            Input::Resume { charm } => self.resume(&charm),
            Input::PauseAll { pause } => self.pause_everything(pause),
            Input::ResumeAll => self.resume_everything(),
            Input::NetworkChanged { online } => self.network(online),
            Input::Power(reading) => {
                self.power = reading;
                self.power_changed();
            }
            Input::Policy(policy) => {
                self.config.power = policy;
                self.power_changed();
            }
            Input::AccountState {
                account,
                blocked,
                granted_at,
            } => {
                self.account_state(&account, blocked, granted_at);
            }
            Input::SpaceRecovered { space } => self.space_recovered(&space),
            Input::Shutdown => self.shut_down(),
        }
    }

    /// Says what to store for each charm that changed.
    fn persist(&mut self) {
        for i in std::mem::take(&mut self.dirty) {
            let Some(c) = self.charms.get(&i).filter(|c| !c.removed) else {
                continue;
            };
            let saved = self.saved_of(c);
            if c.saved.as_ref() == Some(&saved) {
                continue;
            }
            let charm = c.plan.id.clone();
            if let Some(c) = self.charms.get_mut(&i) {
                c.saved = Some(saved.clone());
            }
            self.out.push(Output::Persist { charm, saved });
        }
    }

    /// The next point at which something is to be done without being told to.
    fn next_wake(&self) -> Option<Vt> {
        let start = self.timers.first().map(|(at, _)| *at);
        let wake = [start, self.next_chore()].into_iter().flatten().min()?;
        // A timer that the slack left where it is has not come yet.
        Some(wake.max(self.t.saturating_add(std::time::Duration::from_millis(1))))
    }
}
