//! How a run ended, and the report of a charm.

use std::collections::BTreeMap;

use charmkeeper_base::{
    ErrorKind, Outcome,
    cell::{Change, document},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::worker::Failure;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The charm ran to its end, well or not: see [`Report::error`].
    Finished(Report),
    /// The wall clock or the processor limit stopped it.
    TimedOut,
    /// The memory limit stopped it.
    OutOfMemory,
    /// It waited for something that could not come.
    Stalled,
    /// The worker died.
    Crashed {
        /// The signal that ended it.
        signal: Option<i32>,
        /// Or its exit code.
        code: Option<i32>,
        /// The last words of the worker, one line.
        detail: String,
    },
    /// It was asked to stop.
    Cancelled,
    /// The worker sent what a worker does not send.
    Protocol(String),
    /// No worker could be started, or none lived long enough to begin with the
    /// charm's code; not the charm's fault.
    NotStarted(String),
}

impl Ending {
    /// The word for the run's row. `Ok` for a charm that ended well; whether
    /// something changed or a request failed is for the caller to see.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Finished(report) if report.error.is_none() => Outcome::Ok,
            Self::Finished(_) | Self::Stalled => Outcome::Failed,
            Self::TimedOut => Outcome::TimedOut,
            Self::OutOfMemory => Outcome::OutOfMemory,
            Self::Crashed { .. } | Self::Protocol(_) | Self::NotStarted(_) => Outcome::Crashed,
            Self::Cancelled => Outcome::Cancelled,
        }
    }

    /// Whose fault it is; `None` when nothing went wrong.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Finished(report) if report.error.is_none() => None,
            Self::Cancelled => None,
            Self::NotStarted(_) => Some(ErrorKind::Local),
            Self::Finished(Report {
                error: Some(failure),
                ..
            }) if failure.kind == "internal" => Some(ErrorKind::Local),
            _ => Some(ErrorKind::Charm),
        }
    }

    /// One sentence for the run's row; `None` when nothing went wrong.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        Some(match self {
            Self::Finished(report) => report.error.as_ref()?.sentence(),
            Self::TimedOut => "The charm ran longer than it may and was stopped.".to_owned(),
            Self::OutOfMemory => {
                "The charm used more memory than it may and was stopped.".to_owned()
            }
            Self::Stalled => {
                "The charm's handler waits for something that cannot happen: a promise \
                that nothing will settle."
                    .to_owned()
            }
            Self::Crashed {
                signal: Some(n),
                detail,
                ..
            } => {
                format!(
                    "The charm's worker process died with signal {n}{}",
                    tail(detail)
                )
            }
            Self::Crashed { code, detail, .. } => {
                let code = code.map_or_else(String::new, |c| format!(" with code {c}"));
                format!("The charm's worker process ended{code}{}", tail(detail))
            }
            Self::Cancelled => return None,
            Self::Protocol(what) => format!("The charm's worker process was stopped: {what}."),
            Self::NotStarted(why) => format!("The charm was not started: {why}."),
        })
    }
}

fn tail(detail: &str) -> String {
    if detail.is_empty() {
        ".".to_owned()
    } else {
        format!(": {detail}")
    }
}

/// What the charm runtime says at the end of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Set when the charm failed. There are no changes then.
    pub error: Option<Failure>,
    /// What the handler wrote, one entry per document.
    pub changes: Vec<Change>,
    /// Answer to [`Action::Inspect`](super::Action::Inspect).
    pub inspection: Option<Inspection>,
    /// Requests that failed, whatever the charm made of it.
    pub calls_failed: u32,
}

/// What a charm is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Its `[NAME]`.
    #[serde(default)]
    pub name: Option<String>,
    /// Its tags, without `#`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Outputs by name: `cell`, `stream`, `derived` or `plain`.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    /// The documents that the charm's piece consists of, to be created.
    #[serde(default)]
    pub documents: Vec<NewDocument>,
}

/// A document with its first content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewDocument {
    /// Its id.
    pub id: String,
    /// `{"value": ..., ...}`.
    pub doc: Value,
}

#[derive(Deserialize)]
struct RawReport {
    ending: String,
    #[serde(default)]
    error: Option<Failure>,
    #[serde(default)]
    changes: Vec<Change>,
    #[serde(default)]
    inspection: Option<Inspection>,
    #[serde(default)]
    calls_failed: u32,
}

