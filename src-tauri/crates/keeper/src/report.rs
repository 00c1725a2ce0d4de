//! One run as plain text for a bug report or a chat.
//!
//! Everything that a charm or a provider wrote goes through `redact`; values
//! of cells are left out.

use std::fmt::Write as _;

use crate::api::RunDetails;
use crate::redact::redact;

/// Lines of each list that are written.
const MAX_LINES: usize = 100;

/// The text.
pub(crate) fn of(run: &RunDetails) -> String {
    let mut text = String::new();
    head(&mut text, run);
    if let Some(error) = &run.error {
        line(&mut text, "");
        line(
            &mut text,
            &format!(
                "Error ({}): {}",
                error.kind.as_str(),
                redact(&error.message)
            ),
        );
        for frame in error.stack.iter().flat_map(|s| s.lines()).take(MAX_LINES) {
            line(&mut text, &format!("  {}", redact(frame)));
        }
    }
    let calls = run.calls.iter().map(|call| {
        let status = call.status.map_or("none".to_owned(), |s| s.to_string());
        let place = redact(&format!("{}{}", call.host, call.path));
        let error = call.error.as_ref().map(|e| redact(&e.message));
        format!(
            "{status} {} {place}, {} ms, {} bytes in{}",
            call.method,
            call.duration_ms,
            call.bytes_in,
            error.map(|e| format!(": {e}")).unwrap_or_default()
        )
    });
    list(&mut text, "Requests", run.calls.len(), calls);
    let cells = run
        .cells_changed
        .iter()
        .map(|cell| format!("{} {} {}", cell.op, short(&cell.id), redact(&cell.path)));
    list(&mut text, "Changed cells", run.cells_changed.len(), cells);
    let log = run
        .log
        .iter()
        .map(|l| format!("{} {}", l.level, redact(&l.text)));
    list(&mut text, "Log", run.log.len(), log);
    text
}

fn head(text: &mut String, run: &RunDetails) {
    let outcome = run.outcome.map_or("running", |o| o.as_str());
    line(text, &format!("{}: {outcome}", redact(&run.charm_name)));
    line(text, &format!("Run {} of {}", run.run, run.charm));
    let took = run.duration_ms.map(|ms| format!(", took {ms} ms"));
    line(
        text,
        &format!(
            "Started {} ({}){}",
            run.started_at.to_rfc3339(),
            run.trigger,
            took.unwrap_or_default()
        ),
    );
    line(
        text,
        &format!(
            "{} cells changed, {} requests, {}",
            run.changed,
            run.calls.len(),
            run.sync
        ),
    );
    line(
        text,
        &format!(
            "Charmkeeper {} on {} {}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    );
}

fn list(text: &mut String, name: &str, count: usize, lines: impl Iterator<Item = String>) {
    if count == 0 {
        return;
    }
    line(text, "");
    line(text, name);
    for entry in lines.take(MAX_LINES) {
        line(text, &format!("  {}", entry.replace('\n', "\n  ")));
    }
    if count > MAX_LINES {
        line(text, &format!("  and {} more", count - MAX_LINES));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn short(id: &str) -> &str {
    let tail = id.rsplit(':').next().unwrap_or(id);
    tail.get(..8).unwrap_or(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CellChangeView, LogView, RunError};
    use charmkeeper_base::http::CallRecord;
    use charmkeeper_base::{ErrorKind, Outcome, SyncState, Trigger, UnixMs};

    #[test]
    fn a_report_tells_what_happened_and_gives_nothing_away() {
        let run = RunDetails {
            run: "0192".into(),
            charm: "mail".into(),
            charm_name: "Mail of bob@example.com".into(),
            account: Some("google-0123456789abcdef".into()),
            space: "did:key:z".into(),
            trigger: Trigger::Manual,
            outcome: Some(Outcome::Failed),
            sync: SyncState::Local,
            started_at: UnixMs(0),
            duration_ms: Some(5),
            changed: 1,
            calls: vec![CallRecord {
                method: "GET".into(),
                host: "www.googleapis.com".into(),
                path: "/calendar/v3/calendars/bob%40example.com/events".into(),
                status: Some(404),
                started_at: UnixMs(0),
                duration_ms: 3,
                bytes_out: 0,
                bytes_in: 10,
                account: None,
                error: None,
            }],
            error: Some(RunError {
                kind: ErrorKind::Charm,
                message: "No token kc:google-0123456789abcdef for bob@example.com".into(),
                stack: Some("at main.tsx:3:1".into()),
            }),
            log: vec![LogView {
                at: UnixMs(0),
                level: "info".into(),
                text: "bob@example.com\nhttps://x.org/a?secret=bob".into(),
            }],
            cells_changed: vec![CellChangeView {
                id: "of:fid1:abcdefghijkl".into(),
                path: "/value/emails/0".into(),
                op: "replace".into(),
                before: None,
                after: Some("bob's secret".into()),
                truncated: false,
            }],
        };
        let text = of(&run);
        for told in [
            "failed",
            "main.tsx:3:1",
            "404 GET",
            "/value/emails/0",
            "took 5 ms",
            "Run 0192",
        ] {
            assert!(text.contains(told), "{told} in {text}");
        }
        for kept in ["bob", "kc:", "0123456789abcdef", "secret", "?secret"] {
            assert!(!text.contains(kept), "{kept} in {text}");
        }
    }
}
