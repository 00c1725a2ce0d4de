//! The connection to one space server.
//!
//! [`Connection::open`] starts a task that holds one WebSocket for all spaces of
//! a server, connects again when it is lost, and opens every registered session
//! again. It always reads, so that pings are answered while nothing happens.
//!
//! Owns the connection, authentication and the matching of answers to requests.
//! Never keeps a document or an unanswered commit: what was asked for when the
//! connection is lost ends in an error, and whoever asked sends it again after
//! [`Event::Opened`], unchanged.

mod address;
mod answers;
mod backoff;
mod dial;
mod error;
mod event;
mod handshake;
mod inflight;
mod life;
mod session;
mod sessions;
mod task;

pub use address::{AddressError, ServerAddress};
pub use dial::{Dial, Network, Stream};
pub use error::{Refusal, SpaceError};
pub use event::{Event, Events, Opened};
pub use session::{Session, SessionKey, Verdict};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use charmkeeper_base::{Clock, random::Random};
use tokio::sync::mpsc;

use crate::identity::Identity;
use crate::messages::Descriptor;
use task::Order;

/// What a connection needs.
#[derive(Clone)]
pub struct Settings {
    /// How to reach the server.
    pub dial: Arc<dyn Dial>,
    /// For the time in signatures.
    pub clock: Arc<dyn Clock>,
    /// For the spread of retries.
    pub random: Arc<dyn Random>,
    /// Request ids are this and a count.
    pub request_prefix: String,
}

/// A handle on the connection. The connection ends when it is closed, or when
/// every handle and session is gone.
#[derive(Clone)]
pub struct Connection {
    orders: mpsc::UnboundedSender<Order>,
    sessions: Arc<AtomicU64>,
}

impl Connection {
    /// Starts to connect, and keeps connected. Needs a tokio runtime.
    ///
    /// Events are not bounded: they are to be taken without delay.
    #[must_use]
    pub fn open(settings: Settings) -> (Self, Events) {
        let (orders, incoming) = mpsc::unbounded_channel();
        let (sender, events) = mpsc::unbounded_channel();
        tokio::spawn(task::run(settings, incoming, sender));
        let connection = Self {
            orders,
            sessions: Arc::default(),
        };
        (connection, Events::new(events))
    }

    /// Registers a session, which is opened now and after each reconnection, and
    /// tells about it by events. Ends when the [`Session`] is dropped.
    #[must_use]
    pub fn register(&self, space: &str, identity: Arc<Identity>, which: Descriptor) -> Session {
        let key = SessionKey(self.sessions.fetch_add(1, Ordering::Relaxed));
        let session = Session::new(key, space.to_owned(), self.orders.clone());
        let order = Order::Register {
            key,
            space: space.to_owned(),
            identity,
            which,
        };
        session.give(order);
        session
    }

    /// Registers a session and waits for the first answer.
    ///
    /// # Errors
    /// When the server cannot be reached now, or refuses. The session is then not
    /// registered.
    pub async fn open_space(
        &self,
        space: &str,
        identity: Arc<Identity>,
        which: Descriptor,
    ) -> Result<(Session, Opened), SpaceError> {
        let session = self.register(space, identity, which);
        let opened = session.opened().await?;
        Ok((session, opened))
    }

    /// The network changed or the computer woke up: connects at once when it is
    /// waiting to, else checks that the server still answers.
    pub fn check(&self) {
        // Without a task there is nothing to check.
        let _ = self.orders.send(Order::Check);
    }

    /// Ends the connection. Requests without an answer end in an error.
    pub fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }
}
