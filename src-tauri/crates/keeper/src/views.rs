//! Rows and states as the API shows them.
//!
//! Pure, apart from reading the system's time zone for "until 14:05".

use std::collections::BTreeMap;

use charmkeeper_accounts::{Account, AccountState};
use charmkeeper_base::UnixMs;
use charmkeeper_store::{ChangedCell, Charm, JsonExcerpt, RunDetails, RunRow};
use serde_json::Value;

use crate::api::{self, AccountView, CellChangeView, CharmView, LogView, RunView};
use crate::scheduler::State;
use crate::updater;

/// A row of the history.
pub(crate) fn run(row: &RunRow) -> RunView {
    RunView {
        run: row.id.clone(),
        charm: row.charm_handle.clone(),
        charm_name: row.charm_name.clone(),
        account: row.account.clone(),
        space: row.space.clone(),
        trigger: row.trigger,
        outcome: row.outcome,
        sync: row.sync,
        started_at: row.started_at,
        duration_ms: row.duration_ms,
        changed: row.changed,
        calls: row.calls,
        error: error(row),
    }
}

/// A run in full.
pub(crate) fn details(details: RunDetails) -> api::RunDetails {
    let row = &details.run;
    api::RunDetails {
        run: row.id.clone(),
        charm: row.charm_handle.clone(),
        charm_name: row.charm_name.clone(),
        account: row.account.clone(),
        space: row.space.clone(),
        trigger: row.trigger,
        outcome: row.outcome,
        sync: row.sync,
        started_at: row.started_at,
        duration_ms: row.duration_ms,
        changed: row.changed,
        error: error(row),
        calls: details.calls,
        log: details
            .log
            .into_iter()
            .map(|l| LogView {
                at: l.at,
                level: l.level.as_str().to_owned(),
                text: l.text,
            })
            .collect(),
        cells_changed: details.changed.into_iter().map(cell_change).collect(),
    }
}

fn error(row: &RunRow) -> Option<api::RunError> {
    row.error.as_ref().map(|e| api::RunError {
        kind: e.kind,
        message: e.message.clone(),
        stack: e.stack.clone(),
    })
}

fn cell_change(change: ChangedCell) -> CellChangeView {
    let cut = |e: &Option<JsonExcerpt>| e.as_ref().is_some_and(|e| e.cut);
    CellChangeView {
        truncated: cut(&change.before) || cut(&change.after),
        id: change.document,
        path: change.path,
        op: change.op,
        before: change.before.map(excerpt),
        after: change.after.map(excerpt),
    }
}

/// Whole JSON as JSON, a beginning of JSON as text.
fn excerpt(excerpt: JsonExcerpt) -> Value {
    if excerpt.cut {
        return Value::String(excerpt.text);
    }
    serde_json::from_str(&excerpt.text).unwrap_or(Value::String(excerpt.text))
}

/// A charm with what the scheduler says about it.
pub(crate) fn charm(
    row: &Charm,
    space_name: &str,
    state: Option<&State>,
    serving: bool,
    accounts: &BTreeMap<String, String>,
) -> CharmView {
    let (word, detail, next) = match state {
        Some(state) if serving || matches!(state, State::Running { .. } | State::Queued { .. }) => {
            describe(state, row, accounts)
        }
        _ if row.paused_reason.is_some() => (
            "paused",
            row.paused_reason.clone().unwrap_or_default(),
            None,
        ),
        _ if !row.enabled || !updater::works(row) => ("off", off(row), None),
        _ => (
            "stopped",
            "No keeper is running, so its timer is off.".to_owned(),
            None,
        ),
    };
    let facts = &row.facts;
    CharmView {
        charm: row.handle.clone(),
        id: row.id.clone(),
        name: row.name.clone(),
        description: facts
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned),
        space: row.space.clone(),
        space_name: space_name.to_owned(),
        tags: row.tags.clone(),
        hosts: row.hosts.clone(),
        account: row.account.clone(),
        source: row.source.clone(),
        warnings: warnings(&row.facts),
        state: word.to_owned(),
        detail,
        interval_seconds: row.interval_ms / 1000,
        enabled: row.enabled
            && row.paused_reason.is_none()
            && updater::works(row)
            // Known to the scheduler a moment before it is stored.
            && !matches!(state, Some(State::NoFavorite)),
        next_run_at: next,
        last_run_at: row.schedule.last_run_at,
        last_outcome: row.schedule.last_outcome,
        failures: row.schedule.failures,
    }
}

/// Why a charm has no timer.
fn off(row: &Charm) -> String {
    if updater::works(row) {
        return "Runs only when asked to.".to_owned();
    }
    "Has no bgUpdater: it will not run by itself. Other charms can use it.".to_owned()
}

/// What the compiler warned of; rows of an older version have none.
pub(crate) fn warnings(facts: &Value) -> Vec<api::WarningView> {
    let listed = facts.get("warnings").cloned().unwrap_or_default();
    serde_json::from_value(listed).unwrap_or_default()
}

