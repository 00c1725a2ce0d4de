//! A page's process that dies while it starts must not take the program along.
//!
//! WebKit on Linux ends the whole program then: it waits for the new process to
//! say its number and raises a fatal log message when it does not
//! (`readPIDFromPeer`). This happens when the system is out of memory, and when
//! WebKit was updated or removed while the program runs. Nothing can be done
//! about it in that process, so the last thing it does is to end its runs in
//! good order and to begin anew in its own place, without a window: same number,
//! same command line, icon and keeper go on. The next click tries the window
//! again.
//!
//! Never begins anew by itself twice: without a click there is no window, and
//! without a window nothing of this can happen.

use std::ffi::OsString;

/// Flag of a start that follows such an end. Hidden from help.
pub(crate) const FLAG: &str = "--window-died";

/// What WebKit says before it ends the program. All are about a process of its
/// own that did not come up.
#[cfg(target_os = "linux")]
const LAST_WORDS: [&str; 3] = [
    "readPIDFromPeer",
    "Failed to read pid from child process",
    "Unable to spawn a new child process",
];

/// From now on such an end is survived.
#[cfg(target_os = "linux")]
pub(crate) fn watch<R: tauri::Runtime>(app: &tauri::AppHandle<R>) {
    use gtk::glib::{LogLevels, log_default_handler, log_set_handler};

    let app = app.clone();
    // Only messages after which the program is ended.
    let (fatal, recursion) = (true, true);
    log_set_handler(
        None,
        LogLevels::LEVEL_ERROR,
        fatal,
        recursion,
        move |domain, level, message| {
            if LAST_WORDS.iter().any(|words| message.contains(words)) {
                tracing::error!("the window's process did not start: {message}");
                begin_anew(&app);
            }
            log_default_handler(domain, level, Some(message));
        },
    );
}

/// Other systems' web views tell of this in an ordinary way.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch<R: tauri::Runtime>(_app: &tauri::AppHandle<R>) {}

/// Comes back only when the system refuses.
#[cfg(target_os = "linux")]
fn begin_anew<R: tauri::Runtime>(app: &tauri::AppHandle<R>) {
    use std::os::unix::process::CommandExt;

    crate::app::end(app);
    // Else the new program takes us for another instance.
    tauri_plugin_single_instance::destroy(app);
    let own = std::env::current_exe().ok().filter(|path| path.is_file());
    // The file may have been replaced; this one is always what runs now.
    let program = own.unwrap_or_else(|| "/proc/self/exe".into());
    let error = std::process::Command::new(program)
        .args(arguments(std::env::args_os().skip(1)))
        .exec();
    tracing::error!("the program cannot begin anew: {error}");
}

/// The command line again, without the page that was to be opened.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut given = given.filter(|word| word != FLAG);
    while let Some(word) = given.next() {
        if word == "--page" {
            given.next();
        } else if !word.to_string_lossy().starts_with("--page=") {
            kept.push(word);
        }
    }
    kept.push(FLAG.into());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_kept_but_for_the_page() {
        let again = |given: &[&str]| arguments(given.iter().map(OsString::from));
        assert_eq!(again(&[]), [FLAG]);
        assert_eq!(
            again(&["--home", "/a b", "--page", "/accounts", "-v"]),
            ["--home", "/a b", "-v", FLAG]
        );
        assert_eq!(again(&[FLAG, "--page=/x", "-v"]), ["-v", FLAG]);
    }
}
