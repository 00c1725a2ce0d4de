//! What the scheduler knows of one charm. Why it may not run now is in `block`.
//!
//! Owns the fields and the questions about them; changes of state are made by
//! the modules that handle the inputs.

use std::time::Duration;

use charmkeeper_base::{ErrorKind, Outcome, Trigger};

use super::Scheduler;
use super::block::{Bar, Block};
use super::config::{MAX_INTERVAL, MIN_INTERVAL};
use super::elsewhere::Away;
use super::input::{CharmPlan, Pause, Priority, Saved, Star};
use super::output::Reason;
use super::time::Vt;

/// Charms inside the scheduler; never used again after a removal.
pub(super) type Index = u32;

/// A person's pause, with its end on our time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) pause: Pause,
    pub(super) ends: Option<Vt>,
}

/// Where a charm is kept. Exactly one place at a time, which is what makes
/// "one run per charm" hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In no queue: blocked with no known end.
    Parked,
    /// In `timers` under this key.
    Timer(Vt),
    /// In `ready` under this class and time.
    Ready(u8, Vt),
    /// Started.
    Batch {
        id: u64,
        began: Option<Vt>,
        handed: Vt,
        trigger: Trigger,
    },
}

/// A charm-level bar: the charm's own last run found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) bar: Bar,
    /// Tried again then although nobody said it is over.
    pub(super) retry: Option<Vt>,
}

/// Which notices were sent and not yet taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) paused: bool,
    pub(super) overdue: bool,
    /// It was overdue and runs now.
    pub(super) was_overdue: bool,
    pub(super) scope: bool,
    pub(super) sign_in: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Charm {
    pub(super) plan: CharmPlan,
    /// The nominal time of the next start; stays when it passes unused.
    pub(super) due: Vt,
    /// From here on it may be taken along in a batch that starts for another.
    pub(super) earliest: Vt,
    /// It does not start by itself before this: spread, calm, account gap.
    pub(super) not_before: Vt,
    /// After a wake that earned no run at once, nothing but a person starts it
    /// before this.
    pub(super) rest: Vt,
    /// The trigger to record for the next start.
    pub(super) trigger: Trigger,
    /// Why its due time passed unused.
    pub(super) late: Option<Reason>,
    /// The last known block; compared with the next to notice its end.
    pub(super) block: Option<Block>,
    pub(super) place: Place,
    /// Waiting for a worker since then.
    pub(super) ready_since: Option<Vt>,
    /// Overdue if nothing happens until then; in `watch` under this key.
    pub(super) watched: Option<Vt>,
    /// A person asked for a run that has not begun.
    pub(super) manual: bool,
    /// Removed while running; forgotten when the run ends.
    pub(super) removed: bool,
    pub(super) pause: Option<Hold>,
    /// It is still a favorite, or not.
    pub(super) star: Star,
    /// Another computer runs it.
    pub(super) away: Option<Away>,
    pub(super) stuck: Option<Stuck>,
    pub(super) failures: u32,
    pub(super) strikes: u32,
    pub(super) trouble: Option<ErrorKind>,
    pub(super) last_end: Option<Vt>,
    pub(super) last_outcome: Option<Outcome>,
    pub(super) told: Told,
    /// Its last run went well and took so little that it delays nobody.
    pub(super) quick: bool,
    /// What the last `Persist` said.
    pub(super) saved: Option<Saved>,
}

impl Charm {
    /// A charm that was just added: due at once.
    pub(super) fn new(plan: CharmPlan, t: Vt) -> Self {
        Self {
            plan: clamped(plan),
            due: t,
            earliest: t,
            not_before: t,
            rest: Vt::ZERO,
            trigger: Trigger::Added,
            late: None,
            block: None,
            place: Place::Parked,
            ready_since: None,
            watched: None,
            manual: false,
            removed: false,
            pause: None,
            star: Star::Named,
            away: None,
            stuck: None,
            failures: 0,
            strikes: 0,
            trouble: None,
            last_end: None,
            last_outcome: None,
            told: Told::default(),
            quick: false,
            saved: None,
        }
    }

