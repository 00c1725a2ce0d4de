//! The server: two ports, the engine behind them, and a handle for tests.
//!
//! Owns the listeners. It ends when the handle is dropped.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use charmkeeper_base::SystemClock;
use charmkeeper_base::random::SystemRandom;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::Operation;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::engine::{ConnectionId, Engine, Out, Outgoing, Parts, usual_flags};
use crate::error::ServerError;
use crate::faults::Faults;
use crate::{connection, control, http};

/// The passphrase of a server whose operator set none; its key is public.
const USUAL_PASSPHRASE: &str = "implicit trust";

/// How a server is started.
#[derive(Clone)]
pub struct Options {
    /// 0 takes any free one.
    pub port: u16,
    /// The port for [`control`](crate::control); 0 takes any free one.
    pub control_port: u16,
    /// Clock, randomness, its own key and its flags.
    pub parts: Parts,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            control_port: 0,
            parts: Parts {
                clock: Arc::new(SystemClock::default()),
                random: Arc::new(SystemRandom),
                audience: Identity::from_passphrase(USUAL_PASSPHRASE).did().to_owned(),
                services: Vec::new(),
                flags: usual_flags(),
            },
        }
    }
}

pub(crate) struct Hub {
    pub(crate) engine: Engine,
    senders: HashMap<ConnectionId, mpsc::UnboundedSender<Outgoing>>,
}

impl Hub {
    fn deliver(&self, outs: Vec<Out>) {
        for (to, what) in outs {
            if let Some(sender) = self.senders.get(&to) {
                // Its connection may just be ending.
                let _ = sender.send(what);
            }
        }
    }

    fn flush(&mut self) {
        let outs = self.engine.flush();
        self.deliver(outs);
    }

    fn abort(&mut self, id: ConnectionId) {
        self.engine.disconnect(id);
        if let Some(sender) = self.senders.remove(&id) {
            let _ = sender.send(Outgoing::Abort);
        }
    }
}

/// What connections share.
pub(crate) struct Shared {
    hub: Mutex<Hub>,
    folder: PathBuf,
    parts: Parts,
    pub(crate) faults: Faults,
    /// New connections are turned away.
    offline: AtomicBool,
    /// So many are turned away first.
    flaps: AtomicU32,
    /// Counts what happened, for those who wait for something.
    events: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn happened(&self) {
        self.events.send_modify(|events| *events += 1);
    }

    pub(crate) fn connect(&self, sender: mpsc::UnboundedSender<Outgoing>) -> ConnectionId {
        let mut hub = self.hub();
        let id = hub.engine.connect();
        hub.senders.insert(id, sender);
        drop(hub);
        self.happened();
        id
    }

    pub(crate) fn disconnect(&self, id: ConnectionId) {
        let mut hub = self.hub();
        hub.senders.remove(&id);
        hub.engine.disconnect(id);
        drop(hub);
        self.happened();
    }

    /// Ends a connection without a word.
    pub(crate) fn abort(&self, id: ConnectionId) {
        self.hub().abort(id);
        self.happened();
    }

    pub(crate) fn send(&self, id: ConnectionId, what: Outgoing) {
        self.hub().deliver(vec![(id, what)]);
    }

    /// Takes a frame, answers it, and tells who watches.
    pub(crate) fn receive(&self, id: ConnectionId, frame: &str) {
        let mut hub = self.hub();
        let outs = hub.engine.receive(id, frame);
        hub.deliver(outs);
        hub.flush();
        drop(hub);
        self.happened();
    }

    /// Takes a frame and ends its connection instead of answering.
    pub(crate) fn receive_unanswered(&self, id: ConnectionId, frame: &str) {
        let mut hub = self.hub();
        let mut outs = hub.engine.receive(id, frame);
        outs.retain(|(to, _)| *to != id);
        hub.deliver(outs);
        hub.abort(id);
        hub.flush();
        drop(hub);
        self.happened();
    }

    /// Takes a frame; what is to be told is for the caller to send.
    pub(crate) fn receive_quietly(&self, id: ConnectionId, frame: &str) -> Vec<Out> {
        let outs = self.hub().engine.receive(id, frame);
        self.happened();
        outs
    }

    /// Sends what was kept back, and what else is due.
    pub(crate) fn deliver(&self, outs: Vec<Out>) {
        let mut hub = self.hub();
        hub.deliver(outs);
        hub.flush();
    }

    pub(crate) fn seq(&self, space: &str) -> u64 {
        self.hub().engine.seq(space).unwrap_or(0)
    }

    pub(crate) fn write(
        &self,
        space: &str,
        writer: &str,
        operations: Vec<Operation>,
    ) -> Result<u64, ServerError> {
        let mut hub = self.hub();
        let ok = hub.engine.write(space, writer, operations)?;
        hub.flush();
        drop(hub);
        self.happened();
        Ok(ok.seq)
    }

    fn drop_connections(&self) {
        let mut hub = self.hub();
        let all: Vec<ConnectionId> = hub.senders.keys().copied().collect();
        all.into_iter().for_each(|id| hub.abort(id));
    }

