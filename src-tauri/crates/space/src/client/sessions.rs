//! The sessions that are to be open.
//!
//! Owns what is known of each and whose turn it is. Never sends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::error::SpaceError;
use super::event::Opened;
use super::session::SessionKey;
use crate::identity::Identity;
use crate::messages::{Descriptor, OpenOk};

/// A server keeps a session for 30 s after its connection ended, and notices a
/// dead connection after 30 s. A token that is stale for longer than both is
/// stale because someone else has the session.
const STALE_LIMIT: Duration = Duration::from_secs(75);
/// Between attempts with a stale token.
const STALE_WAIT: Duration = Duration::from_secs(10);
/// After so many failures in a row, whoever waits for a session is told.
const PATIENCE: u32 = 3;

pub(super) type Waiter = oneshot::Sender<Result<Opened, SpaceError>>;

pub(super) enum State {
    Waiting,
    Opening,
    Open(Opened),
    Over(SpaceError),
}

pub(super) struct Record {
    pub(super) space: String,
    pub(super) identity: Arc<Identity>,
    pub(super) which: Descriptor,
    pub(super) state: State,
    not_before: Option<Instant>,
    failures: u32,
    stale_since: Option<Instant>,
    /// Everything that the server pushed up to here has arrived.
    synced_to: u64,
    waiters: Vec<Waiter>,
}

impl Record {
    pub(super) fn new(space: String, identity: Arc<Identity>, which: Descriptor) -> Self {
        Self {
            space,
            identity,
            synced_to: which.seen_seq.unwrap_or(0),
            which,
            state: State::Waiting,
            not_before: None,
            failures: 0,
            stale_since: None,
            waiters: Vec::new(),
        }
    }

    /// The id under which the session is open.
    pub(super) fn open_id(&self) -> Result<&str, SpaceError> {
        match (&self.state, &self.which.session_id) {
            (State::Open(_), Some(id)) => Ok(id),
            (State::Over(error), _) => Err(error.clone()),
            _ => Err(SpaceError::NotOpen),
        }
    }

    pub(super) fn wait(&mut self, waiter: Waiter) {
        match &self.state {
            State::Open(opened) => drop(waiter.send(Ok(opened.clone()))),
            State::Over(error) => drop(waiter.send(Err(error.clone()))),
            State::Waiting | State::Opening => self.waiters.push(waiter),
        }
    }

    fn tell(&mut self, result: &Result<Opened, SpaceError>) {
        for waiter in self.waiters.drain(..) {
            // Whoever waited may have stopped.
            let _ = waiter.send(result.clone());
        }
    }

    pub(super) fn opened(&mut self, ok: OpenOk) -> Opened {
        let gap = ok.resumed
            && ok
                .sync
                .as_ref()
                .is_some_and(|sync| sync.from_seq > self.synced_to);
        self.which.session_id = Some(ok.session_id);
        self.which.session_token = Some(ok.session_token);
        (self.failures, self.not_before, self.stale_since) = (0, None, None);
        if !ok.resumed {
            // Nothing is watched, so nothing has arrived.
            self.synced_to = 0;
        }
        let opened = Opened {
            which: self.which.clone(),
            server_seq: ok.server_seq,
            caught_up_local_seq: ok.caught_up_local_seq,
            resumed: ok.resumed,
            sync: None,
            gap,
        };
        self.state = State::Open(opened.clone());
        self.tell(&Ok(opened.clone()));
        if let Some(sync) = &ok.sync {
            self.synced_to(sync.to_seq);
        }
        Opened {
            sync: ok.sync,
            ..opened
        }
    }

    /// Everything up to this number has arrived.
    pub(super) fn synced_to(&mut self, seq: u64) {
        self.synced_to = self.synced_to.max(seq);
    }

    /// What was acknowledged holds for the next resume too.
    pub(super) fn acknowledged(&mut self, seq: u64) {
        self.which.seen_seq = self.which.seen_seq.max(Some(seq));
    }

    /// Ends the session for good.
    pub(super) fn over(&mut self, error: SpaceError) {
        self.tell(&Err(error.clone()));
        self.state = State::Over(error);
    }

    /// The open failed and may succeed after `delay`.
    pub(super) fn failed(&mut self, delay: impl FnOnce(u32) -> Duration, error: &SpaceError) {
        self.not_before = Some(Instant::now() + delay(self.failures));
        self.failures += 1;
        self.state = State::Waiting;
        if self.failures >= PATIENCE {
            self.tell(&Err(error.clone()));
        }
    }

    /// The token is stale. False when it has been for too long.
    pub(super) fn stale(&mut self) -> bool {
        let now = Instant::now();
        let since = *self.stale_since.get_or_insert(now);
        self.not_before = Some(now + STALE_WAIT);
        self.state = State::Waiting;
        now - since < STALE_LIMIT
    }

    /// The connection ended. Waiters are told, unless it is made anew at once.
    fn lost(&mut self, error: Option<&SpaceError>) {
        if matches!(self.state, State::Open(_) | State::Opening) {
            self.state = State::Waiting;
        }
        if let Some(error) = error {
            self.tell(&Err(error.clone()));
        }
    }
}

#[derive(Default)]
pub(super) struct Sessions(BTreeMap<SessionKey, Record>);

impl Sessions {
    pub(super) fn insert(&mut self, key: SessionKey, record: Record) {
        self.0.insert(key, record);
    }

    pub(super) fn remove(&mut self, key: SessionKey) {
        self.0.remove(&key);
    }

    pub(super) fn get(&mut self, key: SessionKey) -> Option<&mut Record> {
        self.0.get_mut(&key)
    }

    /// The open session that a push is for.
    pub(super) fn find(&mut self, space: &str, id: &str) -> Option<(SessionKey, &mut Record)> {
        self.0
            .iter_mut()
            .find(|(_, record)| record.space == space && record.open_id() == Ok(id))
            .map(|(key, record)| (*key, record))
    }

    pub(super) fn lost(&mut self, error: Option<&SpaceError>) {
        self.0.values_mut().for_each(|record| record.lost(error));
    }

    /// True while an open is without an answer: only one goes at a time, as each
    /// answer brings the challenge for the next.
    pub(super) fn is_opening(&self) -> bool {
        let mut all = self.0.values();
        all.any(|record| matches!(record.state, State::Opening))
    }

    /// The first session whose turn it is to be opened.
    pub(super) fn due(&self) -> Option<SessionKey> {
        let now = Instant::now();
        self.waiting()
            .find(|(_, record)| record.not_before.is_none_or(|at| at <= now))
            .map(|(key, _)| *key)
    }

    /// When the next session's turn comes.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting()
            .filter_map(|(_, record)| record.not_before)
            .min()
    }

    fn waiting(&self) -> impl Iterator<Item = (&SessionKey, &Record)> {
        self.0
            .iter()
            .filter(|(_, record)| matches!(record.state, State::Waiting))
    }
}
