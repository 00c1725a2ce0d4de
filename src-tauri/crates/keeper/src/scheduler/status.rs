//! The answer to "what is this charm doing?". A pure question: it may be asked
//! from a stopped scheduler, and then says that charms are overdue.

use charmkeeper_base::{ErrorKind, Outcome, Trigger, UnixMs};
use serde::Serialize;

use super::Scheduler;
use super::block::{Bar, Block, Why};
use super::charm::{Charm, Index, Place};
use super::input::{Moment, Pause};
use super::time::Vt;

/// What a charm is doing, with what one sentence about it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It runs.
    Running {
        /// Since then.
        since: UnixMs,
        /// What began it.
        trigger: Trigger,
    },
    /// It is due and waits for a worker, or for its turn in one.
    Queued {
        /// Since then.
        since: UnixMs,
    },
    /// It waits for its time.
    Waiting {
        /// The next start.
        next: UnixMs,
    },
    /// A person switched it off.
    Disabled,
    /// A person paused it, or everything.
    Paused {
        /// `None`: until it is resumed.
        until: Option<UnixMs>,
        /// Everything is paused.
        everything: bool,
    },
    /// It is no longer among the person's favorites.
    NoFavorite,
    /// Another computer of the person runs it, or which one does is asked.
    Elsewhere {
        /// The computer; `None` while it is not known.
        name: Option<String>,
        /// When that is looked at again, if nothing is heard before.
        until: Option<UnixMs>,
    },
    /// It failed too often.
    PausedAfterFailures {
        /// How often, one after another.
        failures: u32,
        /// When it is tried again.
        next_probe: UnixMs,
    },
    /// It failed, and waits before the next try.
    Failing {
        /// How often, one after another.
        failures: u32,
        /// The next try.
        next: UnixMs,
    },
    /// There is no network, or calls fail as if there were none.
    WaitingForNetwork {
        /// The next try, if it does not only wait for the network's return.
        next: Option<UnixMs>,
    },
    /// The provider wants a pause.
    WaitingForGoogle {
        /// The account.
        account: Option<String>,
        /// Until then.
        until: UnixMs,
    },
    /// The provider fails.
    WaitingForProvider {
        /// The next try.
        next: UnixMs,
    },
    /// The space refused what it wrote.
    WaitingForSpace {
        /// The next try.
        next: UnixMs,
    },
    /// This computer is in trouble (a full disk, say).
    WaitingForComputer {
        /// The next try.
        next: UnixMs,
    },
    /// The account must sign in again.
    NeedsSignIn {
        /// The account, if it is clear which.
        account: Option<String>,
    },
    /// A permission is missing.
    NeedsScope {
        /// The account, if it is clear which.
        account: Option<String>,
    },
    /// The keychain is locked or absent.
    NeedsKeychain,
    /// Held back to save power or money.
    WaitingForPower {
        /// On battery, while the policy says to wait then.
        on_battery: bool,
        /// The battery saver is on, while the policy says to wait then.
        saver: bool,
        /// The network is metered, while the policy says to wait then.
        metered: bool,
    },
    /// It has not run for three intervals, and nothing explains it.
    Overdue {
        /// It should have started then.
        since: UnixMs,
    },
    /// The program is ending.
    Stopping,
}

/// One charm's line in the status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CharmStatus {
    /// The charm.
    pub charm: String,
    /// What it is doing.
    #[serde(flatten)]
    pub state: State,
    /// The end of its last run.
    pub last_end: Option<UnixMs>,
    /// How that run ended.
    pub last_outcome: Option<Outcome>,
}

impl Scheduler {
    /// What every charm is doing at `now`, in the order of their ids.
    #[must_use]
    pub fn status(&self, now: Moment) -> Vec<CharmStatus> {
        self.names
            .values()
            .filter_map(|i| self.line(*i, now))
            .collect()
    }

    /// What one charm is doing at `now`; `None` when there is no such charm.
    #[must_use]
    pub fn status_of(&self, charm: &str, now: Moment) -> Option<CharmStatus> {
        self.line(*self.names.get(charm)?, now)
    }

