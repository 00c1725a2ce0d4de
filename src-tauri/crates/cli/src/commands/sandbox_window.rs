//! `sandbox` with a display: the tray and the window keep the try-out profile,
//! and this program holds the stand-in for Google beside them.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use charmkeeper_accounts::client::{ID_VARIABLE, SECRET_VARIABLE};
use charmkeeper_keeper::api::{Event, Request};
use charmkeeper_keeper::control;
use charmkeeper_keeper::home::{Home, Presence};
use charmkeeper_sandbox::{CLIENT_ID, CLIENT_SECRET, Running};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{Interrupts, sandbox};
use crate::failure::{FAILED, Failure};
use crate::output;

/// How often the new keeper is looked for.
const PACE: Duration = Duration::from_millis(50);

/// Opens the window, signs the sample account in, and stays until either ends.
pub(super) async fn run(
    program: &Path,
    home: &Home,
    google: &Running,
    interrupts: &mut Interrupts,
) -> Result<ExitCode, Failure> {
    let mut window = start(program, home, google)?;
    output::note(&format!(
        "The stand-in for Google is at {}",
        google.base_url
    ));
    let ended = tokio::select! {
        ended = window.wait() => Some(ended),
        () = interrupts.wait() => None,
        failed = signed_in(home, google) => {
            if let Err(failure) = failed {
                stop(&mut window).await;
                return Err(failure);
            }
            output::note("New mail and events arrive every 45 seconds. Stop with Quit or Ctrl-C.");
            tokio::select! {
                ended = window.wait() => Some(ended),
                () = interrupts.wait() => None,
            }
        }
    };
    match ended {
        Some(Ok(status)) => {
            let code = status.code().and_then(|c| u8::try_from(c).ok());
            Ok(ExitCode::from(code.unwrap_or(FAILED)))
        }
        Some(Err(e)) => Err(lost(program, &e)),
        None => {
            stop(&mut window).await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn start(program: &Path, home: &Home, google: &Running) -> Result<Child, Failure> {
    Command::new(program)
        // The account signs in by itself, so there is no first run to go through.
        .args(["--page", "/history"])
        .args(["--sandbox", google.base_url.as_str(), "--home"])
        .arg(home.dir())
        .env(ID_VARIABLE, CLIENT_ID)
        .env(SECRET_VARIABLE, CLIENT_SECRET)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| lost(program, &e))
}

fn lost(program: &Path, error: &std::io::Error) -> Failure {
    Failure {
        code: FAILED,
        ..Failure::usage(format!("{} cannot be started: {error}.", program.display()))
    }
}

/// Lets the window's keeper end its runs.
async fn stop(window: &mut Child) {
    #[cfg(unix)]
    if let Some(pid) = window.id() {
        // The signal that a logout sends; what is gone already needs none.
        let _ = Command::new("kill").arg(pid.to_string()).status().await;
    }
    #[cfg(not(unix))]
    let _ = window.start_kill();
    let _ = window.wait().await;
}

async fn signed_in(home: &Home, google: &Running) -> Result<(), Failure> {
    let keeper = served(home).await;
    sandbox::sign_in(google, async |request, events| {
        call(&keeper, &request, &events).await
    })
    .await
}

async fn served(home: &Home) -> Presence {
    loop {
        match home.presence() {
            Some(keeper) if keeper.serving && keeper.socket.exists() => return keeper,
            _ => tokio::time::sleep(PACE).await,
        }
    }
}

async fn call(
    keeper: &Presence,
    request: &Request,
    events: &mpsc::Sender<Event>,
) -> Result<Value, Failure> {
    let pass_on = |event| {
        // The one who consents reads the address, and nothing after it.
        let _ = events.try_send(event);
    };
    Ok(Box::pin(control::call(&keeper.socket, request, pass_on)).await?)
}
