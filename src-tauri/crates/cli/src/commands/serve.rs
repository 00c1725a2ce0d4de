//! `serve`: the keeper without a display, until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use charmkeeper_keeper::Keeper;
use charmkeeper_keeper::api::Event;
use charmkeeper_keeper::export::RunJson;
use tokio::sync::broadcast::error::RecvError;

use super::Interrupts;
use crate::args::Common;
use crate::failure::Failure;
use crate::{output, render, setup};

pub(crate) async fn run(common: &Common) -> Result<ExitCode, Failure> {
    let mut interrupts = Interrupts::catch();
    let home = setup::home(common)?;
    let lock = home.lock()?;
    let shown = home.dir().display().to_string();
    let config = setup::keeper_config(common, home, lock, true)?;
    let keeper = Keeper::open_on(config, setup::computer(common))
        .await
        .map_err(|e| Failure::no_keeper(&e))?;
    output::note(&format!(
        "Charmkeeper is running on {shown}. Stop it with Ctrl-C."
    ));
    tokio::select! {
        () = show_runs(&keeper, common.json) => {}
        () = interrupts.wait() => {}
    }
    output::note("Stopping");
    keeper.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Prints each run as it ends, for as long as the keeper lives.
pub(crate) async fn show_runs(keeper: &Arc<Keeper>, json: bool) {
    let mut events = keeper.events();
    loop {
        match events.recv().await {
            Ok(Event::RunEnded { run }) if json => {
                match serde_json::to_string(&RunJson::of(&run)) {
                    Ok(text) => output::line(&text),
                    Err(e) => output::note(&format!("A run cannot be written as JSON: {e}.")),
                }
            }
            Ok(Event::RunEnded { run }) => output::line(&render::run_line(&run)),
            Ok(Event::Notice(notice)) => output::note(&output::plain(&notice.message)),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
