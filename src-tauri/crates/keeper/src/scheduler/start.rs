//! Batches: which charms start together, when a worker is free.

use std::collections::BTreeSet;

use charmkeeper_base::Trigger;

use super::Scheduler;
use super::charm::{Charm, Index, MANUAL, Place};
use super::input::BatchId;
use super::output::{Output, Reason, Start};
use super::time::Vt;
use super::wait;

/// Charms that were handed to one worker and have not all ended.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// A person asked for it.
    pub(super) manual: bool,
    /// The charms that have not ended.
    pub(super) members: BTreeSet<Index>,
    /// The factor on the interval that follows. One for all its charms, so
    /// that they fall due together again and share the next worker too.
    pub(super) factor: f64,
    /// When the first of its charms ended.
    pub(super) first_end: Option<Vt>,
    /// The last report of any of its charms.
    pub(super) last_report: Vt,
    /// It was told to end because it reported nothing.
    pub(super) given_up: bool,
}

impl Scheduler {
    /// Starts what is due, as far as workers are free.
    pub(super) fn dispatch(&mut self) {
        while let Some(i) = self.next_to_start() {
            self.start_batch(i);
        }
    }

    /// The charm to start next. Charms whose account has just been taken by
    /// another batch are put off on the way.
    fn next_to_start(&mut self) -> Option<Index> {
        let limit = self.config.concurrency.max(1);
        let all = self.batches.len();
        let background = self.batches.values().filter(|b| !b.manual).count();
        let manual_free = all < limit + self.config.manual_extra;
        let background_free = manual_free && background < limit;
        loop {
            let from = if manual_free {
                (MANUAL, Vt::ZERO, 0)
            } else {
                (MANUAL + 1, Vt::ZERO, 0)
            };
            let (class, _, i) = self.ready.range(from..).next().copied()?;
            if class == MANUAL {
                return Some(i);
            }
            if !background_free {
                return None;
            }
            let Some(free_at) = self.account_taken(i) else {
                return Some(i);
            };
            if let Some(c) = self.charms.get_mut(&i) {
                c.not_before = c.not_before.max(free_at);
            }
            self.refresh_put_off(i, free_at);
        }
    }

    /// Moves a ready charm back to the timers for a moment; it keeps its place
    /// in the order and its watchdog.
    fn refresh_put_off(&mut self, i: Index, until: Vt) {
        let since = self.charms.get(&i).and_then(|c| c.ready_since);
        let watched = self.charms.get(&i).and_then(|c| c.watched);
        self.unplace(i);
        if let Some(c) = self.charms.get_mut(&i) {
            c.place = Place::Timer(until);
            c.ready_since = since;
            self.timers.insert((until, i));
        }
        self.watch_until(i, watched);
    }

    /// When another batch that started just now lets go of an account of this
    /// charm; `None` when none holds it.
    fn account_taken(&self, i: Index) -> Option<Vt> {
        let c = self.charms.get(&i)?;
        let last = c
            .plan
            .accounts
            .iter()
            .filter_map(|name| self.accounts.get(name)?.last_start)
            .max()?;
        let free_at = last.saturating_add(self.config.account_gap);
        (free_at > self.t).then_some(free_at)
    }

    fn start_batch(&mut self, first: Index) {
        let Some(c) = self.charms.get(&first) else {
            return;
        };
        let manual = c.manual;
        let space = c.plan.space.clone();
        let mut members = vec![first];
        if !manual {
            members.extend(self.companions(first, &space));
            self.add_guests(&mut members);
            let order = |i: &Index| {
                self.charms
                    .get(i)
                    .map(|c| (c.plan.priority, c.ready_since.unwrap_or(self.t)))
            };
            members.sort_by_key(|i| (order(i), *i));
        }
        let id = self.next_batch;
        self.next_batch += 1;
        let (random, jitter) = (&*self.random, self.config.jitter);
        let factor = if members.len() > 1 {
            wait::shared_factor(random, jitter)
        } else {
            wait::factor(random, jitter)
        };
        self.batches.insert(
            id,
            Batch {
                manual,
                members: members.iter().copied().collect(),
                factor,
                first_end: None,
                last_report: self.t,
                given_up: false,
            },
        );
        let runs = members
            .into_iter()
            .filter_map(|i| self.hand_over(i, id))
            .collect();
        self.out.push(Output::Start {
            batch: BatchId(id),
            runs,
        });
    }

    /// The other charms of the space that are due, or so nearly that they may
    /// share the worker.
    fn companions(&self, first: Index, space: &str) -> Vec<Index> {
        let Some(space) = self.spaces.get(space) else {
            return Vec::new();
        };
        let room = self.config.max_batch.max(1) - 1;
        let mut due: Vec<(Vt, Index)> = Vec::new();
        for i in &space.charms {
            let Some(c) = self.charms.get(i) else {
                continue;
            };
            let waits = match c.place {
                Place::Ready(..) => true,
                Place::Timer(_) => c.gate() <= self.t,
                Place::Parked | Place::Batch { .. } => false,
            };
            if waits && *i != first && self.is_free(*i, c) {
                due.push((c.ready_since.unwrap_or(c.key()), *i));
            }
        }
        due.sort_unstable();
        due.into_iter().take(room).map(|(_, i)| i).collect()
    }

