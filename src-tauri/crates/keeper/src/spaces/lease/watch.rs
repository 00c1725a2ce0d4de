//! The task that claims, renews and gives back the leases of this computer.
//!
//! In: what the scheduler says of each charm, what the replica says of its lease,
//! and a nudge when one of them may have changed. Out: claims (each in a task of
//! its own, so that a server that does not answer holds up nobody), and word to
//! the scheduler which charms run elsewhere.
//!
//! Owns which claims are on their way, and which pieces it holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::DocRef;
use charmkeeper_space::pieces::{Lease, lease_id};
use charmkeeper_store::Charm;
use tokio::sync::{mpsc, oneshot};

use super::rules::{Step, Wish, look_again, step, wish};
use super::{Answer, Heard, Want, ask, lease_of, piece_of};
use crate::api::Event;
use crate::core::Core;
use crate::engine::Ask;
use crate::keeper::PAUSE_SETTING;
use crate::plan;
use crate::scheduler::{CharmStatus, Elsewhere, Input};

/// How often it is looked whether the last run of a charm has ended that a person
/// stopped.
const LAST_RUN: Duration = Duration::from_secs(1);

/// Keeps the leases until the keeper ends.
pub(crate) async fn watch(core: Weak<Core>, engine: mpsc::WeakUnboundedSender<Ask>) {
    let inbox = core.upgrade().and_then(|core| {
        let mut inbox = core
            .leases
            .inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        inbox.take()
    });
    let Some(mut inbox) = inbox else { return };
    let mut task = Watch::default();
    // What the last keeper knew is looked at first.
    let mut next = Some(Duration::ZERO);
    loop {
        let first = match next {
            Some(wait) => tokio::time::timeout(wait, inbox.recv()).await,
            None => Ok(inbox.recv().await),
        };
        // The keeper is gone.
        if matches!(first, Ok(None)) {
            return;
        }
        let (Some(core), Some(engine)) = (core.upgrade(), engine.upgrade()) else {
            return;
        };
        let mut heard = first.ok().flatten();
        while let Some(one) = heard {
            task.take(&core, one);
            heard = inbox.try_recv().ok();
        }
        match task.round(&core, &engine).await {
            Some(wait) => next = wait,
            None => return,
        }
    }
}

/// One charm as the round finds it.
struct Standing {
    charm: Charm,
    lease: Option<Lease>,
    /// A person stopped it; a run may still be going on.
    stopped: bool,
}

#[derive(Default)]
struct Watch {
    /// Charms with a claim on its way.
    claiming: HashSet<String>,
    /// Pieces whose lease this computer holds, by charm.
    held: HashMap<String, DocRef>,
    /// When the first lease of ours has to be renewed.
    next: Option<UnixMs>,
}

impl Watch {
    fn take(&mut self, core: &Arc<Core>, heard: Heard) {
        let Heard::Claimed {
            charm,
            space,
            answer,
        } = heard
        else {
            return;
        };
        self.claiming.remove(&charm);
        let mut inner = core.leases.inner();
        match answer {
            Ok(Answer::Refused(why)) => {
                tracing::warn!("a space does not store who runs a charm, so it runs here: {why}");
                inner.refused.insert(space);
                inner.asking.remove(&charm);
            }
            Ok(Answer::Mine | Answer::Other(_) | Answer::Free) => {
                inner.asking.remove(&charm);
            }
            Err(e) => tracing::info!("a lease could not be claimed now: {e}"),
        }
    }

