//! One run in full as the command line promises it: a contract with scripts, as
//! the rows of [`charmkeeper_keeper::export`] are.
//!
//! Never prints: `commands` do. What the window shows besides is left out.

use charmkeeper_base::http::CallRecord;
use charmkeeper_keeper::api::{CellChangeView, LogView, RunDetails};
use charmkeeper_keeper::export::RunJson;
use serde::Serialize;

/// One run in full.
#[derive(Debug, Serialize)]
pub(crate) struct DetailsJson<'a> {
    #[serde(flatten)]
    run: RunJson<'a, &'a [CallRecord]>,
    log: &'a [LogView],
    cells_changed: &'a [CellChangeView],
}

impl<'a> DetailsJson<'a> {
    /// What is printed of a run in full.
    pub(crate) fn of(run: &'a RunDetails) -> Self {
        Self {
            run: RunJson::in_full(run),
            log: &run.log,
            cells_changed: &run.cells_changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use charmkeeper_base::{Outcome, SyncState, Trigger, UnixMs};

    use super::*;

    #[test]
    fn a_run_has_the_promised_members_and_no_others() {
        let details = RunDetails {
            run: "r".into(),
            charm: "c".into(),
            charm_name: "C".into(),
            account: Some("a".into()),
            space: "did:key:z".into(),
            trigger: Trigger::Timer,
            outcome: Some(Outcome::Ok),
            sync: SyncState::Local,
            started_at: UnixMs(0),
            duration_ms: Some(1),
            changed: 0,
            calls: vec![],
            error: None,
            log: vec![],
            cells_changed: vec![],
        };
        let members = |value: serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let row = serde_json::to_value(RunJson::of(&details.row())).unwrap();
        let promised = [
            "run",
            "charm",
            "space",
            "trigger",
            "outcome",
            "sync",
            "started_at",
            "duration_ms",
            "changed",
            "calls",
            "error",
        ];
        assert_eq!(members(row), promised);
        let full = serde_json::to_value(DetailsJson::of(&details)).unwrap();
        assert_eq!(
            members(full),
            [&promised[..], &["log", "cells_changed"]].concat()
        );
    }
}
