//! `status` and `doctor`.

use std::process::ExitCode;

use charmkeeper_keeper::api::{CheckView, Request, StatusView};

use super::{ask, print_json, show_progress};
use crate::args::Common;
use crate::failure::{FAILED, Failure};
use crate::output::{self, plain};
use crate::render;

pub(crate) async fn status(common: &Common) -> Result<ExitCode, Failure> {
    let status: StatusView = ask(common, Request::Status, show_progress).await?;
    if common.json {
        print_json(&status)?;
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