/// One word, one sentence, and the next run where one is planned.
fn describe(
    state: &State,
    row: &Charm,
    accounts: &BTreeMap<String, String>,
) -> (&'static str, String, Option<UnixMs>) {
    let who = |id: &Option<String>| {
        let known = id
            .as_ref()
            .or(row.account.as_ref())
            .and_then(|id| accounts.get(id));
        known.cloned().unwrap_or_else(|| "The account".to_owned())
    };
    match state {
        State::Running { .. } => ("running", "Running now.".to_owned(), None),
        State::Queued { .. } => ("running", "About to run.".to_owned(), None),
        State::Waiting { next } => (
            "waiting",
            format!("Next run at {}.", clock(*next)),
            Some(*next),
        ),
        State::Disabled => ("off", off(row), None),
        State::Paused {
            until: Some(until), ..
        } => (
            "paused",
            format!("Paused until {}.", clock(*until)),
            Some(*until),
        ),
        State::Paused {
            until: None,
            everything: true,
        } => (
            "paused",
            "Everything is paused until resumed.".to_owned(),
            None,
        ),
        State::Paused { until: None, .. } => ("paused", "Paused until resumed.".to_owned(), None),
        State::NoFavorite => ("off", crate::plan::NO_FAVORITE.to_owned(), None),
        State::Elsewhere {
            name: Some(name), ..
        } => ("elsewhere", format!("Runs on {name}."), None),
        State::Elsewhere { name: None, .. } => (
            "waiting",
            "Asking its space whether another computer runs it.".to_owned(),
            None,
        ),
        State::PausedAfterFailures {
            failures,
            next_probe,
        } => (
            "failed",
            format!(
                "Paused after {failures} failures in a row; tried again at {}.",
                clock(*next_probe)
            ),
            Some(*next_probe),
        ),
        State::Failing { next, .. } => (
            "failing",
            format!("Failed; next try at {}.", clock(*next)),
            Some(*next),
        ),
        State::WaitingForNetwork { next } => {
            ("offline", "Waiting for the network.".to_owned(), *next)
        }
        State::WaitingForGoogle { until, .. } => (
            "quota",
            format!("Waiting for Google until {}.", clock(*until)),
            Some(*until),
        ),
        State::WaitingForProvider { next } => (
            "waiting",
            format!("The server failed; next try at {}.", clock(*next)),
            Some(*next),
        ),
        State::WaitingForSpace { next } => (
            "waiting",
            format!("The space refused a change; next try at {}.", clock(*next)),
            Some(*next),
        ),
        State::WaitingForComputer { next } => (
            "waiting",
            format!(
                "This computer was in trouble; next try at {}.",
                clock(*next)
            ),
            Some(*next),
        ),
        State::NeedsSignIn { account } => (
            "sign-in",
            format!("{} needs to sign in again.", who(account)),
            None,
        ),
        State::NeedsScope { account } => (
            "scope",
            format!("{} has not granted what this charm needs.", who(account)),
            None,
        ),
        State::NeedsKeychain => ("keychain", "Waiting for your keychain.".to_owned(), None),
        State::WaitingForPower { .. } => ("power", "Waiting to save power.".to_owned(), None),
        State::Overdue { since } => (
            "overdue",
            format!("Should have run at {}.", clock(*since)),
            None,
        ),
        State::Stopping => ("stopped", "The keeper is stopping.".to_owned(), None),
    }
}

/// `14:05` today, `21 Nov 14:05` on another day, in the person's time zone.
pub(crate) fn clock(at: UnixMs) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(at.0) else {
        return at.to_rfc3339();
    };
    let local = time.to_zoned(jiff::tz::TimeZone::system());
    let today = jiff::Zoned::now().date();
    let form = if local.date() == today {
        "%H:%M"
    } else {
        "%-d %b %H:%M"
    };
    local.strftime(form).to_string()
}

/// An account with its state in words. `waits` is the end of a quota pause.
pub(crate) fn account(account: &Account, waits: Option<UnixMs>) -> AccountView {
    let services: Vec<String> = account
        .services()
        .iter()
        .map(|s| s.as_str().to_owned())
        .collect();
    let (state, detail) = match (&account.state, waits) {
        (AccountState::NeedsSignIn(why), _) => {
            ("needs-sign-in", format!("Needs to sign in again: {why}."))
        }
        (AccountState::Keychain(status), _) => ("keychain", status.to_string()),
        (AccountState::Ready, Some(until)) => (
            "waiting",
            format!("Waiting for Google until {}.", clock(until)),
        ),
        (AccountState::Ready, None) if services.is_empty() => {
            ("ready", "Signed in, but nothing was granted.".to_owned())
        }
        (AccountState::Ready, None) => ("ready", "Connected.".to_owned()),
    };
    AccountView {
        account: account.id.clone(),
        email: account.email.clone(),
        name: account.name.clone(),
        services,
        scopes: account.scopes.clone(),
        state: state.to_owned(),
        detail,
        connected_at: account.connected_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_excerpt_is_text_and_a_whole_one_is_json() {
        let whole = JsonExcerpt {
            text: "{\"a\":1}".into(),
            cut: false,
        };
        assert_eq!(excerpt(whole), serde_json::json!({"a": 1}));
        let part = JsonExcerpt {
            text: "{\"a\":".into(),
            cut: true,
        };
        assert_eq!(excerpt(part), serde_json::json!("{\"a\":"));
    }
}
