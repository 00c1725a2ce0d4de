//! What the payloads say.

use serde::{Deserialize, Serialize};

use crate::worker::Failure;

/// A compiled module of a charm, as the worker gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceModule {
    /// As in `charm:///util/x.ts`.
    pub specifier: String,
    /// JavaScript.
    pub code: String,
    /// Source map (version 3, JSON).
    pub source_map: Option<String>,
}

/// [`Kind::Job`](super::Kind::Job).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobMessage {
    /// `run`, `inspect` or `probe` (native code tries to break out, as a test).
    pub action: String,
    /// JSON text for `op_ck_job`.
    pub job: String,
    /// Specifier of the entry module.
    pub entry: String,
    /// The charm.
    pub modules: Vec<SourceModule>,
    /// Soft limit of the run, in milliseconds.
    pub wall_ms: u64,
    /// Limit of the JavaScript heap, in bytes.
    pub heap_bytes: usize,
    /// Limit of processor time, in whole seconds.
    pub cpu_seconds: u64,
}

/// [`Kind::Ready`](super::Kind::Ready).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What the sandbox reached, as in `landlock: full, seccomp: on, limits: on`.
    pub level: String,
}

/// A line of console output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text; may have several lines.
    pub text: String,
}

/// How a job ended, as the worker saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The charm runtime answered; its report follows the head.
    Report,
    /// The charm failed outside of the handler; `failure` says how.
    Failed,
    /// The handler waits for something that cannot come.
    Stalled,
    /// The soft limit was reached.
    TimedOut,
    /// The heap's limit was reached.
    OutOfMemory,
    /// The keeper asked for it.
    Cancelled,
}

/// What a job used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Processor time, user and system, in milliseconds.
    pub cpu_ms: u64,
    /// The most memory that the process ever held, in bytes; 0 when unknown.
    pub peak_rss: u64,
}

/// Head of [`Kind::Done`](super::Kind::Done); the report's JSON follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneHead {
    /// How it ended.
    pub end: End,
    /// For [`End::Failed`].
    pub failure: Option<Failure>,
    /// What it used.
    pub used: Used,
}

/// [`Kind::Gone`](super::Kind::Gone): how the process of a job ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Or its exit code.
    pub code: Option<i32>,
    /// What it used.
    pub used: Used,
}

/// One thing that native code tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried, as in `read /etc/passwd`.
    pub what: String,
    /// The number of the error with which the system refused; `None` when the
    /// attempt got past the sandbox, even if it then failed.
    pub errno: Option<i32>,
    /// What happened, in the system's words.
    pub text: String,
}

/// [`Kind::ProbeResult`](super::Kind::ProbeResult).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// As in [`Ready`].
    #[serde(default)]
    pub level: String,
    /// Every attempt, in a fixed order.
    pub attempts: Vec<Attempt>,
}

impl ProbeReport {
    /// True when every attempt was refused.
    #[must_use]
    pub fn confined(&self) -> bool {
        !self.attempts.is_empty() && self.attempts.iter().all(|a| a.errno.is_some())
    }
}

const ANSWERED: u8 = 0;
const REFUSED: u8 = 1;

/// [`Kind::Reply`](super::Kind::Reply): a status byte, then the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// JSON text, or a head with a body for a fetch.
    Answer(Vec<u8>),
    /// One sentence on why there is no answer.
    Refused(String),
}

impl Reply {
    /// The payload of the frame.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        let (status, rest) = match self {
            Self::Answer(bytes) => (ANSWERED, bytes),
            Self::Refused(reason) => (REFUSED, reason.into_bytes()),
        };
        let mut payload = Vec::with_capacity(1 + rest.len());
        payload.push(status);
        payload.extend_from_slice(&rest);
        payload
    }

    /// Reads a payload. What is not a reply counts as a refusal.
    #[must_use]
    pub fn from_payload(mut payload: Vec<u8>) -> Self {
        match payload.first() {
            Some(&ANSWERED) => {
                payload.remove(0);
                Self::Answer(payload)
            }
            Some(&REFUSED) => Self::Refused(String::from_utf8_lossy(&payload[1..]).into_owned()),
            _ => Self::Refused("the keeper sent a reply that cannot be read".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_come_back_and_anything_else_is_a_refusal() {
        for reply in [
            Reply::Answer(vec![0, 1, 255]),
            Reply::Refused("no such space".to_owned()),
        ] {
            assert_eq!(Reply::from_payload(reply.clone().into_payload()), reply);
        }
        for junk in [vec![], vec![7, 1]] {
            assert!(matches!(Reply::from_payload(junk), Reply::Refused(_)));
        }
    }

    #[test]
    fn a_probe_is_confined_only_when_everything_was_refused() {
        let refused = |errno| Attempt {
            what: "read".into(),
            errno,
            text: String::new(),
        };
        let report = |attempts| ProbeReport {
            level: String::new(),
            attempts,
        };
        assert!(report(vec![refused(Some(1)), refused(Some(13))]).confined());
        assert!(!report(vec![refused(Some(1)), refused(None)]).confined());
        assert!(!report(vec![]).confined());
    }
}
