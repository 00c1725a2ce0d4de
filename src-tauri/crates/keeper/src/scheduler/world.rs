//! What happens around the charms: network, power, spaces, the program's end.

use charmkeeper_base::{ErrorKind, Trigger};

use super::Scheduler;
use super::charm::{Charm, Index};
use super::output::{Output, Refusal};
use super::time::Vt;

impl Scheduler {
    /// The network went or came. While it is away nothing starts by itself,
    /// and nothing counts against any charm.
    pub(super) fn network(&mut self, online: bool) {
        self.online = online;
        if online {
            // Also without a change: calls that failed although the network
            // looked fine have begun to succeed.
            self.release(Trigger::Network, |c, t| {
                c.due <= t || c.trouble == Some(ErrorKind::Offline)
            });
        } else {
            self.refresh_all();
        }
    }

    /// Power, its policy, or network cost changed. Runs that are going on
    /// are left alone.
    pub(super) fn power_changed(&mut self) {
        self.release(Trigger::Timer, |c, t| c.due <= t);
    }

    /// A space works again.
    pub(super) fn space_recovered(&mut self, space: &str) {
        let charms: Vec<Index> = self
            .spaces
            .get(space)
            .map(|s| s.charms.iter().copied().collect())
            .unwrap_or_default();
        for i in charms {
            if self
                .charms
                .get(&i)
                .is_some_and(|c| c.trouble == Some(ErrorKind::Space))
            {
                self.bring_forward(i, Trigger::Timer, self.config.network_window, Vt::ZERO);
            }
        }
    }

    /// Something that held charms back has ended: those that `wants` picks
    /// start, spread; every other is looked at again.
    pub(super) fn release(&mut self, trigger: Trigger, wants: impl Fn(&Charm, Vt) -> bool) {
        let t = self.t;
        let window = self.config.network_window;
        for i in self.charms.keys().copied().collect::<Vec<_>>() {
            let Some(c) = self.charms.get(&i) else {
                continue;
            };
            let free = self.block_of(c, t).is_none();
            // Those already in the queue for a worker keep their place.
            let waits = c.ready_since.is_none() && !c.manual;
            if free && waits && wants(c, t) {
                let rest = c.rest;
                self.bring_forward(i, trigger, window, rest);
            } else {
                self.refresh(i);
            }
        }
    }

    /// The program ends: nothing starts any more.
    pub(super) fn shut_down(&mut self) {
        self.stopping = true;
        for i in self.charms.keys().copied().collect::<Vec<_>>() {
            if let Some(c) = self.charms.get_mut(&i)
                && std::mem::take(&mut c.manual)
            {
                let (charm, why) = (c.plan.id.clone(), Refusal::Stopping);
                self.out.push(Output::Refused { charm, why });
            }
            self.refresh(i);
        }
    }
}
