//! Accounts as the scheduler sees them: usable or not, and until when.
//!
//! Owns what the keeper reports of an account and what ends of runs imply.
//! Never speaks to a provider.

use std::collections::BTreeSet;

use charmkeeper_base::{Trigger, UnixMs};

use super::Scheduler;
use super::block::{Bar, Block, Why};
use super::charm::{Charm, Index};
use super::input::Blocked;
use super::output::{Notice, Output, Subject};
use super::time::Vt;
use super::wait::{KEYCHAIN_RETRY, LONGEST_ASKED};

/// One account.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// The charms that name it.
    pub(super) charms: BTreeSet<Index>,
    /// It was reported before; the first report is no change of state.
    known: bool,
    bar: Option<Bar>,
    /// The bar was found by a run, so that a good run lifts it.
    by_run: bool,
    /// When the bar was set. A run that began before may end well with what the
    /// account granted then; it lifts nothing.
    barred_at: Option<Vt>,
    /// A barred account is tried again then.
    retry: Option<Vt>,
    /// The pause the keeper reported.
    quota_reported: Option<Vt>,
    /// The pause we derived from the ends of runs.
    pub(super) quota_own: Option<Vt>,
    /// When the pause that is going on, or the last one, began.
    quota_since: Option<Vt>,
    /// Quota answers one after another; sets our own pause.
    pub(super) strikes: u32,
    /// A batch that uses it started then.
    pub(super) last_start: Option<Vt>,
    /// It became usable then.
    pub(super) usable_since: Option<Vt>,
    /// When it was last connected, as reported.
    granted_at: Option<UnixMs>,
    /// The bar that a notice told of.
    told: Option<Bar>,
    /// The bar that was lifted and is not yet proven gone by a good run.
    mended: Option<Bar>,
}

impl Account {
    /// Why its charms may not start.
    pub(super) fn block(&self, name: &str, t: Vt) -> Option<Block> {
        if let Some(bar) = self.bar
            && self.retry.is_none_or(|retry| retry > t)
        {
            let account = Some(name.to_owned());
            return Some(Block {
                why: Why::Barred { account, bar },
                ends: self.retry,
            });
        }
        let until = self.quota_reported.max(self.quota_own)?;
        (until > t).then(|| Block {
            why: Why::Quota {
                account: name.to_owned(),
            },
            ends: Some(until),
        })
    }

    /// Makes our own pause longer, never shorter.
    pub(super) fn pause_until(&mut self, until: Vt, t: Vt) {
        self.note_pause(t);
        self.quota_own = self.quota_own.max(Some(until));
    }

    /// A pause was set or made longer at `t`.
    fn note_pause(&mut self, t: Vt) {
        if self.quota_reported.max(self.quota_own) <= Some(t) {
            self.quota_since = Some(t);
        }
    }

    /// True when the pause that is going on had begun before: a run that was
    /// started by hand then met the pause, and not the provider.
    pub(super) fn paused_before(&self, began: Vt) -> bool {
        self.quota_since.is_some_and(|since| since < began)
            && self.quota_reported.max(self.quota_own) > Some(began)
    }

