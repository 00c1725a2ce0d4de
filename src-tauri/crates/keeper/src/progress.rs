//! What a run is doing, for whoever watches: a few words, a few times a second.
//!
//! Owns the measure. A charm that makes a thousand requests or logs a thousand
//! lines does not keep every watcher busy. The end of a run is told by the
//! engine, so that nothing here has to be told late.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use charmkeeper_base::Clock;

use crate::api::Event;

/// The least time between two words about one run.
const EVERY: Duration = Duration::from_millis(250);
/// Longest text of one, in bytes.
const MAX_TEXT: usize = 200;

/// The progress of one run.
pub(crate) struct RunProgress {
    run: String,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: u64,
    told: Option<Duration>,
}

impl RunProgress {
    /// Nothing happened yet.
    pub(crate) fn new(run: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            run: run.to_owned(),
            clock,
            seen: Mutex::default(),
        }
    }

    /// A request ended; what to tell of it, if it is time.
    pub(crate) fn call(&self, words: impl FnOnce() -> String) -> Option<Event> {
        self.happened(1, words)
    }

    /// The charm logged something.
    pub(crate) fn logged(&self, text: &str) -> Option<Event> {
        self.happened(0, || text.lines().next().unwrap_or_default().to_owned())
    }

    fn happened(&self, calls: u64, words: impl FnOnce() -> String) -> Option<Event> {
        let now = self.clock.monotonic();
        let calls = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.calls += calls;
            let early = seen.told.is_some_and(|told| now < told + EVERY);
            if early {
                return None;
            }
            seen.told = Some(now);
            seen.calls
        };
        let mut message = words();
        message.truncate(message.floor_char_boundary(MAX_TEXT));
        Some(Event::RunProgress {
            run: self.run.clone(),
            calls,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_base::UnixMs;
    use charmkeeper_base::time::FakeClock;

    #[test]
    fn it_tells_a_few_times_a_second_and_counts_everything() {
        let clock = Arc::new(FakeClock::at(UnixMs(0)));
        let progress = RunProgress::new("r", Arc::clone(&clock) as Arc<dyn Clock>);
        let mut told = Vec::new();
        for n in 0..100 {
            clock.advance(Duration::from_millis(10));
            told.extend(progress.call(|| format!("call {n}")));
        }
        assert_eq!(told.len(), 4, "in one second");
        clock.advance(Duration::from_secs(1));
        let last = progress.logged(&"é".repeat(500)).unwrap();
        let Event::RunProgress { calls, message, .. } = last else {
            panic!("{last:?}");
        };
        assert_eq!(calls, 100);
        assert!(message.len() <= MAX_TEXT && message.starts_with('é'));
    }
}
