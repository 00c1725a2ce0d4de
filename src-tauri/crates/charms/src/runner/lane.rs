//! One worker and the job that it runs.
//!
//! Owns the conversation with the worker and the hard clock. A job that has been
//! sent is never sent again, unless the worker died before it began with the
//! charm's code, which it announces.

mod ending;

use std::{io, time::Duration};

use tokio::{
    process::{ChildStdin, ChildStdout},
    sync::oneshot,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Isolation, Job, JobEnd, WorkerCommand,
    account::Account,
    calls::Calls,
    changes::Changes,
    child::{self, Exit, Killer, ProcessLimits},
    pipe::{FrameReader, OutQueue},
    sample::{Sample, sample},
    verdict::{self, Killed},
};
use crate::{
    frames::{Frame, FrameError, Kind, LogLine, Ready},
    worker::{engine::RUNTIMES_PER_PROCESS, log_cap::LogCap},
};

pub(super) use ending::never_ran;

use ending::cannot_be_sent;

/// How long a worker may take until it begins with the charm's code. It takes
/// 60 ms on an idle machine.
const START: Duration = Duration::from_secs(20);

/// Time between two looks at a worker's memory.
const WATCH: Duration = Duration::from_millis(150);

/// Bytes that wait for the worker beyond which no more replies are made.
const OUT_BYTES: usize = 32 * 1024 * 1024;

/// What happened to a lane's job.
pub(super) enum Event {
    /// It takes long; it goes on.
    Slow,
    /// It has ended.
    Ended(Box<JobEnd>),
    /// The worker died before the charm's code began; for the how manieth time,
    /// and why.
    NeverStarted(Box<Job>, u32, String),
}

struct Current {
    job: Job,
    /// Workers that died before they began with it.
    tries: u32,
    id: u32,
    calls: Calls,
    changes: Changes,
    sent: Instant,
    started: Option<Instant>,
    /// When to say that it is slow; `None` when it was said.
    slow_at: Option<Instant>,
    /// When to kill it after it was asked to stop.
    stop_by: Option<Instant>,
    /// The process that runs it.
    process: u32,
    /// What that process was seen to use.
    seen: Sample,
    log: LogCap,
}

impl Current {
    fn killed_at(&self) -> Instant {
        let limits = &self.job.limits;
        let clock = self
            .started
            .map_or(self.sent + START, |at| at + limits.wall + limits.grace);
        self.stop_by.map_or(clock, |by| by.min(clock))
    }
}

/// A job that has ended.
struct Last {
    id: u32,
    process: u32,
    /// The next job. It is not sent before the process is gone, which could read
    /// it otherwise, and answer in its name, if native code has taken it over.
    next: Option<Frame>,
}

/// What woke the lane.
enum Wake {
    Frame(Result<Option<Frame>, FrameError>),
    Written(io::Result<()>),
    Reply(Option<Frame>),
    Due,
    Cancel,
    Look,
}

/// A worker.
pub(super) struct Lane {
    reader: FrameReader<ChildStdout>,
    stdin: ChildStdin,
    out: OutQueue,
    killer: Killer,
    pid: u32,
    limits: ProcessLimits,
    /// `None` when the process is gone.
    exit: Option<oneshot::Receiver<Exit>>,
    look: Interval,
    sandbox: String,
    jobs: u32,
    /// Set when a job was slow: others take the rest of the batch.
    slow: bool,
    /// Set when the worker is not to be used again.
    retired: bool,
    /// The last job, as long as its process may exist.
    last: Option<Last>,
    account: Account,
    current: Option<Current>,
}

