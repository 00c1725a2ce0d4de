//! The soft clock of a run, and its cancellation.
//!
//! Owns a thread that terminates the JavaScript of the armed job when its time
//! is over or the keeper asks for it, and remembers which of the two it was:
//! "execution terminated" is the same text for a deadline and for a full heap,
//! so what ended a run is known only here.
//!
//! Native built-ins of the engine do not look at the request (`indexOf` over a
//! sparse array of 1e9 goes on for half a minute); for those the keeper has a
//! second clock and a kill.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use deno_core::v8::IsolateHandle;
use tokio::sync::Notify;

use super::link::Link;

/// While a run does not end: the engine takes a termination back while it turns
/// an exception into text, so the request is repeated.
const REPEAT: Duration = Duration::from_millis(50);

/// Stack of the watchdog's thread, in bytes.
const STACK: usize = 128 * 1024;

/// Why a run was terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Its soft limit was reached.
    Deadline,
    /// The keeper cancelled it.
    Cancelled,
}

struct Armed {
    job: u32,
    deadline: Instant,
    handle: IsolateHandle,
    stop: Arc<Notify>,
    fired: Option<Reason>,
}

#[derive(Default)]
struct State {
    armed: Option<Armed>,
    /// A job whose cancellation came before it was armed.
    cancelled_early: Option<u32>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    link: Link,
}

/// Watches one job at a time.
#[derive(Clone)]
pub(crate) struct Watchdog(Arc<Shared>);

impl Watchdog {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(link: Link) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            link,
        });
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("watchdog".to_owned())
            .stack_size(STACK)
            .spawn(move || theirs.watch())?;
        Ok(Self(shared))
    }

    /// From now until [`disarm`](Self::disarm), terminates this job at
    /// `deadline`. `stop` is notified too, for a run that waits and runs nothing.
    pub(crate) fn arm(
        &self,
        job: u32,
        deadline: Instant,
        handle: IsolateHandle,
        stop: Arc<Notify>,
    ) {
        let mut state = self.0.lock();
        let fired = (state.cancelled_early.take() == Some(job)).then_some(Reason::Cancelled);
        state.armed = Some(Armed {
            job,
            deadline,
            handle,
            stop,
            fired,
        });
        self.0.changed.notify_one();
    }

    /// Ends the watch; says whether and why the job was terminated.
    pub(crate) fn disarm(&self) -> Option<Reason> {
        self.0.lock().armed.take()?.fired
    }

    /// Terminates this job if it is running or about to.
    pub(crate) fn cancel(&self, job: u32) {
        let mut state = self.0.lock();
        match state.armed.as_mut() {
            Some(armed) if armed.job == job => {
                armed.fired.get_or_insert(Reason::Cancelled);
            }
            _ => state.cancelled_early = Some(job),
        }
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut state = self.lock();
        loop {
            let wait = match state.armed.as_mut() {
                None => None,
                Some(armed) => {
                    let left = armed.deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        armed.fired.get_or_insert(Reason::Deadline);
                    }
                    if armed.fired.is_some() {
                        // First the request, then the wake-up: a call that is
                        // woken must not return to JavaScript that still runs.
                        armed.handle.terminate_execution();
                        armed.stop.notify_one();
                        self.link.stop();
                        Some(REPEAT)
                    } else {
                        Some(left)
                    }
                }
            };
            state = match wait {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(time) => {
                    self.changed
                        .wait_timeout(state, time)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}
