//! One run's requests: how many there may be, and how they ended.
//!
//! Owns: the counters of a run, the list of its calls in the order in which the
//! charm made them, and which failures were made good by a later try. Never
//! sends anything.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use charmkeeper_base::http::{CallError, CallRecord};
use charmkeeper_base::{Clock, ErrorKind};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::errors::refusal;
use super::policy::Caps;

/// Records beyond `max_requests` that are kept of refused calls.
const REFUSED_KEPT: usize = 100;

/// The counters and the record of one run. Shared by all requests of the run;
/// a new run gets a new one.
#[derive(Debug)]
pub struct RunBudget {
    caps: Caps,
    gate: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: u32,
    pending_bytes: usize,
    records: Vec<CallRecord>,
    left_out: u32,
    /// How the last try of each distinct request ended.
    items: HashMap<Item, (u64, Option<CallError>)>,
    next: u64,
}

/// What makes two requests the same one, tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Item(u64);

impl Item {
    pub(crate) fn of(what: impl Hash) -> Self {
        // Fixed keys: this only compares requests within one run.
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The failures of a run that no later try made good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unrecovered {
    /// How many requests; each part of a batch counts.
    pub count: usize,
    /// The first of them.
    pub first: Option<CallError>,
}

impl RunBudget {
    /// A fresh budget with the limits of `caps`.
    #[must_use]
    pub fn new(caps: &Caps) -> Self {
        Self {
            gate: Semaphore::new(caps.max_concurrent.clamp(1, Semaphore::MAX_PERMITS)),
            state: Mutex::default(),
            caps: caps.clone(),
        }
    }

    /// The calls so far, in the order in which the charm made them. A call that
    /// has not ended is shown as abandoned.
    #[must_use]
    pub fn records(&self) -> Vec<CallRecord> {
        self.lock().records.clone()
    }

    /// Calls that were refused after the limit and are not among
    /// [`records`](Self::records).
    #[must_use]
    pub fn left_out(&self) -> u32 {
        self.lock().left_out
    }

    /// What remains failed: requests whose last try did not succeed, however
    /// the charm dealt with it. This is what makes a run `partial`.
    #[must_use]
    pub fn unrecovered(&self) -> Unrecovered {
        let state = self.lock();
        let mut failed: Vec<_> = state
            .items
            .values()
            .filter_map(|(at, e)| e.as_ref().map(|e| (*at, e)))
            .collect();
        failed.sort_unstable_by_key(|(at, _)| *at);
        Unrecovered {
            count: failed.len(),
            first: failed.first().map(|(_, e)| (*e).clone()),
        }
    }

    /// Enters a call into the record. The returned slot must be finished; when
    /// it is dropped instead, the call counts as abandoned.
    pub(crate) fn begin<'a>(
        &'a self,
        record: CallRecord,
        item: Item,
        clock: &'a dyn Clock,
    ) -> Slot<'a> {
        let mut state = self.lock();
        state.begun = state.begun.saturating_add(1);
        let bytes = usize::try_from(record.bytes_out).unwrap_or(usize::MAX);
        let pending = state.pending_bytes.saturating_add(bytes);
        let refused = self.refuse(state.begun, bytes, pending);
        let held = if refused.is_some() { 0 } else { bytes };
        state.pending_bytes = state.pending_bytes.saturating_add(held);
        let room = state.records.len() < self.caps.max_requests as usize + REFUSED_KEPT;
        let index = room.then_some(state.records.len());
        let began = clock.monotonic();
        let mut shown = record.clone();
        shown.error = Some(abandoned());
        match index {
            Some(_) => state.records.push(shown),
            None => state.left_out = state.left_out.saturating_add(1),
        }
        drop(state);
        Slot {
            budget: self,
            index,
            item,
            held,
            began,
            clock,
            record,
            refused,
            finished: false,
        }
    }

    /// Waits for one of the run's places on the wire.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed, so this is always a permit.
        self.gate.acquire().await.ok()
    }

    fn refuse(&self, begun: u32, bytes: usize, pending: usize) -> Option<CallError> {
        let caps = &self.caps;
        let text = if begun > caps.max_requests {
            format!(
                "The charm made more than {} requests in one run.",
                caps.max_requests
            )
        } else if bytes > caps.max_request_body {
            format!(
                "The charm sent a body of {bytes} bytes; the limit is {}.",
                caps.max_request_body
            )
        } else if pending > caps.max_pending {
            format!(
                "The charm has more than {} bytes of requests under way.",
                caps.max_pending
            )
        } else {
            return None;
        };
        Some(refusal(ErrorKind::Charm, text))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn abandoned() -> CallError {
    refusal(
        ErrorKind::Charm,
        "The request was abandoned before it was answered.",
    )
}

/// One call of a run, from its beginning to its end.
pub(crate) struct Slot<'a> {
    budget: &'a RunBudget,
    index: Option<usize>,
    item: Item,
    held: usize,
    began: Duration,
    clock: &'a dyn Clock,
    /// What is known so far; `finish` hands out the final one.
    pub record: CallRecord,
    refused: Option<CallError>,
    finished: bool,
}

impl Slot<'_> {
    /// Why the call may not be made, if so.
    pub(crate) fn refused(&self) -> Option<CallError> {
        self.refused.clone()
    }

    /// Ends the call. `parts` are the ends of a batch's parts; for any other
    /// request it is empty and the record's own error counts.
    pub(crate) fn finish(mut self, parts: Vec<(Item, Option<CallError>)>) -> CallRecord {
        self.finished = true;
        let parts = if parts.is_empty() {
            vec![(self.item, self.record.error.clone())]
        } else {
            parts
        };
        self.settle(parts);
        self.record.clone()
    }

    fn settle(&mut self, parts: Vec<(Item, Option<CallError>)>) {
        let took = self.clock.monotonic().saturating_sub(self.began);
        self.record.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut state = self.budget.lock();
        state.pending_bytes = state.pending_bytes.saturating_sub(self.held);
        if let Some(shown) = self.index.and_then(|i| state.records.get_mut(i)) {
            *shown = self.record.clone();
        }
        // What was refused for want of room is not remembered one by one.
        if self.index.is_some() {
            for (item, error) in parts {
                let at = state.next;
                state.next += 1;
                state.items.insert(item, (at, error));
            }
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let error = abandoned();
            self.record.error = Some(error.clone());
            self.settle(vec![(self.item, Some(error))]);
        }
    }
}
