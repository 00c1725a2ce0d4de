//! What people do: charms added, edited, removed, paused, resumed, run by hand.

use std::time::Duration;

use charmkeeper_base::{ErrorKind, Outcome, Trigger};

use super::Scheduler;
use super::block::Bar;
use super::charm::{Charm, Hold, Index, Place, Stuck, Told, clamped};
use super::input::{BatchId, CharmPlan, Pause, Saved, Star};
use super::output::{CancelWhy, Output, Reason, Refusal};
use super::time::Vt;
use super::wait;

/// A run that the end of the program interrupted is repeated after its interval
/// or this, whichever is shorter.
const INTERRUPTED: Duration = Duration::from_secs(300);
/// A person may pause for years; no end of a pause lies further ahead.
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Scheduler {
    /// A charm exists, from now on or again after a restart.
    pub(super) fn add(&mut self, plan: CharmPlan, saved: Option<Saved>) {
        if let Some(&i) = self.names.get(&plan.id) {
            if let Some(c) = self.charms.get_mut(&i) {
                c.removed = false;
            }
            self.change(plan);
            return;
        }
        let i = self.next_index;
        self.next_index += 1;
        self.names.insert(plan.id.clone(), i);
        self.spaces
            .entry(plan.space.clone())
            .or_default()
            .charms
            .insert(i);
        self.index_accounts(i, &[], &plan.accounts);
        let charm = match saved {
            None => Charm::new(plan, self.t),
            Some(saved) => self.restored(plan, saved),
        };
        self.charms.insert(i, charm);
        self.dirty.insert(i);
        self.refresh(i);
    }

    /// The charm as it was stored. Due times that passed meanwhile give one
    /// run, spread with those of other spaces.
    fn restored(&mut self, plan: CharmPlan, saved: Saved) -> Charm {
        let t = self.t;
        let mut c = Charm::new(plan, t);
        let past = Duration::ZERO;
        c.last_end = saved.last_end.map(|wall| self.time.vt_of(wall, past));
        c.last_outcome = saved.last_outcome;
        c.failures = saved.failures;
        c.strikes = saved.strikes;
        c.trouble = saved.trouble;
        c.pause = saved.pause.and_then(|pause| self.hold(pause));
        c.star = saved.star;
        c.told.paused = self.failed_out(&c);
        if let Some(bar) = c.trouble.and_then(Bar::of) {
            let granted = self
                .accounts
                .iter()
                .any(|(name, a)| c.may_use(name) && a.granted_after(saved.last_end));
            if !granted && bar != Bar::Keychain {
                c.stuck = Some(Stuck { bar, retry: None });
                c.told = Told {
                    scope: true,
                    sign_in: true,
                    ..c.told
                };
            }
        }
        if let Some(due) = saved.next_due {
            let due = self.time.vt_of(due, self.longest_wait(&c));
            c.wait_until(due);
            if c.trouble.is_none() && !self.failed_out(&c) {
                // An ordinary wait: charms of one space still start together.
                let early = c.plan.interval.mul_f64(self.config.jitter);
                c.earliest = due.saturating_sub(early);
                c.not_before = c.earliest;
            }
        }
        c.trigger = if c.last_end.is_none() {
            Trigger::Added
        } else {
            Trigger::Timer
        };
        if saved.last_outcome == Some(Outcome::Interrupted) {
            // Perhaps the run itself brought the program down.
            let factor = wait::factor(&*self.random, self.config.jitter);
            let calm = c.plan.interval.min(INTERRUPTED).mul_f64(factor);
            c.wait_until(c.due.max(t.saturating_add(calm)));
        } else if c.due <= t {
            let space = c.plan.space.clone();
            c.not_before = self.spread(&space, self.config.start_window);
            // What a person paused is not missed.
            let wanted = self
                .block_of(&c, t)
                .is_none_or(|block| block.why.reason().is_some());
            c.late = wanted.then_some(Reason::NotRunning);
        }
        c.saved = Some(saved);
        c
    }

    /// The longest wait that a stored due time can mean; the rest is a wall
    /// clock that was changed meanwhile.
    fn longest_wait(&self, c: &Charm) -> Duration {
        let wait = if self.failed_out(c) {
            self.config.probe_every
        } else {
            match c.trouble {
                Some(ErrorKind::Quota) => wait::LONGEST_ASKED,
                Some(ErrorKind::Charm | ErrorKind::Usage) => wait::CHARM_CAP.max(c.plan.interval),
                Some(ErrorKind::Space) => wait::SPACE_CAP.max(c.plan.interval),
                Some(ErrorKind::Offline) => wait::OFFLINE_CAP,
                Some(ErrorKind::Provider | ErrorKind::Local) => wait::PROVIDER_CAP,
                _ => c.plan.interval,
            }
        };
        wait.mul_f64(1.0 + self.config.jitter)
    }

    /// A person edited a charm.
    pub(super) fn change(&mut self, plan: CharmPlan) {
        let plan = clamped(plan);
        let Some(&i) = self.names.get(&plan.id) else {
            return;
        };
        let (t, jitter) = (self.t, self.config.jitter);
        let factor = wait::factor(&*self.random, jitter);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let old = std::mem::replace(&mut c.plan, plan.clone());
        if old.accounts != plan.accounts {
            c.stuck = None;
        }
        if old.interval != plan.interval
            && c.trouble.is_none()
            && !c.in_batch()
            && let Some(end) = c.last_end
        {
            // The new interval counts from the same end, and never backwards.
            c.wait_interval(end, end, factor, jitter);
            c.due = c.due.max(t);
        }
        if old.space != plan.space {
            self.leave_space(&old.space, i);
            self.spaces
                .entry(plan.space.clone())
                .or_default()
                .charms
                .insert(i);
        }
        self.index_accounts(i, &old.accounts, &plan.accounts);
        self.dirty.insert(i);
        self.refresh(i);
    }

    /// A charm is gone; while it runs, only its end is awaited.
    pub(super) fn remove(&mut self, charm: &str) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        if std::mem::take(&mut c.manual) {
            let (charm, why) = (charm.to_owned(), Refusal::Cancelled);
            self.out.push(Output::Refused { charm, why });
        }
        if let Place::Batch { id, .. } = c.place {
            c.removed = true;
            let (batch, charm, why) = (BatchId(id), charm.to_owned(), CancelWhy::Removed);
            self.out.push(Output::Cancel { batch, charm, why });
        } else {
            self.forget(i);
        }
    }

    /// Drops every trace of a charm that does not run.
    pub(super) fn forget(&mut self, i: Index) {
        self.unplace(i);
        self.watch_until(i, None);
        self.provider_left(i);
        self.dirty.remove(&i);
        let Some(c) = self.charms.remove(&i) else {
            return;
        };
        self.names.remove(&c.plan.id);
        self.leave_space(&c.plan.space, i);
        self.index_accounts(i, &c.plan.accounts, &[]);
    }

    fn leave_space(&mut self, name: &str, i: Index) {
        if let Some(space) = self.spaces.get_mut(name) {
            space.charms.remove(&i);
            if space.charms.is_empty() {
                self.spaces.remove(name);
            }
        }
    }

    /// A person wants a run now.
    pub(super) fn manual(&mut self, charm: &str) {
        let refuse = |why| Output::Refused {
            charm: charm.to_owned(),
            why,
        };
        let Some(&i) = self.names.get(charm) else {
            self.out.push(refuse(Refusal::Unknown));
            return;
        };
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        if c.removed {
            self.out.push(refuse(Refusal::Unknown));
        } else if self.stopping {
            self.out.push(refuse(Refusal::Stopping));
        } else if let Place::Batch { id, .. } = c.place {
            let batch = Some(BatchId(id));
            self.out.push(Output::Joined {
                charm: charm.to_owned(),
                batch,
            });
        } else if std::mem::replace(&mut c.manual, true) {
            self.out.push(Output::Joined {
                charm: charm.to_owned(),
                batch: None,
            });
        } else {
            self.refresh(i);
        }
    }

    /// A person wants the run ended, or the manual run not begun.
    pub(super) fn cancel(&mut self, charm: &str) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let charm = charm.to_owned();
        if let Place::Batch { id, .. } = c.place {
            let (batch, why) = (BatchId(id), CancelWhy::Asked);
            self.out.push(Output::Cancel { batch, charm, why });
        } else if std::mem::take(&mut c.manual) {
            let why = Refusal::Cancelled;
            self.out.push(Output::Refused { charm, why });
            self.refresh(i);
        }
    }

    /// A person pauses one charm.
    pub(super) fn pause(&mut self, charm: &str, pause: Pause) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let hold = self.hold(pause);
        if let Some(c) = self.charms.get_mut(&i) {
            c.pause = hold;
        }
        self.dirty.insert(i);
        self.refresh(i);
    }

    /// A person resumes one charm. What waited for a reason runs at once; what
    /// was only paused goes on at its stored time.
    pub(super) fn resume(&mut self, charm: &str) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        c.pause = None;
        if c.star == Star::Gone {
            c.star = Star::Kept;
        }
        let waited = c.trouble.is_some() || c.stuck.is_some() || c.failures > 0;
        c.forgive();
        c.told = Told {
            overdue: c.told.overdue,
            ..Told::default()
        };
        self.provider_left(i);
        self.dirty.insert(i);
        if waited {
            self.bring_forward(i, Trigger::Timer, self.config.network_window, Vt::ZERO);
        }
        self.refresh(i);
    }

    /// A person pauses everything.
    pub(super) fn pause_everything(&mut self, pause: Pause) {
        self.pause_all = self.hold(pause);
        self.refresh_all();
    }

    /// A person ends the pause of everything.
    pub(super) fn resume_everything(&mut self) {
        if self.pause_all.take().is_some() {
            self.release(Trigger::Timer, |c, t| c.due <= t);
        }
    }

    fn hold(&self, pause: Pause) -> Option<Hold> {
        let ends = match pause {
            Pause::UntilResumed => None,
            Pause::Until(wall) => Some(self.time.vt_of(wall, LONGEST_PAUSE)),
        };
        ends.is_none_or(|ends| ends > self.t)
            .then_some(Hold { pause, ends })
    }
}
