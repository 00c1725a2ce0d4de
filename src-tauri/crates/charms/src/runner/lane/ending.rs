//! How a lane's job ends: by its own report, by a death, or by our hand.

use std::time::Duration;

use tokio::time::timeout;

use super::{Event, Lane, Last};
use crate::{
    frames::{DoneHead, Gone, Used},
    runner::{
        Ending, Job, JobEnd, Report, Usage,
        account::Account,
        child::Exit,
        sample::Sample,
        verdict::{self, Killed},
    },
    worker::Failure,
};

/// How long a worker that was let go, or whose pipe has ended, may take to end.
const LEAVE: Duration = Duration::from_millis(500);

impl Lane {
    /// The worker says that the job has ended.
    pub(super) fn done(&mut self, (ending, head): (Ending, DoneHead)) -> Event {
        // A process that had to stop a run is not trusted with another.
        let well = matches!(ending, Ending::Finished(_) | Ending::Stalled);
        self.retired |= !well && !self.one_process_each();
        let ending = match (ending, &mut self.current) {
            (Ending::Finished(report), Some(current)) => {
                Ending::Finished(std::mem::take(&mut current.changes).join(report))
            }
            (other, _) => other,
        };
        if let Some(current) = self.current.as_ref().filter(|_| self.one_process_each()) {
            self.last = Some(Last {
                id: current.id,
                process: current.process,
                next: None,
            });
        }
        self.end_of_current(ending, |account, seen| account.told(head.used, seen))
    }

    pub(super) async fn kill(&mut self, why: Killed) -> Event {
        self.killer.kill();
        self.bury(Some(why), None).await
    }

    /// The process of the job is dead. The worker that made it lives, but what
    /// the dead one said last is known only when both are gone.
    pub(super) async fn lost(&mut self, payload: &[u8]) -> Event {
        self.killer.kill();
        match serde_json::from_slice::<Gone>(payload) {
            Ok(gone) => self.bury(None, Some(gone)).await,
            Err(e) => self.bury(Some(Killed::Protocol(e.to_string())), None).await,
        }
    }

    /// The worker is dead, or its pipe has ended and it soon will be.
    pub(super) async fn bury(&mut self, killed: Option<Killed>, gone: Option<Gone>) -> Event {
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
    pub(in crate::runner) async fn finish(self) {
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

/// The end of a job that fits no frame.
pub(super) fn cannot_be_sent(job: &Job, why: &str) -> JobEnd {
    let failure = Failure::of_charm(format!("the charm cannot be sent to a worker: {why}"));
    never_ran(job, Ending::Finished(Report::failed(failure)))
}

/// The end of a job that no worker worked on.
pub(in crate::runner) fn never_ran(job: &Job, ending: Ending) -> JobEnd {
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
