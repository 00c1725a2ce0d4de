//! What a connection tells without being asked.
//!
//! Owns the events. Never acts on one.

use std::time::Duration;

use tokio::sync::mpsc;

use super::error::SpaceError;
use super::session::SessionKey;
use crate::messages::{Descriptor, Flags, RevokedReason, Sync};

/// A session is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// What a later program needs to go on with this session. `seen_seq` is what
    /// was acknowledged last.
    pub which: Descriptor,
    /// The space's last sequence number.
    pub server_seq: u64,
    /// Own commits up to this `localSeq` are in what was synced.
    pub caught_up_local_seq: Option<u64>,
    /// True when the server still had the session, with its watches. Else nothing is
    /// watched.
    pub resumed: bool,
    /// What was missed meanwhile.
    pub sync: Option<Sync>,
    /// True when the server counts on something having arrived that has not: the
    /// watched documents should be queried again.
    pub gap: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The server answered; sessions are opened next.
    Connected {
        /// The server's `did:key`.
        audience: String,
        /// What the server can do.
        flags: Flags,
    },
    /// The connection is lost, or was not made. No session is open now.
    Disconnected {
        /// Why.
        error: SpaceError,
        /// Until the next attempt.
        retry_in: Duration,
    },
    /// This server and this program cannot work together. Nothing follows.
    Stopped {
        /// Why.
        error: SpaceError,
    },
    /// A session is open: send what is unanswered, then take in the sync.
    Opened {
        /// Which session.
        session: SessionKey,
        /// Its space.
        space: String,
        /// The rest.
        opened: Box<Opened>,
    },
    /// Watched documents changed, or own commits are confirmed. May come without
    /// any watch.
    Synced {
        /// Which session.
        session: SessionKey,
        /// Its space.
        space: String,
        /// The changes.
        sync: Box<Sync>,
    },
    /// The server will not open the session. It is over.
    Refused {
        /// Which session.
        session: SessionKey,
        /// Its space.
        space: String,
        /// Why.
        error: SpaceError,
    },
    /// The server ended the session. It is over.
    Revoked {
        /// Which session.
        session: SessionKey,
        /// Its space.
        space: String,
        /// Why.
        reason: RevokedReason,
    },
}

/// The events of a connection, in order.
#[derive(Debug)]
pub struct Events(mpsc::UnboundedReceiver<Event>);

impl Events {
    pub(super) fn new(events: mpsc::UnboundedReceiver<Event>) -> Self {
        Self(events)
    }

    /// The next event; nothing when the connection has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}