    /// True when it was connected anew after a charm's trouble of that time.
    pub(super) fn granted_after(&self, trouble: Option<UnixMs>) -> bool {
        match (self.granted_at, trouble) {
            (Some(granted), Some(trouble)) => granted > trouble,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

impl Scheduler {
    /// The keeper's word on an account.
    pub(super) fn account_state(
        &mut self,
        name: &str,
        blocked: Option<Blocked>,
        granted_at: Option<UnixMs>,
    ) {
        let bar = match blocked {
            None => None,
            Some(Blocked::SignIn) => Some(Bar::SignIn),
            Some(Blocked::Scope) => Some(Bar::Scope),
            Some(Blocked::Keychain) => Some(Bar::Keychain),
            Some(Blocked::Quota { until }) => {
                // A pause says nothing about sign-in, permissions or keychain.
                let until = self.time.vt_of(until, LONGEST_ASKED);
                let account = self.accounts.entry(name.to_owned()).or_default();
                account.note_pause(self.t);
                account.quota_reported = Some(until);
                self.refresh_account(name);
                return;
            }
        };
        let account = self.accounts.entry(name.to_owned()).or_default();
        let was = account.bar;
        // A bar that the stored state begins with is no news, except a locked
        // keychain, which is news at every start.
        let news = account.known || bar == Some(Bar::Keychain);
        account.known = true;
        if bar.is_none() {
            account.quota_reported = None;
        }
        let granted = granted_at.is_some() && account.granted_at != granted_at;
        account.granted_at = granted_at.or(account.granted_at);
        if bar.is_none() && (was.is_some() || granted) {
            account.usable_since = Some(self.t);
        }
        self.bar_account(name, bar, None, news);
        if bar.is_none() {
            self.account_usable(name, was, granted_at);
        }
        self.refresh_account(name);
    }

    /// Sets or lifts the bar of an account, and tells the person when it is
    /// new. `found_by` is the charm whose run showed it.
    pub(super) fn bar_account(
        &mut self,
        name: &str,
        bar: Option<Bar>,
        found_by: Option<&str>,
        news: bool,
    ) {
        let t = self.t;
        let keychain_told = self
            .accounts
            .values()
            .any(|a| a.told == Some(Bar::Keychain));
        let account = self.accounts.entry(name.to_owned()).or_default();
        account.known = true;
        account.bar = bar;
        account.by_run = found_by.is_some();
        account.barred_at = bar.is_some().then_some(t);
        account.retry = (bar == Some(Bar::Keychain)).then(|| t.saturating_add(KEYCHAIN_RETRY));
        let Some(bar) = bar else {
            account.mended = account.told.take().or(account.mended);
            return;
        };
        if account.told == Some(bar) {
            return;
        }
        account.told = Some(bar);
        account.mended = None;
        if !news || (bar == Bar::Keychain && keychain_told) {
            return;
        }
        let (who, charm) = (Some(name.to_owned()), found_by.map(str::to_owned));
        self.out.push(Output::Notify(match bar {
            Bar::SignIn => Notice::NeedsSignIn {
                account: who,
                charm,
            },
            Bar::Scope => Notice::NeedsScope {
                account: who,
                charm,
            },
            Bar::Keychain => Notice::NeedsKeychain,
        }));
    }

    /// The account can be used: charms that waited for that run now.
    fn account_usable(&mut self, name: &str, was: Option<Bar>, granted_at: Option<UnixMs>) {
        for i in self.charms_that_may_use(name) {
            let Some(c) = self.charms.get(&i) else {
                continue;
            };
            if c.in_batch() {
                continue;
            }
            let trouble = c.last_end.map(|vt| self.time.wall(vt));
            let newer = granted_at.is_none_or(|granted| trouble.is_none_or(|end| granted > end));
            let freed = c
                .stuck
                .is_some_and(|stuck| stuck.bar == Bar::Keychain || newer);
            // A charm paused for its failures keeps waiting for its probe.
            let held = was.is_some() && !c.plan.accounts.is_empty() && !self.failed_out(c);
            if !freed && !held {
                continue;
            }
            let bar = c.stuck.map(|stuck| stuck.bar).or(was);
            let trigger = if bar == Some(Bar::Keychain) {
                Trigger::Timer
            } else {
                Trigger::Added
            };
            if freed {
                self.free(i);
            }
            self.bring_forward(i, trigger, self.config.network_window, Vt::ZERO);
        }
    }

    /// Lifts a charm's own bar.
    pub(super) fn free(&mut self, i: Index) {
        let t = self.t;
        if let Some(c) = self.charms.get_mut(&i)
            && let Some(stuck) = c.stuck.take()
        {
            let why = Why::Barred {
                account: None,
                bar: stuck.bar,
            };
            if c.due <= t && c.late.is_none() {
                c.late = why.reason();
            }
            self.dirty.insert(i);
        }
    }

    /// The charms that name the account, and those that name none.
    fn charms_that_may_use(&self, name: &str) -> Vec<Index> {
        self.charms
            .iter()
            .filter(|(_, c)| c.may_use(name))
            .map(|(i, _)| *i)
            .collect()
    }

    /// Looks again at every charm that names the account.
    pub(super) fn refresh_account(&mut self, name: &str) {
        let charms: Vec<Index> = self
            .accounts
            .get(name)
            .map(|a| a.charms.iter().copied().collect())
            .unwrap_or_default();
        for i in charms {
            self.refresh(i);
        }
    }

    /// A good run of a charm, begun then, shows that its accounts work.
    pub(super) fn accounts_worked(&mut self, c: &Charm, began: Vt) {
        for name in &c.plan.accounts {
            let Some(account) = self.accounts.get_mut(name) else {
                continue;
            };
            // A run that was going on when the provider asked for a pause may
            // still end well; the pause stands.
            if account.quota_own.is_none_or(|until| until <= self.t) {
                account.strikes = 0;
                account.quota_own = None;
            }
            // With several accounts a good run does not show which one worked,
            // and what the keeper reported only the keeper takes back.
            let after = account.barred_at.is_none_or(|at| began >= at);
            if account.by_run && after && c.plan.accounts.len() == 1 {
                account.bar = None;
                account.retry = None;
            }
            if account.bar.is_some() {
                continue;
            }
            let told = account.told.take();
            let Some(bar) = account.mended.take().or(told) else {
                continue;
            };
            let keychain = |a: &Account| [a.told, a.mended].contains(&Some(Bar::Keychain));
            if bar != Bar::Keychain {
                self.notify(Notice::WorkingAgain(Subject::Account(name.clone())));
            } else if !self.accounts.values().any(keychain) {
                self.notify(Notice::WorkingAgain(Subject::Keychain));
            }
        }
    }

    /// Keeps the index from accounts to charms.
    pub(super) fn index_accounts(&mut self, i: Index, from: &[String], to: &[String]) {
        for name in from {
            if let Some(account) = self.accounts.get_mut(name) {
                account.charms.remove(&i);
            }
        }
        for name in to {
            self.accounts
                .entry(name.clone())
                .or_default()
                .charms
                .insert(i);
        }
    }
}
