//! `serve`: the keeper without a display, until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use charmkeeper_keeper::Keeper;
use charmkeeper_keeper::api::Event;
use tokio::sync::broadcast::error::RecvError;

use super::interrupted;
use crate::args::Common;
use crate::failure::Failure;
use crate::{output, render, setup};

pub(crate) async fn run(common: &Common) -> Result<ExitCode, Failure> {
    let home = setup::home(common)?;
    let lock = home.lock()?;
    let shown = home.dir().display().to_string();
    let config = setup::keeper_config(common, home, lock, true)?;
    let keeper = Keeper::open(config)
        .await
        .map_err(|e| Failure::no_keeper(&e))?;
    output::note(&format!(
        "Charmkeeper is running on {shown}. Stop it with Ctrl-C."
    ));
    show_until_stopped(&keeper, common.json).await;
    output::note("Stopping");
    keeper.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Prints each run as it ends, until Ctrl-C or SIGTERM.
pub(crate) async fn show_until_stopped(keeper: &Arc<Keeper>, json: bool) {
    let mut events = keeper.events();
    let mut stop = std::pin::pin!(interrupted());
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = &mut stop => return,
        };
        match event {
            Ok(Event::RunEnded { run }) if json => match serde_json::to_string(&run) {
                Ok(text) => output::line(&text),
                Err(e) => output::note(&format!("A run cannot be written as JSON: {e}.")),
            },
            Ok(Event::RunEnded { run }) => output::line(&render::run_line(&run)),
            Ok(Event::Notice { message, .. }) => output::note(&output::plain(&message)),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
