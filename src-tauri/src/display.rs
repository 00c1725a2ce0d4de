//! Whether there is a display at all, found out before anything is opened.
//!
//! The window library ends the process with a panic when it finds none, so it
//! is asked first.

use charmkeeper_base::{ErrorKind, Explain};

/// There is no display that works.
#[derive(Debug, thiserror::Error)]
pub enum NoDisplay {
    /// None is named by the environment.
    #[error("There is no display for the panel icon and the window.")]
    Unnamed,
    /// One is named that does not answer.
    #[error("The display {0} does not answer.")]
    Silent(String),
}

impl Explain for NoDisplay {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Local
    }
    fn hint(&self) -> Option<String> {
        Some("`charmkeeper serve` does the same work without a display.".to_owned())
    }
}

/// Asks the environment, and on Linux the display itself.
///
/// # Errors
/// [`NoDisplay`]. Must be called on the main thread, before any window.
pub fn check() -> Result<(), NoDisplay> {
    #[cfg(target_os = "linux")]
    {
        let named = named(|name| std::env::var(name).ok()).ok_or(NoDisplay::Unnamed)?;
        gtk::init().map_err(|_| NoDisplay::Silent(named))
    }
    #[cfg(not(target_os = "linux"))]
    Ok(())
}

/// The display that the environment names.
#[cfg(target_os = "linux")]
fn named(read: impl Fn(&str) -> Option<String>) -> Option<String> {
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .into_iter()
        .filter_map(read)
        .find(|value| !value.is_empty())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_no_display() {
        assert_eq!(named(|_| None), None);
        assert_eq!(named(|_| Some(String::new())), None);
        let x11 = |name: &str| (name == "DISPLAY").then(|| ":7".to_owned());
        assert_eq!(named(x11).as_deref(), Some(":7"));
    }
}