    /// True when a new connection is turned away.
    fn turns_away(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.offline.load(Ordering::SeqCst)
            || self
                .flaps
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
    }
}

/// A running space server, and what a test can do to it. Everything that waits
/// does so for an event, never for a time.
pub struct SpaceServer {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    control: SocketAddr,
    _stop: watch::Sender<()>,
}

impl SpaceServer {
    /// Starts a server that keeps its spaces in `folder`.
    ///
    /// # Errors
    /// When the folder or a port cannot be used.
    pub async fn start(folder: &Path) -> Result<Self, ServerError> {
        Self::start_with(folder, Options::default()).await
    }

    /// Starts a server in a way of its own.
    ///
    /// # Errors
    /// When the folder or a port cannot be used.
    pub async fn start_with(folder: &Path, options: Options) -> Result<Self, ServerError> {
        let engine = Engine::open(folder, options.parts.clone())?;
        let shared = Arc::new(Shared {
            hub: Mutex::new(Hub {
                engine,
                senders: HashMap::new(),
            }),
            folder: folder.to_owned(),
            parts: options.parts,
            faults: Faults::default(),
            offline: AtomicBool::new(false),
            flaps: AtomicU32::new(0),
            events: watch::Sender::new(0),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let controls = TcpListener::bind((Ipv4Addr::LOCALHOST, options.control_port)).await?;
        let (address, control) = (listener.local_addr()?, controls.local_addr()?);
        let (stop, stopped) = watch::channel(());
        let (main, other) = (shared.clone(), shared.clone());
        let serving = listen(listener, stopped.clone(), move |stream| {
            tokio::spawn(serve(stream, main.clone()));
        });
        let steering = listen(controls, stopped, move |stream| {
            tokio::spawn(control::serve(stream, other.clone()));
        });
        tokio::spawn(serving);
        tokio::spawn(steering);
        Ok(Self {
            shared,
            address,
            control,
            _stop: stop,
        })
    }

    /// Where clients connect: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where tests of another process steer it.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Serves a stream that is no TCP connection, to its end.
    pub async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        connection::serve(stream, self.shared.clone()).await;
    }

    /// Ends when `done` is true; looked at whenever something happened.
    pub async fn until(&self, mut done: impl FnMut(&Self) -> bool) {
        let mut events = self.shared.events.subscribe();
        while !done(self) {
            // The sender is in `self`, so it lives as long as this does.
            let _ = events.changed().await;
        }
    }
}

impl Drop for SpaceServer {
    fn drop(&mut self) {
        self.shared.drop_connections();
    }
}

async fn listen(
    listener: TcpListener,
    mut stopped: watch::Receiver<()>,
    serve: impl Fn(TcpStream),
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve(stream),
                Err(_) => return,
            },
            _ = stopped.changed() => return,
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    if shared.turns_away() {
        shared.happened();
        return;
    }
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let Ok(head) = http::head(&mut stream).await else {
        return;
    };
    let (status, json) = match (head.method.as_str(), head.path.as_str()) {
        ("GET", "/api/storage/memory") if head.upgrade => {
            return connection::serve(http::Rewound::new(stream, head), shared).await;
        }
        ("GET", "/api/meta") => (
            "200 OK",
            json!({
                "did": shared.parts.audience, "gitSha": null, "shellServerExecutionDefine": null,
            }),
        ),
        ("GET", "/_health") => (
            "200 OK",
            json!({
                "status": "OK", "timestamp": shared.parts.clock.now().0, "gitSha": null,
            }),
        ),
        _ => ("404 Not Found", json!({ "message": "Not Found" })),
    };
    // Who asked may have gone.
    let _ = http::answer(&mut stream, status, &json).await;
}

/// What it takes to start anew without losing the ports.
impl Shared {
    pub(crate) fn restart(&self) -> Result<(), ServerError> {
        self.drop_connections();
        let mut hub = self.hub();
        let fresh = Engine::open(&self.folder, self.parts.clone())?;
        hub.engine.replace_by(fresh);
        drop(hub);
        self.happened();
        Ok(())
    }

    pub(crate) fn set_offline(&self, offline: bool) {
        self.offline.store(offline, Ordering::SeqCst);
        if offline {
            self.drop_connections();
        }
        self.happened();
    }

    pub(crate) fn flap(&self, times: u32) {
        self.flaps.store(times, Ordering::SeqCst);
        self.drop_connections();
        self.happened();
    }

    pub(crate) fn drop_all(&self) {
        self.drop_connections();
        self.happened();
    }

    /// Does something to the engine and sends what comes of it.
    pub(crate) fn engine<T>(&self, work: impl FnOnce(&mut Engine) -> (T, Vec<Out>)) -> T {
        let mut hub = self.hub();
        let (done, outs) = work(&mut hub.engine);
        hub.deliver(outs);
        hub.flush();
        drop(hub);
        self.happened();
        done
    }

    pub(crate) fn connections(&self) -> usize {
        self.hub().senders.len()
    }
}

/// Plain JSON for `()`.
pub(crate) fn done() -> Value {
    json!({ "ok": true })
}
