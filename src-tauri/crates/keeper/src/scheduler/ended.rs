//! What follows the end of a run: the table of design.md §6.

use charmkeeper_base::{ErrorKind, Outcome, Trigger, UnixMs};

use super::Scheduler;
use super::block::Bar;
use super::charm::{Index, Place};
use super::input::{BatchId, RunEnd};
use super::output::{Notice, Output, Subject};
use super::time::Vt;
use super::wait;

/// What the end of a run says about its charm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It works.
    Good,
    /// It says nothing: cancelled, interrupted, not really run.
    Neutral,
    /// It failed.
    Failed(ErrorKind),
}

impl Verdict {
    fn of(end: &RunEnd) -> Self {
        match (end.outcome, end.kind) {
            (Outcome::Ok | Outcome::OkUnchanged, _) => Self::Good,
            (Outcome::Cancelled | Outcome::Interrupted | Outcome::Missed, _) => Self::Neutral,
            (Outcome::Skipped, None) => Self::Neutral,
            // The handler finished: the charm itself is well, and a permission
            // or an account that it misses stops only that part of its work.
            (
                Outcome::Partial,
                None
                | Some(ErrorKind::Charm | ErrorKind::Usage | ErrorKind::Scope | ErrorKind::SignIn),
            ) => Self::Good,
            (Outcome::Skipped | Outcome::Partial, Some(kind)) => Self::Failed(kind),
            (
                Outcome::Failed | Outcome::TimedOut | Outcome::OutOfMemory | Outcome::Crashed,
                kind,
            ) => Self::Failed(kind.unwrap_or(ErrorKind::Charm)),
        }
    }
}

/// A run that has just ended.
pub(super) struct Ended {
    pub(super) i: Index,
    /// When the worker began with it, or was handed it.
    pub(super) began: Vt,
    trigger: Trigger,
    factor: f64,
    /// When the first charm of its batch ended.
    first_end: Vt,
    retry_at: Option<UnixMs>,
    /// It had been reported as overdue.
    was_overdue: bool,
    /// A part of its work misses this.
    part: Option<Bar>,
}

/// A run that took no longer is quick. Much longer than one that changes nothing,
/// much shorter than one that waits for a slow server.
const QUICK: std::time::Duration = std::time::Duration::from_millis(250);

