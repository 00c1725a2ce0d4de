//! `status` and `doctor`.

use std::process::ExitCode;

use charmkeeper_keeper::api::{CheckView, Request, StatusView};
use charmkeeper_keeper::export::RunJson;
use serde_json::Value;

use super::{Asking, ask, print_json, show_progress};
use crate::args::Common;
use crate::failure::{FAILED, Failure};
use crate::output::{self, plain};
use crate::render;

pub(crate) async fn status(common: &Common) -> Result<ExitCode, Failure> {
    let mut session = Asking::open(common).await?;
    let status: Result<StatusView, _> = session.ask(Request::Status, show_progress).await;
    if let Ok(StatusView {
        warning: Some(warning),
        ..
    }) = &status
    {
        output::note(&format!("warning: {}", plain(warning)));
        // A script's log is not a person: only this counts as seen.
        if !common.json {
            let _: Result<(), _> = session.ask(Request::DismissWarning, |_| {}).await;
        }
    }
    session.close().await;
    let status = status?;
    if common.json {
        print_json(&as_json(&status)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&plain(&status.summary));
    output::line(&if status.serving {
        format!(
            "Running as process {} on {}.",
            status.pid,
            status.home.display()
        )
    } else {
        format!(
            "No keeper is running on {}: timers are off.",
            status.home.display()
        )
    });
    if !status.charms.is_empty() {
        output::line("");
        output::table(
            &status
                .charms
                .iter()
                .map(render::charm_row)
                .collect::<Vec<_>>(),
        );
    }
    if !status.accounts.is_empty() {
        output::line("");
        let rows: Vec<_> = status
            .accounts
            .iter()
            .map(|a| vec![plain(&a.email), plain(&a.detail)])
            .collect();
        output::table(&rows);
    }
    Ok(ExitCode::SUCCESS)
}

/// The state, with each run in the form that the command line promises.
fn as_json(status: &StatusView) -> Result<Value, Failure> {
    let runs: Vec<_> = status.running.iter().map(RunJson::of).collect();
    let both = serde_json::to_value(status).and_then(|mut all| {
        all["running"] = serde_json::to_value(&runs)?;
        Ok(all)
    });
    both.map_err(|e| Failure {
        code: FAILED,
        ..Failure::usage(format!("The state cannot be written as JSON: {e}."))
    })
}

pub(crate) async fn doctor(common: &Common) -> Result<ExitCode, Failure> {
    let checks: Vec<CheckView> = ask(common, Request::Doctor, show_progress).await?;
    if common.json {
        print_json(&checks)?;
    } else {
        for check in &checks {
            let word = match check.state.as_str() {
                "ok" => "ok     ",
                "warning" => "warning",
                _ => "problem",
            };
            output::line(&format!("{word}  {}: {}", check.name, plain(&check.detail)));
            if let Some(hint) = &check.hint {
                output::line(&format!("         {}", plain(hint)));
            }
        }
    }
    let problem = checks.iter().any(|c| c.state == "problem");
    Ok(if problem {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}
