//! The scheduler's own time line.
//!
//! Virtual time runs with the monotonic clock and jumps ahead by every sleep
//! that clock did not count. Every wait is a point on it, so that neither a
//! changed wall clock nor a sleep needs any wait to be recalculated. Wall
//! times are translated where they come in and where they go out.

use std::time::Duration;

use charmkeeper_base::UnixMs;

use super::input::Moment;

/// A point on the scheduler's time line.
pub(super) type Vt = Duration;

/// The first point. Ten years in, so that due times before the start of the
/// program have a place too.
const ORIGIN: Vt = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The current point and the clocks it was reached at.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLine {
    last: Moment,
    t: Vt,
}

/// What a step of the clocks showed beyond the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leap {
    /// Nothing.
    None,
    /// The computer slept.
    Slept,
    /// The wall clock was changed.
    WallChanged,
}

impl TimeLine {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            last: now,
            t: ORIGIN,
        }
    }

    /// The current point.
    pub(super) fn t(&self) -> Vt {
        self.t
    }

    /// Moves on to `now`. `uncounted` is the reported sleep that the monotonic
    /// clock did not count; `infer_sleep` takes a wall clock that is ahead of
    /// it by more than `gap` for sleep.
    pub(super) fn advance(
        &mut self,
        now: Moment,
        uncounted: Option<Duration>,
        infer_sleep: bool,
        gap: Duration,
    ) -> Leap {
        let counted = now.mono.saturating_sub(self.last.mono);
        let before = self.last;
        self.last = Moment {
            wall: now.wall,
            mono: now.mono.max(before.mono),
        };
        self.t = self.t.saturating_add(counted);
        if let Some(uncounted) = uncounted {
            self.t = self.t.saturating_add(uncounted);
            return Leap::Slept;
        }
        let ahead = now.wall.since(before.wall.plus(counted));
        let behind = before.wall.plus(counted).since(now.wall);
        if ahead > gap && infer_sleep {
            self.t = self.t.saturating_add(ahead);
            Leap::Slept
        } else if ahead > gap || behind > gap {
            Leap::WallChanged
        } else {
            Leap::None
        }
    }

    /// The point that `mono` is, without moving there.
    pub(super) fn at(&self, mono: Duration) -> Vt {
        self.t.saturating_add(mono.saturating_sub(self.last.mono))
    }

    /// The monotonic time at which `vt` is reached if nobody sleeps.
    pub(super) fn mono(&self, vt: Vt) -> Duration {
        self.last.mono.saturating_add(vt.saturating_sub(self.t))
    }

    /// The wall time of `vt`, as far as the wall clock can be trusted now.
    pub(super) fn wall(&self, vt: Vt) -> UnixMs {
        if vt >= self.t {
            self.last.wall.plus(vt - self.t)
        } else {
            let ms = i64::try_from((self.t - vt).as_millis()).unwrap_or(i64::MAX);
            UnixMs(self.last.wall.0.saturating_sub(ms))
        }
    }

    /// The point of a wall time, at most `longest` ahead: a wall clock that was
    /// wrong, or an absurd answer of a server, must not stall anything.
    pub(super) fn vt_of(&self, wall: UnixMs, longest: Duration) -> Vt {
        if wall >= self.last.wall {
            self.t
                .saturating_add(wall.since(self.last.wall).min(longest))
        } else {
            self.t.saturating_sub(self.last.wall.since(wall))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(30);

    fn at(wall_s: i64, mono_s: u64) -> Moment {
        Moment {
            wall: UnixMs(wall_s * 1000),
            mono: Duration::from_secs(mono_s),
        }
    }

    #[test]
    fn leaps_are_told_apart() {
        let hour = 3600;
        // (wall, mono, reported sleep, infer, leap, seconds that vt moves)
        let table = [
            (1010, 10, None, true, Leap::None, 10),
            (1035, 10, None, true, Leap::None, 10),
            (
                1010 + 8 * hour,
                10,
                None,
                true,
                Leap::Slept,
                10 + 8 * hour as u64,
            ),
            (1010 + 8 * hour, 10, None, false, Leap::WallChanged, 10),
            (1010 - 24 * hour, 10, None, true, Leap::WallChanged, 10),
            (
                1010 + 8 * hour,
                10,
                Some(8 * hour as u64),
                false,
                Leap::Slept,
                10 + 8 * hour as u64,
            ),
            (
                1010 + 8 * hour,
                10 + 8 * hour as u64,
                Some(0),
                false,
                Leap::Slept,
                10 + 8 * hour as u64,
            ),
        ];
        for (wall, mono, slept, infer, leap, moved) in table {
            let mut line = TimeLine::new(at(1000, 0));
            let slept = slept.map(Duration::from_secs);
            assert_eq!(
                line.advance(at(wall, mono), slept, infer, GAP),
                leap,
                "{wall} {mono}"
            );
            assert_eq!(
                line.t() - ORIGIN,
                Duration::from_secs(moved),
                "{wall} {mono}"
            );
        }
    }

    #[test]
    fn wall_times_translate_both_ways_and_are_capped() {
        let mut line = TimeLine::new(at(1000, 0));
        line.advance(at(1100, 100), None, false, GAP);
        let t = line.t();
        assert_eq!(line.wall(t + Duration::from_secs(5)), UnixMs(1_105_000));
        assert_eq!(line.wall(t - Duration::from_secs(5)), UnixMs(1_095_000));
        assert_eq!(
            line.vt_of(UnixMs(1_095_000), GAP),
            t - Duration::from_secs(5)
        );
        assert_eq!(line.vt_of(UnixMs(i64::MAX), GAP), t + GAP);
        assert_eq!(line.vt_of(UnixMs(i64::MIN), GAP), Duration::ZERO);
        assert_eq!(
            line.mono(t + Duration::from_secs(7)),
            Duration::from_secs(107)
        );
    }

    #[test]
    fn a_monotonic_clock_that_steps_back_does_not_move_time() {
        let mut line = TimeLine::new(at(1000, 50));
        line.advance(at(1000, 40), None, false, GAP);
        assert_eq!(line.t(), ORIGIN);
        line.advance(at(1000, 51), None, false, GAP);
        assert_eq!(line.t() - ORIGIN, Duration::from_secs(1));
    }
}
