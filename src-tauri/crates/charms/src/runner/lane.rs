//! One worker and the job that it runs.
//!
//! Owns the conversation with the worker and the hard clock. A job that has been
//! sent is never sent again, unless the worker died before it began with the
//! charm's code, which it announces.

use std::{io, time::Duration};

use tokio::{
    process::{ChildStdin, ChildStdout},
    sync::oneshot,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    Ending, Isolation, Job, JobEnd, Report, Usage, WorkerCommand,
    account::Account,
    calls::Calls,
    child::{self, Exit, Killer, ProcessLimits},
    pipe::{FrameReader, OutQueue},
    sample::{Sample, sample},
    verdict::{self, Killed},
};
use crate::{
    frames::{DoneHead, Frame, FrameError, Gone, Kind, LogLine, Ready, Used},
    worker::{Failure, engine::RUNTIMES_PER_PROCESS, log_cap::LogCap},
};

/// How long a worker may take until it begins with the charm's code. It takes
/// 60 ms on an idle machine.
const START: Duration = Duration::from_secs(20);

/// How long a worker that was let go, or whose pipe has ended, may take to end.
const LEAVE: Duration = Duration::from_millis(500);

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
    /// A job that has ended and of which the worker has not been told that
    /// nothing more comes for it.
    bye: Option<u32>,
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
            bye: None,
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
        if let Some(ended) = self.bye.take() {
            // An empty frame always fits.
            let _pushed = self.out.push(Frame::new(Kind::Bye, ended, Vec::new()));
        }
        let frame = serde_json::to_vec(&job.message())
            .map_err(|e| e.to_string())
            .map(|json| Frame::new(Kind::Job, id, json));
        let pushed = frame.and_then(|f| self.out.push(f).map_err(|e| e.to_string()));
        if let Err(why) = pushed {
            let failure = Failure::of_charm(format!("the charm cannot be sent to a worker: {why}"));
            return Err(Box::new(never_ran(
                &job,
                Ending::Finished(Report::failed(failure)),
            )));
        }
        let now = Instant::now();
        self.current = Some(Current {
            calls: Calls::new(job.host.clone(), job.limits.parallel_fetches),
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
        let current = self.current.as_mut()?;
        let known = match frame.kind {
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
            // That of a job before, whose end is known.
            Kind::Gone => true,
            Kind::Log if frame.id == current.id => log(current, &frame.payload),
            Kind::Done if frame.id == current.id => match verdict::of_done(&frame.payload) {
                Some(verdict) => return Some(self.done(verdict)),
                None => false,
            },
            Kind::Read | Kind::Wish | Kind::Fetch | Kind::Abort => {
                current.calls.take(frame.clone())
            }
            _ => false,
        };
        if known {
            return None;
        }
        let what = format!("it sent a {:?} message that makes no sense", frame.kind);
        Some(self.kill(Killed::Protocol(what)).await)
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

    /// The worker says that the job has ended.
    fn done(&mut self, (ending, head): (Ending, DoneHead)) -> Event {
        // A process that had to stop a run is not trusted with another.
        let well = matches!(ending, Ending::Finished(_) | Ending::Stalled);
        self.retired |= !well && !self.one_process_each();
        self.bye = self.current.as_ref().map(|c| c.id);
        self.end_of_current(ending, |account, seen| account.told(head.used, seen))
    }

    async fn kill(&mut self, why: Killed) -> Event {
        self.killer.kill();
        self.bury(Some(why), None).await
    }

    /// The process of the job is dead. The worker that made it lives, but what
    /// the dead one said last is known only when both are gone.
    async fn lost(&mut self, payload: &[u8]) -> Event {
        self.killer.kill();
        match serde_json::from_slice::<Gone>(payload) {
            Ok(gone) => self.bury(None, Some(gone)).await,
            Err(e) => self.bury(Some(Killed::Protocol(e.to_string())), None).await,
        }
    }

    /// The worker is dead, or its pipe has ended and it soon will be.
    async fn bury(&mut self, killed: Option<Killed>, gone: Option<Gone>) -> Event {
        self.retired = true;
        let mut exit = self.wait().await;
        if let Some(gone) = gone {
            exit.signal = gone.signal;
            exit.code = gone.code;
        }
        let own_end = matches!(killed, None | Some(Killed::Deadline));
        if own_end && let Some(current) = self.current.take_if(|c| c.started.is_none()) {
            let why = match killed {
                Some(_) => "the worker did not begin in time".to_owned(),
                None => verdict::of_death(None, &exit)
                    .sentence()
                    .unwrap_or_default(),
            };
            return Event::NeverStarted(Box::new(current.job), current.tries + 1, why);
        }
        let ending = verdict::of_death(killed, &exit);
        self.end_of_current(ending, |account, seen| match gone {
            Some(gone) => account.told(gone.used, seen),
            None => account.died(&exit, seen),
        })
    }

    /// Waits for the end of the process, and sees to it if need be.
    async fn wait(&mut self) -> Exit {
        let Some(mut exit) = self.exit.take() else {
            return Exit::default();
        };
        if let Ok(exit) = timeout(LEAVE, &mut exit).await {
            return exit.unwrap_or_default();
        }
        self.killer.kill();
        exit.await.unwrap_or_default()
    }

    fn end_of_current(
        &mut self,
        ending: Ending,
        used: impl FnOnce(&mut Account, Sample) -> Used,
    ) -> Event {
        let Some(current) = self.current.take() else {
            return Event::Slow; // Not reached: there is a job.
        };
        let used = used(&mut self.account, current.seen);
        let began = current.started.unwrap_or(current.sent);
        Event::Ended(Box::new(JobEnd {
            usage: Usage {
                cpu_ms: used.cpu_ms,
                wall_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                peak_rss: used.peak_rss,
            },
            abandoned_fetches: current.calls.open_fetches(),
            worker: Some(self.pid),
            sandbox: self.sandbox.clone(),
            ..never_ran(&current.job, ending)
        }))
    }

    /// Lets the worker go and waits until it is gone.
    pub(super) async fn finish(self) {
        let Self {
            stdin,
            exit,
            killer,
            ..
        } = self;
        // The end of its stdin ends the worker.
        drop(stdin);
        let Some(mut exit) = exit else { return };
        if timeout(LEAVE, &mut exit).await.is_err() {
            killer.kill();
            let _gone = exit.await;
        }
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

/// The end of a job that no worker worked on.
pub(super) fn never_ran(job: &Job, ending: Ending) -> JobEnd {
    JobEnd {
        run: job.run.clone(),
        charm: job.charm.clone(),
        ending,
        usage: Usage::default(),
        abandoned_fetches: 0,
        worker: None,
        sandbox: String::new(),
    }
}