    /// Looks at every charm of a remote space; how long to sleep then, and nothing
    /// when the engine is gone.
    async fn round(
        &mut self,
        core: &Arc<Core>,
        engine: &mpsc::UnboundedSender<Ask>,
    ) -> Option<Option<Duration>> {
        let remote = core.desk.spaces();
        if remote.is_empty() {
            return Some(None);
        }
        let (done, look) = oneshot::channel();
        engine.send(Ask::Look(done)).ok()?;
        let look = look.await.ok()?;
        let now = core.now();
        let standing = core.store(move |store| {
            let everything = store.setting(PAUSE_SETTING)?;
            let everything = everything.and_then(|pause| serde_json::from_value(pause).ok());
            let charms = store.charms()?;
            let ours = charms.into_iter().filter(|c| remote.contains(&c.space));
            ours.map(|charm| {
                let lease = lease_of(store, &piece_of(&charm))?;
                let stopped = plan::stopped(&charm, everything, now).is_some();
                Ok(Standing {
                    charm,
                    lease,
                    stopped,
                })
            })
            .collect::<Result<Vec<_>, _>>()
        });
        let standing = match standing.await {
            Ok(standing) => standing,
            Err(e) => {
                tracing::warn!("leases could not be read: {e}");
                return Some(Some(super::ASK_AGAIN));
            }
        };
        let told = self.each(core, &standing, &look.charms);
        if !told.is_empty() {
            engine.send(Ask::Input(Input::Elsewhere(told))).ok()?;
            core.tell(Event::Changed);
        }
        let wait = |at: UnixMs| {
            at.since(core.now())
                .saturating_add(Duration::from_millis(10))
        };
        Some(self.next.map(wait))
    }

    /// Acts on every charm; what the scheduler is to be told.
    fn each(
        &mut self,
        core: &Arc<Core>,
        standing: &[Standing],
        states: &[CharmStatus],
    ) -> Vec<(String, Option<Elsewhere>)> {
        let (me, now) = (core.leases.me(), core.now());
        let mut told = Vec::new();
        let mut held = HashMap::new();
        self.next = None;
        for Standing {
            charm,
            lease,
            stopped,
        } in standing
        {
            let piece = piece_of(charm);
            core.leases.know(&lease_id(&piece));
            let Some(state) = states.iter().find(|s| s.charm == charm.id) else {
                continue;
            };
            if lease
                .as_ref()
                .is_some_and(|lease| lease.holder == me.holder)
            {
                held.insert(charm.id.clone(), piece.clone());
            }
            let open = core.desk.live(&charm.space).is_some_and(|live| live.open);
            let wish = wish(&state.state);
            if let Some(lease) = lease.as_ref().filter(|l| l.holder == me.holder)
                && wish == Wish::Run
                && open
            {
                // It is given back when its last run has ended.
                let at = if *stopped {
                    now.plus(LAST_RUN)
                } else {
                    look_again(lease, me, now)
                };
                self.next = Some(self.next.map_or(at, |next| next.min(at)));
            }
            let refused = core.leases.inner().refused.contains(&charm.space);
            match step(wish, lease.as_ref(), me, now, open) {
                Step::Claim if refused && wish == Wish::Away => told.push((charm.id.clone(), None)),
                Step::Nothing => {}
                Step::Claim => self.begin(core, &charm.id, piece, Want::Claim { take_over: false }),
                Step::Release => self.begin(core, &charm.id, piece, Want::Release),
                Step::Here => told.push((charm.id.clone(), None)),
                Step::Away(lease) => {
                    let elsewhere = Elsewhere {
                        name: Some(lease.name),
                        until: lease.until,
                    };
                    told.push((charm.id.clone(), Some(elsewhere)));
                }
            }
        }
        // Charms that were removed here.
        let gone = std::mem::replace(&mut self.held, held);
        for (charm, piece) in gone {
            if !standing.iter().any(|s| s.charm.id == charm) {
                self.begin(core, &charm, piece, Want::Release);
            }
        }
        told
    }

    /// Begins to claim or to give back, unless that is on its way.
    fn begin(&mut self, core: &Arc<Core>, charm: &str, piece: DocRef, want: Want) {
        if !self.claiming.insert(charm.to_owned()) {
            return;
        }
        let (core, charm) = (Arc::clone(core), charm.to_owned());
        tokio::spawn(async move {
            let answer = ask(&core, &piece, want).await;
            core.leases.say(Heard::Claimed {
                charm,
                space: piece.space,
                answer,
            });
        });
    }
}
