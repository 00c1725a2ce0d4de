//! The life of one connection, from `hello` to its end.
//!
//! Owns opening sessions one after another, sending, and noticing silence. What
//! comes from the server is in `answers`.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::dial::Socket;
use super::error::SpaceError;
use super::event::Event;
use super::handshake::handshake;
use super::inflight::{InFlight, Purpose, Reply};
use super::session::SessionKey;
use super::sessions::State;
use super::task::{End, Order, Task};
use crate::messages::{ClientMessage, Command, Request, SessionOpen, SessionOpenAuth};

/// The server pings after 15 s of silence; after this much we ask.
const SILENCE: Duration = Duration::from_secs(45);
/// For the answer to our own ping.
const PONG_LIMIT: Duration = Duration::from_secs(15);
/// The same after the network changed.
const CHECK_LIMIT: Duration = Duration::from_secs(5);
/// The longest silence while requests are without an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// A connection that was in order for so long starts a new count of failures.
const STABLE: Duration = Duration::from_secs(10);
/// A challenge lives for 300 s; this leaves time for the way.
const CHALLENGE_LIFE: Duration = Duration::from_secs(270);
/// Seconds that a server gives a challenge, which tells its clock.
const CHALLENGE_SECONDS: i64 = 300;
/// The server bears with a clock that is 120 s off; ours counts up to here.
const CLOCK_TOLERANCE: i64 = 60;

/// What the next `session.open` must carry, with the server's time.
pub(super) struct Auth {
    session_open: SessionOpenAuth,
    received: Instant,
    /// To be added to our clock, in seconds.
    offset: i64,
}

pub(super) struct Life {
    socket: Socket,
    pub(super) inflight: InFlight,
    pub(super) auth: Option<Auth>,
    /// When everything that could be opened was.
    ready: Option<Instant>,
    pub(super) last_heard: Instant,
    /// When the server must have answered our ping.
    pub(super) probe: Option<Instant>,
    /// The last content while requests were without an answer.
    pub(super) busy: Instant,
}

impl Life {
    fn ping(&mut self, limit: Duration) {
        self.socket.ping();
        self.probe = Some(Instant::now() + limit);
    }

    fn lost(&self, error: SpaceError, renew: bool) -> End {
        End::Lost {
            error,
            stable: self.ready.is_some_and(|since| since.elapsed() >= STABLE),
            renew,
        }
    }

    /// When something must be done though nothing comes.
    fn wake(&self) -> Instant {
        let quiet = self.probe.unwrap_or(self.last_heard + SILENCE);
        if self.inflight.is_empty() {
            quiet
        } else {
            quiet.min(self.busy + ANSWER_LIMIT)
        }
    }

    /// Called when [`wake`](Self::wake) may have come.
    fn woken(&mut self) -> Result<(), SpaceError> {
        let now = Instant::now();
        let silent = !self.inflight.is_empty() && now >= self.busy + ANSWER_LIMIT;
        if silent || self.probe.is_some_and(|until| now >= until) {
            return Err(SpaceError::Lost {
                detail: "the server does not answer".to_owned(),
            });
        }
        if self.probe.is_none() && now >= self.last_heard + SILENCE {
            self.ping(PONG_LIMIT);
        }
        Ok(())
    }

    /// Sends a request. What cannot be sent is answered at once.
    pub(super) fn send(&mut self, purpose: Purpose, message: impl FnOnce(String) -> ClientMessage) {
        if self.inflight.is_empty() {
            self.busy = Instant::now();
        }
        let id = self.inflight.add(purpose);
        match message(id).encode() {
            Ok(frame) => self.socket.send(frame),
            Err(error) => {
                if let Some(Purpose::Call { reply, .. }) = self.inflight.take_last() {
                    let _ = reply.send(Err(error.into()));
                }
            }
        }
    }
}

