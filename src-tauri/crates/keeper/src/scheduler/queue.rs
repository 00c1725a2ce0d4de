//! Where charms wait: timers, the queue for a worker, and what moves them.
//!
//! Owns the places of charms that do not run, the spreading of charms that
//! fall due together, and what a sleep does to them.

use std::time::Duration;

use charmkeeper_base::Trigger;

use super::Scheduler;
use super::charm::{Index, MANUAL, Place};
use super::output::Reason;
use super::time::Vt;
use super::wait;

/// Spaces that fall due together, so that the first starts at once and each
/// further one widens the window the rest is spread over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Burst {
    began: Vt,
    spaces: u32,
}

/// A burst that began this long ago is over.
const BURST: Duration = Duration::from_secs(10);

/// One space.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    pub(super) charms: std::collections::BTreeSet<Index>,
    /// The burst it took part in last, and its place in it.
    slot: Option<(Vt, Vt)>,
}

impl Scheduler {
    /// Looks at a charm again and moves it to where it belongs. Must be called
    /// after every change of anything that decides it. Running charms stay.
    pub(super) fn refresh(&mut self, i: Index) {
        #[cfg(test)]
        {
            self.looks += 1;
        }
        let (t, slack) = (self.t, self.config.slack);
        let Some(c) = self.charms.get(&i) else { return };
        if c.in_batch() {
            return;
        }
        let block = self.block_of(c, t);
        self.unplace(i);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        if c.pause
            .is_some_and(|hold| hold.ends.is_some_and(|ends| ends <= t))
        {
            c.pause = None;
            self.dirty.insert(i);
        }
        if block.is_none()
            && c.due <= t
            && c.late.is_none()
            && let Some(before) = &c.block
        {
            c.late = before.why.reason();
        }
        let place = match (&block, c.manual) {
            (_, true) => Place::Ready(MANUAL, *c.ready_since.get_or_insert(t)),
            (Some(block), false) => {
                // There is a reason now.
                c.told.overdue = false;
                c.ready_since = None;
                block
                    .ends
                    .map_or(Place::Parked, |ends| Place::Timer(c.key().max(ends)))
            }
            (None, false) if c.is_due(t, slack) => {
                Place::Ready(c.class(), *c.ready_since.get_or_insert(t))
            }
            (None, false) => Place::Timer(c.key()),
        };
        c.block = block;
        self.place(i, place);
    }

    /// Looks at every charm again.
    pub(super) fn refresh_all(&mut self) {
        for i in self.charms.keys().copied().collect::<Vec<_>>() {
            self.refresh(i);
        }
    }

    fn place(&mut self, i: Index, place: Place) {
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let mut watch = None;
        match place {
            Place::Timer(key) => {
                self.timers.insert((key, i));
            }
            Place::Ready(class, since) => {
                self.ready.insert((class, since, i));
                watch = Some(since.saturating_add(c.patience()));
            }
            Place::Parked | Place::Batch { .. } => {}
        }
        c.place = place;
        self.watch_until(i, watch);
    }

    /// Takes a waiting charm out of its queue.
    pub(super) fn unplace(&mut self, i: Index) {
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        match c.place {
            Place::Timer(key) => {
                self.timers.remove(&(key, i));
            }
            Place::Ready(class, since) => {
                self.ready.remove(&(class, since, i));
            }
            Place::Parked => {}
            Place::Batch { .. } => return,
        }
        c.place = Place::Parked;
    }

    /// Moves charms whose time has come from the timers to the queue.
    pub(super) fn run_timers(&mut self) {
        let until = self.t.saturating_add(self.config.slack);
        let due: Vec<Index> = self
            .timers
            .range(..=(until, Index::MAX))
            .map(|(_, i)| *i)
            .collect();
        for i in due {
            self.refresh(i);
        }
    }

    /// Makes a charm due now, spread over `window` with the others that fall
    /// due now, no earlier than `rest` and than its recent failures allow.
    pub(super) fn bring_forward(&mut self, i: Index, trigger: Trigger, window: Duration, rest: Vt) {
        let t = self.t;
        let Some(c) = self.charms.get(&i) else { return };
        if c.in_batch() {
            return;
        }
        let calm = match (c.strikes, c.last_end) {
            (0, _) | (_, None) => t,
            (n, Some(end)) => {
                end.saturating_add(wait::exponential(wait::CALM_BASE, wait::CALM_CAP, n))
            }
        };
        let space = c.plan.space.clone();
        let not_before = self.spread(&space, window).max(calm).max(rest);
        if let Some(c) = self.charms.get_mut(&i) {
            c.wake(t, not_before, trigger);
        }
        self.dirty.insert(i);
        self.refresh(i);
    }

    /// A start for the space inside `window`, one for all its charms, so that
    /// they still share a worker.
    pub(super) fn spread(&mut self, space: &str, window: Duration) -> Vt {
        let t = self.t;
        if t.saturating_sub(self.burst.began) > BURST {
            self.burst = Burst {
                began: t,
                spaces: 0,
            };
        }
        let burst = self.burst.began;
        let entry = self.spaces.entry(space.to_owned()).or_default();
        if let Some((of, at)) = entry.slot
            && of == burst
            && at <= t.saturating_add(window)
        {
            return at.max(t);
        }
        let width = self
            .config
            .spread_step
            .saturating_mul(self.burst.spaces)
            .min(window);
        let at = t.saturating_add(width.mul_f64(self.random.unit().clamp(0.0, 1.0)));
        self.burst.spaces = self.burst.spaces.saturating_add(1);
        entry.slot = Some((burst, at));
        at
    }

    /// The computer slept, or we were not called for so long that it comes to
    /// the same: each charm whose time passed runs once.
    pub(super) fn after_sleep(&mut self) {
        let t = self.t;
        let earned = self
            .last_wake
            .is_none_or(|last| t.saturating_sub(last) >= self.config.wake_every);
        if earned {
            self.last_wake = Some(t);
        }
        for i in self.charms.keys().copied().collect::<Vec<_>>() {
            self.charm_after_sleep(i, earned);
            self.refresh(i);
        }
        self.rewatch();
    }

    fn charm_after_sleep(&mut self, i: Index, earned: bool) {
        let t = self.t;
        let Some(c) = self.charms.get(&i) else { return };
        if c.in_batch() || c.manual || c.due > t {
            return;
        }
        let rest = if earned {
            Vt::ZERO
        } else {
            t.saturating_add(c.plan.interval.min(Duration::from_secs(60)))
        };
        let free = self.block_of(c, t).is_none();
        let space = c.plan.space.clone();
        // What is blocked is spread when that ends.
        let spread = if free {
            self.spread(&space, self.config.wake_window)
        } else {
            t
        };
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        c.rest = rest;
        if free {
            // What was blocked until it slept keeps that reason.
            if c.late.is_none() && c.block.is_none() {
                c.late = Some(Reason::Asleep);
            }
            c.ready_since = None;
            c.wake(t, spread.max(rest), Trigger::Wake);
        }
    }
}
