//! Charms that another computer of the person runs, and charms that are no
//! longer among the person's favorites.
//!
//! Owns what the scheduler makes of these two facts; who runs what is found out
//! elsewhere. Neither is a failure, neither is recorded in the history: the
//! charm's state says it.

use std::time::Duration;

use super::Scheduler;
use super::block::{Block, Why};
use super::charm::Place;
use super::input::{BatchId, Elsewhere, Star};
use super::time::Vt;

/// The longest that one answer holds: a lease that ends later was written by a
/// clock that is wrong.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// An [`Elsewhere`] on our time line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Away {
    name: Option<String>,
    ends: Vt,
}

impl Away {
    /// What it blocks at `t`.
    pub(super) fn block(&self, t: Vt) -> Option<Block> {
        (self.ends > t).then(|| Block {
            why: Why::Elsewhere {
                name: self.name.clone(),
            },
            ends: Some(self.ends),
        })
    }
}

impl Scheduler {
    fn away(&self, elsewhere: Elsewhere) -> Away {
        // Never at once: an answer that is over already would be asked for again
        // and again.
        let least = self.t.saturating_add(Duration::from_secs(1));
        Away {
            name: elsewhere.name,
            ends: self.time.vt_of(elsewhere.until, LONGEST).max(least),
        }
    }

    /// A run that was handed over did not begin: the charm is as due as before,
    /// and waits.
    pub(super) fn run_withheld(&mut self, batch: BatchId, charm: &str, elsewhere: Elsewhere) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let away = self.away(elsewhere);
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        match c.place {
            Place::Batch { id, .. } if id == batch.0 => {}
            _ => return,
        }
        c.place = Place::Parked;
        c.away = Some(away);
        let removed = c.removed;
        self.leave_batch(i, batch.0);
        self.watch_until(i, None);
        if removed {
            self.forget(i);
        } else {
            self.refresh(i);
        }
    }

    /// Which computer runs these charms.
    pub(super) fn elsewhere(&mut self, charms: Vec<(String, Option<Elsewhere>)>) {
        for (charm, elsewhere) in charms {
            let Some(&i) = self.names.get(&charm) else {
                continue;
            };
            let away = elsewhere.map(|elsewhere| self.away(elsewhere));
            if let Some(c) = self.charms.get_mut(&i) {
                c.away = away;
            }
            self.refresh(i);
        }
    }

    /// Whether the charm is still a favorite. What a person decided about it,
    /// its failures and its times stay as they are.
    pub(super) fn starred(&mut self, charm: &str, named: bool) {
        let Some(&i) = self.names.get(charm) else {
            return;
        };
        let Some(c) = self.charms.get_mut(&i) else {
            return;
        };
        c.star = match (named, c.star) {
            (true, _) => Star::Named,
            (false, Star::Named) => Star::Gone,
            (false, other) => other,
        };
        self.dirty.insert(i);
        self.refresh(i);
    }
}
