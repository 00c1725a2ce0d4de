//! What the person is told without asking: changes of state, each once.
//!
//! Owns the words of the scheduler's notices, and the memory of what was told,
//! which outlives the program. Never shows anything: shells do.

mod told;
mod words;

pub(crate) use told::Told;
pub(crate) use words::of_computer;

use std::sync::PoisonError;

use charmkeeper_accounts::{Account, AccountState};
use charmkeeper_store::Charm;
use serde_json::Value;

use crate::api::{Event, NoticeView};
use crate::core::Core;
use crate::scheduler::Notice;

/// Settings key of what was told and still stands.
pub(crate) const SETTING: &str = "told";

impl Core {
    /// Tells the person what the scheduler noticed, unless they know already.
    pub(crate) fn noticed(&self, notice: &Notice) {
        let scope_stands = |cause: &str| {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.stands_as(cause, words::SCOPE)
        };
        if let Some(again) = words::in_scope_again(notice, self, scope_stands) {
            self.notify(again);
        }
        self.notify(words::view(notice, self));
    }

    /// Tells the person, unless they know already.
    pub(crate) fn notify(&self, notice: NoticeView) {
        let stands = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let before = told.clone();
            if !told.is_news(&notice) {
                return;
            }
            (*told != before).then(|| told.to_json())
        };
        if let Some(stands) = stands {
            self.background.write("what was told", move |s| {
                s.set_setting(SETTING, Some(&stands))
            });
        }
        self.tell(Event::Notice(notice));
    }

    /// A run could be stored: trouble of this computer that was told is over.
    pub(crate) fn stored_again(&self) {
        let stands = {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.stands(words::COMPUTER)
        };
        if stands {
            self.notify(words::computer_works());
        }
    }
}

/// What was told before the program ended and is not over.
pub(crate) fn remembered(setting: Option<&Value>, accounts: &[Account], charms: &[Charm]) -> Told {
    let mut told = setting.map(Told::from_json).unwrap_or_default();
    told.keep(|cause, kind| match cause.split_once('/') {
        Some(("account", id)) => accounts.iter().any(|account| {
            let ready = account.state == AccountState::Ready;
            account.id == id && !(ready && kind == "sign-in")
        }),
        Some(("charm", handle)) => charms
            .iter()
            .any(|charm| charm.handle == handle && charm.schedule.failures > 0),
        _ if cause == words::KEYCHAIN => accounts
            .iter()
            .any(|account| matches!(account.state, AccountState::Keychain(_))),
        _ => cause == words::PROVIDER,
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_since_the_last_time_is_forgotten() {
        let before = serde_json::json!({
            "account/gone": "sign-in", "charm/gone": "charm",
            "keychain": "keychain", "provider": "provider", "computer": "local",
        });
        let told = remembered(Some(&before), &[], &[]);
        assert_eq!(told.to_json(), serde_json::json!({"provider": "provider"}));
        assert_eq!(remembered(None, &[], &[]), Told::default());
    }
}
