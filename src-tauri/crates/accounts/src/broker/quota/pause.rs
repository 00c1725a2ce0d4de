//! The pause of one account after a rate-limit answer.
//!
//! Owns: how long it lasts (the longer of our backoff and what was asked for),
//! and when it is over. Never waits.

use std::time::Duration;

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};

use super::wait::MAX_WAIT;

/// First backoff; it doubles with each refusal in a row.
const FIRST: Duration = Duration::from_secs(5);
/// Longest backoff of our own, when no wait is asked for.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A pause as the keeper stores it. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The account that waits.
    pub account: String,
    /// When the refusal came.
    pub since: UnixMs,
    /// No request before this moment.
    pub until: UnixMs,
    /// What the provider said, in one sentence.
    pub reason: String,
    /// Refusals in a row.
    pub strikes: u32,
}

/// What is known about one account's refusals.
#[derive(Debug, Default)]
pub(crate) struct PauseState {
    active: Option<Active>,
    strikes: u32,
    /// Monotonic time of the last refusal.
    struck_at: Duration,
}

#[derive(Debug)]
struct Active {
    pause: Pause,
    ends: Duration,
}

impl Active {
    fn is_over(&self, now: Moment) -> bool {
        now.wall >= self.pause.until || now.mono >= self.ends
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub wall: UnixMs,
    pub mono: Duration,
}

/// A refusal, ready to be counted.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Monotonic time at which the refused request was admitted.
    pub admitted: Duration,
    /// What the server asked for, uncapped.
    pub asked: Option<Duration>,
    /// Never wait less.
    pub floor: Duration,
    pub reason: String,
    /// 0 to 1.
    pub jitter: f64,
}

impl PauseState {
    /// The pause that is going on. Either clock may end it: the wall clock
    /// after a sleep in which monotonic time stood still, monotonic time after
    /// the wall clock was set back.
    pub(crate) fn active(&self, now: Moment) -> Option<&Pause> {
        self.active
            .as_ref()
            .filter(|a| !a.is_over(now))
            .map(|a| &a.pause)
    }

    /// Counts a refusal and returns the pause that follows. Of requests that
    /// were on their way together only the first one adds to the backoff.
    pub(crate) fn refuse(&mut self, account: &str, refusal: Refusal, now: Moment) -> &Pause {
        if self.strikes == 0 || refusal.admitted > self.struck_at {
            self.strikes = self.strikes.saturating_add(1);
            self.struck_at = now.mono;
        }
        let asked = refusal.asked.unwrap_or_default().min(MAX_WAIT);
        let wait = backoff(self.strikes, refusal.jitter)
            .max(asked)
            .max(refusal.floor);
        let until = now.wall.plus(wait);
        let mut active = match self.active.take() {
            Some(earlier) if !earlier.is_over(now) && earlier.pause.until >= until => earlier,
            _ => {
                let (account, reason) = (account.to_owned(), refusal.reason);
                let pause = Pause {
                    account,
                    since: now.wall,
                    until,
                    reason,
                    strikes: 0,
                };
                Active {
                    pause,
                    ends: now.mono + wait,
                }
            }
        };
        active.pause.strikes = self.strikes;
        &self.active.insert(active).pause
    }

    /// A request that was admitted after the last refusal went well.
    pub(crate) fn succeed(&mut self, admitted: Duration, now: Moment) {
        if admitted >= self.struck_at && self.active(now).is_none() {
            *self = Self::default();
        }
    }

    /// Takes up a stored pause, unless it is over. However the wall clock was
    /// changed in between, it lasts no longer than a pause may.
    pub(crate) fn restore(&mut self, mut pause: Pause, now: Moment) {
        let left = pause.until.since(now.wall).min(MAX_WAIT);
        if left.is_zero() {
            return;
        }
        pause.until = now.wall.plus(left);
        self.strikes = pause.strikes;
        self.struck_at = now.mono;
        self.active = Some(Active {
            pause,
            ends: now.mono + left,
        });
    }
}

