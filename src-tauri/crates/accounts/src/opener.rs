//! Opening the consent page in the person's own browser.
//!
//! Owns: the trait that tests and `--print-url` replace. Never opens anything
//! but what it is given, and never a window of this program: Google refuses to
//! sign in inside one (`disallowed_useragent`).

use url::Url;

/// Shows an address to the person.
pub trait Opener: Send + Sync {
    /// Starts to open `url` and does not wait for the browser.
    fn open(&self, url: &Url) -> Opened;
}

/// What became of the attempt to open a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The system took the address.
    Yes,
    /// The person opens the address themselves.
    NotAsked,
    /// No browser could be started, with the reason.
    Failed(String),
}

/// The system's default browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBrowser;

impl Opener for SystemBrowser {
    fn open(&self, url: &Url) -> Opened {
        if no_display() {
            return Opened::Failed("there is no display".to_owned());
        }
        match open::that_detached(url.as_str()) {
            Ok(()) => Opened::Yes,
            Err(error) => Opened::Failed(error.to_string()),
        }
    }
}

/// Opens nothing: for `--print-url`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrintOnly;

impl Opener for PrintOnly {
    fn open(&self, _: &Url) -> Opened {
        Opened::NotAsked
    }
}

/// Without a display, Linux would start a text browser that nobody sees.
fn no_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    cfg!(target_os = "linux") && !set("DISPLAY") && !set("WAYLAND_DISPLAY")
}
