//! A token bucket that is fair: who asks first is served first.
//!
//! Owns: the level, the line of those who wait, and its order. Holds no lock
//! while waiting; a waiter that is dropped leaves the line and takes nothing.
//! Time is read from the `Clock` handed in; only the sleeping is tokio's, so a
//! test that pauses tokio's time must hand in a clock that follows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use charmkeeper_base::Clock;
use tokio::sync::Notify;

/// See the module.
pub(crate) struct Bucket {
    clock: Arc<dyn Clock>,
    /// Units per second.
    rate: f64,
    /// Units that can be saved up.
    capacity: f64,
    state: Mutex<State>,
}

struct State {
    level: f64,
    /// When `level` was true, on the monotonic clock.
    at: Duration,
    next_ticket: u64,
    line: VecDeque<Waiter>,
}

struct Waiter {
    ticket: u64,
    units: f64,
    turn: Arc<Notify>,
}

/// The wait that was not worth beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong(pub Duration);

impl Bucket {
    /// A full bucket for a server's limit of `per_minute` units, of which this
    /// program uses the `share` (0 to 1).
    ///
    /// What is saved up is the rest of the limit: in any minute at most a full
    /// bucket and a minute's refill are spent, which together is the limit.
    pub(crate) fn new(clock: Arc<dyn Clock>, per_minute: u32, share: f64) -> Self {
        let limit = f64::from(per_minute.max(1));
        let share = if share.is_finite() {
            share.clamp(0.01, 1.0)
        } else {
            1.0
        };
        let capacity = (limit * (1.0 - share)).max(limit * 0.05).max(1.0);
        let state = State {
            level: capacity,
            at: clock.monotonic(),
            next_ticket: 0,
            line: VecDeque::new(),
        };
        Self {
            rate: limit * share / 60.0,
            capacity,
            state: Mutex::new(state),
            clock,
        }
    }

    /// Takes `units`, waiting in line for them. More units than the bucket can
    /// hold are saved up while the request is first in line.
    ///
    /// # Errors
    /// [`TooLong`], at once, when the wait would exceed `max_wait`.
    pub(crate) async fn take(&self, units: u32, max_wait: Duration) -> Result<(), TooLong> {
        let units = f64::from(units);
        let Some(mut place) = self.join(units, max_wait)? else {
            return Ok(());
        };
        loop {
            match self.look(&place) {
                Next::Done => {
                    place.served = true;
                    return Ok(());
                }
                Next::Sleep(wait) => tokio::time::sleep(wait).await,
                Next::Wait => place.turn.notified().await,
            }
        }
    }

    /// Serves the request now (`None`) or puts it in line.
    fn join(&self, units: f64, max_wait: Duration) -> Result<Option<Place<'_>>, TooLong> {
        let mut state = self.lock();
        self.refill(&mut state, self.capacity);
        if state.line.is_empty() && state.level >= units {
            state.level -= units;
            return Ok(None);
        }
        let ahead: f64 = state.line.iter().map(|w| w.units).sum();
        let wait = self.time_for(ahead + units - state.level);
        if wait > max_wait {
            return Err(TooLong(wait));
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let turn = Arc::new(Notify::new());
        state.line.push_back(Waiter {
            ticket,
            units,
            turn: Arc::clone(&turn),
        });
        Ok(Some(Place {
            bucket: self,
            ticket,
            turn,
            served: false,
        }))
    }

    fn look(&self, place: &Place<'_>) -> Next {
        let mut state = self.lock();
        let units = match state.line.front() {
            Some(first) if first.ticket == place.ticket => first.units,
            _ => return Next::Wait,
        };
        self.refill(&mut state, self.capacity.max(units));
        if state.level < units {
            return Next::Sleep(self.time_for(units - state.level));
        }
        state.level -= units;
        state.line.pop_front();
        call_first(&state);
        Next::Done
    }

    fn refill(&self, state: &mut State, capacity: f64) {
        let now = self.clock.monotonic();
        let gained = now.saturating_sub(state.at).as_secs_f64() * self.rate;
        // A level above the plain capacity was saved up for the first in line.
        state.level = (state.level + gained).min(capacity.max(state.level));
        state.at = now;
    }

