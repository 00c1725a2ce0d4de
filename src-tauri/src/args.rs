//! The desktop program's command line. `charmkeeper` without a command starts
//! it with the same flags; people rarely call it themselves.

use std::path::PathBuf;

use clap::Parser;
use url::Url;

/// Exit code of a command that was used wrongly.
pub const USAGE: u8 = 2;

/// Keeps your charms running, with an icon in the panel and a window.
#[derive(Clone, Debug, Parser)]
#[command(name = "charmkeeper-desktop", version, about)]
pub struct Args {
    /// Start without opening the window; what start at login uses.
    #[arg(long)]
    pub background: bool,
    /// Data folder of this profile.
    #[arg(long, value_name = "DIR", env = "CHARMKEEPER_HOME")]
    pub home: Option<PathBuf>,
    /// Page to open, as in /accounts.
    #[arg(long, value_name = "PAGE", value_parser = page)]
    pub page: Option<String>,
    /// Address of the stand-in for Google; what `charmkeeper sandbox` uses.
    #[arg(long, value_name = "URL", hide = true, value_parser = loopback)]
    pub sandbox: Option<Url>,
    /// Allow CHARMKEEPER_GOOGLE_BASE_URL to redirect Google's addresses in a release build.
    #[arg(long, hide_short_help = true)]
    pub allow_insecure_endpoints: bool,
    /// Let a development build start at login; for tests.
    #[arg(long, hide = true)]
    pub allow_debug_autostart: bool,
    /// The window's process died while it started: begin without a window, even
    /// where no panel shows icons. The program gives it to itself.
    #[arg(long, hide = true)]
    pub window_died: bool,
    /// Say more about what happens (repeat for even more).
    #[arg(short, long, action = clap::ArgAction::Count, hide_short_help = true)]
    pub verbose: u8,
}

/// Longest page address that is taken, in bytes.
const MAX_PAGE: usize = 4096;

/// A page of the window: a path with an optional query, nothing else.
pub(crate) fn page(text: &str) -> Result<String, PageError> {
    let fits = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= MAX_PAGE
        && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(PageError)
    }
}

/// A page address that is not one.
#[derive(Debug, thiserror::Error)]
#[error("a page begins with one slash, as in /accounts")]
pub(crate) struct PageError;

/// The stand-in for Google is only ever on this computer: worthless tokens and
/// a keychain in memory must not be used with a real server.
fn loopback(text: &str) -> Result<Url, LoopbackError> {
    let url = Url::parse(text)?;
    if charmkeeper_accounts::endpoints::is_loopback(&url) {
        Ok(url)
    } else {
        Err(LoopbackError::Elsewhere)
    }
}

#[derive(Debug, thiserror::Error)]
enum LoopbackError {
    #[error("not an address: {0}")]
    Unreadable(#[from] url::ParseError),
    #[error("the stand-in for Google must be on this computer")]
    Elsewhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split(' '))
    }

    #[test]
    fn what_start_at_login_and_the_sandbox_use_is_understood() {
        let args = parsed("x --background --home /tmp/profile").unwrap();
        assert!(args.background);
        assert_eq!(args.home, Some(PathBuf::from("/tmp/profile")));
        let args = parsed("x --sandbox http://127.0.0.1:4000/ --page /connect?services=gmail");
        assert_eq!(
            args.unwrap().page.as_deref(),
            Some("/connect?services=gmail")
        );
    }

    #[test]
    fn a_sandbox_elsewhere_and_a_page_elsewhere_are_refused() {
        for line in [
            "x --sandbox https://accounts.google.com/",
            "x --sandbox nonsense",
            "x --page https://example.com/",
            "x --page //example.com/",
            "x --page accounts",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
