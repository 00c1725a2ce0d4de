//! What is to be run, and within which limits.

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use charmkeeper_base::UnixMs;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Host;
use crate::{
    compile::Compiled,
    frames::{JobMessage, SourceModule},
};

/// How a worker is started: `program args...`, to which the runner adds limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program that calls [`worker_main`](crate::worker::worker_main).
    pub program: PathBuf,
    /// `["worker"]`.
    pub args: Vec<OsString>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Send the event to the stream.
    #[default]
    Run,
    /// Only build the pattern and say what it is made of.
    Inspect,
    /// Try from native code what the sandbox must refuse; ends as a failure of
    /// the charm. For tests and diagnosis.
    Probe,
}

impl Action {
    /// The word in the job's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Inspect => "inspect",
            Self::Probe => "probe",
        }
    }
}

/// The limits of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the charm's first line to the end of its handler. The worker stops
    /// it then.
    pub wall: Duration,
    /// How much later the worker is killed if it did not.
    pub grace: Duration,
    /// JavaScript heap, in bytes.
    pub heap_bytes: usize,
    /// Processor time, in whole seconds.
    pub cpu_seconds: u64,
    /// Memory beside the heap that the worker may hold, in bytes, before it is
    /// killed.
    pub memory_beside_heap: u64,
    /// HTTP requests at once; the rest waits.
    pub parallel_fetches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(120),
            grace: Duration::from_secs(2),
            heap_bytes: 192 * 1024 * 1024,
            cpu_seconds: 30,
            memory_beside_heap: 256 * 1024 * 1024,
            parallel_fetches: 64,
        }
    }
}

/// Stops a run from outside. Clones stop the same run.
#[derive(Clone, Debug)]
pub struct CancelToken(Arc<watch::Sender<bool>>);

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl CancelToken {
    /// A token that nobody has used.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Asks for the end. It can be asked for more than once.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the end is asked for.
    pub async fn cancelled(&self) {
        let mut asked = self.0.subscribe();
        // The sender lives in `self`, so this ends only with the value.
        let _value = asked.wait_for(|asked| *asked).await;
    }
}

/// One run of one charm.
#[derive(Clone)]
pub struct Job {
    /// Id of the run.
    pub run: String,
    /// Id of the charm.
    pub charm: String,
    /// `did:key` of the charm's space.
    pub space: String,
    /// Id of the piece, which is its result document.
    pub piece: String,
    /// Id of the argument document.
    pub argument: String,
    /// The piece was made by another program: its result document says which
    /// cells its outputs are.
    pub adopted: bool,
    /// The charm's code.
    pub compiled: Arc<Compiled>,
    /// What to do.
    pub action: Action,
    /// Name of the stream, as in `bgUpdater`; empty when the charm is only built.
    pub stream: String,
    /// What is sent to it.
    pub event: Value,
    /// Address of the service that the charm believes it runs on.
    pub api_url: String,
    /// The moment of the run.
    pub now: UnixMs,
    /// Its limits.
    pub limits: Limits,
    /// Answers its calls.
    pub host: Arc<dyn Host>,
    /// Stops it.
    pub cancel: CancelToken,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("run", &self.run)
            .field("charm", &self.charm)
            .finish_non_exhaustive()
    }
}

impl Job {
    /// The frame that starts it.
    pub(super) fn message(&self) -> JobMessage {
        let job = json!({
            "run": self.run,
            "charm": self.charm,
            "space": self.space,
            "piece": self.piece,
            "argument": self.argument,
            "adopted": self.adopted,
            "result": self.piece,
            "action": self.action.as_str(),
            "stream": self.stream,
            "event": self.event,
            "api_url": self.api_url,
            "now_ms": self.now.0,
            "locale": "en-US",
        });
        let module = |m: &crate::compile::Module| SourceModule {
            specifier: m.specifier.clone(),
            code: m.code.clone(),
            source_map: m.source_map.clone(),
        };
        JobMessage {
            action: self.action.as_str().to_owned(),
            job: job.to_string(),
            entry: self.compiled.entry.clone(),
            modules: self.compiled.modules.iter().map(module).collect(),
            wall_ms: u64::try_from(self.limits.wall.as_millis()).unwrap_or(u64::MAX),
            heap_bytes: self.limits.heap_bytes,
            cpu_seconds: self.limits.cpu_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_token_wakes_all_who_wait_and_stays_cancelled() {
        let token = CancelToken::new();
        let waiting = {
            let t = token.clone();
            tokio::spawn(async move { t.cancelled().await })
        };
        assert!(!token.is_cancelled());
        token.clone().cancel();
        waiting.await.unwrap();
        token.cancelled().await;
        assert!(token.is_cancelled());
    }
}