impl Report {
    /// Reads the runtime's JSON. It comes from the charm's own realm, so
    /// anything can be in it; what cannot be read is a failure of the charm.
    #[must_use]
    pub(crate) fn read(json: &[u8]) -> Self {
        match Self::try_read(json) {
            Ok(report) => report,
            Err(why) => Self::failed(Failure::of_charm(format!(
                "what the charm wrote cannot be read: {why}"
            ))),
        }
    }

    /// A report of nothing but a failure.
    pub(crate) fn failed(failure: Failure) -> Self {
        Self {
            error: Some(failure.cleaned()),
            ..Self::default()
        }
    }

    fn try_read(json: &[u8]) -> Result<Self, Box<dyn std::error::Error>> {
        let value = document::parse(std::str::from_utf8(json)?)?;
        let raw: RawReport = serde_json::from_value(value)?;
        if raw.ending == "ok" {
            return Ok(Self {
                error: None,
                changes: raw.changes,
                inspection: raw.inspection,
                calls_failed: raw.calls_failed,
            });
        }
        let failure = raw
            .error
            .unwrap_or_else(|| Failure::of_charm("the charm failed"));
        Ok(Self {
            calls_failed: raw.calls_failed,
            ..Self::failed(failure)
        })
    }
}

/// What a run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, user and system, in milliseconds.
    pub cpu_ms: u64,
    /// From the charm's first line to its end, in milliseconds.
    pub wall_ms: u64,
    /// The most memory that its worker held meanwhile, in bytes; 0 when unknown.
    pub peak_rss: u64,
}

/// The end of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEnd {
    /// [`Job::run`](super::Job::run).
    pub run: String,
    /// [`Job::charm`](super::Job::charm).
    pub charm: String,
    /// How it ended.
    pub ending: Ending,
    /// What it used.
    pub usage: Usage,
    /// HTTP requests that were still under way at the end, and were dropped.
    pub abandoned_fetches: u32,
    /// Process id of its worker, for logs; `None` when there was none.
    pub worker: Option<u32>,
    /// What the worker's sandbox reached; empty when there was no worker.
    pub sandbox: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_report_carries_no_changes_and_a_clean_stack() {
        let report = Report::read(
            br#"{"ending":"error","error":{"kind":"exception","name":"TypeError","message":"x",
            "stack":"TypeError: x\n    at f (charm:///m.tsx:1:2)\n    at g (ext:ck/rt.js:1:1)"},
            "changes":[{"space":"s","id":"of:a"}],"calls_failed":2}"#,
        );
        assert_eq!((report.changes.len(), report.calls_failed), (0, 2));
        assert_eq!(report.error.unwrap().stack, "at f (charm:///m.tsx:1:2)");
    }

    #[test]
    fn junk_from_the_charms_realm_is_the_charms_failure() {
        let deep = format!("{{\"ending\":{}1{}}}", "[".repeat(9000), "]".repeat(9000));
        for junk in ["", "undefined", "[]", "{\"ending\":1}", "{}", deep.as_str()] {
            let ending = Ending::Finished(Report::read(junk.as_bytes()));
            assert_eq!(ending.outcome(), Outcome::Failed, "{junk:.20}");
            assert_eq!(ending.kind(), Some(ErrorKind::Charm));
        }
        assert!(Report::read(&[0xff]).error.is_some());
    }

    #[test]
    fn every_bad_ending_has_a_sentence_and_a_kind() {
        let crashed = Ending::Crashed {
            signal: Some(6),
            code: None,
            detail: "boom".into(),
        };
        for bad in [
            Ending::TimedOut,
            Ending::OutOfMemory,
            Ending::Stalled,
            crashed.clone(),
            Ending::Protocol("a frame of unknown kind 99".into()),
            Ending::NotStarted("no such file".into()),
        ] {
            assert!(bad.kind().is_some() && bad.sentence().is_some(), "{bad:?}");
        }
        assert_eq!(
            crashed.sentence().unwrap(),
            "The charm's worker process died with signal 6: boom"
        );
        assert_eq!(Ending::Cancelled.kind(), None);
        assert_eq!(
            Ending::NotStarted(String::new()).kind(),
            Some(ErrorKind::Local)
        );
    }
}