    /// The pause of everything that holds at `now`, whatever each charm is doing:
    /// a run that was asked for goes on during a pause.
    #[must_use]
    pub fn pause_of_everything(&self, now: Moment) -> Option<Pause> {
        let hold = self.pause_all.as_ref()?;
        let t = self.time.at(now.mono);
        let holds = hold.ends.is_none_or(|ends| ends > t);
        holds.then_some(hold.pause)
    }

    /// True while a run is going on; after `Shutdown`, false means drained.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.batches.is_empty()
    }

    fn line(&self, i: Index, now: Moment) -> Option<CharmStatus> {
        let c = self.charms.get(&i).filter(|c| !c.removed)?;
        Some(CharmStatus {
            charm: c.plan.id.clone(),
            state: self.state_of(i, c, now),
            last_end: c.last_end.map(|vt| self.time.wall(vt)),
            last_outcome: c.last_outcome,
        })
    }

    fn state_of(&self, i: Index, c: &Charm, now: Moment) -> State {
        let t = self.time.at(now.mono);
        let wall = |vt: Vt| self.time.wall(vt);
        let overdue = self.is_overdue(i, t);
        if let Place::Batch {
            began,
            handed,
            trigger,
            ..
        } = c.place
        {
            return match began {
                _ if overdue => State::Overdue {
                    since: wall(began.unwrap_or(handed)),
                },
                Some(began) => State::Running {
                    since: wall(began),
                    trigger,
                },
                None => State::Queued {
                    since: wall(handed),
                },
            };
        }
        if c.manual {
            return State::Queued {
                since: wall(c.ready_since.unwrap_or(t)),
            };
        }
        if let Some(block) = self.block_of(c, t) {
            return self.blocked_state(c, block);
        }
        if overdue {
            return State::Overdue {
                since: wall(c.key()),
            };
        }
        if let Place::Ready(..) = c.place {
            return State::Queued {
                since: wall(c.ready_since.unwrap_or(t)),
            };
        }
        let next = wall(c.key());
        if self.failed_out(c) {
            return State::PausedAfterFailures {
                failures: c.failures,
                next_probe: next,
            };
        }
        match c.trouble {
            Some(ErrorKind::Charm | ErrorKind::Usage) => State::Failing {
                failures: c.failures,
                next,
            },
            Some(ErrorKind::Offline) => State::WaitingForNetwork { next: Some(next) },
            Some(ErrorKind::Quota) if c.plan.accounts.len() != 1 => State::WaitingForGoogle {
                account: None,
                until: next,
            },
            Some(ErrorKind::Provider) => State::WaitingForProvider { next },
            Some(ErrorKind::Space) => State::WaitingForSpace { next },
            Some(ErrorKind::Local) => State::WaitingForComputer { next },
            _ => State::Waiting { next },
        }
    }

    fn blocked_state(&self, c: &Charm, block: Block) -> State {
        let ends = block.ends.map(|vt| self.time.wall(vt));
        match block.why {
            Why::Stopping => State::Stopping,
            Why::Disabled => State::Disabled,
            Why::AllPaused => State::Paused {
                until: ends,
                everything: true,
            },
            Why::Paused => State::Paused {
                until: ends,
                everything: false,
            },
            Why::Unstarred => State::NoFavorite,
            Why::Elsewhere { name } => State::Elsewhere { name, until: ends },
            Why::Barred {
                account,
                bar: Bar::SignIn,
            } => State::NeedsSignIn { account },
            Why::Barred {
                account,
                bar: Bar::Scope,
            } => State::NeedsScope { account },
            Why::Barred {
                bar: Bar::Keychain, ..
            } => State::NeedsKeychain,
            Why::Quota { account } => State::WaitingForGoogle {
                account: Some(account),
                until: ends.unwrap_or_else(|| self.time.wall(c.key())),
            },
            Why::Offline => State::WaitingForNetwork { next: None },
            Why::Power => {
                let policy = c.plan.power.unwrap_or(self.config.power);
                State::WaitingForPower {
                    on_battery: policy.pause_on_battery && self.power.on_battery,
                    saver: policy.pause_on_saver && self.power.saver,
                    metered: policy.pause_on_metered && self.power.metered,
                }
            }
        }
    }
}
