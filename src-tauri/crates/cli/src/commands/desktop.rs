//! `charmkeeper` without a command: the tray and the window, which are the
//! program `charmkeeper-desktop` beside this one.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use charmkeeper_base::ErrorKind;

use crate::args::Common;
use crate::failure::{FAILED, Failure, NO_DISPLAY};

/// The desktop program, where it is installed and there is a display for it.
pub(super) fn beside_and_displayed() -> Option<PathBuf> {
    beside().filter(|_| has_display())
}

fn beside() -> Option<PathBuf> {
    let name = format!("charmkeeper-desktop{}", std::env::consts::EXE_SUFFIX);
    let program = std::env::current_exe().ok()?.with_file_name(name);
    program.is_file().then_some(program)
}

/// Becomes the desktop program, or starts it and ends with its exit code.
///
/// # Errors
/// Exit code 69 when there is no display or no desktop program.
pub(crate) fn start(common: &Common, background: bool) -> Result<ExitCode, Failure> {
    if !has_display() {
        return Err(unavailable(
            "There is no display for the tray and the window.",
        ));
    }
    let Some(program) = beside() else {
        return Err(unavailable(
            "The tray and the window are not installed beside this program.",
        ));
    };
    let mut command = Command::new(&program);
    if background {
        command.arg("--background");
    }
    if let Some(home) = &common.home {
        command.arg("--home").arg(home);
    }
    if common.allow_insecure_endpoints {
        command.arg("--allow-insecure-endpoints");
    }
    command.args((0..common.verbose).map(|_| "--verbose"));
    let lost = |e: std::io::Error| Failure {
        code: FAILED,
        ..Failure::usage(format!("{} cannot be started: {e}.", program.display()))
    };
    // One process in the place of two: signals and exit codes are its own.
    #[cfg(unix)]
    return Err(lost(std::os::unix::process::CommandExt::exec(&mut command)));
    #[cfg(not(unix))]
    ended(command.status().map_err(lost)?)
}

#[cfg(not(unix))]
fn ended(status: std::process::ExitStatus) -> Result<ExitCode, Failure> {
    let code = status
        .code()
        .and_then(|c| u8::try_from(c).ok())
        .unwrap_or(FAILED);
    Ok(ExitCode::from(code))
}

fn unavailable(message: &str) -> Failure {
    Failure {
        code: NO_DISPLAY,
        kind: ErrorKind::Local,
        message: message.to_owned(),
        hint: Some("`charmkeeper serve` does the same work without them.".to_owned()),
    }
}

fn has_display() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()))
}
