//! Tests of the scheduler: a rig with a hand-moved clock, one file per subject.

mod accounts;
mod edits;
mod elsewhere;
mod errors;
mod laptop;
mod people;
mod quota;
mod scale;
mod sleep;
mod timing;
mod watchdog;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::{ErrorKind, Outcome, Trigger, UnixMs};

use super::*;

/// 2026-11-21T09:30:00Z.
const NOON: i64 = 1_795_253_400_000;

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn hours(h: u64) -> Duration {
    secs(h * 3600)
}

fn plan(id: &str, space: &str) -> CharmPlan {
    CharmPlan {
        id: id.to_owned(),
        space: space.to_owned(),
        accounts: Vec::new(),
        interval: DEFAULT_INTERVAL,
        enabled: true,
        priority: Priority::Normal,
        power: None,
    }
}

fn with_account(id: &str, space: &str, account: &str) -> CharmPlan {
    CharmPlan {
        accounts: vec![account.to_owned()],
        ..plan(id, space)
    }
}

fn good() -> RunEnd {
    RunEnd {
        outcome: Outcome::Ok,
        kind: None,
        retry_at: None,
    }
}

fn failed(kind: ErrorKind) -> RunEnd {
    RunEnd {
        outcome: Outcome::Failed,
        kind: Some(kind),
        retry_at: None,
    }
}

fn partial(kind: ErrorKind) -> RunEnd {
    RunEnd {
        outcome: Outcome::Partial,
        kind: Some(kind),
        retry_at: None,
    }
}

/// A started run.
#[derive(Clone, Debug, PartialEq)]
struct Started {
    at: Duration,
    batch: BatchId,
    charm: String,
    trigger: Trigger,
}

/// A scheduler with clocks. Runs end as `answer` says, at once unless `hold`
/// is set; then the test ends them.
struct Rig {
    s: Scheduler,
    now: Moment,
    wake_at: Option<Duration>,
    answer: fn(&str) -> RunEnd,
    hold: bool,
    open: Vec<Started>,
    starts: Vec<Started>,
    outputs: Vec<Output>,
    saved: BTreeMap<String, Saved>,
    wakes: u64,
}

impl Rig {
    fn new() -> Self {
        Self::with(Config::default(), 7)
    }

    fn with(config: Config, seed: u64) -> Self {
        let now = Moment {
            wall: UnixMs(NOON),
            mono: secs(1000),
        };
        let random = Arc::new(SeededRandom::new(seed));
        Self {
            s: Scheduler::new(config, random, now),
            now,
            wake_at: None,
            answer: |_| good(),
            hold: false,
            open: Vec::new(),
            starts: Vec::new(),
            outputs: Vec::new(),
            saved: BTreeMap::new(),
            wakes: 0,
        }
    }

    /// A new scheduler that is given what this one stored, as after a restart
    /// `later`. Runs that were open are marked interrupted.
    fn restart(&mut self, later: Duration, plans: &[CharmPlan]) {
        for open in std::mem::take(&mut self.open) {
            if let Some(saved) = self.saved.get_mut(&open.charm) {
                saved.last_outcome = Some(Outcome::Interrupted);
            }
        }
        self.now.wall = self.now.wall.plus(later);
        self.now.mono = secs(5);
        let random = Arc::new(SeededRandom::new(99));
        self.s = Scheduler::new(self.s.config.clone(), random, self.now);
        let charms = plans
            .iter()
            .map(|p| (p.clone(), self.saved.get(&p.id).cloned()));
        let charms = charms.collect();
        self.starts.clear();
        self.outputs.clear();
        self.send(Input::CharmsAdded(charms));
    }

    fn add(&mut self, plan: CharmPlan) {
        self.send(Input::CharmAdded { plan, saved: None });
    }

    /// Sends one input and does what is answered.
    fn send(&mut self, input: Input) {
        let step = self.s.handle(self.now, input);
        if let Some(at) = step.wake_at {
            assert!(
                at > self.now.mono,
                "a wake-up in the past: {at:?} at {:?}",
                self.now.mono
            );
        }
        self.wake_at = step.wake_at;
        for output in step.outputs {
            self.take(&output);
            self.outputs.push(output);
        }
        if !self.hold {
            while let Some(run) = self.open.first().cloned() {
                let end = (self.answer)(&run.charm);
                self.end(&run, end);
            }
        }
    }

