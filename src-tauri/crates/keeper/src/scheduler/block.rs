//! Why a charm may not run now.
//!
//! Owns the reasons and their order. Changes nothing: the modules that handle the
//! inputs do.

use charmkeeper_base::ErrorKind;

use super::Scheduler;
use super::charm::Charm;
use super::config::PowerPolicy;
use super::input::Star;
use super::output::Reason;
use super::time::Vt;

/// Something only a person, or an unlocked keychain, can put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    SignIn,
    Scope,
    Keychain,
}

impl Bar {
    pub(super) fn of(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::SignIn => Some(Self::SignIn),
            ErrorKind::Scope => Some(Self::Scope),
            ErrorKind::Keychain => Some(Self::Keychain),
            _ => None,
        }
    }
}

/// Why a charm may not start, and when that ends if it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) why: Why,
    pub(super) ends: Option<Vt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Stopping,
    Disabled,
    AllPaused,
    Paused,
    /// No longer a favorite.
    Unstarred,
    /// Another computer runs it; `None` while it is not known which.
    Elsewhere {
        name: Option<String>,
    },
    Barred {
        account: Option<String>,
        bar: Bar,
    },
    Quota {
        account: String,
    },
    Offline,
    Power,
}

impl Why {
    /// The reason to record for ticks that passed meanwhile; `None` where a
    /// person decided it, or it ran elsewhere, and needs no record of it.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Stopping
            | Self::Disabled
            | Self::AllPaused
            | Self::Paused
            | Self::Unstarred
            | Self::Elsewhere { .. } => None,
            Self::Barred {
                bar: Bar::SignIn, ..
            } => Some(Reason::SignIn),
            Self::Barred {
                bar: Bar::Scope, ..
            } => Some(Reason::Scope),
            Self::Barred {
                bar: Bar::Keychain, ..
            } => Some(Reason::Keychain),
            Self::Quota { .. } => Some(Reason::Quota),
            Self::Offline => Some(Reason::Offline),
            Self::Power => Some(Reason::Power),
        }
    }
}

impl Scheduler {
    /// Why the charm may not start by itself now. A person's decision is named
    /// first, then what a person must do, then what passes by itself.
    pub(super) fn block_of(&self, c: &Charm, t: Vt) -> Option<Block> {
        let open = |why| Some(Block { why, ends: None });
        if self.stopping {
            return open(Why::Stopping);
        }
        if !c.plan.enabled || c.removed {
            return open(Why::Disabled);
        }
        if c.star == Star::Gone {
            return open(Why::Unstarred);
        }
        for (hold, why) in [(&self.pause_all, Why::AllPaused), (&c.pause, Why::Paused)] {
            if let Some(hold) = hold
                && hold.ends.is_none_or(|ends| ends > t)
            {
                return Some(Block {
                    why,
                    ends: hold.ends,
                });
            }
        }
        if let Some(block) = c.away.as_ref().and_then(|away| away.block(t)) {
            return Some(block);
        }
        if let Some(stuck) = c.stuck
            && stuck.retry.is_none_or(|retry| retry > t)
        {
            let account = match c.plan.accounts.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            };
            return Some(Block {
                why: Why::Barred {
                    account,
                    bar: stuck.bar,
                },
                ends: stuck.retry,
            });
        }
        let account = self.account_block(c, t);
        if matches!(
            account,
            Some(Block {
                why: Why::Barred { .. },
                ..
            })
        ) {
            return account;
        }
        if !self.online {
            return open(Why::Offline);
        }
        if account.is_some() {
            return account;
        }
        let policy: &PowerPolicy = c.plan.power.as_ref().unwrap_or(&self.config.power);
        let hold = (policy.pause_on_battery && self.power.on_battery)
            || (policy.pause_on_saver && self.power.saver)
            || (policy.pause_on_metered && self.power.metered);
        if hold { open(Why::Power) } else { None }
    }

    /// A charm waits for its accounts only while none of them can be used:
    /// with two mailboxes, one that must sign in does not stop the other.
    fn account_block(&self, c: &Charm, t: Vt) -> Option<Block> {
        let mut found: Option<Block> = None;
        for name in &c.plan.accounts {
            let block = self.accounts.get(name)?.block(name, t)?;
            found = Some(match found {
                None => block,
                Some(first) => {
                    // The first that ends frees the charm.
                    let ends = match (first.ends, block.ends) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                    Block { ends, ..first }
                }
            });
        }
        found
    }
}
