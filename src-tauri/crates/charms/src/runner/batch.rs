//! The jobs of one space, one after another.

use std::{collections::VecDeque, future::Future, pin::Pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};

use super::{
    Ending, Isolation, Job, JobEnd, WorkerCommand,
    child::ProcessLimits,
    lane::{Event, Lane, never_ran},
};

/// How a batch is spread over workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// When a charm takes longer than this, the rest of the batch goes on in
    /// another worker, without waiting for it.
    pub slow_after: Duration,
    /// The most workers at once. With so many slow charms the rest waits for
    /// one of them.
    pub max_workers: usize,
    /// How the jobs of one worker are kept apart.
    pub isolation: Isolation,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            slow_after: Duration::from_secs(2),
            max_workers: 8,
            isolation: Isolation::default(),
        }
    }
}

/// Starts of a worker that may fail before a job gives up.
const TRIES: u32 = 2;

type Step<'a> = Pin<Box<dyn Future<Output = (Option<Lane>, Event)> + Send + 'a>>;

/// Runs jobs one after another in one worker, each in a process or at least a
/// JavaScript runtime of its own ([`Isolation`]); after a crash, a kill or a slow charm the rest goes to a new worker.
/// No charm's code is ever run twice.
///
/// `on_end` is called once for every job, in the order of their ends; the next
/// job of the same worker is sent after it returned. No worker is alive when the
/// future is ready, and all are killed when it is dropped.
pub async fn run_batch(cmd: &WorkerCommand, jobs: Vec<Job>, on_end: impl FnMut(JobEnd)) {
    run_batch_with(cmd, BatchOptions::default(), jobs, on_end).await;
}

/// [`run_batch`] with options.
pub async fn run_batch_with(
    cmd: &WorkerCommand,
    options: BatchOptions,
    jobs: Vec<Job>,
    mut on_end: impl FnMut(JobEnd),
) {
    let mut batch = Batch {
        cmd,
        options,
        waiting: jobs.into_iter().map(|job| (job, 0)).collect(),
        lanes: FuturesUnordered::new(),
        leaving: FuturesUnordered::new(),
        taking: false,
    };
    loop {
        batch.fill(&mut on_end);
        if batch.lanes.is_empty() && batch.leaving.is_empty() {
            return;
        }
        tokio::select! {
            Some((lane, event)) = batch.lanes.next() => batch.on_event(lane, event, &mut on_end),
            Some(()) = batch.leaving.next() => {}
        }
    }
}

struct Batch<'a> {
    cmd: &'a WorkerCommand,
    options: BatchOptions,
    /// Jobs, and how often a worker for them did not come to life.
    waiting: VecDeque<(Job, u32)>,
    lanes: FuturesUnordered<Step<'a>>,
    /// Workers that are ending.
    leaving: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// True while there is a lane that takes the next job: not when the last
    /// one is slow or gone.
    taking: bool,
}

impl Batch<'_> {
    /// Starts a worker for the next job when no lane will take it.
    fn fill(&mut self, on_end: &mut impl FnMut(JobEnd)) {
        while !self.taking && self.lanes.len() < self.options.max_workers.max(1) {
            let Some((job, tries)) = self.next_job(None, on_end) else {
                return;
            };
            let limits = self.process_limits(&job);
            self.taking = true;
            let (cmd, slow_after) = (self.cmd, self.options.slow_after);
            self.lanes.push(Box::pin(async move {
                let mut lane = match Lane::start(cmd, limits).await {
                    Ok(lane) => lane,
                    Err(e) => {
                        let why = format!("the worker could not be started ({e})");
                        return (None, Event::NeverStarted(Box::new(job), TRIES, why));
                    }
                };
                step(lane.begin(job, tries, slow_after), lane).await
            }));
        }
    }

    /// The next job that nobody has cancelled meanwhile; `None` also when it
    /// needs a worker with another limit than `heap`, which is fixed at its start.
    fn next_job(
        &mut self,
        heap: Option<usize>,
        on_end: &mut impl FnMut(JobEnd),
    ) -> Option<(Job, u32)> {
        let fits = |job: &Job| heap.is_none_or(|heap| job.limits.heap_bytes == heap);
        while let Some((job, tries)) = self.waiting.pop_front_if(|(job, _)| fits(job)) {
            if !job.cancel.is_cancelled() {
                return Some((job, tries));
            }
            on_end(never_ran(&job, Ending::Cancelled));
        }
        None
    }

    /// Limits of a worker for this job and those that may follow it.
    fn process_limits(&self, job: &Job) -> ProcessLimits {
        let waiting = self.waiting.iter().map(|(job, _)| job.limits.cpu_seconds);
        ProcessLimits {
            heap_bytes: job.limits.heap_bytes,
            cpu_seconds: waiting.fold(job.limits.cpu_seconds, u64::max),
            isolation: self.options.isolation,
        }
    }

    fn on_event(&mut self, lane: Option<Lane>, event: Event, on_end: &mut impl FnMut(JobEnd)) {
        // A lane that has said `Slow` takes no more and is not the taking one.
        let took = lane.as_ref().is_none_or(|lane| !lane.was_slow());
        match event {
            Event::Slow => {
                self.taking = false;
                if let Some(lane) = lane {
                    self.lanes.push(Box::pin(step(Ok(()), lane)));
                }
                return;
            }
            Event::Ended(end) => on_end(*end),
            Event::NeverStarted(job, tries, _) if tries < TRIES => {
                self.waiting.push_front((*job, tries));
            }
            Event::NeverStarted(job, _, why) => {
                on_end(never_ran(&job, Ending::NotStarted(why)));
            }
        }
        if took {
            self.taking = false;
        }
        let Some(mut lane) = lane else { return };
        if took
            && lane.can_take()
            && let Some((job, tries)) = self.next_job(Some(lane.heap_bytes()), on_end)
        {
            self.taking = true;
            let begun = lane.begin(job, tries, self.options.slow_after);
            self.lanes.push(Box::pin(step(begun, lane)));
        } else {
            self.leaving.push(Box::pin(lane.finish()));
        }
    }
}

async fn step(begun: Result<(), Box<JobEnd>>, mut lane: Lane) -> (Option<Lane>, Event) {
    let event = match begun {
        Ok(()) => lane.step().await,
        Err(end) => Event::Ended(end),
    };
    (Some(lane), event)
}
