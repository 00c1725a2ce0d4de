//! What befalls the laptop, and what the person does.

use super::super::*;
use super::world::{Event, HOUR, MIN, SEC, World};

impl World {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Sleep => {
                self.sleep();
                let mean = if self.chance(20) { 3 * MIN } else { 4 * HOUR };
                self.later(mean, Event::Sleep);
            }
            Event::NetworkLost => {
                self.tally.offline += 1;
                self.really_online = false;
                // Some losses are seen, others only by failing calls.
                if self.chance(80) {
                    self.online = false;
                    self.send(Input::NetworkChanged { online: false });
                }
                let mean = if self.chance(50) { 2 * MIN } else { 2 * HOUR };
                self.later(mean, Event::NetworkBack);
            }
            Event::NetworkBack => {
                self.really_online = true;
                self.online = true;
                self.send(Input::NetworkChanged { online: true });
                self.later(7 * HOUR, Event::NetworkLost);
            }
            Event::ClockJump => {
                self.tally.jumps += 1;
                let by = i64::try_from(self.below(4 * 86_400_000)).unwrap() - 2 * 86_400_000;
                // A clock that is far off is put right some time.
                let before = self.wall_offset;
                self.wall_offset = if before == 0 { by } else { 0 };
                self.taken_for_sleep(self.wall_offset - before);
                self.send(Input::Tick);
                self.later(200 * HOUR, Event::ClockJump);
            }
            Event::SignInDies => {
                let account = if self.chance(50) { "me" } else { "you" }.to_owned();
                self.bar(&account, Blocked::SignIn);
                self.later(10 * HOUR, Event::SignedIn(account));
                self.later(700 * HOUR, Event::SignInDies);
            }
            Event::SignedIn(account) => self.unbar(&account),
            Event::KeychainOpen => {
                for account in ["me", "you"] {
                    if self.barred.get(account) == Some(&Blocked::Keychain) {
                        self.unbar(account);
                    }
                }
            }
            Event::Outage => {
                self.outage_until = self.real + self.below(2 * HOUR);
                self.later(150 * HOUR, Event::Outage);
            }
            Event::Bug => {
                let charm = format!("c{}", self.below(10));
                let until = self.real + self.below(40 * HOUR);
                if let Some(known) = self.charms.get_mut(&charm) {
                    known.bug_until = until;
                }
                self.later(100 * HOUR, Event::Bug);
            }
            Event::Person => {
                self.person();
                self.later(5 * HOUR, Event::Person);
            }
            Event::Crash => {
                self.restart();
                self.later(90 * HOUR, Event::Crash);
            }
        }
    }

    /// Where sleep must be guessed, a clock set ahead ends pauses early.
    fn taken_for_sleep(&mut self, jump: i64) {
        if self.reported || jump <= 0 {
            return;
        }
        let jump = jump.unsigned_abs();
        let ends = self
            .charms
            .values_mut()
            .filter_map(|k| k.pause_ends.as_mut());
        for ends in ends.chain(self.all_paused.as_mut()) {
            *ends = ends.saturating_sub(jump);
        }
    }

    fn bar(&mut self, account: &str, blocked: Blocked) {
        if self.barred.contains_key(account) {
            return;
        }
        self.barred.insert(account.to_owned(), blocked);
        let account = account.to_owned();
        self.send(Input::AccountState {
            account,
            blocked: Some(blocked),
            granted_at: None,
        });
    }

    fn unbar(&mut self, account: &str) {
        self.barred.remove(account);
        self.signed_in_again.insert(account.to_owned(), true);
        self.touch_all();
        let granted_at = Some(self.moment().wall);
        let account = account.to_owned();
        self.send(Input::AccountState {
            account,
            blocked: None,
            granted_at,
        });
    }

    pub(super) fn touch_all(&mut self) {
        for known in self.charms.values_mut() {
            known.touched = self.real;
        }
    }

    /// The lid is closed: for a night, for lunch, or all night with wakes of
    /// less than a minute.
    fn sleep(&mut self) {
        let naps = if self.chance(15) {
            5 + self.below(40)
        } else {
            1
        };
        for nap in 0..naps {
            self.tally.wakes += 1;
            let asleep = match naps {
                1 => 10 * SEC + self.below(14 * HOUR),
                _ => 30 * SEC + self.below(30 * MIN),
            };
            self.real += asleep;
            if self.chance(50) || !self.reported {
                self.send(Input::Tick);
            }
            if self.reported {
                self.send(Input::Woke {
                    uncounted: Duration::from_millis(asleep),
                });
            }
            if nap + 1 < naps {
                let awake = self.real + 55 * SEC;
                while self.real < awake {
                    let run = self.open.iter().map(|o| o.ends).min();
                    let next = [run, self.wake_at].into_iter().flatten().min();
                    let step = next.map_or(55 * SEC, |at| at - self.mono.min(at));
                    self.pass(step.min(awake - self.real));
                    if run.is_some_and(|at| at <= self.mono) {
                        self.end_run();
                    } else if self.wake_at.is_some_and(|at| at <= self.mono) {
                        self.send(Input::Tick);
                    }
                }
            }
        }
        if self.chance(10) && !self.barred.contains_key("me") {
            self.bar("me", Blocked::Keychain);
            self.later(20 * MIN, Event::KeychainOpen);
        }
    }

    fn person(&mut self) {
        let charm = format!("c{}", self.below(10));
        let what = self.below(9);
        let (real, wall) = (self.real, self.moment().wall);
        let span = MIN + self.below(3 * HOUR);
        let Some(known) = self.charms.get_mut(&charm) else {
            return;
        };
        known.touched = real;
        match what {
            0 | 1 => self.send(Input::Manual { charm }),
            2 => {
                let pause = Pause::Until(wall.plus(Duration::from_millis(span)));
                known.pause = Some(pause);
                known.pause_ends = Some(real + span);
                self.send(Input::Pause { charm, pause });
            }
            3 => {
                known.pause = Some(Pause::UntilResumed);
                known.pause_ends = None;
                self.send(Input::Pause {
                    charm,
                    pause: Pause::UntilResumed,
                });
            }
            4 | 5 => {
                known.pause = None;
                known.failures = 0;
                known.told_paused = false;
                self.send(Input::Resume { charm });
            }
            6 => {
                known.plan.enabled = !known.plan.enabled;
                let plan = known.plan.clone();
                self.send(Input::CharmChanged { plan });
            }
            7 => {
                let plan = known.plan.clone();
                self.charms.remove(&charm);
                self.saved.remove(&charm);
                self.send(Input::CharmRemoved {
                    charm: charm.clone(),
                });
                self.add(plan);
            }
            _ => {
                self.all_paused = Some(real + span);
                let pause = Pause::Until(wall.plus(Duration::from_millis(span)));
                self.send(Input::PauseAll { pause });
            }
        }
    }

    /// The program dies and is started again some time later.
    fn restart(&mut self) {
        self.tally.crashes += 1;
        for open in std::mem::take(&mut self.open) {
            if let Some(saved) = self.saved.get_mut(&open.charm) {
                saved.last_outcome = Some(Outcome::Interrupted);
            }
        }
        for known in self.charms.values_mut() {
            if known.pause_ends.is_some_and(|ends| ends <= self.real) {
                (known.pause, known.pause_ends) = (None, None);
            }
        }
        self.real += self.below(8 * HOUR);
        self.mono = 0;
        // A new program knows the end of a pause by the wall clock alone.
        let wall = self.moment().wall;
        for known in self.charms.values_mut() {
            if let (Some(Pause::Until(until)), Some(ends)) = (known.pause, &mut known.pause_ends) {
                let left = u64::try_from(until.since(wall).as_millis()).unwrap();
                *ends = self.real + left;
            }
        }
        let seed = self.random.next_u64();
        let config = Config {
            sleep_is_reported: self.reported,
            ..Config::default()
        };
        self.s = Scheduler::new(config, Arc::new(SeededRandom::new(seed)), self.moment());
        self.wake_at = None;
        self.touch_all();
        self.all_paused = None;
        self.online = true;
        self.loading = true;
        for account in ["me", "you"] {
            let blocked = self.barred.get(account).copied();
            let account = account.to_owned();
            self.send(Input::AccountState {
                account,
                blocked,
                granted_at: None,
            });
        }
        let charms = self.charms.values();
        let charms = charms
            .map(|k| (k.plan.clone(), self.saved.get(&k.plan.id).cloned()))
            .collect();
        self.loading = false;
        self.send(Input::CharmsAdded(charms));
    }
}
