//! The kinds of error. The kind decides everything that follows a failure:
//! when to try again, what the person sees, and the way back.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong, in the only terms the scheduler and the window act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No network: DNS, connect, captive portal. Never counts against a charm.
    Offline,
    /// The provider asked us to slow down; the whole account waits.
    Quota,
    /// The provider failed: 5xx, a reset connection, a truncated body.
    Provider,
    /// The account must sign in again (`invalid_grant`).
    SignIn,
    /// A permission is missing; only the feature that needs it stops.
    Scope,
    /// The charm's own fault: an exception, a bad shape, a limit reached.
    Charm,
    /// The remote space refused a commit or our key.
    Space,
    /// The keychain is locked or absent.
    Keychain,
    /// This machine: a full disk, a damaged database, a second keeper.
    Local,
    /// What was asked for is not possible: a bad argument, an unknown charm.
    Usage,
}

impl ErrorKind {
    /// The word used in JSON, SQLite and the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Quota => "quota",
            Self::Provider => "provider",
            Self::SignIn => "sign-in",
            Self::Scope => "scope",
            Self::Charm => "charm",
            Self::Space => "space",
            Self::Keychain => "keychain",
            Self::Local => "local",
            Self::Usage => "usage",
        }
    }

    /// The kind whose [`as_str`](Self::as_str) is `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        const ALL: [ErrorKind; 10] = [
            ErrorKind::Offline,
            ErrorKind::Quota,
            ErrorKind::Provider,
            ErrorKind::SignIn,
            ErrorKind::Scope,
            ErrorKind::Charm,
            ErrorKind::Space,
            ErrorKind::Keychain,
            ErrorKind::Local,
            ErrorKind::Usage,
        ];
        ALL.into_iter().find(|k| k.as_str() == word)
    }
}

/// An error that knows its kind and can say what a person may do about it.
///
/// `Display` of the error itself is the sentence; [`hint`](Self::hint) is the
/// next step, where there is one.
pub trait Explain: std::error::Error {
    /// The kind that decides what happens next.
    fn kind(&self) -> ErrorKind;
    /// One sentence on what to do, without a trailing newline.
    fn hint(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_parses_back_and_serializes_as_its_word() {
        for word in [
            "offline", "quota", "provider", "sign-in", "scope", "charm", "space", "keychain",
            "local", "usage",
        ] {
            let kind = ErrorKind::parse(word).expect(word);
            assert_eq!(kind.as_str(), word);
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
        }
        assert_eq!(ErrorKind::parse("nonsense"), None);
    }
}