impl Lane {
    /// Starts a worker.
    pub(super) async fn start(cmd: &WorkerCommand, limits: ProcessLimits) -> io::Result<Self> {
        let child = child::spawn(cmd, limits).await?;
        let mut look = interval(WATCH);
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Self {
            reader: FrameReader::new(child.stdout),
            stdin: child.stdin,
            out: OutQueue::default(),
            pid: child.pid,
            limits,
            killer: child.killer,
            exit: Some(child.exit),
            look,
            sandbox: String::new(),
            jobs: 0,
            slow: false,
            retired: false,
            last: None,
            account: Account::new(limits.isolation),
            current: None,
        })
    }

    /// True when it can take another job.
    pub(super) fn can_take(&self) -> bool {
        let room = self.one_process_each() || (self.jobs as usize) < RUNTIMES_PER_PROCESS;
        room && !self.slow && !self.retired
    }

    /// The limit of the heap of all its jobs.
    pub(super) fn heap_bytes(&self) -> usize {
        self.limits.heap_bytes
    }

    fn one_process_each(&self) -> bool {
        self.limits.isolation == Isolation::Process
    }

    /// True when it has said [`Event::Slow`].
    pub(super) fn was_slow(&self) -> bool {
        self.slow
    }

    /// Gives it a job.
    ///
    /// # Errors
    /// The job's end, when it fits no frame.
    pub(super) fn begin(
        &mut self,
        job: Job,
        tries: u32,
        slow_after: Duration,
    ) -> Result<(), Box<JobEnd>> {
        self.jobs += 1;
        let id = self.jobs;
        let frame = match serde_json::to_vec(&job.message()) {
            Ok(json) => Frame::new(Kind::Job, id, json),
            Err(e) => return Err(Box::new(cannot_be_sent(&job, &e.to_string()))),
        };
        if let Err(e) = frame.header() {
            return Err(Box::new(cannot_be_sent(&job, &e.to_string())));
        }
        // Both frames fit, the one as was just seen and the other as it is empty.
        let _pushed = match &mut self.last {
            Some(last) => {
                last.next = Some(frame);
                self.out.push(Frame::new(Kind::Bye, last.id, Vec::new()))
            }
            None => self.out.push(frame),
        };
        let now = Instant::now();
        self.current = Some(Current {
            calls: Calls::new(job.host.clone(), job.limits.parallel_fetches),
            changes: Changes::default(),
            job,
            tries,
            id,
            sent: now,
            started: None,
            slow_at: Some(now + slow_after),
            stop_by: None,
            process: self.pid,
            seen: Sample::default(),
            log: LogCap::with_summary(),
        });
        Ok(())
    }

    /// Goes on with the job until something happens to it. Must not be called
    /// without a job.
    pub(super) async fn step(&mut self) -> Event {
        loop {
            let wake = self.wake().await;
            let event = match wake {
                Wake::Frame(Ok(Some(frame))) => self.on_frame(frame).await,
                Wake::Frame(Ok(None) | Err(FrameError::Io(_))) => Some(self.bury(None, None).await),
                Wake::Frame(Err(e)) => Some(self.kill(Killed::Protocol(e.to_string())).await),
                Wake::Reply(Some(reply)) => self.send(reply).await,
                Wake::Reply(None) | Wake::Written(Ok(())) => None,
                Wake::Written(Err(_)) => {
                    // The worker is dead or dying; its other pipe will say so.
                    self.out = OutQueue::default();
                    None
                }
                Wake::Due => self.on_due().await,
                Wake::Cancel => self.on_cancel().await,
                Wake::Look => self.on_look().await,
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let Some(current) = self.current.as_mut() else {
            // Not reached: a lane is stepped only while it has a job.
            return std::future::pending().await;
        };
        let kill = current.killed_at();
        let due = current.slow_at.map_or(kill, |slow| slow.min(kill));
        tokio::select! {
            frame = self.reader.next(), if current.calls.has_room() => Wake::Frame(frame),
            done = self.out.write_to(&mut self.stdin), if !self.out.is_empty() => Wake::Written(done),
            reply = current.calls.next(),
                if !current.calls.is_idle() && self.out.bytes() < OUT_BYTES => Wake::Reply(reply),
            () = sleep_until(due) => Wake::Due,
            () = current.job.cancel.cancelled(), if current.stop_by.is_none() => Wake::Cancel,
            _ = self.look.tick() => Wake::Look,
        }
    }

    async fn send(&mut self, frame: Frame) -> Option<Event> {
        match self.out.push(frame) {
            Ok(()) => None,
            // Not reached: replies are cut to fit. The worker would wait for ever.
            Err(e) => Some(self.kill(Killed::Protocol(e.to_string())).await),
        }
    }

    async fn on_frame(&mut self, frame: Frame) -> Option<Event> {
        if let Some(last) = self.last.take() {
            return self.after(last, &frame).await;
        }
        let current = self.current.as_mut()?;
        let kind = frame.kind;
        let known = match kind {
            Kind::Ready => {
                let ready = serde_json::from_slice::<Ready>(&frame.payload);
                ready.map(|r| self.sandbox = r.level).is_ok()
            }
            Kind::Started if frame.id == current.id && current.started.is_none() => {
                current.started = Some(Instant::now());
                let process = frame.payload.as_slice().try_into();
                process
                    .map(|p| current.process = u32::from_le_bytes(p))
                    .is_ok()
            }
            Kind::Gone if frame.id == current.id => {
                return Some(self.lost(&frame.payload).await);
            }
            Kind::Log if frame.id == current.id => log(current, &frame.payload),
            Kind::Changes if frame.id == current.id => current.changes.take(&frame.payload),
            Kind::Done if frame.id == current.id => match verdict::of_done(&frame.payload) {
                Some(verdict) => return Some(self.done(verdict)),
                None => false,
            },
            Kind::Read | Kind::Wish | Kind::Send | Kind::Fetch | Kind::Abort => {
                current.calls.take(frame)
            }
            _ => false,
        };
        if known {
            return None;
        }
        let what = format!("it sent a {kind:?} message that makes no sense");
        Some(self.kill(Killed::Protocol(what)).await)
    }

    /// Between two jobs the worker has one thing to say: that the process of the
    /// last one is gone. Anything else, and a process that is there all the same,
    /// means that somebody else is speaking; nothing is sent to him.
    async fn after(&mut self, last: Last, frame: &Frame) -> Option<Event> {
        let gone = frame.kind == Kind::Gone && frame.id == last.id;
        match last.next {
            Some(next) if gone && sample(last.process).is_none() => self.send(next).await,
            _ => {
                self.killer.kill();
                Some(self.bury(None, None).await)
            }
        }
    }

    async fn on_due(&mut self) -> Option<Event> {
        let current = self.current.as_mut()?;
        let now = Instant::now();
        if now >= current.killed_at() {
            let stopped = current.stop_by.is_some_and(|by| now >= by);
            let why = if stopped {
                Killed::Cancelled
            } else {
                Killed::Deadline
            };
            return Some(self.kill(why).await);
        }
        if current.slow_at.is_some_and(|at| now >= at) {
            current.slow_at = None;
            self.slow = true;
            return Some(Event::Slow);
        }
        None
    }

    async fn on_cancel(&mut self) -> Option<Event> {
        let current = self.current.as_mut()?;
        current.stop_by = Some(Instant::now() + current.job.limits.grace);
        let id = current.id;
        self.send(Frame::new(Kind::Cancel, id, Vec::new())).await
    }

    async fn on_look(&mut self) -> Option<Event> {
        let current = self.current.as_mut()?;
        let now = sample(current.process)?;
        current.seen.cpu_ms = now.cpu_ms;
        current.seen.rss = current.seen.rss.max(now.rss);
        let limits = &current.job.limits;
        if now.rss > limits.heap_bytes as u64 + limits.memory_beside_heap {
            return Some(self.kill(Killed::Memory).await);
        }
        None
    }
}

fn log(current: &mut Current, payload: &[u8]) -> bool {
    let Ok(line) = serde_json::from_slice::<LogLine>(payload) else {
        return false;
    };
    if let Some(text) = current.log.admit(&line.text) {
        let text = text.to_owned();
        current.job.host.log(LogLine {
            level: line.level,
            text,
        });
    }
    true
}
