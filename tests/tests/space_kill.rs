//! The program, the space server or both are killed at every step of a commit,
//! again and again: afterwards both sides hold the same documents, and each run's
//! change happened once.
//!
//! The server stops at the step and says so, then a process is killed with no
//! warning. Only the moment between an answer and its being recorded cannot be
//! seen from outside; there the program's database is kept from being written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_base::random::SeededRandom;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::remote_stage::{RemoteStage, TICKER};
use charmkeeper_tests::{database, wait_until};
use serde_json::json;

const SEED: u64 = 20_261_121;
/// How often each step is met with each victim.
const ROUNDS: usize = 1;

/// The steps of a change, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// The handler is at work; nothing of the run is stored.
    Running,
    /// The run and its outbox row are stored. The server is asked about the
    /// documents that are new here, so that the change has no number yet.
    Unnumbered,
    /// The exact commit and its number are stored, and the server never got it.
    Numbered,
    /// The server has the commit in its hands and has not looked at it.
    Sent,
    /// The server has stored it and has not answered.
    Stored,
    /// The answer is out, and not recorded here.
    Answered,
    /// A change waits, and the way back to the server begins.
    Opening,
    /// The server has opened the session again and has not said so.
    Opened,
    /// The replica is asked for again after a start.
    Hydrating,
    /// The server has put it together and has not answered.
    Hydrated,
}

use Step::*;
const STEPS: [Step; 10] = [
    Running, Unnumbered, Numbered, Sent, Stored, Answered, Opening, Opened, Hydrating, Hydrated,
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Program,
    Server,
    Both,
}

/// What runs, and what a step leaves behind to be cleared away.
struct Scene {
    stage: RemoteStage,
    serve: Option<Going>,
    run: Option<Going>,
    locked: Option<rusqlite::Connection>,
}

impl Scene {
    fn space(&self) -> &str {
        &self.stage.piece.piece.space
    }

    fn begin_run(&mut self) {
        self.run = Some(Going::start(self.stage.command(&["run", TICKER])));
    }

    /// A run whose change meets this at the server.
    async fn run_into(&mut self, action: &str, on: &str) {
        self.stage.server.fault(action, on, self.space()).await;
        self.begin_run();
        self.stage.server.held().await;
    }

    /// A change waits because the server turns everybody away.
    async fn wait_outside(&mut self) {
        self.stage.server.offline(true).await;
        let run = self.stage.tick().await;
        assert_eq!(run["sync"], "queued", "{run:#}");
    }

    /// The way back meets this at the server.
    async fn come_back_into(&mut self, action: &str, on: &str) {
        self.stage.server.fault(action, on, self.space()).await;
        self.stage.server.offline(false).await;
        self.stage.server.held().await;
    }

    /// Goes to the step, and is there when this ends.
    async fn reach(&mut self, step: Step) {
        match step {
            Running => {
                self.begin_run();
                let going = "SELECT count(*) FROM runs WHERE outcome IS NULL";
                wait_until("a run begins", async || self.stage.number(going) > 0).await;
            }
            Unnumbered => {
                self.wait_outside().await;
                self.come_back_into("hold-before", "graph.query").await;
                self.assert_waiting("commit_text IS NULL");
            }
            Numbered => {
                let rule = json!({ "action": "drop-before", "times": 100_000 });
                self.stage.server.tell("fault", rule).await;
                self.begin_run();
                let numbered = "SELECT count(*) FROM outbox WHERE commit_text IS NOT NULL";
                wait_until("a number", async || self.stage.number(numbered) > 0).await;
            }
            Sent => {
                self.run_into("hold-before", "transact").await;
                self.assert_waiting("commit_text IS NOT NULL");
            }
            Stored => self.run_into("hold-after", "transact").await,
            Answered => {
                self.run_into("hold-after", "transact").await;
                let db = database::open(&self.stage.home());
                db.execute_batch("BEGIN IMMEDIATE").unwrap();
                self.locked = Some(db);
                self.stage.server.tell("release", json!({})).await;
            }
            Opening | Opened => {
                self.wait_outside().await;
                let action = if step == Opening {
                    "hold-before"
                } else {
                    "hold-after"
                };
                self.come_back_into(action, "session.open").await;
            }
            Hydrating | Hydrated => {
                self.wait_outside().await;
                self.serve.take().unwrap().kill().await;
                self.forgotten().await;
                self.serve = Some(self.stage.serve().await);
                let action = if step == Hydrating {
                    "hold-before"
                } else {
                    "hold-after"
                };
                self.come_back_into(action, "session.watch.add").await;
            }
        }
    }

    fn assert_waiting(&self, how: &str) {
        let sql = format!("SELECT count(*) FROM outbox WHERE {how}");
        assert_eq!(self.stage.number(&sql), 1, "{how}");
    }

    async fn kill(&mut self, victim: Victim) {
        if victim != Victim::Server {
            self.serve.take().unwrap().kill().await;
        }
        if victim != Victim::Program {
            self.stage.server.kill().await;
        }
        if let Some(db) = self.locked.take() {
            db.execute_batch("ROLLBACK").unwrap();
        }
    }

    /// The server keeps the sessions of a client that is gone for a while; here
    /// that is over at once.
    async fn forgotten(&self) {
        let home = RemoteStage::person().home_space().to_owned();
        for space in [self.space(), &home] {
            self.stage.server.forget(space).await;
        }
    }

    /// Starts again what was killed, and waits until all is told.
    async fn recover(&mut self, victim: Victim) {
        if victim == Victim::Program {
            self.stage.server.calm().await;
            self.forgotten().await;
        } else {
            self.stage.server.start_again().await;
        }
        if victim != Victim::Server {
            self.serve = Some(self.stage.serve().await);
        }
        if let Some(run) = self.run.take() {
            // It ends with its keeper, or with the run's end.
            run.end().await;
        }
        self.stage.settled().await;
    }
}

/// Every step with every victim, shuffled.
fn plan(random: &SeededRandom) -> Vec<(Step, Victim)> {
    let all = STEPS.iter().flat_map(|step| {
        [Victim::Program, Victim::Server, Victim::Both].map(|victim| (*step, victim))
    });
    let mut plan: Vec<_> = all.cycle().take(STEPS.len() * 3 * ROUNDS).collect();
    for last in (1..plan.len()).rev() {
        let other = random.next_u64() % (last as u64 + 1);
        plan.swap(last, usize::try_from(other).unwrap());
    }
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_step_of_a_commit_loses_nothing_and_doubles_nothing() {
    let (stage, serve) = RemoteStage::connected().await;
    let mut scene = Scene {
        stage,
        serve: Some(serve),
        run: None,
        locked: None,
    };
    scene.stage.tick().await;
    scene.stage.settled().await;
    let before = scene.stage.good_runs();
    let plan = plan(&SeededRandom::new(SEED));
    for (round, (step, victim)) in plan.iter().enumerate() {
        let when = format!("round {round} of seed {SEED}: {step:?}, {victim:?} killed");
        eprintln!("{when}");
        scene.reach(*step).await;
        scene.kill(*victim).await;
        scene.recover(*victim).await;
        scene.stage.assert_once(&when).await;
    }
    // Nothing but a kill of the program takes a run away, and it is told as such.
    let lost = "SELECT count(*) FROM runs WHERE outcome = 'interrupted'";
    let (lost, rounds) = (scene.stage.number(lost).unsigned_abs(), plan.len() as u64);
    assert_eq!(scene.stage.good_runs() + lost, before + rounds);
    assert!(
        (1..=2 * ROUNDS as u64).contains(&lost),
        "{lost} runs were interrupted"
    );
}
