//! One batch: charms that are due together, most often of one space, from their rows
//! to the end of their runs.
//!
//! In: charms to start. Out: reports to the engine, one `Started` and one
//! `Ended` for each. Every run is written when it begins and again, whole, when
//! it ends; when that fails (a full disk) the run is reported with kind `local`
//! and stays open in the database, to be marked interrupted at the next start.
//!
//! Owns nothing beyond the batch. Never decides when a charm runs again.

use std::collections::HashMap;
use std::sync::Arc;

use charmkeeper_base::{ErrorKind, Outcome, Trigger};
use charmkeeper_charms::compile::Compiled;
use charmkeeper_charms::runner::{Action, CancelToken, Ending, Job, JobEnd, Limits, run_batch};
use charmkeeper_store::{Charm, CharmUpdate, FinishRun, NewRun, RunError, RunRow};
use tokio::sync::mpsc;

use crate::api::ApiError;
use crate::core::Core;
use crate::host::RunHost;
use crate::registry;
use crate::scheduler::{BatchId, Elsewhere, RunEnd};
use crate::send::Delivery;
use crate::spaces::finish::Remote;
use crate::spaces::lease;
use crate::updater;
use crate::verdict::Verdict;

mod ending;

pub(crate) use ending::not_stored;
use ending::{local_trouble, new_name, pauses, store_end, used_accounts};

/// The address that charms are given as their server's; the broker answers it.
pub(crate) const API_URL: &str = "https://charmkeeper.invalid/";

/// One charm to start.
#[derive(Clone)]
pub(crate) struct Planned {
    pub(crate) run: String,
    pub(crate) charm: String,
    pub(crate) trigger: Trigger,
    pub(crate) cancel: CancelToken,
    /// `None` for a background update.
    pub(crate) delivery: Option<Delivery>,
}

/// What a batch tells the engine.
pub(crate) enum Report {
    /// The run has a row.
    Started {
        batch: BatchId,
        charm: String,
        row: Box<RunRow>,
    },
    /// The run did not begin, because the charm runs elsewhere.
    Withheld {
        batch: BatchId,
        charm: String,
        elsewhere: Elsewhere,
    },
    /// The run is over; `row` as it stands in the history, or why it does not.
    Ended {
        batch: BatchId,
        charm: String,
        run: String,
        end: RunEnd,
        row: Result<Box<RunRow>, ApiError>,
    },
}

struct Going {
    planned: Planned,
    charm: Charm,
    host: Arc<RunHost>,
}

/// Runs a batch to its end.
pub(crate) async fn run(
    core: Arc<Core>,
    batch: BatchId,
    runs: Vec<Planned>,
    reports: mpsc::UnboundedSender<Report>,
) {
    let task = Batch {
        core,
        id: batch,
        reports,
    };
    let (runs, withheld) = lease::admit(&task.core, runs).await;
    for (charm, elsewhere) in withheld {
        task.report(Report::Withheld {
            batch,
            charm,
            elsewhere,
        });
    }
    if runs.is_empty() {
        return;
    }
    let mut jobs = Vec::new();
    let mut going = HashMap::new();
    for planned in task.begin(runs).await {
        match task.prepare(&planned).await {
            Ok((job, host)) => {
                going.insert(job.run.clone(), host);
                jobs.push(job);
            }
            Err(failed) => task.not_started(&planned, *failed).await,
        }
    }
    let (ends, mut ended) = mpsc::unbounded_channel::<JobEnd>();
    let working = async {
        let worker = task.core.worker.clone();
        run_batch(&worker, jobs, |end| {
            // The receiver lives until this future and its sender are gone.
            let _ = ends.send(end);
        })
        .await;
        drop(ends);
    };
    let finishing = async {
        while let Some(end) = ended.recv().await {
            if let Some(run) = going.get(&end.run) {
                task.finish(run, &end).await;
            }
        }
    };
    tokio::join!(working, finishing);
}

