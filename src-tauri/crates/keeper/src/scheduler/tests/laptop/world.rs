//! The laptop, the network, Google and the person: what happens when.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::*;

pub(super) const SEC: u64 = 1000;
pub(super) const MIN: u64 = 60 * SEC;
pub(super) const HOUR: u64 = 60 * MIN;

/// What was seen, to know that the year was eventful.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: u64,
    pub(super) wakes: u64,
    pub(super) jumps: u64,
    pub(super) crashes: u64,
    pub(super) offline: u64,
    pub(super) paused_after_failures: u64,
    pub(super) needs_sign_in: u64,
    pub(super) working_again: u64,
    pub(super) missed: u64,
    pub(super) skipped: u64,
}

/// A run that goes on.
pub(super) struct Open {
    pub(super) batch: BatchId,
    pub(super) charm: String,
    pub(super) trigger: Trigger,
    began: bool,
    /// On the monotonic clock.
    pub(super) ends: u64,
}

/// What the world knows of a charm.
pub(super) struct Known {
    pub(super) plan: CharmPlan,
    pub(super) pause: Option<Pause>,
    /// The wall time does not decide a pause after a clock change.
    pub(super) pause_ends: Option<u64>,
    /// It fails by its own fault until then (real time).
    pub(super) bug_until: u64,
    /// Failures of its own in a row, counted independently.
    pub(super) failures: u32,
    pub(super) starts: Vec<u64>,
    /// A person touched it then; what follows is no storm.
    pub(super) touched: u64,
    pub(super) told_paused: bool,
    pub(super) last_started: u64,
}

pub(super) struct World {
    pub(super) random: SeededRandom,
    pub(super) s: Scheduler,
    pub(super) reported: bool,
    /// Milliseconds since the beginning, sleep included.
    pub(super) real: u64,
    /// Milliseconds since the last start of the program, sleep excluded.
    pub(super) mono: u64,
    pub(super) wall_offset: i64,
    pub(super) wake_at: Option<u64>,
    pub(super) online: bool,
    pub(super) really_online: bool,
    pub(super) charms: BTreeMap<String, Known>,
    pub(super) barred: BTreeMap<String, Blocked>,
    /// Between the start of the program and the first word on its charms.
    pub(super) loading: bool,
    pub(super) outage_until: u64,
    pub(super) all_paused: Option<u64>,
    pub(super) saved: BTreeMap<String, Saved>,
    pub(super) open: Vec<Open>,
    pub(super) events: BTreeMap<(u64, u64), Event>,
    pub(super) event_no: u64,
    pub(super) tally: Tally,
    pub(super) digest: u64,
    pub(super) signed_in_again: BTreeMap<String, bool>,
}

#[derive(Clone, Debug)]
pub(super) enum Event {
    Sleep,
    NetworkLost,
    NetworkBack,
    ClockJump,
    SignInDies,
    SignedIn(String),
    Outage,
    Bug,
    KeychainOpen,
    Person,
    Crash,
}

