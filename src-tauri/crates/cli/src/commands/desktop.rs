//! `charmkeeper` without a command: the tray and the window, which are the
//! program `charmkeeper-desktop` beside this one.

use std::process::{Command, ExitCode};

use charmkeeper_base::ErrorKind;

use crate::failure::{FAILED, Failure, NO_DISPLAY};

/// Starts the desktop program and ends with its exit code.
///
/// # Errors
/// Exit code 69 when there is no display or no desktop program.
pub(crate) fn start(background: bool) -> Result<ExitCode, Failure> {
    if !has_display() {
        return Err(unavailable(
            "There is no display for the tray and the window.",
        ));
    }
    let name = format!("charmkeeper-desktop{}", std::env::consts::EXE_SUFFIX);
    let program = std::env::current_exe()
        .ok()
        .and_then(|me| Some(me.parent()?.join(&name)))
        .filter(|p| p.is_file());
    let Some(program) = program else {
        return Err(unavailable(
            "The tray and the window are not installed beside this program.",
        ));
    };
    let mut command = Command::new(&program);
    if background {
        command.arg("--background");
    }
    let status = command.status().map_err(|e| Failure {
        code: FAILED,
        ..Failure::usage(format!("{} cannot be started: {e}.", program.display()))
    })?;
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