struct Batch {
    core: Arc<Core>,
    id: BatchId,
    reports: mpsc::UnboundedSender<Report>,
}

/// Why a run ended before its charm's first line.
struct NotStarted {
    outcome: Outcome,
    error: RunError,
}

impl Batch {
    /// Writes the rows of all runs; those that cannot be written are reported
    /// as ended at once.
    async fn begin(&self, runs: Vec<Planned>) -> Vec<Planned> {
        let now = self.core.now();
        let rows: Vec<NewRun> = runs
            .iter()
            .map(|p| NewRun {
                id: p.run.clone(),
                charm: p.charm.clone(),
                trigger: p.trigger,
                started_at: now,
            })
            .collect();
        let ids: Vec<String> = runs.iter().map(|p| p.run.clone()).collect();
        let begun = self
            .core
            .store(move |store| {
                store.begin_runs(&rows)?;
                ids.iter().map(|id| store.run_row(id)).collect()
            })
            .await;
        match begun {
            Ok(rows) => {
                let rows: Vec<Option<RunRow>> = rows;
                for (planned, row) in runs.iter().zip(rows) {
                    if let Some(row) = row {
                        self.report(Report::Started {
                            batch: self.id,
                            charm: planned.charm.clone(),
                            row: Box::new(row),
                        });
                    }
                }
                runs
            }
            Err(error) => {
                tracing::error!("runs could not be begun: {error}");
                for planned in runs {
                    self.ended(&planned, local_trouble(), Err(error.clone()));
                }
                Vec::new()
            }
        }
    }

    async fn prepare(&self, planned: &Planned) -> Result<(Job, Going), Box<NotStarted>> {
        let not_started = |e: ApiError| {
            Box::new(NotStarted {
                outcome: Outcome::Failed,
                error: RunError {
                    kind: e.kind,
                    message: e.message,
                    stack: None,
                },
            })
        };
        let id = planned.charm.clone();
        let charm = self
            .core
            .store(move |store| store.charm(&id))
            .await
            .map_err(not_started)?;
        let Some(charm) = charm else {
            return Err(not_started(ApiError::new(
                ErrorKind::Usage,
                "The charm was removed.",
            )));
        };
        let compiled = compile(&self.core, &charm).await.map_err(not_started)?;
        let delivery = planned.delivery.clone();
        let chain = delivery.as_ref().map_or_else(Vec::new, |d| d.chain.clone());
        let (stream, event) = delivery.map_or_else(
            || {
                let works = updater::works(&charm);
                let stream = if works { updater::BG_UPDATER } else { "" };
                (stream.to_owned(), serde_json::json!({}))
            },
            |d| (d.stream, d.event),
        );
        let sender = chain.last().cloned();
        let host = RunHost::new(Arc::clone(&self.core), &planned.run, charm.clone(), chain);
        if let Some(id) = sender {
            let sender = self.core.store(move |store| store.charm(&id)).await;
            let name = sender
                .ok()
                .flatten()
                .map_or_else(|| "another charm".to_owned(), |c| c.name);
            host.note(&format!("This run handles an event from {name}."));
        }
        let job = Job {
            run: planned.run.clone(),
            charm: charm.handle.clone(),
            space: charm.space.clone(),
            piece: charm.piece.clone(),
            argument: charm.argument.clone(),
            // Its result document says which cells its outputs are.
            adopted: self.core.desk.spaces().contains(&charm.space),
            compiled,
            action: Action::Run,
            stream,
            event,
            api_url: API_URL.to_owned(),
            now: self.core.now(),
            limits: Limits {
                wall: self.core.run_limit,
                ..Limits::default()
            },
            host: Arc::clone(&host) as Arc<dyn charmkeeper_charms::runner::Host>,
            cancel: planned.cancel.clone(),
        };
        Ok((
            job,
            Going {
                planned: planned.clone(),
                charm,
                host,
            },
        ))
    }

