//! The try-out profile beside this one: started as a program of its own, with
//! its own keeper, data folder, icon and window.
//!
//! Owns: the one way from the window into the sandbox. Never touches what is in
//! either profile: `charmkeeper sandbox` does everything there.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use charmkeeper_base::ErrorKind;
use charmkeeper_keeper::api::ApiError;
use charmkeeper_keeper::home::Home;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::setup::Plan;
use crate::texts::{fill, text};

/// The folder of the try-out profile below that of the profile it is tried
/// from; the one that `charmkeeper sandbox` uses for the usual profile.
const FOLDER: &str = "sandbox";
/// How long the start may take: a mailbox is made up on the way.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often the new keeper is looked for.
const PACE: Duration = Duration::from_millis(50);
/// Most of what a failed start said that is repeated, in bytes.
const MOST_SAID: u64 = 4096;
/// A port where nobody listens (discard, RFC 863).
const NOWHERE: &str = "http://127.0.0.1:9/";

/// Opens the sandbox: starts it, or brings its window forward when it runs.
///
/// # Errors
/// Kind `usage` from within the sandbox, `local` when it does not start.
pub(crate) async fn open(plan: &Plan) -> Result<(), ApiError> {
    if plan.sandbox {
        return Err(ApiError::new(
            ErrorKind::Usage,
            text("notice.sandbox-inside"),
        ));
    }
    let home = Home::open(&folder(plan)).map_err(|e| ApiError::of(&e))?;
    if serves(&home) {
        return forward(&home).await;
    }
    let mut said = tempfile::tempfile().map_err(|e| failed(&e.to_string()))?;
    let log = said.try_clone().map_err(|e| failed(&e.to_string()))?;
    let mut child = command(&plan.worker.program, &home)
        .stderr(log)
        .spawn()
        .map_err(|e| failed(&e.to_string()))?;
    let end = Instant::now() + PATIENCE;
    loop {
        if serves(&home) {
            reap(child);
            return Ok(());
        }
        match child.try_wait() {
            Ok(None) if Instant::now() < end => tokio::time::sleep(PACE).await,
            Ok(None) => {
                // Half a sandbox helps nobody.
                let _ = child.kill().await;
                return Err(failed(text("notice.sandbox-slow")));
            }
            Ok(Some(_)) => return Err(failed(&reason(&mut said))),
            Err(e) => return Err(failed(&e.to_string())),
        }
    }
}

fn folder(plan: &Plan) -> PathBuf {
    plan.home.dir().join(FOLDER)
}

fn serves(home: &Home) -> bool {
    home.presence()
        .is_some_and(|keeper| keeper.serving && keeper.socket.exists())
}

fn command(slim: &Path, home: &Home) -> Command {
    let mut command = Command::new(slim);
    command
        .args(["sandbox", "--home"])
        .arg(home.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // A page that is driven drives no other.
        .env_remove("TAURI_WEBVIEW_AUTOMATION");
    // It goes on when this program ends, and a Ctrl-C here is not for it.
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Shows the window of a sandbox that runs: a second start hands over to the
/// first and ends. Should the first end at that very moment, the address makes
/// sure that a try-out profile never speaks to the real Google.
async fn forward(home: &Home) -> Result<(), ApiError> {
    let me = std::env::current_exe().map_err(|e| failed(&e.to_string()))?;
    let child = Command::new(me)
        .args(["--sandbox", NOWHERE, "--home"])
        .arg(home.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(&e.to_string()))?;
    reap(child);
    Ok(())
}

/// Takes note of the end, so that the system does not keep the process's row.
fn reap(mut child: Child) {
    tauri::async_runtime::spawn(async move {
        let _ = child.wait().await;
    });
}

/// The first thing that a failed start said.
fn reason(said: &mut std::fs::File) -> String {
    let mut bytes = Vec::new();
    let read = said
        .rewind()
        .and_then(|()| said.by_ref().take(MOST_SAID).read_to_end(&mut bytes));
    if read.is_err() {
        return String::new();
    }
    let all = String::from_utf8_lossy(&bytes);
    let line = all.lines().find_map(|l| l.strip_prefix("charmkeeper: "));
    line.or_else(|| all.lines().next())
        .unwrap_or_default()
        .to_owned()
}

fn failed(reason: &str) -> ApiError {
    let reason = reason.trim_end_matches('.');
    ApiError::new(
        ErrorKind::Local,
        fill("notice.sandbox-failed", &[("reason", reason)]),
    )
    .with_hint(text("notice.sandbox-hint"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_sandbox_gets_a_folder_of_its_own_whatever_the_environment_says() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(&dir.path().join(FOLDER)).unwrap();
        let command = command(Path::new("/opt/charmkeeper"), &home);
        let args: Vec<_> = command.as_std().get_args().collect();
        assert_eq!(args[0], "sandbox");
        // `--home` goes before the variable that names the real profile.
        assert_eq!(args[1..], ["--home".as_ref(), home.dir().as_os_str()]);
    }

    #[test]
    fn what_a_failed_start_said_is_told() {
        let mut said = tempfile::tempfile().unwrap();
        writeln!(said, "a log line\ncharmkeeper: The port is taken.\nhint: x").unwrap();
        assert_eq!(reason(&mut said), "The port is taken.");
        let error = failed("The port is taken.");
        assert_eq!(error.message.matches('.').count(), 1, "{error}");
        assert!(error.hint.is_some());
    }
}
