//! One connection: the handshake, sessions, requests.

use charmkeeper_base::random::{Random as _, SystemRandom};
use charmkeeper_base::{Clock as _, SystemClock};
use charmkeeper_space::codec;
use charmkeeper_space::identity::verify;
use charmkeeper_space::messages::{
    Challenge, ClientMessage, Command, CommitOk, Entity, Flags, HelloOk, OpenOk, Query, QueryOk,
    Request, Response, Revoked, RevokedReason, SPACE_SCOPE, ServerMessage, SessionOpen,
    SessionOpenAuth, Sync, SyncEffect, Upsert, WatchOk, WireError, error_name,
};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::faults::Fault;
use crate::journal::Line;
use crate::server::{Inner, Session, Shared};
use crate::state::{Right, Space};

/// Seconds that a challenge is good for.
const CHALLENGE: i64 = 300;

struct Connection {
    shared: Shared,
    number: u64,
    out: mpsc::UnboundedSender<String>,
    challenge: Option<Challenge>,
}

/// What becomes of the connection after a message.
enum Next {
    Go,
    End,
}

/// Serves a connection to its end.
pub(crate) async fn serve(stream: TcpStream, shared: Shared) {
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let (mut sink, mut source) = socket.split();
    let (out, mut outgoing) = mpsc::unbounded_channel::<String>();
    let number = {
        let mut inner = shared.lock();
        inner.connections += 1;
        inner.connections
    };
    let mut stop = shared.stop.clone();
    let mut connection = Connection {
        shared,
        number,
        out,
        challenge: None,
    };
    loop {
        tokio::select! {
            message = source.next() => match message {
                Some(Ok(Message::Text(frame))) => {
                    if let Next::End = connection.take(frame.as_str()) {
                        return;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return,
            },
            Some(frame) = outgoing.recv() => {
                if sink.send(Message::text(frame)).await.is_err() {
                    return;
                }
            }
            // Told to end, or that all connections are dropped.
            _ = stop.changed() => return,
        }
    }
}

impl Connection {
    fn send(&self, message: &ServerMessage) {
        if let Ok(frame) = message.encode() {
            // The other end may be gone.
            let _ = self.out.send(frame);
        }
    }

    fn answer(&self, request_id: &str, result: Result<Value, WireError>) {
        self.send(&ServerMessage::Response(Response {
            request_id: request_id.to_owned(),
            result,
        }));
    }

    fn take(&mut self, frame: &str) -> Next {
        let message = codec::decode(frame)
            .ok()
            .and_then(|value| ClientMessage::from_value(value).ok());
        match message {
            None => {
                let error = WireError::new(error_name::INVALID, "Unable to parse memory message");
                self.answer(Response::INVALID, Err(error));
                Next::Go
            }
            Some(ClientMessage::Hello(_)) => {
                let session_open = self.challenge();
                self.send(&ServerMessage::HelloOk(HelloOk {
                    protocol: charmkeeper_space::messages::PROTOCOL.to_owned(),
                    flags: Flags::ours(),
                    session_open,
                }));
                Next::Go
            }
            Some(ClientMessage::Open(open)) => {
                let result = self.open(&open);
                self.answer(&open.request_id, result.map(|ok| ok.to_value()));
                Next::Go
            }
            Some(ClientMessage::Request(request)) => self.request(request),
        }
    }

    /// A new challenge, good once.
    fn challenge(&mut self) -> SessionOpenAuth {
        let mut bytes = [0; 32];
        SystemRandom.fill(&mut bytes);
        let challenge = Challenge {
            value: bytes.iter().map(|b| format!("{b:02x}")).collect(),
            expires_at: SystemClock::default().now().0 / 1000 + CHALLENGE,
        };
        self.challenge = Some(challenge.clone());
        SessionOpenAuth {
            audience: self.shared.audience.to_string(),
            challenge,
        }
    }

    fn open(&mut self, open: &SessionOpen) -> Result<OpenOk, WireError> {
        let refuse = |words: &str, retriable| WireError {
            retriable,
            ..WireError::new(error_name::AUTHORIZATION, words)
        };
        let invocation = &open.invocation;
        let principal = invocation.text("iss").unwrap_or_default().to_owned();
        if invocation.text("aud") != Some(&*self.shared.audience) {
            return Err(refuse("memory session.open audience mismatch", false));
        }
        let expected = self.challenge.as_ref().map(|c| c.value.as_str());
        if expected.is_none() {
            return Err(refuse("memory session.open challenge already used", true));
        }
        if invocation.text("challenge") != expected {
            return Err(refuse("memory session.open challenge mismatch", true));
        }
        if invocation.text("sub") != Some(open.space.as_str()) {
            return Err(refuse("memory session.open authorization mismatch", false));
        }
        let signed = invocation
            .digest()
            .is_ok_and(|digest| verify(&principal, &digest, &open.signature));
        if !signed {
            return Err(refuse("Invalid signature", false));
        }
        self.challenge = None;
        self.enter(open, principal)
    }

    /// Opens the session of a principal that proved who it is.
    fn enter(&mut self, open: &SessionOpen, principal: String) -> Result<OpenOk, WireError> {
        let session_open = self.challenge();
        let mut inner = self.shared.lock();
        let inner = &mut *inner;
        let space = inner.spaces.entry(open.space.clone()).or_default();
        if space.right(&open.space, &principal) < Right::Read {
            self.challenge = None;
            let words = format!("Principal {principal} lacks READ on space {}", open.space);
            return Err(WireError::new(error_name::AUTHORIZATION, words));
        }
        let mut token = [0; 16];
        SystemRandom.fill(&mut token);
        let token: String = token.iter().map(|b| format!("{b:02x}")).collect();
        let session_id = open
            .session
            .session_id
            .clone()
            .unwrap_or_else(|| token.clone());
        let key = (open.space.clone(), session_id.clone());
        let old = inner.sessions.remove(&key);
        if let Some(old) = &old {
            if open
                .session
                .session_token
                .as_ref()
                .is_some_and(|given| *given != old.token)
            {
                let words = format!("session {session_id} resume token is no longer valid");
                let old = inner.sessions.insert(key, old_session(old));
                drop(old);
                return Err(WireError::new(error_name::REVOKED, words));
            }
            if old.connection != self.number {
                let revoked = ServerMessage::Revoked(Revoked {
                    space: open.space.clone(),
                    session_id: session_id.clone(),
                    reason: RevokedReason::TakenOver,
                });
                if let Ok(frame) = revoked.encode() {
                    let _ = old.out.send(frame);
                }
            }
        }
        let resumed = old.is_some() && open.session.session_token.is_some();
        let watches = old.map(|old| old.watches).unwrap_or_default();
        let watches = if resumed { watches } else { Default::default() };
        let since = open.session.seen_seq.unwrap_or(0);
        let ids: Vec<String> = watches.values().flatten().cloned().collect();
        let sync = resumed.then(|| sync_of(space, &ids, since));
        let session = Session {
            principal,
            token: token.clone(),
            connection: self.number,
            out: self.out.clone(),
            watches,
        };
        let server_seq = space.seq;
        inner.sessions.insert(key, session);
        Ok(OpenOk {
            session_id,
            session_token: token,
            server_seq,
            caught_up_local_seq: Some(0),
            resumed,
            sync,
            session_open,
        })
    }

    fn request(&mut self, request: Request) -> Next {
        let key = (request.space.clone(), request.session_id.clone());
        let shared = self.shared.clone();
        let mut inner = shared.lock();
        let inner = &mut *inner;
        let mine = inner
            .sessions
            .get(&key)
            .filter(|s| s.connection == self.number);
        let Some(session) = mine else {
            let error = WireError::new(
                error_name::SESSION,
                "Session is not open on this connection",
            );
            self.answer(&request.request_id, Err(error));
            return Next::Go;
        };
        let principal = session.principal.clone();
        let result = match request.command {
            Command::Transact(commit) => {
                let line = Line {
                    space: request.space.clone(),
                    principal,
                    session: request.session_id.clone(),
                    commit,
                };
                match self.shared.faults.next() {
                    Some(Fault::DropBefore) => return Next::End,
                    Some(Fault::DropAfter) => {
                        let _ = accept(inner, &line, Some(&request.session_id));
                        self.shared.committed.notify_waiters();
                        return Next::End;
                    }
                    Some(Fault::Refuse) => Err(WireError::new(
                        error_name::TRANSACTION,
                        "refused by the test",
                    )),
                    Some(Fault::Conflict) => Err(WireError {
                        retry_after_seq: Some(0),
                        ..WireError::new(error_name::CONFLICT, "stale confirmed read: by the test")
                    }),
                    None => accept(inner, &line, Some(&request.session_id)).map(|ok| ok.to_value()),
                }
            }
            Command::Query(query) => {
                let space = inner.spaces.entry(request.space.clone()).or_default();
                Ok(found(space, &query).to_value())
            }
            Command::WatchSet(watches) | Command::WatchAdd(watches) => {
                let space = inner.spaces.entry(request.space.clone()).or_default();
                let mut ids = Vec::new();
                if let Some(session) = inner.sessions.get_mut(&key) {
                    for watch in watches {
                        let roots: Vec<String> = watch
                            .query
                            .roots
                            .iter()
                            .map(|root| root.id.clone())
                            .collect();
                        ids.extend(roots.clone());
                        session.watches.insert(watch.id, roots);
                    }
                }
                let ok = WatchOk {
                    server_seq: space.seq,
                    sync: sync_of(space, &ids, 0),
                };
                Ok(ok.to_value())
            }
            Command::Ack { .. } => Ok(Value::Object(Default::default())),
            other => Err(WireError::new(
                error_name::QUERY,
                format!("{} is not known to this server", other.name()),
            )),
        };
        self.answer(&request.request_id, result);
        self.shared.committed.notify_waiters();
        Next::Go
    }
}

fn old_session(old: &Session) -> Session {
    Session {
        principal: old.principal.clone(),
        token: old.token.clone(),
        connection: old.connection,
        out: old.out.clone(),
        watches: old.watches.clone(),
    }
}

fn found(space: &Space, query: &Query) -> QueryOk {
    let entities = query.roots.iter().map(|root| {
        let stored = space.documents.get(&root.id);
        Entity {
            id: root.id.clone(),
            scope: None,
            seq: stored.map_or(0, |stored| stored.seq),
            document: stored.and_then(|stored| stored.doc.clone()),
        }
    });
    QueryOk {
        entities: entities.collect(),
        server_seq: space.seq,
    }
}

/// The documents of `ids` that changed after number `since`; all of them when it
/// is 0.
fn sync_of(space: &Space, ids: &[String], since: u64) -> Sync {
    let upserts = ids.iter().map(|id| {
        let stored = space.documents.get(id);
        Upsert {
            id: id.clone(),
            scope: SPACE_SCOPE.to_owned(),
            seq: stored.map_or(0, |stored| stored.seq),
            document: stored.and_then(|stored| stored.doc.clone()),
        }
    });
    Sync {
        from_seq: since,
        to_seq: space.seq,
        caught_up_local_seq: None,
        upserts: upserts.filter(|u| since == 0 || u.seq > since).collect(),
        removes: Vec::new(),
    }
}

/// Makes a commit, writes it down and tells who watches. `by` is the session that
/// is not told of its own `set`.
pub(crate) fn accept(
    inner: &mut Inner,
    line: &Line,
    by: Option<&str>,
) -> Result<CommitOk, WireError> {
    let space = inner.spaces.entry(line.space.clone()).or_default();
    let (answer, new) =
        space.transact(&line.space, &line.principal, &line.session, &line.commit)?;
    if !new {
        return Ok(answer);
    }
    inner.journal.add(line).map_err(|e| {
        WireError::new(
            error_name::TRANSACTION,
            format!("the journal cannot be written: {e}"),
        )
    })?;
    let changed: Vec<String> = line
        .commit
        .operations
        .iter()
        .map(|o| o.id().to_owned())
        .collect();
    for ((of, session_id), session) in &inner.sessions {
        if *of != line.space || by == Some(session_id) {
            continue;
        }
        let watched: Vec<String> = session
            .watches
            .values()
            .flatten()
            .filter(|id| changed.contains(id))
            .cloned()
            .collect();
        if watched.is_empty() {
            continue;
        }
        let effect = ServerMessage::Effect(SyncEffect {
            space: of.clone(),
            session_id: session_id.clone(),
            sync: sync_of(space, &watched, answer.seq - 1),
        });
        if let Ok(frame) = effect.encode() {
            let _ = session.out.send(frame);
        }
    }
    Ok(answer)
}
