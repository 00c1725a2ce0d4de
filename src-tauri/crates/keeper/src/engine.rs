//! The one task that owns the scheduler.
//!
//! In: what people ask, what batches report, what accounts tell, and time.
//! Out: batches started, rows stored, events told. It is the only place where
//! a decision of the scheduler becomes an action, so that decisions stay pure.
//!
//! Owns the scheduler, the runs that are going on and those who wait for them.
//! Never runs a charm and never blocks: batches are tasks of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::AccountEvent;
use charmkeeper_base::{ErrorKind, Trigger};
use charmkeeper_charms::runner::CancelToken;
use charmkeeper_store::RunRow;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{ApiError, Event};
use crate::batch::{self, Planned, Report};
use crate::core::Core;
use crate::power::{Surroundings, System, WakeTimer};
use crate::scheduler::{
    BatchId, Blocked, CharmStatus, Input, Moment, Output, Pause, Refusal, RunEnd, Scheduler, Start,
};
use crate::{google, views};

mod rows;

/// How long runs may go on after the program was told to end.
const DRAIN: Duration = Duration::from_secs(5);
/// And how long their ends may take after they were cancelled.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What others ask of the engine.
pub(crate) enum Ask {
    /// Something happened.
    Input(Input),
    /// One run now; the answer is the id of the run when it is over.
    Run {
        charm: String,
        done: oneshot::Sender<Result<String, ApiError>>,
    },
    /// What is going on.
    Look(oneshot::Sender<Look>),
    /// End this run.
    CancelRun {
        run: String,
        done: oneshot::Sender<bool>,
    },
    /// End the run of this charm if a person asked for it.
    Abandon { charm: String },
    /// The network is charged by volume, or no longer.
    Metered(bool),
    /// End everything in good order.
    Stop(oneshot::Sender<()>),
}

/// What the engine knows at one moment.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) charms: Vec<CharmStatus>,
    pub(crate) running: Vec<RunRow>,
    pub(crate) online: bool,
    /// The pause of everything, where there is one.
    pub(crate) paused: Option<Pause>,
}

struct Going {
    batch: BatchId,
    run: String,
    trigger: Trigger,
    cancel: CancelToken,
    row: Option<RunRow>,
}

pub(crate) struct Engine {
    core: Arc<Core>,
    scheduler: Scheduler,
    asks: mpsc::UnboundedReceiver<Ask>,
    reports: mpsc::UnboundedReceiver<Report>,
    report_to: mpsc::UnboundedSender<Report>,
    accounts: broadcast::Receiver<AccountEvent>,
    surroundings: Surroundings<System>,
    timer: WakeTimer,
    going: HashMap<String, Going>,
    waiters: HashMap<String, Vec<oneshot::Sender<Result<String, ApiError>>>>,
    wake_at: Option<Duration>,
}

/// The engine's first knowledge.
pub(crate) struct Beginning {
    pub(crate) scheduler: Scheduler,
    pub(crate) inputs: Vec<Input>,
    pub(crate) surroundings: Surroundings<System>,
}

impl Engine {
    /// Starts the task.
    pub(crate) fn start(core: Arc<Core>, beginning: Beginning) -> mpsc::UnboundedSender<Ask> {
        let (ask, asks) = mpsc::unbounded_channel();
        let (report_to, reports) = mpsc::unbounded_channel();
        let mut engine = Self {
            accounts: core.accounts.events(),
            surroundings: beginning.surroundings,
            timer: WakeTimer::new(),
            core,
            scheduler: beginning.scheduler,
            asks,
            reports,
            report_to,
            going: HashMap::new(),
            waiters: HashMap::new(),
            wake_at: None,
        };
        tokio::spawn(async move {
            for input in beginning.inputs {
                engine.tell(input);
            }
            engine.work().await;
        });
        ask
    }

    async fn work(&mut self) {
        loop {
            let sleep = self.sleep();
            tokio::select! {
                ask = self.asks.recv() => match ask {
                    Some(Ask::Stop(done)) => {
                        self.stop().await;
                        let _ = done.send(());
                        return;
                    }
                    Some(ask) => self.asked(ask),
                    // The keeper was dropped without `Stop`: end the runs with it.
                    None => return self.cancel_all(),
                },
                Some(report) = self.reports.recv() => self.reported(report),
                event = self.accounts.recv() => self.account_event(event),
                () = sleep => self.tick(),
            }
        }
    }

