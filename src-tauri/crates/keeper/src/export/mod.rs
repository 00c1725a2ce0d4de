//! Runs as they leave the program: to a file, a pipe, a spreadsheet.
//!
//! Owns the two written forms of a run. The members are a contract with
//! scripts (README, "The command line"), so they are named here alone.

pub(crate) mod everything;
mod file;
pub(crate) mod history;

use charmkeeper_base::http::CallRecord;
use charmkeeper_base::{Outcome, SyncState, Trigger, UnixMs};
use serde::Serialize;

use crate::api::{RunDetails, RunError, RunView};

/// A run as JSON: a row counts its calls, a run in full lists them. What the
/// window shows besides is left out.
#[derive(Debug, Serialize)]
pub struct RunJson<'a, Calls = u64> {
    run: &'a str,
    charm: &'a str,
    space: &'a str,
    trigger: Trigger,
    outcome: Option<Outcome>,
    sync: SyncState,
    started_at: UnixMs,
    duration_ms: Option<u64>,
    changed: u64,
    calls: Calls,
    error: Option<&'a RunError>,
}

impl<'a> RunJson<'a> {
    /// What is written of a row.
    #[must_use]
    pub fn of(run: &'a RunView) -> Self {
        Self {
            run: &run.run,
            charm: &run.charm,
            space: &run.space,
            trigger: run.trigger,
            outcome: run.outcome,
            sync: run.sync,
            started_at: run.started_at,
            duration_ms: run.duration_ms,
            changed: run.changed,
            calls: run.calls,
            error: run.error.as_ref(),
        }
    }
}

impl<'a> RunJson<'a, &'a [CallRecord]> {
    /// What a run in full has in common with its row, and its calls.
    #[must_use]
    pub fn in_full(run: &'a RunDetails) -> Self {
        Self {
            run: &run.run,
            charm: &run.charm,
            space: &run.space,
            trigger: run.trigger,
            outcome: run.outcome,
            sync: run.sync,
            started_at: run.started_at,
            duration_ms: run.duration_ms,
            changed: run.changed,
            calls: &run.calls,
            error: run.error.as_ref(),
        }
    }
}

/// The heading of [`csv_line`]s.
pub const CSV_HEADING: &str =
    "run,charm,space,trigger,outcome,sync,started_at,duration_ms,changed,calls,error";

/// One row as CSV (RFC 4180), without the line's end.
#[must_use]
pub fn csv_line(run: &RunView) -> String {
    let error = run.error.as_ref().map(|e| e.message.clone());
    let fields = [
        run.run.clone(),
        run.charm.clone(),
        run.space.clone(),
        run.trigger.to_string(),
        run.outcome.map(|o| o.to_string()).unwrap_or_default(),
        run.sync.to_string(),
        run.started_at.to_rfc3339(),
        run.duration_ms.map(|d| d.to_string()).unwrap_or_default(),
        run.changed.to_string(),
        run.calls.to_string(),
        error.unwrap_or_default(),
    ];
    fields.map(|f| field(&f)).join(",")
}

/// One field. A spreadsheet would take text that begins with `=`, `+`, `-`, `@`,
/// a tab or a carriage return for a formula, so it gets an apostrophe before it.
fn field(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_fields_are_quoted_and_never_formulas() {
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(field("two\r\nlines"), "\"two\r\nlines\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(field(formula), format!("'{formula}"));
        }
        assert_eq!(field("\r=1,2"), "\"'\r=1,2\"");
        assert_eq!(field("plain"), "plain");
        assert_eq!(field(""), "");
    }

    #[test]
    fn a_line_has_as_many_fields_as_the_heading() {
        let run = RunView {
            run: "r".into(),
            charm: "c".into(),
            charm_name: "C".into(),
            account: Some("a".into()),
            space: "s".into(),
            trigger: Trigger::Timer,
            outcome: None,
            sync: SyncState::Local,
            started_at: UnixMs(0),
            duration_ms: None,
            changed: 0,
            calls: 0,
            error: None,
        };
        let count = |line: &str| line.split(',').count();
        assert_eq!(count(&csv_line(&run)), count(CSV_HEADING));
        let json = serde_json::to_value(RunJson::of(&run)).unwrap();
        let members: Vec<_> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(members.join(","), CSV_HEADING);
    }
}
