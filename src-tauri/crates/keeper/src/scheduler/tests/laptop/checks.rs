//! The promises, checked after every step of the simulated life.

use super::super::*;
use super::world::World;

impl World {
    /// A run may start: nothing forbids it, and it is the only one.
    pub(super) fn check_start(&mut self, run: &Start) {
        let charm = &run.charm;
        assert!(
            self.open.iter().all(|o| o.charm != *charm),
            "{charm} runs twice"
        );
        let (real, online, all_paused) = (self.real, self.online, self.all_paused);
        let barred = &self.barred;
        let known = self.charms.get_mut(charm).expect("a known charm");
        known.last_started = real;
        if run.trigger == Trigger::Manual {
            known.touched = real;
            return;
        }
        assert!(online, "{charm} starts offline");
        assert!(known.plan.enabled, "{charm} starts although disabled");
        assert!(
            all_paused.is_none_or(|ends| ends <= real + 300),
            "{charm} starts while all pause"
        );
        match (known.pause, known.pause_ends) {
            (Some(Pause::Until(_)), Some(ends)) => {
                // Naps that are too short to be noticed may end a pause late,
                // never early.
                assert!(
                    ends <= real + 300,
                    "{charm} starts {} ms early",
                    ends - real
                );
            }
            (Some(_), _) => panic!("{charm} starts while paused"),
            (None, _) => {}
        }
        let accounts = &known.plan.accounts;
        assert!(
            accounts.is_empty()
                || !accounts
                    .iter()
                    .all(|a| barred.get(a) == Some(&Blocked::SignIn)),
            "{charm} starts without a sign-in"
        );
        // No storm: by itself a charm starts at most five times in a minute,
        // and that only in the first minute of trouble.
        known.starts.retain(|at| at + 60_000 > real);
        known.starts.push(real);
        assert!(
            known.starts.len() <= 5 || known.touched + 120_000 > real,
            "{charm} started {} times in a minute",
            known.starts.len()
        );
    }

    pub(super) fn check_notice(&mut self, notice: &Notice) {
        match notice {
            Notice::PausedAfterFailures {
                charm, failures, ..
            } => {
                self.tally.paused_after_failures += 1;
                let known = self.charms.get_mut(charm).expect("a known charm");
                assert_eq!(*failures, 5);
                assert_eq!(
                    known.failures, 5,
                    "{charm} paused for what was not its fault"
                );
                assert!(!known.told_paused, "{charm} told twice");
                known.told_paused = true;
            }
            Notice::NeedsSignIn {
                account: Some(account),
                ..
            } => {
                self.tally.needs_sign_in += 1;
                assert!(self.barred.contains_key(account));
                let again = self.signed_in_again.insert(account.clone(), false);
                assert_ne!(again, Some(false), "{account} told twice");
            }
            Notice::WorkingAgain(subject) => {
                self.tally.working_again += 1;
                if let Subject::Charm(charm) = subject
                    && let Some(known) = self.charms.get_mut(charm)
                {
                    known.told_paused = false;
                }
            }
            Notice::Overdue { charm, .. } => panic!("{charm} is overdue"),
            _ => {}
        }
    }

    /// What must hold after any input.
    pub(super) fn check(&mut self, input: &Input) {
        if let Some(at) = self.wake_at {
            assert!(at > self.mono, "a wake-up that has passed, after {input:?}");
        }
        let background = self.batches(|trigger| trigger != Trigger::Manual);
        let manual = self.batches(|trigger| trigger == Trigger::Manual);
        assert!(
            background <= 2 && background + manual <= 3,
            "{background} + {manual} batches"
        );
        let now = self.moment();
        let status = self.s.status(now);
        assert!(self.loading || status.len() == self.charms.len());
        for line in status {
            let interval = self.charms[&line.charm].plan.interval;
            let (next, longest) = match line.state {
                State::Waiting { next } => {
                    // An ordinary wait counts from the last end; nothing puts
                    // it off again and again. (It may be over: a restart, a
                    // nap, a second charm of a busy account.)
                    let regular = line.last_end.map(|end| end.plus(interval.mul_f64(1.11)));
                    let soon = now.wall.plus(secs(331));
                    assert!(
                        regular.is_none_or(|at| next <= at.max(soon)),
                        "{line:?} {input:?}"
                    );
                    (next, interval.mul_f64(1.11))
                }
                State::Failing { next, .. } | State::WaitingForSpace { next } => {
                    (next, hours(1).max(interval).mul_f64(1.11))
                }
                State::PausedAfterFailures {
                    next_probe,
                    failures,
                } => {
                    assert!(failures >= 5);
                    (next_probe, hours(24))
                }
                State::WaitingForProvider { next }
                | State::WaitingForComputer { next }
                | State::WaitingForNetwork { next: Some(next) } => (next, secs(900)),
                State::WaitingForGoogle { until, .. } => {
                    assert!(until.since(now.wall) <= secs(961), "{line:?}");
                    continue;
                }
                State::Queued { .. } => {
                    assert!(!self.open.is_empty(), "{} queues for nothing", line.charm);
                    continue;
                }
                State::Overdue { .. } => panic!("{line:?} after {input:?}"),
                // Every other state names its reason.
                _ => continue,
            };
            // Each wait has an end, it is not far, and we will be called for it.
            let ahead = next.0 - now.wall.0;
            let longest = i64::try_from(longest.as_millis()).unwrap();
            assert!(
                (-1..=longest + 61_000).contains(&ahead),
                "{line:?}: {ahead} ms, {input:?}"
            );
            let called = self.wake_at.expect("a wake-up") - self.mono;
            assert!(
                i64::try_from(called).unwrap() <= ahead + 300,
                "{line:?}: called too late"
            );
        }
    }

    fn batches(&self, of: impl Fn(Trigger) -> bool) -> usize {
        let open = self.open.iter().filter(|o| of(o.trigger)).map(|o| o.batch);
        open.collect::<std::collections::BTreeSet<_>>().len()
    }
}
