//! The scheduler's notices in words, with their cause and their page.

use crate::api::NoticeView;
use crate::core::Core;
use crate::scheduler::{Notice, Subject};

/// Cause of everything that is the keychain's.
pub(crate) const KEYCHAIN: &str = "keychain";
/// Cause of everything that is the provider's.
pub(crate) const PROVIDER: &str = "provider";

/// Cause of everything that is this computer's.
pub(crate) const COMPUTER: &str = "computer";

/// Kind of a notice about a missing permission.
pub(crate) const SCOPE: &str = "scope";

/// Names for sentences and pages.
pub(crate) trait Names {
    /// Address of an account.
    fn account(&self, id: &str) -> Option<String>;
    /// Handle and name of a charm.
    fn charm(&self, id: &str) -> Option<(String, String)>;
    /// The account that a charm is bound to.
    fn account_of(&self, charm: &str) -> Option<String>;
}

impl Names for Core {
    fn account(&self, id: &str) -> Option<String> {
        self.accounts.get(id).map(|a| a.email)
    }
    fn charm(&self, id: &str) -> Option<(String, String)> {
        let row = self.store.charm(id).ok().flatten()?;
        Some((row.handle, row.name))
    }
    fn account_of(&self, charm: &str) -> Option<String> {
        self.store.charm(charm).ok().flatten()?.account
    }
}

/// A missing permission is told of the account, its end of the charm that found
/// out. So when a charm works again and `scope_stands` for its account, that is
/// what works again.
pub(crate) fn in_scope_again(
    notice: &Notice,
    names: &dyn Names,
    scope_stands: impl Fn(&str) -> bool,
) -> Option<NoticeView> {
    let Notice::WorkingAgain(Subject::Charm(charm)) = notice else {
        return None;
    };
    let account = Subject::Account(names.account_of(charm)?);
    let view = working_again(&account, names);
    scope_stands(&view.cause).then_some(view)
}

/// A notice as people see it.
pub(crate) fn view(notice: &Notice, names: &dyn Names) -> NoticeView {
    match notice {
        Notice::NeedsSignIn { account, charm } => {
            let words = |who: &str| format!("{who} needs to sign in again.");
            of_account(account, charm.as_deref(), names, "sign-in", words)
        }
        Notice::NeedsScope { account, charm } => {
            let words = |who: &str| format!("{who} has not granted what a charm needs.");
            of_account(account, charm.as_deref(), names, SCOPE, words)
        }
        Notice::NeedsKeychain => bad("keychain", "Unlock your keychain.", KEYCHAIN, "/accounts"),
        Notice::ProviderTrouble { .. } => bad(
            "provider",
            "Google has not answered for a quarter of an hour.",
            PROVIDER,
            "/history",
        ),
        Notice::PausedAfterFailures {
            charm, failures, ..
        } => of_charm(charm, names, |name| {
            format!("{name} is paused after {failures} failures in a row.")
        }),
        Notice::Overdue { charm, .. } => of_charm(charm, names, |name| {
            format!("{name} has not run for a while, and nothing explains why.")
        }),
        Notice::WorkingAgain(subject) => working_again(subject, names),
    }
}

fn working_again(subject: &Subject, names: &dyn Names) -> NoticeView {
    let view = match subject {
        Subject::Charm(id) => of_charm(id, names, |name| format!("{name} works again.")),
        Subject::Account(id) => of_account(&Some(id.clone()), None, names, "", |who| {
            format!("{who} works again.")
        }),
        Subject::Keychain => bad("", "Your keychain works again.", KEYCHAIN, "/accounts"),
        Subject::Provider => bad("", "Google works again.", PROVIDER, "/history"),
    };
    NoticeView {
        kind: "working-again".to_owned(),
        good: true,
        ..view
    }
}

/// Where nobody knows the account, the charm that found out is the cause: what
/// ends the trouble is then told of that charm.
fn of_account(
    id: &Option<String>,
    charm: Option<&str>,
    names: &dyn Names,
    kind: &str,
    words: impl Fn(&str) -> String,
) -> NoticeView {
    let known = id.as_ref().and_then(|id| names.account(id));
    let who = known.as_deref().unwrap_or("A Google account");
    let cause = match (id, charm) {
        (Some(id), _) => format!("account/{id}"),
        (None, Some(charm)) => of_charm(charm, names, str::to_owned).cause,
        (None, None) => "account".to_owned(),
    };
    bad(kind, &words(who), &cause, "/accounts")
}

