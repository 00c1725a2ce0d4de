//! The one sign-in that waits for the browser.
//!
//! Owns who may wait: a second sign-in takes over from the first, and a person
//! can end the wait. Once the browser has answered, the rest is not cut off:
//! half a sign-in would leave a token that belongs to no account.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A person ended it.
    Cancelled,
    /// Another sign-in began.
    TakenOver,
}

#[derive(Debug)]
struct Waiting {
    end: oneshot::Sender<Ended>,
    answered: Arc<AtomicBool>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Connecting {
    waiting: Mutex<Option<Waiting>>,
}

/// The right to wait.
#[derive(Debug)]
pub(crate) struct Turn {
    ended: oneshot::Receiver<Ended>,
    answered: Arc<AtomicBool>,
}

impl Connecting {
    /// Begins to wait, in the place of whoever waits now.
    pub(crate) fn begin(&self) -> Turn {
        let (end, ended) = oneshot::channel();
        let answered = Arc::new(AtomicBool::new(false));
        let waiting = Waiting {
            end,
            answered: Arc::clone(&answered),
        };
        let before = self.lock().replace(waiting);
        if let Some(before) = before
            && !before.answered.load(Ordering::SeqCst)
        {
            // It may have ended by itself.
            let _ = before.end.send(Ended::TakenOver);
        }
        Turn { ended, answered }
    }

    /// Ends the wait. False when nobody waits for the browser.
    pub(crate) fn cancel(&self) -> bool {
        let mut waiting = self.lock();
        match waiting.take() {
            Some(one) if one.answered.load(Ordering::SeqCst) => {
                *waiting = Some(one);
                false
            }
            Some(one) => one.end.send(Ended::Cancelled).is_ok(),
            None => false,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// A flag to raise when the browser has answered.
    pub(crate) fn answered(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.answered)
    }

    /// Waits for the end that others bring about; for ever when none does.
    pub(crate) async fn ended(&mut self) -> Ended {
        match (&mut self.ended).await {
            Ok(why) => why,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_one_takes_over_and_a_person_can_end_it() {
        let connecting = Connecting::default();
        assert!(!connecting.cancel());
        let mut first = connecting.begin();
        let mut second = connecting.begin();
        assert_eq!(first.ended().await, Ended::TakenOver);
        assert!(connecting.cancel());
        assert_eq!(second.ended().await, Ended::Cancelled);
        assert!(!connecting.cancel());
    }

    #[tokio::test]
    async fn what_the_browser_has_answered_is_not_cut_off() {
        let connecting = Connecting::default();
        let mut first = connecting.begin();
        first.answered().store(true, Ordering::SeqCst);
        assert!(!connecting.cancel());
        let second = connecting.begin();
        let none = tokio::time::timeout(std::time::Duration::ZERO, first.ended()).await;
        assert!(none.is_err(), "the first goes on");
        drop(second);
        assert!(!connecting.cancel(), "nobody waits any more");
    }
}