    /// Time until `units` more have come; at least a millisecond, so that
    /// rounding never makes a busy loop.
    fn time_for(&self, units: f64) -> Duration {
        let seconds = (units.max(0.0) / self.rate).min(86_400.0);
        Duration::from_secs_f64(seconds) + Duration::from_millis(1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next {
    Done,
    Sleep(Duration),
    Wait,
}

fn call_first(state: &State) {
    if let Some(first) = state.line.front() {
        first.turn.notify_one();
    }
}

/// A place in line; leaving it early lets the next one move up.
struct Place<'a> {
    bucket: &'a Bucket,
    ticket: u64,
    turn: Arc<Notify>,
    served: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.served {
            return;
        }
        let mut state = self.bucket.lock();
        state.line.retain(|w| w.ticket != self.ticket);
        state.level = state.level.min(self.bucket.capacity);
        call_first(&state);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::testing::TokioClock;
    use super::*;

    /// 60 units per minute and 40 saved up.
    fn bucket() -> Arc<Bucket> {
        Arc::new(Bucket::new(Arc::new(TokioClock::default()), 100, 0.6))
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_serves_at_once_and_then_at_its_rate() {
        let b = bucket();
        let start = tokio::time::Instant::now();
        b.take(40, LONG).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        b.take(30, LONG).await.unwrap();
        let waited = start.elapsed();
        assert!((29.9..30.1).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_exceeds_the_limit() {
        let b = bucket();
        let start = tokio::time::Instant::now();
        let mut spent = Vec::new();
        for _ in 0..60 {
            b.take(5, LONG).await.unwrap();
            spent.push(start.elapsed().as_secs_f64());
        }
        for &from in &spent {
            let within = spent
                .iter()
                .filter(|t| (from..from + 60.0).contains(*t))
                .count();
            assert!(within * 5 <= 100 + 5, "{} units in a minute", within * 5);
        }
        // 300 units: 40 at once, 260 at one per second.
        assert!((259.0..262.0).contains(&start.elapsed().as_secs_f64()));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_bucket_holds_is_saved_up_and_starves_nobody() {
        let b = bucket();
        let start = tokio::time::Instant::now();
        b.take(100, LONG).await.unwrap();
        let waited = start.elapsed().as_secs_f64();
        assert!((59.9..60.1).contains(&waited), "{waited}");
        b.take(1, LONG).await.unwrap();
        assert!((60.9..61.2).contains(&start.elapsed().as_secs_f64()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_first_is_served_first_even_if_small_requests_would_fit() {
        let b = bucket();
        b.take(40, LONG).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (name, units) in [("big", 30), ("small", 1), ("middle", 5), ("tiny", 1)] {
            let (b, order) = (Arc::clone(&b), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                b.take(units, LONG).await.unwrap();
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
            // By now there is enough for a small one, but not for the big one.
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        for task in tasks {
            tokio::time::timeout(LONG, task).await.unwrap().unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["big", "small", "middle", "tiny"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_leaves_the_line_and_takes_nothing() {
        let b = bucket();
        b.take(40, LONG).await.unwrap();
        let start = tokio::time::Instant::now();
        let served = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for units in [3000, 30, 10] {
            let (b, served) = (Arc::clone(&b), Arc::clone(&served));
            tasks.push(tokio::spawn(async move {
                b.take(units, LONG).await.unwrap();
                served.fetch_add(1, Ordering::SeqCst);
            }));
            tokio::task::yield_now().await;
        }
        // The first in line, and one in the middle.
        tasks[0].abort();
        tasks[1].abort();
        let last = tasks.pop().unwrap();
        tokio::time::timeout(LONG, last).await.unwrap().unwrap();
        assert_eq!(served.load(Ordering::SeqCst), 1);
        assert!(
            (9.9..10.2).contains(&start.elapsed().as_secs_f64()),
            "{:?}",
            start.elapsed()
        );
        assert!(b.lock().line.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_too_long_is_refused_with_its_length() {
        let b = bucket();
        b.take(40, LONG).await.unwrap();
        let limit = Duration::from_secs(20);
        let TooLong(wait) = b.take(21, limit).await.unwrap_err();
        assert!((20.9..21.1).contains(&wait.as_secs_f64()), "{wait:?}");
        // It took nothing and did not stay in line.
        let start = tokio::time::Instant::now();
        b.take(10, limit).await.unwrap();
        assert!((9.9..10.1).contains(&start.elapsed().as_secs_f64()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_saved_up_has_a_limit() {
        let b = bucket();
        tokio::time::advance(Duration::from_secs(100_000)).await;
        let start = tokio::time::Instant::now();
        b.take(41, LONG).await.unwrap();
        assert!(
            start.elapsed() >= Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}
