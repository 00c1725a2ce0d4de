//! What the scheduler knows of one charm, and why it may not run now.
//!
//! Owns the fields and the questions about them; changes of state are made by
//! the modules that handle the inputs.

use std::time::Duration;

use charmkeeper_base::{ErrorKind, Outcome, Trigger};

use super::Scheduler;
use super::config::{MAX_INTERVAL, MIN_INTERVAL, PowerPolicy};
use super::elsewhere::Away;
use super::input::{CharmPlan, Pause, Priority, Saved, Star};
use super::output::Reason;
use super::time::Vt;

/// Charms inside the scheduler; never used again after a removal.
pub(super) type Index = u32;

/// Something only a person, or an unlocked keychain, can put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    SignIn,
    Scope,
    Keychain,
}

impl Bar {
    pub(super) fn of(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::SignIn => Some(Self::SignIn),
            ErrorKind::Scope => Some(Self::Scope),
            ErrorKind::Keychain => Some(Self::Keychain),
            _ => None,
        }
    }
}

/// A person's pause, with its end on our time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) pause: Pause,
    pub(super) ends: Option<Vt>,
}

/// Why a charm may not start, and when that ends if it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) why: Why,
    pub(super) ends: Option<Vt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Stopping,
    Disabled,
    AllPaused,
    Paused,
    /// No longer a favorite.
    Unstarred,
    /// Another computer runs it; `None` while it is not known which.
    Elsewhere {
        name: Option<String>,
    },
    Barred {
        account: Option<String>,
        bar: Bar,
    },
    Quota {
        account: String,
    },
    Offline,
    Power,
}

impl Why {
    /// The reason to record for ticks that passed meanwhile; `None` where a
    /// person decided it, or it ran elsewhere, and needs no record of it.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Stopping
            | Self::Disabled
            | Self::AllPaused
            | Self::Paused
            | Self::Unstarred
            | Self::Elsewhere { .. } => None,
            Self::Barred {
                bar: Bar::SignIn, ..
            } => Some(Reason::SignIn),
            Self::Barred {
                bar: Bar::Scope, ..
            } => Some(Reason::Scope),
            Self::Barred {
                bar: Bar::Keychain, ..
            } => Some(Reason::Keychain),
            Self::Quota { .. } => Some(Reason::Quota),
            Self::Offline => Some(Reason::Offline),
            Self::Power => Some(Reason::Power),
        }
    }
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
    /// Why the charm may not start by itself now. A person's decision is named
    /// first, then what a person must do, then what passes by itself.
    pub(super) fn block_of(&self, c: &Charm, t: Vt) -> Option<Block> {
        let open = |why| Some(Block { why, ends: None });
        if self.stopping {
            return open(Why::Stopping);
        }
        if !c.plan.enabled || c.removed {
            return open(Why::Disabled);
        }
        if c.star == Star::Gone {
            return open(Why::Unstarred);
        }
        for (hold, why) in [(&self.pause_all, Why::AllPaused), (&c.pause, Why::Paused)] {
            if let Some(hold) = hold
                && hold.ends.is_none_or(|ends| ends > t)
            {
                return Some(Block {
                    why,
                    ends: hold.ends,
                });
            }
        }
        if let Some(block) = c.away.as_ref().and_then(|away| away.block(t)) {
            return Some(block);
        }
        if let Some(stuck) = c.stuck
            && stuck.retry.is_none_or(|retry| retry > t)
        {
            let account = match c.plan.accounts.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            };
            return Some(Block {
                why: Why::Barred {
                    account,
                    bar: stuck.bar,
                },
                ends: stuck.retry,
            });
        }
        let account = self.account_block(c, t);
        if matches!(
            account,
            Some(Block {
                why: Why::Barred { .. },
                ..
            })
        ) {
            return account;
        }
        if !self.online {
            return open(Why::Offline);
        }
        if account.is_some() {
            return account;
        }
        let policy: &PowerPolicy = c.plan.power.as_ref().unwrap_or(&self.config.power);
        let hold = (policy.pause_on_battery && self.power.on_battery)
            || (policy.pause_on_saver && self.power.saver)
            || (policy.pause_on_metered && self.power.metered);
        if hold { open(Why::Power) } else { None }
    }

    /// A charm waits for its accounts only while none of them can be used:
    /// with two mailboxes, one that must sign in does not stop the other.
    fn account_block(&self, c: &Charm, t: Vt) -> Option<Block> {
        let mut found: Option<Block> = None;
        for name in &c.plan.accounts {
            let block = self.accounts.get(name)?.block(name, t)?;
            found = Some(match found {
                None => block,
                Some(first) => {
                    // The first that ends frees the charm.
                    let ends = match (first.ends, block.ends) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                    Block { ends, ..first }
                }
            });
        }
        found
    }

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
