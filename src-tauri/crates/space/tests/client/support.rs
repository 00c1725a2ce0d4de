//! The scripted peer, and short words for what tests say to it.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::time::FakeClock;
use charmkeeper_space::client::{
    Connection, Dial, Event, Events, Session, Settings, SpaceError, Stream,
};
use charmkeeper_space::codec;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{
    Challenge, ClientMessage, Command, Descriptor, Flags, HelloOk, OpenOk, PROTOCOL, Request,
    Response, ServerMessage, SessionOpen, SessionOpenAuth, WireError,
};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// Unix seconds of the client's clock.
pub(crate) const NOW: i64 = 1_795_222_226;
pub(crate) const AUDIENCE: &str = "did:key:z6MksHnZGdHxNoCqcC3kPvBSo2goCzLSWheQ8LrVpAtQwgwW";
pub(crate) const SPACE: &str = "did:key:z6MkvhjgoL5mvm4xCvc5BG8yrzXyjUxnWgX14EQhAyeJiYZv";

/// A network whose other end is the test. Each attempt to connect takes the
/// next line of a script, or waits for one.
struct Pipe(tokio::sync::Mutex<mpsc::UnboundedReceiver<Attempt>>);

pub(crate) enum Attempt {
    Refuse,
    Accept(DuplexStream),
}

impl Dial for Pipe {
    fn url(&self) -> &'static str {
        "ws://localhost/api/storage/memory"
    }

    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, SpaceError>> {
        Box::pin(async {
            match self.0.lock().await.recv().await {
                Some(Attempt::Accept(stream)) => Ok(Box::new(stream) as Box<dyn Stream>),
                _ => Err(SpaceError::Unreachable {
                    detail: "no network".to_owned(),
                }),
            }
        })
    }
}

/// A client and the script for its network.
pub(crate) struct Bench {
    pub(crate) connection: Connection,
    pub(crate) events: Events,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) script: Script,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_prefix("r")
    }

    pub(crate) fn with_prefix(prefix: &str) -> Self {
        let (script, attempts) = mpsc::unbounded_channel();
        let clock = Arc::new(FakeClock::at(UnixMs(NOW * 1000)));
        let (connection, events) = Connection::open(Settings {
            dial: Arc::new(Pipe(attempts.into())),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            request_prefix: prefix.to_owned(),
        });
        Self {
            connection,
            events,
            clock,
            script: Script(script),
        }
    }

    /// A session in the space that these tests use.
    pub(crate) fn session(&self) -> Session {
        self.connection.register(SPACE, me(), Descriptor::default())
    }

    pub(crate) fn refuse(&self) {
        self.script.refuse();
    }

    pub(crate) async fn accept(&self) -> Peer {
        self.script.accept().await
    }

    pub(crate) async fn greet(&self) -> Peer {
        self.script.greet().await
    }

    pub(crate) async fn event(&mut self) -> Event {
        in_time(self.events.next()).await.expect("an event")
    }

    /// Passes over events up to one that `pick` takes.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        in_time(async {
            loop {
                if let Some(picked) = pick(self.event().await) {
                    return picked;
                }
            }
        })
        .await
    }
}

/// Ends a test that would hang. Longer than any limit of the client.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), work)
        .await
        .expect("it happens in time")
}

/// What the attempts to connect lead to, one line each.
#[derive(Clone)]
pub(crate) struct Script(mpsc::UnboundedSender<Attempt>);

impl Script {
    /// The next attempt to connect fails.
    pub(crate) fn refuse(&self) {
        self.0.send(Attempt::Refuse).unwrap();
    }

    /// The next attempt to connect reaches this peer.
    pub(crate) async fn accept(&self) -> Peer {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        self.0.send(Attempt::Accept(theirs)).unwrap();
        let config = WebSocketConfig::default().max_frame_size(Some(64 << 20));
        Peer(accept_async_with_config(ours, Some(config)).await.unwrap())
    }

    /// As `accept`, and the handshake is done.
    pub(crate) async fn greet(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.greet(1).await;
        peer
    }
}

/// The server's end of one connection.
pub(crate) struct Peer(WebSocketStream<DuplexStream>);

impl Peer {
    pub(crate) async fn message(&mut self) -> Message {
        in_time(self.0.next())
            .await
            .expect("an open connection")
            .expect("a message")
    }

    /// The next frame of text; pings and pongs are passed over.
    pub(crate) async fn frame(&mut self) -> String {
        in_time(async {
            loop {
                match self.message().await {
                    Message::Text(text) => return text.to_string(),
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        })
        .await
    }

    pub(crate) async fn read(&mut self) -> ClientMessage {
        let frame = self.frame().await;
        ClientMessage::from_value(codec::decode(&frame).unwrap()).unwrap()
    }

    pub(crate) async fn open(&mut self) -> SessionOpen {
        match self.read().await {
            ClientMessage::Open(open) => open,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn request(&mut self) -> Request {
        match self.read().await {
            ClientMessage::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub(crate) async fn send(&mut self, frame: &str) {
        self.raw(Message::text(frame)).await;
    }

    pub(crate) async fn say(&mut self, message: ServerMessage) {
        self.send(&message.encode().unwrap()).await;
    }

    pub(crate) async fn answer(&mut self, request_id: &str, result: Result<Value, WireError>) {
        let request_id = request_id.to_owned();
        self.say(ServerMessage::Response(Response { request_id, result }))
            .await;
    }

    pub(crate) async fn greet(&mut self, challenge: u64) {
        assert!(matches!(self.read().await, ClientMessage::Hello(_)));
        self.say(hello_ok(Flags::default(), challenge)).await;
    }

    /// Takes the next `session.open` and accepts it.
    pub(crate) async fn accept_open(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut OpenOk),
    ) -> SessionOpen {
        let open = self.open().await;
        let mut ok = open_ok(id);
        change(&mut ok);
        self.answer(&open.request_id, Ok(ok.to_value())).await;
        open
    }

    /// True when nothing comes for a long while.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_secs(5), self.0.next())
            .await
            .is_err()
    }

    /// Waits until the client has gone.
    pub(crate) async fn gone(mut self) {
        in_time(async { while let Some(Ok(_)) = self.0.next().await {} }).await;
    }
}

pub(crate) fn auth(challenge: u64) -> SessionOpenAuth {
    SessionOpenAuth {
        audience: AUDIENCE.to_owned(),
        challenge: Challenge {
            value: format!("{challenge:064x}"),
            expires_at: NOW + 300,
        },
    }
}

pub(crate) fn hello_ok(flags: Flags, challenge: u64) -> ServerMessage {
    ServerMessage::HelloOk(HelloOk {
        protocol: PROTOCOL.to_owned(),
        flags,
        session_open: auth(challenge),
    })
}

pub(crate) fn open_ok(id: &str) -> OpenOk {
    OpenOk {
        session_id: id.to_owned(),
        session_token: format!("{id}-token"),
        server_seq: 0,
        caught_up_local_seq: Some(0),
        resumed: false,
        sync: None,
        session_open: auth(2),
    }
}

pub(crate) fn error(name: &str, message: &str) -> WireError {
    WireError::new(name, message)
}

pub(crate) fn me() -> Arc<Identity> {
    Arc::new(Identity::from_passphrase("interop user"))
}

pub(crate) fn challenge_of(open: &SessionOpen) -> &str {
    open.invocation.text("challenge").unwrap()
}

pub(crate) fn exists(id: &str) -> Command {
    Command::Exists { id: id.to_owned() }
}
