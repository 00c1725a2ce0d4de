//! Rows and pages for people: runs, charms, details.

use charmkeeper_keeper::api::{CharmView, RunDetails, RunView};

use crate::output::{self, cut, duration, plain};

/// A charm in the lists of `charms` and `status`.
pub(crate) fn charm_row(charm: &CharmView) -> Vec<String> {
    vec![
        charm.charm.clone(),
        charm.state.clone(),
        cut(&charm.detail, 100),
    ]
}

/// A run in the history and in the output of `serve` and `sandbox`.
pub(crate) fn run_row(run: &RunView) -> Vec<String> {
    let outcome = run.outcome.map_or("running", |o| o.as_str());
    let what = match &run.error {
        Some(error) => cut(&error.message, 100),
        None => changes(run.changed, run.calls),
    };
    vec![
        local_time(run.started_at),
        outcome.to_owned(),
        run.charm.clone(),
        run.trigger.to_string(),
        run.duration_ms.map(duration).unwrap_or_default(),
        what,
    ]
}

/// One run on one line.
pub(crate) fn run_line(run: &RunView) -> String {
    let row = run_row(run);
    format!(
        "{}  {:<13} {:<26} {:<8} {:>8}  {}",
        row[0], row[1], row[2], row[3], row[4], row[5]
    )
}

fn changes(changed: u64, calls: u64) -> String {
    let cells = match changed {
        0 => "no changes".to_owned(),
        1 => "1 cell changed".to_owned(),
        n => format!("{n} cells changed"),
    };
    match calls {
        0 => cells,
        1 => format!("{cells}, 1 request"),
        n => format!("{cells}, {n} requests"),
    }
}

/// A moment in the person's own time zone, to the second.
pub(crate) fn local_time(at: charmkeeper_base::UnixMs) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(t) => t
            .to_zoned(jiff::tz::TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => at.to_rfc3339(),
    }
}

/// Everything about one run.
pub(crate) fn details(run: &RunDetails) {
    let outcome = run.outcome.map_or("running", |o| o.as_str());
    output::line(&format!(
        "{}: {outcome} after {} ({})",
        run.charm,
        run.duration_ms.map(duration).unwrap_or_default(),
        changes(run.changed, run.calls.len() as u64)
    ));
    if let Some(error) = &run.error {
        output::line(&format!(
            "\nError ({}): {}",
            error.kind.as_str(),
            plain(&error.message)
        ));
        for text in error.stack.iter().flat_map(|s| s.lines()) {
            output::line(&format!("  {}", plain(text)));
        }
    }
    if !run.calls.is_empty() {
        output::line("\nRequests");
        let rows: Vec<_> = run.calls.iter().map(call_row).collect();
        output::table(&rows);
    }
    if !run.cells_changed.is_empty() {
        output::line("\nChanged cells");
        const SHOWN: usize = 40;
        for change in run.cells_changed.iter().take(SHOWN) {
            let value = change.after.as_ref().or(change.before.as_ref());
            let value = value.map(|v| cut(&v.to_string(), 100)).unwrap_or_default();
            output::line(&format!(
                "  {:<8} {} {} {value}",
                change.op,
                short_id(&change.id),
                plain(&change.path)
            ));
        }
        if run.cells_changed.len() > SHOWN {
            output::line(&format!("  and {} more", run.cells_changed.len() - SHOWN));
        }
    }
    if !run.log.is_empty() {
        output::line("\nLog");
        for entry in &run.log {
            output::line(&format!("  {:<5} {}", entry.level, plain(&entry.text)));
        }
    }
}

fn call_row(call: &charmkeeper_base::http::CallRecord) -> Vec<String> {
    let status = call
        .status
        .map_or_else(|| "none".to_owned(), |s| s.to_string());
    vec![
        format!("  {status}"),
        call.method.clone(),
        cut(&format!("{}{}", call.host, call.path), 80),
        duration(call.duration_ms),
        call.error
            .as_ref()
            .map(|e| cut(&e.message, 100))
            .unwrap_or_default(),
    ]
}

fn short_id(id: &str) -> &str {
    let tail = id.rsplit(':').next().unwrap_or(id);
    tail.get(..8).unwrap_or(tail)
}