    fn take(&mut self, output: &Output) {
        match output {
            Output::Start { batch, runs } => {
                assert!(!runs.is_empty());
                for run in runs {
                    let started = Started {
                        at: self.now.mono,
                        batch: *batch,
                        charm: run.charm.clone(),
                        trigger: run.trigger,
                    };
                    assert!(
                        self.open.iter().all(|o| o.charm != run.charm),
                        "{} started twice",
                        run.charm
                    );
                    self.open.push(started.clone());
                    self.starts.push(started);
                }
            }
            Output::Persist { charm, saved } => {
                self.saved.insert(charm.clone(), saved.clone());
            }
            _ => {}
        }
    }

    fn begin(&mut self, charm: &str) {
        let run = self
            .open
            .iter()
            .find(|o| o.charm == charm)
            .cloned()
            .expect("an open run");
        self.send(Input::RunStarted {
            batch: run.batch,
            charm: run.charm,
        });
    }

    fn end(&mut self, run: &Started, end: RunEnd) {
        self.open.retain(|o| o != run);
        self.send(Input::RunEnded {
            batch: run.batch,
            charm: run.charm.clone(),
            end,
        });
    }

    fn end_charm(&mut self, charm: &str, end: RunEnd) {
        let run = self
            .open
            .iter()
            .find(|o| o.charm == charm)
            .cloned()
            .expect("an open run");
        self.end(&run, end);
    }

    /// Lets time pass with the computer awake, ticking when asked to.
    fn pass(&mut self, d: Duration) {
        let until = self.now.mono + d;
        while let Some(at) = self.wake_at.filter(|at| *at <= until) {
            // Timers fire on whole milliseconds.
            let wait = u64::try_from((at - self.now.mono).as_micros().div_ceil(1000)).unwrap();
            self.shift(Duration::from_millis(wait));
            self.wakes += 1;
            self.send(Input::Tick);
        }
        self.shift(until.saturating_sub(self.now.mono));
    }

    fn shift(&mut self, d: Duration) {
        self.now.mono += d;
        self.now.wall = self.now.wall.plus(d);
    }

    /// The computer sleeps, with a monotonic clock that stands still.
    fn sleep(&mut self, d: Duration) {
        self.now.wall = self.now.wall.plus(d);
        self.send(Input::Woke { uncounted: d });
    }

    fn jump_wall(&mut self, by_s: i64) {
        self.now.wall = UnixMs(self.now.wall.0 + by_s * 1000);
    }

    fn in_wall(&self, d: Duration) -> UnixMs {
        self.now.wall.plus(d)
    }

    fn state(&self, charm: &str) -> State {
        self.s.status_of(charm, self.now).expect("a charm").state
    }

    /// The starts since the last call.
    fn starts(&mut self) -> Vec<Started> {
        std::mem::take(&mut self.starts)
    }

    fn started(&mut self) -> Vec<String> {
        self.starts().into_iter().map(|s| s.charm).collect()
    }

    /// Everything put out since the last call.
    fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// The notices since the last call of this or of `outputs`.
    fn notices(&mut self) -> Vec<Notice> {
        let notices = self.outputs().into_iter().filter_map(|o| match o {
            Output::Notify(notice) => Some(notice),
            _ => None,
        });
        notices.collect()
    }

    /// The records since the last call of this or of `outputs`.
    fn records(&mut self) -> Vec<(String, Outcome, Reason, u64)> {
        let records = self.outputs().into_iter().filter_map(|o| match o {
            Output::Record {
                charm,
                outcome,
                reason,
                count,
                ..
            } => Some((charm, outcome, reason, count)),
            _ => None,
        });
        records.collect()
    }

    /// The time until the next start, which must come within `within`.
    fn next_start(&mut self, within: Duration) -> Duration {
        let from = self.now.mono;
        let step = Duration::from_millis(200);
        if !self.open.is_empty() {
            return Duration::ZERO;
        }
        self.starts.clear();
        while self.now.mono < from + within {
            self.pass(step);
            if let Some(first) = self.starts.first() {
                return first.at - from;
            }
        }
        panic!("nothing started within {within:?}");
    }
}

fn between(d: Duration, low: u64, high: u64) {
    assert!(
        d >= secs(low) && d <= secs(high),
        "{d:?} is not in {low}..{high} s"
    );
}

/// A rig whose charm `a` (account `me`) has run once and ends runs by hand.
fn rig_of(plan: CharmPlan) -> Rig {
    let mut rig = Rig::new();
    rig.add(plan);
    rig.hold = true;
    rig.starts();
    rig.outputs();
    rig
}

fn mail() -> CharmPlan {
    with_account("a", "s", "me")
}

/// Waits for the next run of the only charm and ends it so; the wait.
fn turn(rig: &mut Rig, end: RunEnd) -> Duration {
    let wait = rig.next_start(hours(30));
    let open = rig.open.clone();
    assert_eq!(open.len(), 1);
    rig.end(&open[0], end);
    wait
}