impl Scheduler {
    /// A run was reported as ended. Reports that name an older batch, or a run
    /// that ended before, change nothing.
    pub(super) fn run_ended(&mut self, batch: BatchId, charm: &str, end: RunEnd) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        self.finish(i, batch.0, end);
    }

    /// A run whose end nobody reported is over for us.
    pub(super) fn run_lost(&mut self, i: Index, batch: u64) {
        let end = RunEnd {
            outcome: Outcome::Interrupted,
            kind: None,
            retry_at: None,
        };
        self.finish(i, batch, end);
    }

    fn finish(&mut self, i: Index, batch: u64, end: RunEnd) {
        let t = self.t;
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let Place::Batch {
            id,
            began,
            handed,
            trigger,
        } = c.place
        else {
            return;
        };
        if id != batch {
            return;
        }
        c.place = Place::Parked;
        c.last_end = Some(t);
        c.last_outcome = Some(end.outcome);
        let removed = c.removed;
        let was_overdue = c.told.overdue || c.told.was_overdue;
        c.told.overdue = false;
        c.told.was_overdue = false;
        // All runs of a batch are told as begun together; each runs when the one
        // before it has ended.
        let before = self.batches.get(&id).map_or(handed, |b| b.last_report);
        let (factor, first_end) = self.leave_batch(i, id);
        self.watch_until(i, None);
        if removed {
            self.forget(i);
            return;
        }
        let verdict = Verdict::of(&end);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let part = end
            .kind
            .and_then(Bar::of)
            .filter(|_| verdict == Verdict::Good);
        let began = began.unwrap_or(handed);
        c.quick = verdict == Verdict::Good && t.saturating_sub(began.max(before)) <= QUICK;
        let retry_at = end.retry_at;
        let ended = Ended {
            i,
            began,
            trigger,
            factor,
            first_end,
            retry_at,
            was_overdue,
            part,
        };
        let probe = self.planned_probe(&ended);
        self.judge(&ended, verdict);
        if let Some(probe) = probe
            && let Some(c) = self.charms.get_mut(&i)
            && c.failures >= self.config.failures_before_pause
        {
            c.wait_until(probe);
        }
        self.dirty.insert(i);
        self.refresh(i);
    }

    /// Takes a charm out of its batch; the factor on its next interval, and
    /// when the first charm of the batch ended.
    pub(super) fn leave_batch(&mut self, i: Index, id: u64) -> (f64, Vt) {
        let Some(batch) = self.batches.get_mut(&id) else {
            return (1.0, self.t);
        };
        batch.members.remove(&i);
        batch.last_report = self.t;
        let end = (batch.factor, *batch.first_end.get_or_insert(self.t));
        if batch.members.is_empty() {
            self.batches.remove(&id);
        }
        end
    }

    /// The probe that a paused charm waits for; a manual run that does not
    /// bring the charm back leaves it where it is.
    fn planned_probe(&self, ended: &Ended) -> Option<Vt> {
        let c = self.charms.get(&ended.i)?;
        let manual = ended.trigger == Trigger::Manual;
        (manual && self.failed_out(c) && c.due > self.t).then_some(c.due)
    }

    fn judge(&mut self, ended: &Ended, verdict: Verdict) {
        let i = ended.i;
        match verdict {
            Verdict::Good => self.provider_works(i),
            Verdict::Failed(kind) if kind != ErrorKind::Provider => self.provider_in_doubt(i),
            _ => {}
        }
        match verdict {
            Verdict::Good => {
                self.went_well(ended);
                if let Some(bar) = ended.part {
                    self.partly_barred(ended, bar);
                }
            }
            Verdict::Neutral => {
                // It waits an interval, not for the end of its last trouble.
                if let Some(c) = self.charms.get_mut(&i) {
                    c.trouble = (c.failures > 0).then_some(ErrorKind::Charm);
                }
                self.next_regular(ended);
            }
            Verdict::Failed(kind) => match kind {
                ErrorKind::Charm | ErrorKind::Usage => self.charm_failed(ended, kind),
                ErrorKind::Quota => self.quota_reached(ended),
                ErrorKind::SignIn | ErrorKind::Scope | ErrorKind::Keychain => {
                    self.strike(i, kind);
                    self.next_regular(ended);
                    if let Some(bar) = Bar::of(kind) {
                        self.barred(ended, bar);
                    }
                }
                ErrorKind::Offline | ErrorKind::Provider | ErrorKind::Local | ErrorKind::Space => {
                    self.passing_trouble(ended, kind);
                }
            },
        }
    }

    /// One interval after the end; a day for a charm paused for its failures.
    fn next_regular(&mut self, ended: &Ended) {
        let (t, jitter, probe) = (self.t, self.config.jitter, self.config.probe_every);
        let Some(c) = self.charms.get(&ended.i) else {
            return;
        };
        let failed_out = self.failed_out(c);
        let Some(c) = self.charms.get_mut(&ended.i) else {
            return;
        };
        if failed_out {
            c.wait_until(t.saturating_add(probe));
        } else {
            c.wait_interval(t, ended.first_end, ended.factor, jitter);
        }
    }

    fn went_well(&mut self, ended: &Ended) {
        let Some(c) = self.charms.get_mut(&ended.i) else {
            return;
        };
        c.forgive();
        let mut told = std::mem::take(&mut c.told);
        if ended.part.is_some() {
            // What is still missing is neither well again nor told anew.
            c.told.scope = std::mem::take(&mut told.scope);
            c.told.sign_in = std::mem::take(&mut told.sign_in);
        }
        let c = c.clone();
        if told.paused || told.scope || told.sign_in || ended.was_overdue {
            self.notify(Notice::WorkingAgain(Subject::Charm(c.plan.id.clone())));
        }
        self.accounts_worked(&c, ended.began);
        self.next_regular(ended);
    }

    /// The charm's own failure: it waits longer each time, and is paused at last.
    fn charm_failed(&mut self, ended: &Ended, kind: ErrorKind) {
        let t = self.t;
        let retry = self.asked_for(ended.retry_at);
        let Some(c) = self.charms.get_mut(&ended.i) else {
            return;
        };
        let was_out = c.failures >= self.config.failures_before_pause;
        c.failures = c.failures.saturating_add(1);
        c.trouble = Some(kind);
        if c.failures < self.config.failures_before_pause {
            let base = wait::CHARM_BASE.max(c.plan.interval);
            let cap = wait::CHARM_CAP.max(c.plan.interval);
            let wait = wait::exponential(base, cap, c.failures).mul_f64(ended.factor);
            c.wait_until(t.saturating_add(wait).max(retry));
            return;
        }
        c.wait_until(t.saturating_add(self.config.probe_every));
        if !was_out && !c.told.paused {
            c.told.paused = true;
            let (charm, failures) = (c.plan.id.clone(), c.failures);
            let next_probe = self.time.wall(c.due);
            self.notify(Notice::PausedAfterFailures {
                charm,
                failures,
                next_probe,
            });
        }
    }

    /// Trouble that passes by itself and is not the charm's fault.
    fn passing_trouble(&mut self, ended: &Ended, kind: ErrorKind) {
        let (t, i) = (self.t, ended.i);
        let retry = self.asked_for(ended.retry_at);
        let n = self.strike(i, kind);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let random = &*self.random;
        let wait = match kind {
            ErrorKind::Offline => wait::half_jitter(
                random,
                wait::exponential(wait::OFFLINE_BASE, wait::OFFLINE_CAP, n),
            ),
            ErrorKind::Space => {
                let cap = wait::SPACE_CAP.max(c.plan.interval);
                wait::exponential(c.plan.interval, cap, n).mul_f64(ended.factor)
            }
            _ => wait::full_jitter(
                random,
                wait::exponential(wait::PROVIDER_BASE, wait::PROVIDER_CAP, n),
                wait::PROVIDER_FLOOR,
            ),
        };
        c.wait_until(t.saturating_add(wait).max(retry));
        if kind == ErrorKind::Provider {
            self.provider_fails(i);
        }
    }

    /// The provider wants a pause: the whole account waits. When it is not
    /// clear which account it was, only the charm does; the broker knows and
    /// reports the account.
    fn quota_reached(&mut self, ended: &Ended) {
        let (t, i) = (self.t, ended.i);
        let asked = self.asked_for(ended.retry_at);
        let n = self.strike(i, ErrorKind::Quota);
        self.next_regular(ended);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let [name] = c.plan.accounts.as_slice() else {
            let upper = wait::exponential(wait::QUOTA_BASE, wait::QUOTA_CAP, n);
            let wait = wait::half_jitter(&*self.random, upper);
            c.wait_until(t.saturating_add(wait).max(asked));
            return;
        };
        let name = name.clone();
        let account = self.accounts.entry(name.clone()).or_default();
        if account.paused_before(ended.began) {
            return;
        }
        account.strikes = account.strikes.saturating_add(1);
        let upper = wait::exponential(wait::QUOTA_BASE, wait::QUOTA_CAP, account.strikes);
        let own = t.saturating_add(wait::half_jitter(&*self.random, upper));
        let until = own.max(asked).max(account.quota_own.unwrap_or_default());
        account.pause_until(until, t);
        let wall = self.time.wall(until);
        self.out.push(Output::AccountWait {
            account: name.clone(),
            until: wall,
        });
        self.refresh_account(&name);
    }

    /// Notes trouble that is not the charm's fault; how often in a row.
    fn strike(&mut self, i: Index, kind: ErrorKind) -> u32 {
        let Some(c) = self.charms.get_mut(&i) else {
            return 1;
        };
        c.strikes = c.strikes.saturating_add(1);
        c.trouble = Some(kind);
        c.strikes
    }

    /// The time a server asked us to wait for, or now.
    fn asked_for(&self, retry_at: Option<UnixMs>) -> Vt {
        retry_at
            .map_or(self.t, |at| self.time.vt_of(at, wait::LONGEST_ASKED))
            .max(self.t)
    }

    pub(super) fn notify(&mut self, notice: Notice) {
        self.out.push(Output::Notify(notice));
    }
}
