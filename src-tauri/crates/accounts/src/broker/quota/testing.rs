//! A clock for tests that follows tokio's paused time.

use std::time::Duration;

use charmkeeper_base::{Clock, UnixMs};

/// Starts at 2026-11-21T09:00:00Z.
pub(crate) struct TokioClock {
    start: tokio::time::Instant,
}

impl Default for TokioClock {
    fn default() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> UnixMs {
        UnixMs(1_795_251_600_000).plus(self.start.elapsed())
    }
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