impl World {
    pub(super) fn new(seed: u64, reported: bool) -> Self {
        let random = SeededRandom::new(seed);
        let now = Moment {
            wall: UnixMs(NOON),
            mono: Duration::ZERO,
        };
        let config = Config {
            sleep_is_reported: reported,
            ..Config::default()
        };
        let s = Scheduler::new(config, Arc::new(SeededRandom::new(seed ^ 0xabc)), now);
        let mut world = Self {
            random,
            s,
            reported,
            real: 0,
            mono: 0,
            wall_offset: 0,
            wake_at: None,
            online: true,
            really_online: true,
            charms: BTreeMap::new(),
            barred: BTreeMap::new(),
            loading: false,
            outage_until: 0,
            all_paused: None,
            saved: BTreeMap::new(),
            open: Vec::new(),
            events: BTreeMap::new(),
            event_no: 0,
            tally: Tally::default(),
            digest: 0,
            signed_in_again: BTreeMap::new(),
        };
        let intervals = [60, 300, 600, 600, 900, 1800, 1800, 3600, 21_600, 86_400];
        for (n, interval) in intervals.into_iter().enumerate() {
            let accounts = match n % 4 {
                0 => vec!["me".to_owned()],
                1 => vec!["you".to_owned()],
                2 => vec!["me".to_owned(), "you".to_owned()],
                _ => Vec::new(),
            };
            let id = format!("c{n}");
            let plan = CharmPlan {
                accounts,
                interval: secs(interval),
                priority: if n == 4 {
                    Priority::Auth
                } else {
                    Priority::Normal
                },
                ..plan(&id, &format!("s{}", n % 3))
            };
            world.add(plan);
        }
        for account in ["me", "you"] {
            let account = account.into();
            world.send(Input::AccountState {
                account,
                blocked: None,
                granted_at: None,
            });
        }
        for (event, mean) in [
            (Event::Sleep, 4 * HOUR),
            (Event::NetworkLost, 7 * HOUR),
            (Event::ClockJump, 200 * HOUR),
            (Event::SignInDies, 700 * HOUR),
            (Event::Outage, 150 * HOUR),
            (Event::Bug, 100 * HOUR),
            (Event::Person, 5 * HOUR),
            (Event::Crash, 90 * HOUR),
        ] {
            world.later(mean, event);
        }
        world
    }

