//! `connect`, `accounts`, `disconnect`.

use std::process::ExitCode;

use charmkeeper_keeper::api::{AccountView, ConnectView, DisconnectView, Event, Request};

use super::{absolute, ask, print_json, show_progress};
use crate::args::{Common, ConnectArgs};
use crate::failure::{FAILED, Failure, USAGE};
use crate::output::{self, plain};

pub(crate) async fn connect(common: &Common, args: &ConnectArgs) -> Result<ExitCode, Failure> {
    let client = match &args.client {
        Some(path) => Some(absolute(&path.to_string_lossy())?.into()),
        None => None,
    };
    let request = Request::Connect {
        services: args.services.clone(),
        client,
        print_url: args.print_url,
        account: None,
    };
    let (print_url, json) = (args.print_url, common.json);
    let mut in_browser = false;
    let connected: Result<ConnectView, Failure> = ask(common, request, |event| match event {
        Event::OpenUrl { url } => {
            in_browser = true;
            show_address(&url, print_url, json);
        }
        other => show_progress(other),
    })
    .await;
    let connected = connected.map_err(|failure| match failure.code {
        // What fails after that is the sign-in, not the command.
        USAGE if in_browser => Failure {
            code: FAILED,
            ..failure
        },
        _ => failure,
    })?;
    if common.json {
        print_json(&connected)?;
    } else {
        output::line(&format!(
            "Connected {} ({}).",
            plain(&connected.account.email),
            in_words(&connected.granted)
        ));
        if !connected.charms.is_empty() {
            output::line(&format!("Added {}.", connected.charms.join(", ")));
        }
        if !connected.missing.is_empty() {
            output::line(&format!(
                "Not granted: {}. Connect again to grant it.",
                in_words(&connected.missing)
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_address(url: &str, print_url: bool, json: bool) {
    match (print_url, json) {
        (true, true) => output::line(&serde_json::json!({ "url": url }).to_string()),
        (true, false) => output::line(url),
        (false, _) => {
            output::note("Waiting for your browser. If it did not open, use this address:");
            output::note(url);
        }
    }
}

pub(crate) async fn list_accounts(common: &Common) -> Result<Vec<AccountView>, Failure> {
    ask(common, Request::Accounts, show_progress).await
}

pub(crate) async fn list(common: &Common) -> Result<ExitCode, Failure> {
    let accounts = list_accounts(common).await?;
    if common.json {
        print_json(&accounts)?;
    } else if accounts.is_empty() {
        output::line("No accounts. Add one with `charmkeeper connect google`.");
    } else {
        let rows: Vec<_> = accounts
            .iter()
            .map(|a| {
                vec![
                    plain(&a.email),
                    in_words_or_none(&a.services),
                    plain(&a.detail),
                    a.account.clone(),
                ]
            })
            .collect();
        output::table(&rows);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn disconnect(common: &Common, account: String) -> Result<ExitCode, Failure> {
    let done: DisconnectView = ask(common, Request::Disconnect { account }, show_progress).await?;
    if common.json {
        print_json(&done)?;
    } else {
        output::line(&format!("Disconnected {}.", plain(&done.email)));
        if !done.revoked {
            output::note("Google could not be reached: the access will be revoked when it can.");
        }
        if !done.stopped.is_empty() {
            output::note(&format!(
                "These charms have no account now: {}.",
                done.stopped.join(", ")
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(services: &[String]) -> String {
    let names: Vec<_> = services
        .iter()
        .map(|s| match s.as_str() {
            "gmail" => "Gmail",
            "calendar" => "Calendar",
            other => other,
        })
        .collect();
    names.join(" and ")
}

fn in_words_or_none(services: &[String]) -> String {
    if services.is_empty() {
        "nothing granted".to_owned()
    } else {
        in_words(services)
    }
}