    /// Until the scheduler wants to be called, or the surroundings want to be
    /// looked at. Time in which the computer sleeps counts.
    fn sleep(&self) -> impl Future<Output = ()> + Send + use<> {
        let due = self
            .wake_at
            .map(|at| at.saturating_sub(self.core.clock.monotonic()));
        let look = self.surroundings.look_again();
        self.timer.sleep(due.into_iter().chain(look).min())
    }

    fn tick(&mut self) {
        for input in self.surroundings.look() {
            if matches!(
                input,
                Input::NetworkChanged { online: true } | Input::Woke { .. }
            ) {
                self.core.desk.check();
            }
            self.tell(input);
        }
        self.tell(Input::Tick);
    }

    /// Tells the scheduler and does what it says.
    fn tell(&mut self, input: Input) {
        let step = self
            .scheduler
            .handle(Moment::of(self.core.clock.as_ref()), input);
        self.wake_at = step.wake_at;
        for output in step.outputs {
            self.act(output);
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Start { batch, runs } => self.start_batch(batch, runs),
            Output::Cancel { charm, .. } => {
                if let Some(going) = self.going.get(&charm) {
                    going.cancel.cancel();
                }
            }
            Output::Lost { charm, .. } => {
                self.going.remove(&charm);
                self.answer(&charm, &Err(batch::not_stored()));
            }
            Output::Record {
                charm,
                outcome,
                reason,
                count,
                since,
            } => {
                self.record(&charm, outcome, reason, count, since);
            }
            Output::Persist { charm, saved } => self.persist(charm, saved),
            Output::AccountWait { account, until } => {
                let reason = "Google asked to wait.".to_owned();
                let pause = charmkeeper_store::Pause {
                    account,
                    until,
                    reason,
                };
                self.core
                    .background
                    .write("a pause", move |store| store.put_pause(&pause));
            }
            Output::Joined { .. } => {}
            Output::Refused { charm, why } => self.answer(&charm, &Err(refusal(why))),
            Output::Notify(notice) => self.core.noticed(&notice),
        }
    }

    fn start_batch(&mut self, batch: BatchId, runs: Vec<Start>) {
        let planned: Vec<Planned> = runs
            .into_iter()
            .map(|start| Planned {
                run: crate::ids::uuid(&self.core),
                charm: start.charm,
                trigger: start.trigger,
                cancel: CancelToken::new(),
                delivery: None,
            })
            .collect();
        for run in &planned {
            let going = Going {
                batch,
                run: run.run.clone(),
                trigger: run.trigger,
                cancel: run.cancel.clone(),
                row: None,
            };
            self.going.insert(run.charm.clone(), going);
        }
        tokio::spawn(batch::run(
            Arc::clone(&self.core),
            batch,
            planned,
            self.report_to.clone(),
        ));
    }

    fn reported(&mut self, report: Report) {
        match report {
            Report::Started { batch, charm, row } => {
                self.core.tell(Event::RunStarted {
                    run: row.id.clone(),
                    charm: row.charm_handle.clone(),
                    trigger: row.trigger,
                });
                if let Some(going) = self.going.get_mut(&charm) {
                    going.row = Some(*row);
                }
                self.tell(Input::RunStarted { batch, charm });
            }
            Report::Withheld {
                batch,
                charm,
                elsewhere,
            } => {
                if self.going.get(&charm).is_some_and(|g| g.batch == batch) {
                    self.going.remove(&charm);
                }
                let asked = self.waiters.contains_key(&charm);
                self.tell(Input::RunWithheld {
                    batch,
                    charm: charm.clone(),
                    elsewhere,
                });
                self.core.leases.look();
                // Somebody joined that run: they get one of their own.
                if asked {
                    self.tell(Input::Manual { charm });
                }
            }
            Report::Ended {
                batch,
                charm,
                run,
                end,
                row,
            } => {
                if self.going.get(&charm).is_some_and(|g| g.batch == batch) {
                    self.going.remove(&charm);
                }
                self.learn_from(&end, row.as_deref().ok());
                for pause in self.core.broker.pauses() {
                    self.tell(Input::AccountState {
                        account: pause.account,
                        blocked: Some(Blocked::Quota { until: pause.until }),
                        granted_at: None,
                    });
                }
                let answer = match &row {
                    Ok(row) => {
                        self.core.stored_again();
                        self.core.tell(Event::RunEnded {
                            run: views::run(row),
                        });
                        Ok(run)
                    }
                    Err(error) => Err(error.clone()),
                };
                self.answer(&charm, &answer);
                self.tell(Input::RunEnded { batch, charm, end });
            }
        }
    }

