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
use charmkeeper_space::pieces::{Claimant, Lease, lease_id};
use charmkeeper_store::Charm;
use tokio::sync::{mpsc, oneshot};

use super::{Answer, Heard, Want, ask, lease_of, piece_of};
use crate::api::Event;
use crate::core::Core;
use crate::engine::Ask;
use crate::scheduler::{CharmStatus, Elsewhere, Input, State};

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
    let mut next: Option<Duration> = None;
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

/// What a charm's state means for its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// It runs here, or would if it were due.
    Run,
    /// It is due and may not start.
    Away,
    /// It cannot run here for now: what it holds runs out.
    Idle,
    /// The person does not want it to run here.
    Leave,
}

fn wish(state: &State) -> Wish {
    match state {
        State::Running { .. }
        | State::Queued { .. }
        | State::Waiting { .. }
        | State::Failing { .. }
        | State::WaitingForGoogle { .. }
        | State::WaitingForProvider { .. }
        | State::WaitingForSpace { .. } => Wish::Run,
        State::Elsewhere { .. } => Wish::Away,
        State::Disabled | State::NoFavorite | State::Paused { .. } => Wish::Leave,
        State::PausedAfterFailures { .. }
        | State::WaitingForNetwork { .. }
        | State::WaitingForComputer { .. }
        | State::WaitingForPower { .. }
        | State::NeedsSignIn { .. }
        | State::NeedsScope { .. }
        | State::NeedsKeychain
        | State::Overdue { .. }
        | State::Stopping => Wish::Idle,
    }
}

/// What is to be done about one charm.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Claim its lease, or renew it.
    Claim,
    /// Give its lease back.
    Release,
    /// It may run here.
    Here,
    /// It runs on the computer of this lease.
    Away(Lease),
}

/// Decides for one charm. `open`: its space can be reached.
fn step(wish: Wish, lease: Option<&Lease>, me: &Claimant, now: UnixMs, open: bool) -> Step {
    let (mine, holds) = match lease {
        Some(lease) => (lease.holder == me.holder, lease.holds(now)),
        None => (false, false),
    };
    match (wish, lease) {
        (Wish::Leave, _) if mine && open => Step::Release,
        (Wish::Leave | Wish::Idle, _) => Step::Nothing,
        (_, Some(lease)) if holds && !mine => Step::Away(lease.clone()),
        (Wish::Away, _) if mine && holds => Step::Here,
        (Wish::Away, _) if open => Step::Claim,
        (Wish::Run, Some(lease)) if mine && open && now >= renewal(lease, me) => Step::Claim,
        _ => Step::Nothing,
    }
}

/// When a lease of ours is renewed.
fn renewal(lease: &Lease, me: &Claimant) -> UnixMs {
    UnixMs(lease.until.0.saturating_sub(millis(me.term / 2)))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// When a lease of ours is to be looked at again. A renewal that is over time is on
/// its way, or had no answer.
fn look_again(lease: &Lease, me: &Claimant, now: UnixMs) -> UnixMs {
    let renewal = renewal(lease, me);
    if renewal > now {
        renewal
    } else {
        now.plus((me.term / 4).max(Duration::from_secs(1)))
    }
}

/// One charm as the round finds it.
struct Standing {
    charm: Charm,
    lease: Option<Lease>,
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
        let standing = core.store(move |store| {
            let charms = store.charms()?;
            let ours = charms.into_iter().filter(|c| remote.contains(&c.space));
            ours.map(|charm| {
                let lease = lease_of(store, &piece_of(&charm))?;
                Ok(Standing { charm, lease })
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
        for Standing { charm, lease } in standing {
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
                let at = look_again(lease, me, now);
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

#[cfg(test)]
mod tests {
    use charmkeeper_space::pieces::LEASE_TERM;

    use super::*;

    fn me() -> Claimant {
        Claimant {
            holder: "me".to_owned(),
            name: "Laptop".to_owned(),
            term: LEASE_TERM,
        }
    }

    fn minute(n: i64) -> UnixMs {
        UnixMs(n * 60_000)
    }

    fn lease(holder: &str, until: i64) -> Option<Lease> {
        Some(Lease {
            holder: holder.to_owned(),
            name: holder.to_owned(),
            until: minute(until),
        })
    }

    #[test]
    fn a_lease_is_renewed_while_its_charm_can_run_and_given_back_when_a_person_stops_it() {
        let step = |wish, lease: &Option<Lease>, open| {
            step(wish, lease.as_ref(), &me(), minute(100), open)
        };
        let (fresh, half, old) = (lease("me", 114), lease("me", 107), lease("me", 99));
        assert_eq!(step(Wish::Run, &fresh, true), Step::Nothing);
        for due in [&half, &old] {
            assert_eq!(step(Wish::Run, due, true), Step::Claim);
            assert_eq!(step(Wish::Run, due, false), Step::Nothing, "not now");
            assert_eq!(step(Wish::Idle, due, true), Step::Nothing, "it runs out");
        }
        for mine in [&fresh, &half, &old] {
            assert_eq!(step(Wish::Leave, mine, true), Step::Release);
            assert_eq!(step(Wish::Leave, mine, false), Step::Nothing);
        }
        for none in [&None, &lease("you", 114)] {
            assert_eq!(step(Wish::Leave, none, true), Step::Nothing);
        }
    }

    #[test]
    fn a_charm_that_waits_is_freed_claimed_or_told_where_it_runs() {
        let step = |wish, lease: &Option<Lease>, open| {
            step(wish, lease.as_ref(), &me(), minute(100), open)
        };
        let theirs = lease("you", 101);
        let there = Step::Away(theirs.clone().expect("a lease"));
        assert_eq!(step(Wish::Away, &lease("me", 101), false), Step::Here);
        for free in [
            &None,
            &lease("you", 99),
            &lease("me", 99),
            &lease("you", 9999),
        ] {
            assert_eq!(step(Wish::Away, free, true), Step::Claim, "{free:?}");
            assert_eq!(step(Wish::Away, free, false), Step::Nothing);
        }
        for open in [true, false] {
            assert_eq!(step(Wish::Away, &theirs, open), there);
            assert_eq!(step(Wish::Run, &theirs, open), there, "taken over");
            assert_eq!(step(Wish::Idle, &theirs, open), Step::Nothing);
        }
        // Nobody's: claimed when a run is due, not before.
        assert_eq!(step(Wish::Run, &None, true), Step::Nothing);
    }

    #[test]
    fn there_is_one_look_for_each_half_term_and_none_in_a_circle() {
        let lease = lease("me", 115).expect("a lease");
        assert_eq!(
            look_again(&lease, &me(), minute(100)).0,
            minute(107).0 + 30_000
        );
        let late = look_again(&lease, &me(), minute(120));
        assert!(
            late > minute(121),
            "a server that does not answer is not pressed"
        );
    }
}
