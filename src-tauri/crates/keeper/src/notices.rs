//! The scheduler's notices in words.

use crate::core::Core;
use crate::scheduler::{Notice, Subject};

/// A word for choosing an icon, and one sentence.
pub(crate) fn words(notice: &Notice, core: &Core) -> (String, String) {
    let account = |id: &Option<String>| {
        let known = id.as_ref().and_then(|id| core.accounts.get(id));
        known.map_or_else(|| "A Google account".to_owned(), |a| a.email)
    };
    let charm = |id: &str| match core.store.charm(id) {
        Ok(Some(row)) => row.name,
        _ => "A charm".to_owned(),
    };
    let (kind, message) = match notice {
        Notice::NeedsSignIn { account: id, .. } => (
            "sign-in",
            format!("{} needs to sign in again.", account(id)),
        ),
        Notice::NeedsScope { account: id, .. } => (
            "scope",
            format!("{} has not granted what a charm needs.", account(id)),
        ),
        Notice::NeedsKeychain => ("keychain", "Unlock your keychain.".to_owned()),
        Notice::ProviderTrouble { .. } => (
            "provider",
            "Google has not answered for a quarter of an hour.".to_owned(),
        ),
        Notice::PausedAfterFailures {
            charm: id,
            failures,
            ..
        } => (
            "charm",
            format!(
                "{} is paused after {failures} failures in a row.",
                charm(id)
            ),
        ),
        Notice::Overdue { charm: id, .. } => (
            "charm",
            format!(
                "{} has not run for a while, and nothing explains why.",
                charm(id)
            ),
        ),
        Notice::WorkingAgain(subject) => {
            let what = match subject {
                Subject::Charm(id) => charm(id),
                Subject::Account(id) => account(&Some(id.clone())),
                Subject::Keychain => "Your keychain".to_owned(),
                Subject::Provider => "Google".to_owned(),
            };
            ("working-again", format!("{what} works again."))
        }
    };
    (kind.to_owned(), message)
}
