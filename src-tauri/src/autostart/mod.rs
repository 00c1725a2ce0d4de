//! Start at login, as a switch.
//!
//! The window library's plugin registers the program; this module closes what
//! it leaves open on Linux: a path with a blank, another XDG_CONFIG_HOME, an
//! entry that was switched off in the desktop's own settings, and one that
//! points to where the program used to be. A development build is refused: its
//! file moves and vanishes.

#[cfg(target_os = "linux")]
mod entry;

use serde::Serialize;
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_autostart::ManagerExt;

use crate::setup::Plan;
use crate::texts::{fill, text};
use charmkeeper_base::ErrorKind;
use charmkeeper_keeper::api::ApiError;

/// Name of the entry.
const NAME: &str = "charmkeeper";

/// What the switch shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AutostartView {
    /// Whether the program starts at login.
    pub enabled: bool,
    /// Whether the switch can be used.
    pub available: bool,
    /// Why not, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether this program may start at login at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// It may.
    Yes,
    /// A development build.
    DebugBuild,
    /// The try-out profile.
    Sandbox,
}

impl Allowed {
    /// From the build, and the parameter that tests give.
    #[must_use]
    pub fn of(debug: bool, debug_is_fine: bool, sandbox: bool) -> Self {
        match (debug && !debug_is_fine, sandbox) {
            (true, _) => Self::DebugBuild,
            (false, true) => Self::Sandbox,
            (false, false) => Self::Yes,
        }
    }

    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Yes => None,
            Self::DebugBuild => Some(text("notice.autostart-debug")),
            Self::Sandbox => Some(text("notice.autostart-sandbox")),
        }
    }
}

/// The plugin, told what the program is started with.
pub(crate) fn plugin<R: Runtime>(plan: &Plan) -> tauri::plugin::TauriPlugin<R> {
    tauri_plugin_autostart::Builder::new()
        .app_name(name(plan))
        .args(arguments(plan))
        .build()
}

/// Profiles other than the usual one have an entry of their own.
fn name(plan: &Plan) -> String {
    if plan.usual_home {
        NAME.to_owned()
    } else {
        format!("{NAME}-{}", plan.home.namespace())
    }
}

fn arguments(plan: &Plan) -> Vec<String> {
    let mut arguments = vec!["--background".to_owned()];
    if !plan.usual_home {
        arguments.push("--home".to_owned());
        arguments.push(plan.home.dir().to_string_lossy().into_owned());
    }
    arguments
}

/// What the switch shows now.
///
/// # Errors
/// When the system's list cannot be read.
pub(crate) fn view<R: Runtime>(app: &AppHandle<R>) -> Result<AutostartView, ApiError> {
    let allowed = *app.state::<Allowed>();
    Ok(AutostartView {
        enabled: is_enabled(app)?,
        available: allowed == Allowed::Yes,
        reason: allowed.reason().map(str::to_owned),
    })
}

/// Turns the switch.
///
/// # Errors
/// When it cannot be used, or the system refuses.
pub(crate) fn set<R: Runtime>(app: &AppHandle<R>, on: bool) -> Result<AutostartView, ApiError> {
    let allowed = *app.state::<Allowed>();
    match (on, allowed.reason()) {
        (true, Some(reason)) => return Err(ApiError::new(ErrorKind::Usage, reason)),
        (true, None) => enable(app)?,
        // Switching off is never refused.
        (false, _) => disable(app)?,
    }
    view(app)
}

fn failed(reason: &dyn std::fmt::Display) -> ApiError {
    let reason = reason.to_string();
    let reason = reason.trim_end_matches('.');
    ApiError::new(
        ErrorKind::Local,
        fill("notice.autostart-failed", &[("reason", reason)]),
    )
}

#[cfg(target_os = "linux")]
use linux::{disable, enable, is_enabled, repair};
#[cfg(not(target_os = "linux"))]
use other::{disable, enable, is_enabled, repair};

/// Mends an entry that is stale, at every start. Never adds one.
pub(crate) fn mend<R: Runtime>(app: &AppHandle<R>) {
    if *app.state::<Allowed>() != Allowed::Yes {
        return;
    }
    match repair(app) {
        Ok(true) => tracing::info!("the entry for start at login was mended"),
        Ok(false) => {}
        Err(e) => tracing::warn!("{e}"),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::PathBuf;

    use super::*;
    use entry::{Command, Folder};

    fn folder() -> Result<Folder, ApiError> {
        Folder::of(|name| std::env::var_os(name).map(PathBuf::from))
            .ok_or_else(|| failed(&"HOME is not set"))
    }

    fn file<R: Runtime>(app: &AppHandle<R>) -> String {
        format!("{}.desktop", name(&app.state::<Plan>()))
    }

    fn command<R: Runtime>(app: &AppHandle<R>) -> Result<Command, ApiError> {
        // The file that stays when an AppImage is mounted somewhere else.
        let program = match app.env().appimage {
            Some(image) => PathBuf::from(image),
            None => std::env::current_exe().map_err(|e| failed(&e))?,
        };
        Ok(Command {
            program,
            arguments: arguments(&app.state::<Plan>()),
        })
    }

    pub(super) fn is_enabled<R: Runtime>(app: &AppHandle<R>) -> Result<bool, ApiError> {
        folder()?.is_on(&file(app)).map_err(|e| failed(&e))
    }

    pub(super) fn enable<R: Runtime>(app: &AppHandle<R>) -> Result<(), ApiError> {
        app.autolaunch().enable().map_err(|e| failed(&e))?;
        let written = folder()?.put(&file(app), &command(app)?);
        written.map_err(|e| failed(&e))
    }

    pub(super) fn disable<R: Runtime>(app: &AppHandle<R>) -> Result<(), ApiError> {
        app.autolaunch().disable().map_err(|e| failed(&e))?;
        folder()?.remove(&file(app)).map_err(|e| failed(&e))
    }

    pub(super) fn repair<R: Runtime>(app: &AppHandle<R>) -> Result<bool, ApiError> {
        let mended = folder()?.mend(&file(app), &command(app)?);
        mended.map_err(|e| failed(&e))
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::*;

    pub(super) fn is_enabled<R: Runtime>(app: &AppHandle<R>) -> Result<bool, ApiError> {
        app.autolaunch().is_enabled().map_err(|e| failed(&e))
    }

    pub(super) fn enable<R: Runtime>(app: &AppHandle<R>) -> Result<(), ApiError> {
        app.autolaunch().enable().map_err(|e| failed(&e))
    }

    pub(super) fn disable<R: Runtime>(app: &AppHandle<R>) -> Result<(), ApiError> {
        app.autolaunch().disable().map_err(|e| failed(&e))
    }

    /// The path of the program that runs is written again.
    pub(super) fn repair<R: Runtime>(app: &AppHandle<R>) -> Result<bool, ApiError> {
        let on = is_enabled(app)?;
        if on {
            enable(app)?;
        }
        Ok(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_build_and_the_sandbox_say_why_not() {
        assert_eq!(Allowed::of(false, false, false), Allowed::Yes);
        assert_eq!(Allowed::of(true, false, false), Allowed::DebugBuild);
        assert_eq!(Allowed::of(true, true, false), Allowed::Yes);
        assert_eq!(Allowed::of(false, false, true), Allowed::Sandbox);
        for refused in [Allowed::DebugBuild, Allowed::Sandbox] {
            assert!(refused.reason().is_some_and(|r| r.ends_with('.')));
        }
    }
}