/// Exponential with up to a fifth added, so that several computers of one
/// person do not return in step.
fn backoff(strikes: u32, jitter: f64) -> Duration {
    let doubled = FIRST
        .saturating_mul(1 << strikes.saturating_sub(1).min(16))
        .min(LONGEST);
    doubled.mul_f64(1.0 + 0.2 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment {
            wall: UnixMs(1_795_251_600_000).plus(Duration::from_secs(seconds)),
            mono: Duration::from_secs(seconds),
        }
    }

    fn refusal(admitted: u64, asked: Option<u64>) -> Refusal {
        Refusal {
            admitted: Duration::from_secs(admitted),
            asked: asked.map(Duration::from_secs),
            floor: Duration::ZERO,
            reason: "slow down".into(),
            jitter: 0.0,
        }
    }

    fn seconds(state: &PauseState, now: u64) -> u64 {
        state
            .active(at(now))
            .map_or(0, |p| p.until.since(at(now).wall).as_secs())
    }

    #[test]
    fn refusals_in_a_row_double_and_success_begins_anew() {
        let mut s = PauseState::default();
        let mut now = 0;
        for want in [5, 10, 20, 40, 80, 160, 320, 640, 900, 900] {
            s.refuse("a", refusal(now, None), at(now));
            assert_eq!(seconds(&s, now), want);
            now += want;
            assert_eq!(seconds(&s, now), 0);
        }
        s.succeed(Duration::from_secs(now), at(now));
        s.refuse("a", refusal(now, None), at(now));
        assert_eq!(seconds(&s, now), 5);
    }

    #[test]
    fn requests_that_were_on_their_way_together_count_once() {
        let mut s = PauseState::default();
        for _ in 0..8 {
            s.refuse("a", refusal(0, None), at(10));
        }
        assert_eq!(seconds(&s, 10), 5);
        assert_eq!(s.active(at(10)).unwrap().strikes, 1);
        // A later answer to one of them may still ask for more, never for less.
        s.refuse("a", refusal(0, Some(100)), at(11));
        assert_eq!(seconds(&s, 11), 100);
        s.refuse("a", refusal(0, Some(20)), at(12));
        assert_eq!(seconds(&s, 12), 99);
        // And an early one that went well changes nothing.
        s.succeed(Duration::ZERO, at(13));
        assert_eq!(seconds(&s, 13), 98);
    }

    #[test]
    fn the_longer_of_backoff_and_request_counts_up_to_an_hour() {
        for (asked, want) in [
            (None, 5),
            (Some(2), 5),
            (Some(900), 900),
            (Some(31_536_000), 3600),
        ] {
            let mut s = PauseState::default();
            s.refuse("a", refusal(0, asked), at(0));
            assert_eq!(seconds(&s, 0), want, "{asked:?}");
        }
        assert_eq!(backoff(1, 1.0), Duration::from_secs(6));
        assert!(backoff(u32::MAX, 1.0) <= LONGEST.mul_f64(1.2));
    }

    #[test]
    fn a_pause_survives_a_restart_but_not_a_clock_set_back_by_a_year() {
        let mut s = PauseState::default();
        let stored = s.refuse("a", refusal(0, Some(900)), at(0)).clone();
        let mut later = PauseState::default();
        later.restore(stored.clone(), at(300));
        assert_eq!(seconds(&later, 300), 600);
        assert_eq!(seconds(&later, 900), 0);
        let mut over = PauseState::default();
        over.restore(stored.clone(), at(901));
        assert!(over.active(at(901)).is_none());
        let year = Moment {
            wall: UnixMs(1_795_251_600_000 - 31_536_000_000),
            mono: Duration::ZERO,
        };
        let mut back = PauseState::default();
        back.restore(stored, year);
        let left = back.active(year).unwrap().until.since(year.wall);
        assert_eq!(left, MAX_WAIT);
    }

    #[test]
    fn either_clock_ends_a_pause() {
        let mut s = PauseState::default();
        s.refuse("a", refusal(0, Some(900)), at(0));
        let slept = Moment {
            wall: at(900).wall,
            mono: Duration::from_secs(1),
        };
        assert!(s.active(slept).is_none());
        let set_back = Moment {
            wall: UnixMs(0),
            mono: Duration::from_secs(900),
        };
        assert!(s.active(set_back).is_none());
        assert!(s.active(at(899)).is_some());
    }
}