    pub(super) fn in_batch(&self) -> bool {
        matches!(self.place, Place::Batch { .. })
    }

    /// When it starts by itself if nothing blocks it.
    pub(super) fn key(&self) -> Vt {
        self.due.max(self.not_before)
    }

    /// From here on it may start together with others.
    pub(super) fn gate(&self) -> Vt {
        self.earliest.max(self.not_before)
    }

    /// Whole intervals that passed between `from` and `t`.
    pub(super) fn ticks(&self, from: Vt, t: Vt) -> u64 {
        let passed = t.saturating_sub(from).as_millis();
        u64::try_from(passed / self.plan.interval.as_millis().max(1)).unwrap_or(u64::MAX)
    }

    /// The wait beyond the due time after which it counts as overdue: with the
    /// interval before the due time that makes three.
    pub(super) fn patience(&self) -> Duration {
        2 * self.plan.interval.max(Duration::from_secs(60))
    }

    /// Due now, or so soon that it shares this wake-up.
    pub(super) fn is_due(&self, t: Vt, slack: Duration) -> bool {
        let key = self.key();
        key <= t || (key <= t.saturating_add(slack) && self.gate() <= t)
    }

    /// Sets the next start after a wait that must not be cut short.
    pub(super) fn wait_until(&mut self, vt: Vt) {
        self.due = vt;
        self.earliest = vt;
        self.not_before = vt;
        self.trigger = Trigger::Timer;
        self.late = None;
    }

    /// Sets the next start one interval, times `factor`, after its own `end`,
    /// or after `first_end` of its batch if that was hardly earlier.
    pub(super) fn wait_interval(&mut self, end: Vt, first_end: Vt, factor: f64, jitter: f64) {
        let close = end.saturating_sub(first_end) <= self.plan.interval.mul_f64(jitter / 2.0);
        let from = if close { first_end } else { end };
        self.due = from.saturating_add(self.plan.interval.mul_f64(factor));
        self.earliest = end
            .saturating_add(self.plan.interval.mul_f64(1.0 - jitter))
            .min(self.due);
        self.not_before = self.earliest;
        self.trigger = Trigger::Timer;
        self.late = None;
    }

    /// Makes it due no later than `t`, to start from `not_before` on.
    pub(super) fn wake(&mut self, t: Vt, not_before: Vt, trigger: Trigger) {
        self.due = self.due.min(t);
        self.earliest = self.earliest.min(t);
        self.not_before = not_before;
        if self.trigger != Trigger::Added {
            self.trigger = trigger;
        }
    }

    /// Forgets every failure and wait.
    pub(super) fn forgive(&mut self) {
        self.failures = 0;
        self.strikes = 0;
        self.trouble = None;
        self.stuck = None;
    }

    /// True when it names this account, or names none and may use any.
    pub(super) fn may_use(&self, account: &str) -> bool {
        self.plan.accounts.is_empty() || self.plan.accounts.iter().any(|a| a == account)
    }

    /// Its order among charms that start together.
    pub(super) fn class(&self) -> u8 {
        if self.manual {
            MANUAL
        } else if self.plan.priority == Priority::Auth {
            1
        } else {
            2
        }
    }
}

/// The class in `ready` of runs that a person asked for.
pub(super) const MANUAL: u8 = 0;

/// The plan with an interval inside its bounds.
pub(super) fn clamped(mut plan: CharmPlan) -> CharmPlan {
    plan.interval = plan.interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
    plan
}

impl Scheduler {
    /// What to store for the charm.
    pub(super) fn saved_of(&self, c: &Charm) -> Saved {
        Saved {
            next_due: Some(self.time.wall(c.due)),
            last_end: c.last_end.map(|vt| self.time.wall(vt)),
            last_outcome: c.last_outcome,
            failures: c.failures,
            strikes: c.strikes,
            trouble: c.trouble,
            pause: c.pause.map(|hold| hold.pause),
            star: c.star,
        }
    }

    /// True when the charm is paused for its failures.
    pub(super) fn failed_out(&self, c: &Charm) -> bool {
        c.failures >= self.config.failures_before_pause
    }
}
