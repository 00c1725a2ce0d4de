//! The watchdog: charms that do not run and nothing says why, batches that
//! never report, a provider that stays down.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Scheduler;
use super::charm::{Index, Place};
use super::input::BatchId;
use super::output::{CancelWhy, Notice, Output, Subject};
use super::start::STALL;
use super::time::Vt;
use super::wait::PROVIDER_NOTICE;

/// The watchdog's own wake-ups are put on a grid this wide; none is urgent.
const GRID: Duration = Duration::from_secs(10);

/// The charms whose last run met a failing provider.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderWatch {
    pub(super) charms: BTreeSet<Index>,
    pub(super) since: Vt,
    pub(super) told: bool,
}

impl Scheduler {
    /// Sets or ends the watch over one charm.
    pub(super) fn watch_until(&mut self, i: Index, until: Option<Vt>) {
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        if let Some(old) = c.watched.take() {
            self.watch.remove(&(old, i));
        }
        // It was told of; nothing more to wait for.
        if let Some(until) = until.filter(|_| !c.told.overdue) {
            c.watched = Some(until);
            self.watch.insert((until, i));
        }
    }

    /// Sleep explains everything: every patience begins anew.
    pub(super) fn rewatch(&mut self) {
        let t = self.t;
        for i in self.charms.keys().copied().collect::<Vec<_>>() {
            let Some(c) = self.charms.get(&i) else {
                continue;
            };
            if c.watched.is_some() {
                let patience = c.patience().max(self.config.run_limit + STALL);
                self.watch_until(i, Some(t.saturating_add(patience)));
            }
        }
        for batch in self.batches.values_mut() {
            batch.last_report = t;
        }
        self.provider.since = t;
    }

    /// Acts on every patience that has ended.
    pub(super) fn run_watch(&mut self) {
        let t = self.t;
        let ended: Vec<Index> = self
            .watch
            .range(..=(t, Index::MAX))
            .map(|(_, i)| *i)
            .collect();
        for i in ended {
            self.watch_until(i, None);
            let Some(c) = self.charms.get_mut(&i) else {
                continue;
            };
            if c.removed {
                continue;
            }
            c.told.overdue = true;
            let charm = c.plan.id.clone();
            let last_end = c.last_end.map(|vt| self.time.wall(vt));
            self.notify(Notice::Overdue { charm, last_end });
        }
        self.give_up_silent_batches();
        if self.provider_notice_at().is_some_and(|at| at <= t) {
            self.provider.told = true;
            let since = self.time.wall(self.provider.since);
            let charms = self.provider.charms.iter();
            let charms = charms
                .filter_map(|i| Some(self.charms.get(i)?.plan.id.clone()))
                .collect();
            self.notify(Notice::ProviderTrouble { since, charms });
        }
    }

    /// A run met a failing provider.
    pub(super) fn provider_fails(&mut self, i: Index) {
        if self.provider.charms.is_empty() {
            self.provider.since = self.t;
        }
        self.provider.charms.insert(i);
    }

    /// A run ended well: the provider works, as far as this charm is concerned.
    pub(super) fn provider_works(&mut self, i: Index) {
        let told = self.provider.told;
        let was_in = self.provider.charms.contains(&i);
        self.provider_left(i);
        if told && was_in && self.provider.charms.is_empty() {
            self.notify(Notice::WorkingAgain(Subject::Provider));
        }
    }

    /// A run failed for another reason. What was told is taken back only when
    /// a run shows that it is over.
    pub(super) fn provider_in_doubt(&mut self, i: Index) {
        if !self.provider.told {
            self.provider_left(i);
        }
    }

    /// The charm no longer counts.
    pub(super) fn provider_left(&mut self, i: Index) {
        self.provider.charms.remove(&i);
        if self.provider.charms.is_empty() {
            self.provider.told = false;
        }
    }

    fn provider_notice_at(&self) -> Option<Vt> {
        (!self.provider.charms.is_empty() && !self.provider.told)
            .then(|| self.provider.since.saturating_add(PROVIDER_NOTICE))
    }

    fn silent_at(&self, given_up: bool, last_report: Vt) -> Vt {
        let allowed = if given_up {
            STALL
        } else {
            self.config.run_limit + STALL
        };
        last_report.saturating_add(allowed)
    }

    /// A batch that reports nothing holds a worker's place for ever. It is
    /// cancelled first; if even that is not reported, we go on without it.
    fn give_up_silent_batches(&mut self) {
        let t = self.t;
        let silent: Vec<u64> = self
            .batches
            .iter()
            .filter(|(_, b)| self.silent_at(b.given_up, b.last_report) <= t)
            .map(|(id, _)| *id)
            .collect();
        for id in silent {
            let Some(batch) = self.batches.get_mut(&id) else {
                continue;
            };
            let abandon = batch.given_up;
            batch.given_up = true;
            batch.last_report = t;
            for i in batch.members.clone() {
                let Some(c) = self.charms.get(&i) else {
                    continue;
                };
                let (batch, charm) = (BatchId(id), c.plan.id.clone());
                if abandon {
                    self.out.push(Output::Lost { batch, charm });
                    self.run_lost(i, id);
                } else {
                    let why = CancelWhy::Lost;
                    self.out.push(Output::Cancel { batch, charm, why });
                }
            }
        }
    }

    /// When the watchdog wants to be called next, on its grid.
    pub(super) fn next_chore(&self) -> Option<Vt> {
        let watch = self.watch.first().map(|(at, _)| *at);
        let silent = self
            .batches
            .values()
            .map(|b| self.silent_at(b.given_up, b.last_report))
            .min();
        let next = [watch, silent, self.provider_notice_at()]
            .into_iter()
            .flatten()
            .min()?;
        let grid = GRID.as_millis();
        let slots = next.as_millis().div_ceil(grid) * grid;
        Some(Duration::from_millis(
            u64::try_from(slots).unwrap_or(u64::MAX),
        ))
    }

    /// True when the charm has not run for three intervals without a reason,
    /// judged at `t` even if nobody calls the scheduler any more.
    pub(super) fn is_overdue(&self, i: Index, t: Vt) -> bool {
        let Some(c) = self.charms.get(&i) else {
            return false;
        };
        if c.told.overdue {
            return true;
        }
        let limit = match c.place {
            Place::Parked => return false,
            Place::Timer(key) => key.saturating_add(c.patience()),
            Place::Ready(..) | Place::Batch { .. } => match c.watched {
                Some(until) => until,
                None => return false,
            },
        };
        limit.saturating_add(GRID) < t
    }
}