impl Task {
    /// Makes a connection and serves it until it ends.
    pub(super) async fn connection(&mut self) -> End {
        let dial = self.settings.dial.clone();
        let start = async move {
            let mut socket = Socket::connect(&*dial).await?;
            let hello = handshake(&mut socket).await?;
            Ok::<_, End>((socket, hello))
        };
        let (socket, hello) = match self.during(start).await {
            Err(_) => return End::Closed,
            Ok(Err(end)) => return end,
            Ok(Ok(both)) => both,
        };
        let now = Instant::now();
        let mut life = Life {
            socket,
            inflight: InFlight::new(self.settings.request_prefix.clone()),
            auth: Some(self.auth(hello.session_open.clone())),
            ready: None,
            last_heard: now,
            probe: None,
            busy: now,
        };
        self.tell(Event::Connected {
            audience: hello.session_open.audience,
            flags: hello.flags,
        });
        let end = self.serve(&mut life).await;
        let error = match &end {
            End::Closed => SpaceError::Closed,
            End::Stopped(error) | End::Lost { error, .. } => error.clone(),
        };
        life.inflight.fail(&error);
        if matches!(end, End::Closed) {
            life.socket.close().await;
        }
        end
    }

    async fn serve(&mut self, life: &mut Life) -> End {
        loop {
            if let Err(error) = self.open_next(life) {
                return life.lost(error, true);
            }
            let mut wake = life.wake();
            if let Some(due) = self
                .sessions
                .next_due()
                .filter(|_| !self.sessions.is_opening())
            {
                wake = wake.min(due);
            }
            let result = tokio::select! {
                incoming = life.socket.next() => incoming.and_then(|one| self.received(life, one)),
                order = self.orders.recv() => match order {
                    None | Some(Order::Close) => return End::Closed,
                    Some(order) => {
                        self.obey(life, order);
                        Ok(())
                    }
                },
                () = sleep_until(wake) => life.woken(),
            };
            if let Err(error) = result {
                return life.lost(error, false);
            }
        }
    }

    /// The server's time, from the challenge: a signature dated by a clock that
    /// is far off would never be accepted.
    pub(super) fn auth(&self, session_open: SessionOpenAuth) -> Auth {
        let theirs = session_open.challenge.expires_at - CHALLENGE_SECONDS;
        let offset = theirs - self.unix_seconds();
        Auth {
            session_open,
            received: Instant::now(),
            offset: if offset.abs() > CLOCK_TOLERANCE {
                offset
            } else {
                0
            },
        }
    }

    fn unix_seconds(&self) -> i64 {
        self.settings.clock.now().0.div_euclid(1000)
    }

    /// Opens the next session, when it is time. Each attempt uses up the
    /// challenge, and only a success brings the next: an error means that a new
    /// connection is needed to go on.
    fn open_next(&mut self, life: &mut Life) -> Result<(), SpaceError> {
        if self.sessions.is_opening() {
            return Ok(());
        }
        let Some(key) = self.sessions.due() else {
            life.ready.get_or_insert_with(Instant::now);
            return Ok(());
        };
        let auth = life
            .auth
            .take()
            .filter(|auth| auth.received.elapsed() < CHALLENGE_LIFE)
            .ok_or_else(|| SpaceError::Lost {
                detail: "a new connection is needed to open a space".to_owned(),
            })?;
        let now = self.unix_seconds().saturating_add(auth.offset);
        let Some(record) = self.sessions.get(key) else {
            return Ok(());
        };
        let signed = SessionOpen::signed(
            String::new(),
            &record.space,
            &record.identity,
            &auth.session_open,
            record.which.clone(),
            now,
        );
        match signed {
            Ok(open) => {
                record.state = State::Opening;
                life.send(Purpose::Open(key), |request_id| {
                    ClientMessage::Open(SessionOpen { request_id, ..open })
                });
            }
            Err(error) => record.over(error.into()),
        }
        Ok(())
    }

    fn obey(&mut self, life: &mut Life, order: Order) {
        match order {
            Order::Check => life.ping(CHECK_LIMIT),
            Order::Send {
                key,
                command,
                reply,
            } => self.send(life, key, command, reply),
            order => self.book(order),
        }
    }

    fn send(&mut self, life: &mut Life, key: SessionKey, command: Command, reply: Reply) {
        let Some(record) = self.sessions.get(key) else {
            let _ = reply.send(Err(SpaceError::Closed));
            return;
        };
        if let Command::Ack { seen_seq } = command {
            record.acknowledged(seen_seq);
        }
        let session_id = match record.open_id() {
            Ok(id) => id.to_owned(),
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        };
        let watch = matches!(command, Command::WatchSet(_) | Command::WatchAdd(_));
        let purpose = Purpose::Call { key, watch, reply };
        let space = record.space.clone();
        life.send(purpose, |request_id| {
            ClientMessage::Request(Request {
                request_id,
                space,
                session_id,
                command,
            })
        });
    }
}
