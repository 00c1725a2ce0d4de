//! What is to be done about one lease: pure rules.

use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_space::pieces::{Claimant, Lease};

use crate::scheduler::State;

/// What a charm's state means for its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It runs here, or would if it were due.
    Run,
    /// It is due and may not start.
    Away,
    /// It cannot run here for now: what it holds runs out.
    Idle,
    /// The person does not want it to run here.
    Leave,
}

pub(super) fn wish(state: &State) -> Wish {
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
pub(super) enum Step {
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
pub(super) fn step(
    wish: Wish,
    lease: Option<&Lease>,
    me: &Claimant,
    now: UnixMs,
    open: bool,
) -> Step {
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
pub(super) fn look_again(lease: &Lease, me: &Claimant, now: UnixMs) -> UnixMs {
    let renewal = renewal(lease, me);
    if renewal > now {
        renewal
    } else {
        now.plus((me.term / 4).max(Duration::from_secs(1)))
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
