//! The protocol as a state machine: frames in, frames out.
//!
//! Owns connections, sessions and the spaces. Reads no clock and draws nothing at
//! random but through what it was given, so that a recorded session can be played
//! to it. Never touches a socket.

mod fanout;
mod open;
mod requests;
mod tests_only;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::Clock;
use charmkeeper_base::random::Random;
use charmkeeper_space::codec;
use charmkeeper_space::messages::{
    ClientMessage, Command, Flags, Hello, HelloOk, PROTOCOL, Response, Revoked, RevokedReason,
    ServerMessage, Watch, WireError, error_name,
};
use serde_json::{Value, json};

use crate::acl::{Access, list_id};
use crate::commit::Failure;
use crate::error::ServerError;
use crate::graph::{Key, Tracked};
use crate::scope::Asker;
use crate::store::{SPACE, Store};

/// Names one connection of a server for good.
pub type ConnectionId = u64;

/// How long a session outlives its connection.
const SESSION_LIFE: Duration = Duration::from_secs(30);

/// What a server is made of.
#[derive(Clone)]
pub struct Parts {
    /// For challenges and the life of sessions.
    pub clock: Arc<dyn Clock>,
    /// For challenges, session ids and tokens.
    pub random: Arc<dyn Random>,
    /// `did:key` of the server itself.
    pub audience: String,
    /// Keys that own every space.
    pub services: Vec<String>,
    /// What it says it can do.
    pub flags: Flags,
}

/// What goes to one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A frame of text.
    Frame(String),
    /// The end, with a reason.
    Close(u16, &'static str),
    /// The end, without a word.
    Abort,
}

/// What goes to whom.
pub type Out = (ConnectionId, Outgoing);

#[derive(Default)]
struct Peer {
    ready: bool,
    spoke: bool,
    challenge: Option<OneTime>,
    sessions: BTreeSet<SessionKey>,
}

struct OneTime {
    value: String,
    expires_at: i64,
    used: bool,
}

/// Space and session id.
type SessionKey = (String, String);

struct Session {
    asker: Asker,
    token: String,
    seen_seq: u64,
    synced_seq: u64,
    watches: Vec<Watch>,
    tracked: BTreeMap<Key, Tracked>,
    caught_up: u64,
    pending: u64,
    owner: Option<ConnectionId>,
    /// When nobody has it: by the monotonic clock.
    expires: Option<Duration>,
}

/// Who made the last change of a document.
#[derive(Clone, PartialEq)]
struct Origin {
    session: String,
    seq: u64,
    patch: bool,
}

/// The server without its sockets.
pub struct Engine {
    store: Store,
    parts: Parts,
    last_connection: ConnectionId,
    peers: BTreeMap<ConnectionId, Peer>,
    sessions: BTreeMap<SessionKey, Session>,
    /// What changed since the last [`flush`](Self::flush).
    dirty: BTreeMap<String, BTreeMap<Key, Option<Origin>>>,
}

type Answer = Result<Value, Failure>;

impl Engine {
    /// Opens the spaces in `folder`.
    ///
    /// # Errors
    /// When the folder or the database cannot be used.
    pub fn open(folder: &Path, parts: Parts) -> Result<Self, ServerError> {
        Ok(Self {
            store: Store::open(folder)?,
            parts,
            last_connection: 0,
            peers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            dirty: BTreeMap::new(),
        })
    }

    /// A new connection.
    pub fn connect(&mut self) -> ConnectionId {
        self.last_connection += 1;
        self.peers.insert(self.last_connection, Peer::default());
        self.last_connection
    }

    /// The connection is gone; its sessions wait for a while.
    pub fn disconnect(&mut self, connection: ConnectionId) {
        let Some(peer) = self.peers.remove(&connection) else {
            return;
        };
        let expires = self.parts.clock.monotonic() + SESSION_LIFE;
        for key in peer.sessions {
            if let Some(session) = self.sessions.get_mut(&key)
                && session.owner == Some(connection)
            {
                session.owner = None;
                session.expires = Some(expires);
            }
        }
    }

    /// Takes one frame; what is to be sent for it. Pushes come with
    /// [`flush`](Self::flush).
    pub fn receive(&mut self, connection: ConnectionId, frame: &str) -> Vec<Out> {
        let Some(peer) = self.peers.get_mut(&connection) else {
            return Vec::new();
        };
        let first = !std::mem::replace(&mut peer.spoke, true);
        let ready = peer.ready;
        self.prune();
        let message = codec::decode(frame)
            .map_err(|_| None)
            .and_then(|value| parse(value).map_err(Some));
        match message {
            Err(None) if first => {
                let words = "Memory websocket expects memory protocol";
                vec![(connection, Outgoing::Close(1002, words))]
            }
            Err(None) => {
                let error = WireError::new(error_name::INVALID, "Unable to parse memory message");
                vec![respond(connection, Response::INVALID, Err(error))]
            }
            Err(Some(Unusable::Unknown)) if first => {
                let words = "Memory websocket expects memory protocol";
                vec![(connection, Outgoing::Close(1002, words))]
            }
            Err(Some(Unusable::Unknown)) => {
                let error = WireError::new(error_name::INVALID, "Unable to parse memory message");
                vec![respond(connection, Response::INVALID, Err(error))]
            }
            Ok(ClientMessage::Hello(hello)) => vec![self.hello(connection, ready, &hello)],
            _ if !ready => {
                let error = WireError::new(error_name::PROTOCOL, "memory hello is required first");
                vec![respond(connection, Response::HANDSHAKE, Err(error))]
            }
            Err(Some(Unusable::Answer(id, error))) => vec![respond(connection, &id, Err(error))],
            Ok(ClientMessage::Open(open)) => self.open_session(connection, &open),
            Ok(ClientMessage::Request(request)) => self.request(connection, request),
        }
    }