    pub(super) fn add(&mut self, plan: CharmPlan) {
        let known = Known {
            plan: plan.clone(),
            pause: None,
            pause_ends: None,
            bug_until: 0,
            failures: 0,
            starts: Vec::new(),
            touched: self.real,
            told_paused: false,
            last_started: self.real,
        };
        self.charms.insert(plan.id.clone(), known);
        self.send(Input::CharmAdded { plan, saved: None });
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.random.next_u64() % n.max(1)
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn later(&mut self, mean: u64, event: Event) {
        let at = self.real + mean / 4 + self.below(mean * 3 / 2);
        self.event_no += 1;
        self.events.insert((at, self.event_no), event);
    }

    pub(super) fn moment(&self) -> Moment {
        let real = i64::try_from(self.real).unwrap();
        Moment {
            wall: UnixMs(NOON + real + self.wall_offset),
            mono: Duration::from_millis(self.mono),
        }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.real += ms;
        self.mono += ms;
    }

    /// Lives on for that long.
    pub(super) fn live(&mut self, ms: u64) {
        let until = self.real + ms;
        while self.real < until {
            let run = self.open.iter().map(|o| o.ends).min();
            let tick = [run, self.wake_at].into_iter().flatten().min();
            let event = self
                .events
                .first_key_value()
                .map(|((at, _), _)| at - self.real.min(*at));
            let wait = tick.map(|at| at - self.mono.min(at));
            let step = [wait, event, Some(HOUR)]
                .into_iter()
                .flatten()
                .min()
                .unwrap();
            self.pass(step);
            if event == Some(step) {
                if let Some((_, event)) = self.events.pop_first() {
                    self.happen(event);
                }
            } else if run.is_some_and(|at| at <= self.mono) {
                self.end_run();
            } else if self.wake_at.is_some_and(|at| at <= self.mono) {
                self.send(Input::Tick);
            }
        }
    }

    /// Sends an input, checks the answer, and lets what follows from it happen.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "reads better at the many calls"
    )]
    pub(super) fn send(&mut self, input: Input) {
        let step = self.s.handle(self.moment(), input.clone());
        let mut hasher = DefaultHasher::new();
        (self.digest, format!("{step:?}")).hash(&mut hasher);
        self.digest = hasher.finish();
        let wake = step
            .wake_at
            .map(|at| u64::try_from(at.as_micros().div_ceil(1000)).unwrap());
        self.wake_at = wake;
        for output in step.outputs {
            self.take(output);
        }
        self.check(&input);
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Start { batch, runs } => {
                for (n, run) in runs.into_iter().enumerate() {
                    self.check_start(&run);
                    self.tally.runs += 1;
                    let took = if self.chance(2) { 30 * SEC } else { 2 * SEC };
                    let took = 50 + self.below(took);
                    self.open.push(Open {
                        batch,
                        charm: run.charm,
                        trigger: run.trigger,
                        began: false,
                        ends: self.mono + took + n as u64 * 200,
                    });
                }
            }
            Output::Persist { charm, saved } => {
                self.saved.insert(charm, saved);
            }
            Output::Record { outcome, count, .. } => {
                assert!(count > 0 && count < 400 * 24 * 60);
                match outcome {
                    Outcome::Missed => self.tally.missed += 1,
                    Outcome::Skipped => self.tally.skipped += 1,
                    other => panic!("{other} is no record of passed ticks"),
                }
            }
            Output::Cancel { batch, charm, why } => {
                assert_ne!(why, CancelWhy::Lost, "every run was reported");
                let mono = self.mono;
                for open in &mut self.open {
                    if open.batch == batch && open.charm == charm {
                        open.ends = mono + 50;
                    }
                }
            }
            Output::Notify(notice) => self.check_notice(&notice),
            Output::Lost { charm, .. } => panic!("{charm} was reported"),
            Output::AccountWait { .. } | Output::Joined { .. } | Output::Refused { .. } => {}
        }
    }

    /// The next run that ends begins first, then ends as the world is.
    pub(super) fn end_run(&mut self) {
        let (mono, real) = (self.mono, self.real);
        let Some(at) = self.open.iter().position(|o| o.ends <= mono) else {
            return;
        };
        if !self.open[at].began {
            self.open[at].began = true;
            let (batch, charm) = (self.open[at].batch, self.open[at].charm.clone());
            self.send(Input::RunStarted { batch, charm });
            return;
        }
        let open = self.open.remove(at);
        let end = self.how_it_ends(&open.charm);
        if let Some(known) = self.charms.get_mut(&open.charm) {
            match (end.outcome, end.kind) {
                (Outcome::Failed, Some(ErrorKind::Charm)) => known.failures += 1,
                (Outcome::Ok, _) => known.failures = 0,
                _ => {}
            }
            if open.trigger == Trigger::Manual {
                known.touched = real;
            }
        }
        let account = self
            .charms
            .get(&open.charm)
            .and_then(|k| match k.plan.accounts.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            });
        if end.outcome == Outcome::Ok
            && let Some(account) = account
        {
            self.signed_in_again.insert(account, true);
        }
        self.send(Input::RunEnded {
            batch: open.batch,
            charm: open.charm,
            end,
        });
    }

    fn how_it_ends(&mut self, charm: &str) -> RunEnd {
        let Some(known) = self.charms.get(charm) else {
            return RunEnd {
                outcome: Outcome::Cancelled,
                kind: None,
                retry_at: None,
            };
        };
        if known.bug_until > self.real {
            return failed(ErrorKind::Charm);
        }
        let accounts = known.plan.accounts.clone();
        if !self.really_online {
            return failed(ErrorKind::Offline);
        }
        if !accounts.is_empty() && accounts.iter().all(|a| self.barred.contains_key(a)) {
            return failed(match self.barred[&accounts[0]] {
                Blocked::Keychain => ErrorKind::Keychain,
                _ => ErrorKind::SignIn,
            });
        }
        if self.outage_until > self.real {
            return failed(ErrorKind::Provider);
        }
        let retry_at = Some(self.moment().wall.plus(secs(5 + self.below(600))));
        match self.below(400) {
            0 => RunEnd {
                retry_at,
                ..failed(ErrorKind::Quota)
            },
            1 => failed(ErrorKind::Quota),
            2 => failed(ErrorKind::Provider),
            3 => failed(ErrorKind::Space),
            4 => failed(ErrorKind::Local),
            5 => RunEnd {
                outcome: Outcome::Cancelled,
                kind: None,
                retry_at: None,
            },
            _ => good(),
        }
    }
}