    /// What a run's requests say about the network.
    fn learn_from(&mut self, end: &RunEnd, row: Option<&RunRow>) {
        let answered = row.is_some_and(|r| r.calls > r.calls_failed);
        let unreachable = end.kind == Some(ErrorKind::Offline);
        for input in self.surroundings.after_calls(answered, unreachable) {
            self.tell(input);
        }
    }

    fn answer(&mut self, charm: &str, answer: &Result<String, ApiError>) {
        for waiter in self.waiters.remove(charm).unwrap_or_default() {
            // The one who asked may have hung up.
            let _ = waiter.send(answer.clone());
        }
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Input(input) => self.tell(input),
            Ask::Run { charm, done } => {
                self.waiters.entry(charm.clone()).or_default().push(done);
                self.tell(Input::Manual { charm });
            }
            Ask::Look(done) => {
                let now = Moment::of(self.core.clock.as_ref());
                let look = Look {
                    charms: self.scheduler.status(now),
                    running: self.going.values().filter_map(|g| g.row.clone()).collect(),
                    online: self.surroundings.is_online(),
                    paused: self.scheduler.pause_of_everything(now),
                };
                let _ = done.send(look);
            }
            Ask::CancelRun { run, done } => {
                let charm = self
                    .going
                    .iter()
                    .find(|(_, g)| g.run == run)
                    .map(|(charm, _)| charm.clone());
                let _ = done.send(charm.is_some());
                if let Some(charm) = charm {
                    self.tell(Input::Cancel { charm });
                }
            }
            Ask::Abandon { charm } => {
                let asked_for = |g: &Going| g.trigger == Trigger::Manual;
                if self.going.get(&charm).is_none_or(asked_for) {
                    self.tell(Input::Cancel { charm });
                }
            }
            Ask::Metered(metered) => {
                self.surroundings.metered(metered);
                self.tick();
            }
            // Handled where it is received.
            Ask::Stop(done) => drop(done),
        }
    }

    fn account_event(&mut self, event: Result<AccountEvent, broadcast::error::RecvError>) {
        match event {
            Ok(AccountEvent::Connected(account) | AccountEvent::Changed(account)) => {
                let blocked = google::blocked(&account);
                self.tell(Input::AccountState {
                    account: account.id.clone(),
                    blocked,
                    granted_at: Some(account.connected_at),
                });
                let core = Arc::clone(&self.core);
                tokio::spawn(async move { google::remember(&core, account).await });
            }
            Ok(AccountEvent::Removed(account)) => {
                self.tell(Input::AccountState {
                    account,
                    blocked: Some(Blocked::SignIn),
                    granted_at: None,
                });
            }
            Err(_) => {}
        }
        self.core.tell(Event::Changed);
    }

    fn cancel_all(&self) {
        for going in self.going.values() {
            going.cancel.cancel();
        }
    }

    async fn stop(&mut self) {
        self.tell(Input::Shutdown);
        self.drain(DRAIN).await;
        self.cancel_all();
        self.drain(LAST_WORDS).await;
        let charms: Vec<String> = self.waiters.keys().cloned().collect();
        for charm in charms {
            self.answer(&charm, &Err(refusal(Refusal::Stopping)));
        }
    }

    async fn drain(&mut self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        while !self.going.is_empty() {
            match tokio::time::timeout_at(deadline, self.reports.recv()).await {
                Ok(Some(report)) => self.reported(report),
                Ok(None) | Err(_) => return,
            }
        }
    }
}

fn refusal(why: Refusal) -> ApiError {
    match why {
        Refusal::Unknown => ApiError::new(ErrorKind::Usage, "The charm was removed."),
        Refusal::Stopping => ApiError::new(ErrorKind::Local, "The keeper is stopping."),
        Refusal::Cancelled => ApiError::new(ErrorKind::Local, "The run was cancelled."),
    }
}