fn of_charm(id: &str, names: &dyn Names, words: impl Fn(&str) -> String) -> NoticeView {
    match names.charm(id) {
        Some((handle, name)) => {
            let cause = format!("charm/{handle}");
            bad("charm", &words(&name), &cause, &format!("/charms/{handle}"))
        }
        None => bad(
            "charm",
            &words("A charm"),
            &format!("charm/{id}"),
            "/charms",
        ),
    }
}

fn bad(kind: &str, message: &str, cause: &str, page: &str) -> NoticeView {
    NoticeView {
        kind: kind.to_owned(),
        message: message.to_owned(),
        cause: cause.to_owned(),
        page: page.to_owned(),
        good: false,
    }
}

/// The end of that trouble.
pub(crate) fn computer_works() -> NoticeView {
    NoticeView {
        good: true,
        ..bad(
            "working-again",
            "Runs can be stored again.",
            COMPUTER,
            "/settings",
        )
    }
}

/// Something of this computer: a full disk, say.
pub(crate) fn of_computer(message: &str) -> NoticeView {
    bad("local", message, COMPUTER, "/settings")
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_base::UnixMs;

    struct Known;
    impl Names for Known {
        fn account(&self, id: &str) -> Option<String> {
            (id == "a1").then(|| "ada@example.com".to_owned())
        }
        fn charm(&self, id: &str) -> Option<(String, String)> {
            (id == "c1").then(|| ("mail".to_owned(), "Mail".to_owned()))
        }
        fn account_of(&self, charm: &str) -> Option<String> {
            (charm == "c1").then(|| "a1".to_owned())
        }
    }

    #[test]
    fn trouble_and_its_end_have_the_same_cause() {
        let account = Some("a1".to_owned());
        let pairs = [
            (
                Notice::NeedsSignIn {
                    account,
                    charm: None,
                },
                Subject::Account("a1".into()),
            ),
            (Notice::NeedsKeychain, Subject::Keychain),
            (
                Notice::ProviderTrouble {
                    since: UnixMs(0),
                    charms: vec![],
                },
                Subject::Provider,
            ),
            (
                Notice::PausedAfterFailures {
                    charm: "c1".into(),
                    failures: 5,
                    next_probe: UnixMs(0),
                },
                Subject::Charm("c1".into()),
            ),
            (
                Notice::Overdue {
                    charm: "c1".into(),
                    last_end: None,
                },
                Subject::Charm("c1".into()),
            ),
        ];
        for (trouble, subject) in pairs {
            let bad = view(&trouble, &Known);
            let good = view(&Notice::WorkingAgain(subject), &Known);
            assert_eq!((&bad.cause, &bad.page), (&good.cause, &good.page));
            assert!(!bad.good && good.good && good.kind == "working-again");
        }
        let notice = Notice::Overdue {
            charm: "c1".into(),
            last_end: None,
        };
        assert_eq!(view(&notice, &Known).page, "/charms/mail");
    }

    #[test]
    fn a_permission_that_came_is_told_of_the_account() {
        let bad = Notice::NeedsScope {
            account: Some("a1".into()),
            charm: Some("c1".into()),
        };
        let bad = view(&bad, &Known);
        let good = Notice::WorkingAgain(Subject::Charm("c1".into()));
        let again = in_scope_again(&good, &Known, |cause| cause == bad.cause).unwrap();
        assert_eq!((again.good, again.cause), (true, bad.cause));
        assert_eq!(in_scope_again(&good, &Known, |_| false), None);
    }

    #[test]
    fn what_is_gone_still_has_words() {
        let notice = Notice::NeedsSignIn {
            account: None,
            charm: None,
        };
        let shown = view(&notice, &Known);
        assert_eq!(shown.message, "A Google account needs to sign in again.");
        let notice = Notice::NeedsScope {
            account: None,
            charm: Some("c1".into()),
        };
        assert_eq!(view(&notice, &Known).cause, "charm/mail");
        let notice = Notice::WorkingAgain(Subject::Charm("gone".into()));
        assert_eq!(view(&notice, &Known).message, "A charm works again.");
    }
}
