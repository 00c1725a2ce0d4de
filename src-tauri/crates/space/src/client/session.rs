//! A session in one space, as its user sees it.
//!
//! Owns turning calls into requests and answers into results. Never sends by
//! itself: the connection's task does.

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::error::SpaceError;
use super::event::Opened;
use super::task::Order;
use crate::messages::{
    Command, Commit, CommitOk, Query, QueryOk, Watch, WatchOk, WireError, error_name,
};

/// Names a session of a connection, in the order of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub(super) u64);

/// What became of a commit. All three are final: the server has decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was made, now or by an earlier sending.
    Accepted(CommitOk),
    /// It rests on something that has changed: read again, and make a new commit
    /// with a new `local_seq`.
    Conflict {
        /// The space's sequence number to catch up to.
        retry_after_seq: Option<u64>,
        /// The server's words. A failed precondition has its `precondition` set.
        error: WireError,
    },
    /// It was not made and will not be.
    Refused(WireError),
}

/// An open or opening session. Dropping it ends it.
#[derive(Debug)]
pub struct Session {
    key: SessionKey,
    space: String,
    orders: mpsc::UnboundedSender<Order>,
}

impl Session {
    pub(super) fn new(
        key: SessionKey,
        space: String,
        orders: mpsc::UnboundedSender<Order>,
    ) -> Self {
        Self { key, space, orders }
    }

    pub(super) fn give(&self, order: Order) {
        // When the task is gone, whoever waits for an answer learns it.
        let _ = self.orders.send(order);
    }

    /// Names the session in events.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        self.key
    }

    /// `did:key` of the space.
    #[must_use]
    pub fn space(&self) -> &str {
        &self.space
    }

    /// Waits until the session is open, or an attempt to open it failed. The
    /// session remains registered and is tried again unless the error
    /// [is permanent](SpaceError::is_permanent).
    ///
    /// # Errors
    /// Why it is not open.
    pub async fn opened(&self) -> Result<Opened, SpaceError> {
        let (reply, answer) = oneshot::channel();
        self.give(Order::Await {
            key: self.key,
            reply,
        });
        answer.await.unwrap_or(Err(SpaceError::Closed))
    }

    /// Sends any command and returns the `ok` of the answer.
    ///
    /// # Errors
    /// [`SpaceError::Refused`] with the server's error; any other means that
    /// the command may have been carried out or not.
    pub async fn request(&self, command: Command) -> Result<Value, SpaceError> {
        let (reply, answer) = oneshot::channel();
        self.give(Order::Send {
            key: self.key,
            command,
            reply,
        });
        answer.await.unwrap_or(Err(SpaceError::Closed))
    }

    /// Documents as they are now.
    ///
    /// # Errors
    /// As for [`request`](Self::request).
    pub async fn query(&self, query: Query) -> Result<QueryOk, SpaceError> {
        Ok(QueryOk::from_value(
            self.request(Command::Query(query)).await?,
        )?)
    }

    /// From now on watches exactly these, for as long as the server has the session:
    /// one that is opened again without being [resumed](Opened::resumed) watches
    /// nothing.
    ///
    /// # Errors
    /// As for [`request`](Self::request).
    pub async fn watch(&self, watches: Vec<Watch>) -> Result<WatchOk, SpaceError> {
        Ok(WatchOk::from_value(
            self.request(Command::WatchSet(watches)).await?,
        )?)
    }

    /// Watches these as well. Their ids must be new in this session.
    ///
    /// # Errors
    /// As for [`request`](Self::request).
    pub async fn watch_more(&self, watches: Vec<Watch>) -> Result<WatchOk, SpaceError> {
        Ok(WatchOk::from_value(
            self.request(Command::WatchAdd(watches)).await?,
        )?)
    }

    /// Commits. Calls may overlap: they are sent and answered in order.
    ///
    /// # Errors
    /// The commit is in doubt, or was not sent: send the same again after the
    /// session is open again. A verdict is never an error.
    pub async fn transact(&self, commit: Commit) -> Result<Verdict, SpaceError> {
        match self.request(Command::Transact(commit)).await {
            Ok(ok) => Ok(Verdict::Accepted(CommitOk::from_value(ok)?)),
            Err(SpaceError::Refused(error)) => verdict(error),
            Err(other) => Err(other),
        }
    }

    /// Tells the server, and the next resume, that everything up to `seen_seq`
    /// was taken in for good.
    ///
    /// # Errors
    /// As for [`request`](Self::request). The next resume tells it anyway.
    pub async fn ack(&self, seen_seq: u64) -> Result<(), SpaceError> {
        self.request(Command::Ack { seen_seq }).await.map(|_| ())
    }
}

fn verdict(error: WireError) -> Result<Verdict, SpaceError> {
    match error.name.as_str() {
        error_name::CONFLICT | error_name::PRECONDITION => Ok(Verdict::Conflict {
            retry_after_seq: error.retry_after_seq,
            error,
        }),
        // The session went away under us; the commit was not looked at.
        error_name::SESSION | error_name::REVOKED => Err(SpaceError::NotOpen),
        error_name::AUTHORIZATION if error.retriable => Err(SpaceError::NotOpen),
        _ => Ok(Verdict::Refused(error)),
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.give(Order::Forget { key: self.key });
    }
}