    async fn not_started(&self, planned: &Planned, failed: NotStarted) {
        let kind = failed.error.kind;
        let mut finish = FinishRun::new(&planned.run, failed.outcome, 0);
        finish.error = Some(failed.error);
        let end = RunEnd {
            outcome: failed.outcome,
            kind: Some(kind),
            retry_at: None,
        };
        self.write(planned, finish, Remote::default(), end).await;
    }

    /// Judges the run and writes everything it leaves, in one transaction.
    async fn finish(&self, run: &Going, end: &JobEnd) {
        let verdict = Verdict::of(&end.ending, &run.host.budget().unrecovered());
        let mut finish = FinishRun::new(&end.run, verdict.outcome, end.usage.wall_ms);
        finish.calls = run.host.budget().records();
        finish.log = run.host.take_log();
        finish.error = verdict.error.clone();
        if verdict.outcome.commits()
            && let Ending::Finished(report) = &end.ending
        {
            finish.changes.clone_from(&report.changes);
        }
        let now = self.core.now();
        finish.accounts = used_accounts(&finish.calls, now);
        finish.pauses = pauses(&self.core, &run.host.accounts());
        finish.charm = CharmUpdate {
            name: new_name(&run.charm, &end.ending),
            ..CharmUpdate::default()
        };
        let run_end = RunEnd {
            outcome: verdict.outcome,
            kind: verdict.error.as_ref().map(|e| e.kind),
            retry_at: verdict.retry_at,
        };
        let remote = Remote {
            spaces: self.core.desk.spaces(),
            served: run.host.take_served(),
            charm: run.charm.name.clone(),
            at: now,
        };
        self.write(&run.planned, finish, remote, run_end).await;
    }

    async fn write(&self, planned: &Planned, finish: FinishRun, remote: Remote, mut end: RunEnd) {
        let desk = self.core.desk.clone();
        let run = planned.run.clone();
        let written = self
            .core
            .store(move |store| {
                let (refused, told) = store_end(store, finish, &remote)?;
                told.iter().for_each(|space| desk.wake(space));
                Ok((refused, store.run_row(&run)?))
            })
            .await;
        match written {
            Ok((refused, row)) => {
                if let Some(row) = &row {
                    end.outcome = row.outcome.unwrap_or(end.outcome);
                }
                if let Some(kind) = refused {
                    end.kind = Some(kind);
                }
                self.ended(planned, end, row.ok_or_else(not_stored));
            }
            Err(error) => {
                tracing::error!("the end of a run could not be stored: {error}");
                self.core
                    .notify(crate::notices::of_computer(&error.message));
                self.ended(planned, local_trouble(), Err(error));
            }
        }
    }

    fn ended(&self, planned: &Planned, end: RunEnd, row: Result<RunRow, ApiError>) {
        self.report(Report::Ended {
            batch: self.id,
            charm: planned.charm.clone(),
            run: planned.run.clone(),
            end,
            row: row.map(Box::new),
        });
    }

    fn report(&self, report: Report) {
        // The engine is gone only when the program ends.
        let _ = self.reports.send(report);
    }
}

/// The charm's code: from memory, or compiled from its stored sources.
async fn compile(core: &Arc<Core>, charm: &Charm) -> Result<Arc<Compiled>, ApiError> {
    if let Some(known) = core.programs.get(&charm.program_hash) {
        return Ok(known);
    }
    let hash = charm.program_hash.clone();
    let stored = core.store(move |store| store.program(&hash)).await?;
    let program = stored
        .as_ref()
        .and_then(registry::program_from_json)
        .ok_or_else(|| {
            ApiError::new(
                ErrorKind::Local,
                format!("The sources of {} are damaged.", charm.handle),
            )
            .with_hint("Remove the charm and add it again.")
        })?;
    let compiled = registry::compile(core, &program).await?;
    core.programs.put(&charm.program_hash, &compiled);
    Ok(compiled)
}
