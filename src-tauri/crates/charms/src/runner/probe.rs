//! Asks a worker what its native code can reach.

use std::{io, time::Duration};

use charmkeeper_base::{ErrorKind, Explain};
use tokio::time::timeout;

use super::{
    Limits, WorkerCommand,
    child::{self, ProcessLimits},
    pipe::{FrameReader, OutQueue},
};
use crate::{
    frames::{Frame, FrameError, Kind, ProbeReport},
    worker::Isolation,
};

/// How long the attempts may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Why a probe has no result.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The program is not there, or the system has no room.
    #[error("a worker could not be started ({0})")]
    Start(#[source] io::Error),
    /// The pipe failed.
    #[error(transparent)]
    Frames(#[from] FrameError),
    /// It ended, or answered something else.
    #[error("the worker did not answer")]
    NoAnswer,
    /// It took longer than 10 s.
    #[error("the worker did not answer in time")]
    TooSlow,
}

impl Explain for ProbeError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Local
    }
}

/// Starts a worker, lets its native code try to reach files, the network and
/// other programs, and says what became of it.
///
/// # Errors
/// [`ProbeError`] when there was no answer. That an attempt worked is an answer.
pub async fn probe(cmd: &WorkerCommand) -> Result<ProbeReport, ProbeError> {
    let limits = Limits::default();
    let process = ProcessLimits {
        heap_bytes: limits.heap_bytes,
        cpu_seconds: limits.cpu_seconds,
        isolation: Isolation::default(),
    };
    let mut child = child::spawn(cmd, process)
        .await
        .map_err(ProbeError::Start)?;
    let report = timeout(LIMIT, async {
        let mut out = OutQueue::default();
        out.push(Frame::new(Kind::Probe, 1, Vec::new()))?;
        out.write_to(&mut child.stdin)
            .await
            .map_err(FrameError::Io)?;
        let mut reader = FrameReader::new(child.stdout);
        loop {
            match reader.next().await? {
                Some(frame) if frame.kind == Kind::ProbeResult => {
                    return serde_json::from_slice(&frame.payload)
                        .map_err(|_| ProbeError::NoAnswer);
                }
                Some(frame) if frame.kind == Kind::Ready => {}
                _ => return Err(ProbeError::NoAnswer),
            }
        }
    });
    let report = report.await.unwrap_or(Err(ProbeError::TooSlow));
    child.killer.kill();
    // Not an orphan and not a zombie when this returns.
    let _exit = child.exit.await;
    report
}
