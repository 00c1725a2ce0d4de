//! One job, from its frame to its end.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    Failure,
    engine::{Engine, RunConfig, RunEnd},
    job_host::JobHost,
    link::Link,
    probe, usage,
    watchdog::{Reason, Watchdog},
};
use crate::frames::{DoneHead, End, Frame, JobMessage, Kind, MAX_PAYLOAD, join_head};

/// Room for the head of [`Kind::Done`] beside the report.
const HEAD_ROOM: usize = 128 * 1024;

/// Runs jobs on the JavaScript thread.
pub(crate) struct JobRunner {
    pub(crate) link: Link,
    pub(crate) watchdog: Watchdog,
    pub(crate) tokio: tokio::runtime::Runtime,
    pub(crate) level: String,
}

impl JobRunner {
    /// Runs the job, in `prepared` if there is one and in a fresh runtime if not,
    /// and sends how it ended. Gives the runtime back: taking it apart takes
    /// time that the keeper need not wait for.
    pub(crate) fn run(
        &self,
        id: u32,
        payload: Vec<u8>,
        prepared: Option<Engine>,
    ) -> Option<Engine> {
        let mut engine = prepared;
        let before = usage::now();
        let message = serde_json::from_slice::<JobMessage>(&payload);
        // As large as the charm is, and of no use any more.
        drop(payload);
        let (end, failure, report) = match message {
            Ok(message) => self.end_of(id, message, &mut engine),
            Err(e) => {
                let text = format!("the job cannot be read: {e}");
                (End::Failed, Some(Failure::internal(text)), String::new())
            }
        };
        let used = usage::now().since(before);
        let head = DoneHead { end, failure, used };
        // A head of known types always has a text.
        let head = serde_json::to_string(&head).unwrap_or_default();
        self.link.send(&Frame::new(
            Kind::Done,
            id,
            join_head(&head, report.as_bytes()),
        ));
        engine
    }

    fn end_of(
        &self,
        id: u32,
        message: JobMessage,
        engine: &mut Option<Engine>,
    ) -> (End, Option<Failure>, String) {
        self.link.begin();
        usage::limit_cpu(message.cpu_seconds);
        let host = Rc::new(JobHost::new(id, self.link.clone()));
        let ended = if message.action == "probe" {
            self.started(id);
            RunEnd::Failed(probe::as_failure(&probe::attempts(), &self.level))
        } else {
            self.execute(id, message, engine, &host)
        };
        host.finish_log();
        host.finish_changes();
        let reason = self.watchdog.disarm();
        classify(ended, reason)
    }

    /// From here on the charm's own code can run.
    fn started(&self, id: u32) {
        let process = std::process::id().to_le_bytes();
        self.link.send(&Frame::new(Kind::Started, id, process));
    }

    fn execute(
        &self,
        id: u32,
        message: JobMessage,
        engine: &mut Option<Engine>,
        host: &Rc<JobHost>,
    ) -> RunEnd {
        let engine = match engine {
            Some(engine) => engine,
            none => match self.tokio.block_on(Engine::new(message.heap_bytes)) {
                Ok(made) => none.insert(made),
                Err(failure) => return RunEnd::Failed(failure),
            },
        };
        let config = RunConfig {
            job: message.job,
            modules: message.modules,
            entry: message.entry,
            host: host.clone(),
        };
        self.started(id);
        let stop = Arc::new(Notify::new());
        let deadline = Instant::now() + Duration::from_millis(message.wall_ms);
        self.watchdog
            .arm(id, deadline, engine.handle(), Arc::clone(&stop));
        self.tokio.block_on(async {
            tokio::select! {
                biased;
                end = engine.run(config) => end,
                // The handler waits and runs nothing, so there is no
                // JavaScript that could be terminated.
                () = stop.notified() => RunEnd::Terminated,
            }
        })
    }
}

/// What ended the run. The watchdog's own flag tells a deadline from a full heap.
fn classify(ended: RunEnd, reason: Option<Reason>) -> (End, Option<Failure>, String) {
    let forced = match reason {
        Some(Reason::Deadline) => End::TimedOut,
        Some(Reason::Cancelled) => End::Cancelled,
        None => End::OutOfMemory,
    };
    match ended {
        RunEnd::Report(report) if report.len() + HEAD_ROOM <= MAX_PAYLOAD => {
            (End::Report, None, report)
        }
        RunEnd::Report(report) => {
            let text = format!(
                "what the charm wrote in one run is larger than {} MiB ({} bytes)",
                (MAX_PAYLOAD - HEAD_ROOM) / (1024 * 1024),
                report.len()
            );
            (End::Failed, Some(Failure::of_charm(text)), String::new())
        }
        RunEnd::Terminated => (forced, None, String::new()),
        // The watchdog wakes blocked calls with an error, and a handler that was
        // waiting can stall or throw because of that.
        RunEnd::Failed(_) | RunEnd::Stalled if reason.is_some() => (forced, None, String::new()),
        RunEnd::Failed(failure) if failure.is_out_of_memory() => {
            (End::OutOfMemory, None, String::new())
        }
        RunEnd::Failed(failure) => (End::Failed, Some(failure.cleaned()), String::new()),
        RunEnd::Stalled => (End::Stalled, None, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_termination_is_named_after_who_asked_for_it() {
        let end = |ended, reason| classify(ended, reason).0;
        assert_eq!(
            end(RunEnd::Terminated, Some(Reason::Deadline)),
            End::TimedOut
        );
        assert_eq!(
            end(RunEnd::Terminated, Some(Reason::Cancelled)),
            End::Cancelled
        );
        assert_eq!(end(RunEnd::Terminated, None), End::OutOfMemory);
        assert_eq!(end(RunEnd::Stalled, Some(Reason::Deadline)), End::TimedOut);
        assert_eq!(end(RunEnd::Stalled, None), End::Stalled);
        // A report that was complete before the clock struck stays a report.
        assert_eq!(
            end(RunEnd::Report("{}".into()), Some(Reason::Deadline)),
            End::Report
        );
    }

    #[test]
    fn a_report_that_fits_no_frame_is_a_failure_of_the_charm() {
        let (end, failure, report) = classify(RunEnd::Report("x".repeat(MAX_PAYLOAD)), None);
        assert_eq!((end, report.as_str()), (End::Failed, ""));
        assert!(failure.unwrap().message.contains("larger than 15 MiB"));
    }
}