    fn hello(&mut self, connection: ConnectionId, ready: bool, hello: &Hello) -> Out {
        let modern = Flags::MODERN_CELL_REP;
        let error = if ready {
            WireError::new(error_name::PROTOCOL, "hello may only be sent once")
        } else if hello.protocol != PROTOCOL {
            let words = format!("Unsupported protocol: {}", hello.protocol);
            WireError::new(error_name::UNSUPPORTED, words)
        } else if hello.flags.is_on(modern) != self.parts.flags.is_on(modern) {
            let (theirs, ours) = (hello.flags.is_on(modern), self.parts.flags.is_on(modern));
            let words = format!(
                "memory flag mismatch: client={{{modern}: {theirs}}} server={{{modern}: {ours}}}"
            );
            WireError::new(error_name::PROTOCOL, words)
        } else {
            let session_open = self.challenge(connection);
            if let Some(peer) = self.peers.get_mut(&connection) {
                peer.ready = true;
            }
            let hello = ServerMessage::HelloOk(HelloOk {
                protocol: PROTOCOL.to_owned(),
                flags: self.parts.flags.clone(),
                session_open,
            });
            return (connection, encode(&hello));
        };
        respond(connection, Response::HANDSHAKE, Err(error))
    }

    fn prune(&mut self) {
        let now = self.parts.clock.monotonic();
        self.sessions
            .retain(|_, session| session.expires.is_none_or(|at| at > now));
    }

    /// The list of a space as it is now.
    fn access<'s>(&'s self, space: &'s str) -> Result<Access<'s>, ServerError> {
        let view = self.store.view();
        let head = view.head(space, SPACE, &list_id(space))?;
        Ok(Access::new(
            space,
            &self.parts.services,
            &head,
            view.seq(space)?,
        ))
    }

    /// Ends a session; what its connection is told.
    fn end_session(&mut self, key: &SessionKey, reason: RevokedReason) -> Option<Out> {
        let owner = self.sessions.remove(key)?.owner?;
        self.lost(owner, key, reason)
    }

    /// A connection has a session no longer.
    fn lost(
        &mut self,
        owner: ConnectionId,
        key: &SessionKey,
        reason: RevokedReason,
    ) -> Option<Out> {
        if !self.peers.get_mut(&owner)?.sessions.remove(key) {
            return None;
        }
        let revoked = ServerMessage::Revoked(Revoked {
            space: key.0.clone(),
            session_id: key.1.clone(),
            reason,
        });
        Some((owner, encode(&revoked)))
    }
}

/// Why a message cannot be taken.
enum Unusable {
    /// Of no known type.
    Unknown,
    /// Of a known type, with something wrong in it.
    Answer(String, WireError),
}

fn parse(value: Value) -> Result<ClientMessage, Unusable> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let (kind, id) = (text("type").unwrap_or_default(), text("requestId"));
    let space = text("space");
    let invoked = value.get("invocation").is_some_and(Value::is_object);
    let message = ClientMessage::from_value(value);
    if let Ok(ClientMessage::Request(request)) = &message
        && matches!(request.command, Command::Other { .. })
    {
        return Err(Unusable::Unknown);
    }
    message.map_err(|shape| {
        let (Some(id), Some(_)) = (id, space) else {
            return Unusable::Unknown;
        };
        let error = match kind.as_str() {
            "session.open" => {
                let what = if invoked { "authorization" } else { "audience" };
                let words = format!("memory session.open requires {what}");
                WireError::new(error_name::AUTHORIZATION, words)
            }
            "transact" => WireError::new(error_name::TRANSACTION, shape.to_string()),
            "graph.query" | "session.watch.set" | "session.watch.add" => {
                WireError::new(error_name::QUERY, shape.to_string())
            }
            _ => return Unusable::Unknown,
        };
        Unusable::Answer(id, error)
    })
}

fn encode(message: &ServerMessage) -> Outgoing {
    // What cannot be written ends the connection, as a frame that is too long
    // does at the real server.
    message.encode().map_or(Outgoing::Abort, Outgoing::Frame)
}

fn respond(connection: ConnectionId, id: &str, result: Result<Value, WireError>) -> Out {
    let response = Response {
        request_id: id.to_owned(),
        result,
    };
    (connection, encode(&ServerMessage::Response(response)))
}

/// The words for a failure on the wire.
fn wire(failure: Failure, name: &str) -> WireError {
    match failure {
        Failure::Wire(error) => error,
        Failure::Server(error) => WireError::new(name, error.to_string()),
    }
}

/// What the reference server says it can do.
#[must_use]
pub fn usual_flags() -> Flags {
    let all = json!({
        "commitPreconditions": true, "entityIdListing": true, "entityIdLookup": true,
        "entityIdPagination": true, "modernCellRep": false, "pendingReadStacks": true,
        "sqliteCommitRowLabelEval": true, "syncSchemaTableV2": false,
        "verdictCatchUpMarkers": true,
    });
    let all = all.as_object().into_iter().flatten();
    all.fold(Flags::default(), |flags, (name, on)| {
        flags.with(name, on == &Value::Bool(true))
    })
}
