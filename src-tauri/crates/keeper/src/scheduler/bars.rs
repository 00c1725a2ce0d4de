//! Runs that found a sign-in, a permission or the keychain missing.
//!
//! Owns what that means for the charm and its account. What the keeper itself
//! reports of accounts is in `account.rs`.

use charmkeeper_base::Trigger;

use super::Scheduler;
use super::block::Bar;
use super::charm::{Index, Stuck};
use super::ended::Ended;
use super::output::Notice;
use super::time::Vt;
use super::wait;

impl Scheduler {
    /// A sign-in, a permission or the keychain is missing: no further try,
    /// unless it was put right while the run was going on.
    pub(super) fn barred(&mut self, ended: &Ended, bar: Bar) {
        let (t, i) = (self.t, ended.i);
        let Some(c) = self.charms.get(&i) else { return };
        let put_right = |since: Option<Vt>| since.is_some_and(|since| since >= ended.began);
        let fresh = self
            .accounts
            .iter()
            .any(|(name, account)| c.may_use(name) && put_right(account.usable_since));
        if fresh {
            self.bring_forward(i, Trigger::Added, self.config.network_window, Vt::ZERO);
            return;
        }
        let charm = c.plan.id.clone();
        let only = match c.plan.accounts.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        // One missing permission does not stop the account's other charms.
        if let (Some(name), Bar::SignIn | Bar::Keychain) = (&only, bar) {
            self.bar_account(name, Some(bar), Some(&charm), true);
            self.refresh_account(name);
            return;
        }
        let retry = (bar == Bar::Keychain).then(|| t.saturating_add(wait::KEYCHAIN_RETRY));
        if let Some(c) = self.charms.get_mut(&i) {
            c.stuck = Some(Stuck { bar, retry });
        }
        self.tell_of_bar(i, bar, only);
    }

    /// A part of the charm's work misses a sign-in or a permission. With one
    /// account a missing sign-in concerns all of it.
    pub(super) fn partly_barred(&mut self, ended: &Ended, bar: Bar) {
        let Some(c) = self.charms.get(&ended.i) else {
            return;
        };
        match (c.plan.accounts.as_slice(), bar) {
            ([_], Bar::SignIn) => self.barred(ended, bar),
            ([one], _) => self.tell_of_bar(ended.i, bar, Some(one.clone())),
            _ => self.tell_of_bar(ended.i, bar, None),
        }
    }

    fn tell_of_bar(&mut self, i: Index, bar: Bar, account: Option<String>) {
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        let told = match bar {
            Bar::Scope => &mut c.told.scope,
            Bar::SignIn | Bar::Keychain => &mut c.told.sign_in,
        };
        if std::mem::replace(told, true) {
            return;
        }
        let charm = Some(c.plan.id.clone());
        self.notify(match bar {
            Bar::SignIn => Notice::NeedsSignIn { account, charm },
            Bar::Scope => Notice::NeedsScope { account, charm },
            Bar::Keychain => Notice::NeedsKeychain,
        });
    }
}