    /// Nothing keeps the charm from starting by itself now.
    fn is_free(&self, i: Index, c: &Charm) -> bool {
        !c.manual && self.account_taken(i).is_none() && self.block_of(c, self.t).is_none()
    }

    /// Fills a batch with charms of other spaces that are due, or nearly. A
    /// worker costs as much as ten quick runs; fifty spaces with a worker each
    /// would spend a third of all processor time on workers. Only quick charms
    /// share in this way: one that waits for a server would delay strangers, and
    /// what it delays should be of its own space.
    fn add_guests(&self, members: &mut Vec<Index>) {
        let quick = |i: &Index| self.charms.get(i).is_some_and(|c| c.quick);
        if !members.iter().all(quick) {
            return;
        }
        let room = self.config.max_batch.max(1).saturating_sub(members.len());
        let until = self.t.saturating_add(GUESTS_AHEAD);
        let ready = self.ready.iter().map(|(_, _, i)| *i);
        let timers = self.timers.range(..=(until, Index::MAX)).map(|(_, i)| *i);
        let mut guests: Vec<Index> = Vec::new();
        for i in ready.chain(timers) {
            if guests.len() == room {
                break;
            }
            let Some(c) = self.charms.get(&i) else {
                continue;
            };
            if c.quick && c.gate() <= self.t && !members.contains(&i) && self.is_free(i, c) {
                guests.push(i);
            }
        }
        members.extend(guests);
    }

    /// Marks one charm as handed to the worker, and records the ticks that
    /// passed since it was due.
    fn hand_over(&mut self, i: Index, id: u64) -> Option<Start> {
        let t = self.t;
        self.unplace(i);
        let failed_out = self.charms.get(&i).is_some_and(|c| self.failed_out(c));
        let c = self.charms.get_mut(&i)?;
        let passed = passed_ticks(c, t);
        let trigger = if c.manual {
            Trigger::Manual
        } else if failed_out {
            Trigger::Probe
        } else {
            c.trigger
        };
        let handed = c.ready_since.unwrap_or(t);
        let overdue = handed.saturating_add(c.patience());
        c.manual = false;
        c.late = None;
        c.ready_since = None;
        c.block = None;
        c.place = Place::Batch {
            id,
            began: None,
            handed: t,
            trigger,
        };
        let charm = c.plan.id.clone();
        for name in &c.plan.accounts {
            if let Some(account) = self.accounts.get_mut(name) {
                account.last_start = Some(t);
            }
        }
        if let Some((reason, since, count)) = passed {
            self.out.push(Output::Record {
                charm: charm.clone(),
                outcome: reason.outcome(),
                reason,
                count,
                since: self.time.wall(since),
            });
        }
        self.watch_until(i, Some(overdue));
        Some(Start { charm, trigger })
    }

    /// The worker began with a charm.
    pub(super) fn run_started(&mut self, batch: BatchId, charm: &str) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let (t, run_limit) = (self.t, self.config.run_limit);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let Place::Batch { id, began, .. } = &mut c.place else {
            return;
        };
        if *id != batch.0 {
            return;
        }
        *began = Some(t);
        c.told.was_overdue |= std::mem::take(&mut c.told.overdue);
        let allowed = (3 * c.plan.interval).max(run_limit + STALL);
        let accounts = c.plan.accounts.clone();
        for name in &accounts {
            if let Some(account) = self.accounts.get_mut(name) {
                account.last_start = Some(t);
            }
        }
        self.watch_until(i, Some(t.saturating_add(allowed)));
        if let Some(batch) = self.batches.get_mut(&batch.0) {
            batch.last_report = t;
        }
    }
}

/// How far ahead of its time a charm of another space is looked for. Its own
/// jitter says how early it may start; this bounds the search.
const GUESTS_AHEAD: std::time::Duration = std::time::Duration::from_secs(15);

/// How long beyond the limit of one run a batch may be silent.
pub(super) const STALL: std::time::Duration = std::time::Duration::from_secs(60);

/// The ticks that passed unused before a start at `t`: why, since when, how
/// many. The one that starts now is not among them.
fn passed_ticks(c: &Charm, t: Vt) -> Option<(Reason, Vt, u64)> {
    let held = c
        .late
        .or_else(|| c.block.as_ref().and_then(|block| block.why.reason()));
    let (reason, since) = match (held, c.ready_since) {
        (Some(reason), _) => (reason, c.due),
        (None, Some(ready)) => (Reason::Busy, ready),
        (None, None) => return None,
    };
    let count = c.ticks(since, t);
    (count > 0).then_some((reason, since, count))
}
