//! The server: a port, and everything that its connections share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{Commit, Operation};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

use crate::connection;
use crate::faults::Faults;
use crate::journal::{Journal, Line};
use crate::state::Space;

/// A session that somebody opened.
pub(crate) struct Session {
    pub(crate) principal: String,
    pub(crate) token: String,
    /// Of the connection that has it now.
    pub(crate) connection: u64,
    pub(crate) out: mpsc::UnboundedSender<String>,
    pub(crate) watches: HashMap<String, Vec<String>>,
}

pub(crate) struct Inner {
    pub(crate) spaces: HashMap<String, Space>,
    pub(crate) sessions: HashMap<(String, String), Session>,
    pub(crate) connections: u64,
    pub(crate) journal: Journal,
}

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) inner: Arc<Mutex<Inner>>,
    pub(crate) faults: Faults,
    pub(crate) audience: Arc<str>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) committed: Arc<Notify>,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server; it ends when this is dropped.
pub struct SpaceServer {
    address: SocketAddr,
    shared: Shared,
    stop: watch::Sender<bool>,
}

impl SpaceServer {
    /// Starts a server on this computer that keeps its journal in `folder`.
    ///
    /// # Errors
    /// When the folder or the port cannot be used.
    pub async fn start(folder: &Path, port: u16) -> std::io::Result<Self> {
        let (journal, lines) = Journal::open(folder)?;
        let mut spaces: HashMap<String, Space> = HashMap::new();
        for Line {
            space,
            principal,
            session,
            commit,
        } in lines
        {
            // What was accepted once is accepted again.
            let _ = spaces
                .entry(space.clone())
                .or_default()
                .transact(&space, &principal, &session, &commit);
        }
        let (stop, stopped) = watch::channel(false);
        let shared = Shared {
            inner: Arc::new(Mutex::new(Inner {
                spaces,
                sessions: HashMap::new(),
                connections: 0,
                journal,
            })),
            faults: Faults::default(),
            audience: Identity::from_passphrase("implicit trust").did().into(),
            stop: stopped,
            committed: Arc::new(Notify::new()),
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(listen(listener, shared.clone()));
        Ok(Self {
            address,
            shared,
            stop,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What goes wrong on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Ends every connection; clients come back.
    pub fn drop_connections(&self) {
        self.shared.lock().sessions.clear();
        self.stop.send_modify(|_| {});
    }

    /// The value of a document.
    #[must_use]
    pub fn value(&self, space: &str, id: &str) -> Option<Value> {
        let inner = self.shared.lock();
        let doc = inner.spaces.get(space)?.documents.get(id)?.doc.as_ref()?;
        doc.get("value").cloned()
    }

    /// All commits of a space, in order.
    #[must_use]
    pub fn commits(&self, space: &str) -> Vec<Commit> {
        let inner = self.shared.lock();
        inner
            .spaces
            .get(space)
            .map(|s| s.commits.clone())
            .unwrap_or_default()
    }

    /// Writes a document as another program, the browser say, does.
    pub fn write(&self, space: &str, id: &str, document: Value) {
        let mut inner = self.shared.lock();
        let number = inner
            .spaces
            .entry(space.to_owned())
            .or_default()
            .commits
            .len() as u64
            + 1;
        let line = Line {
            space: space.to_owned(),
            principal: space.to_owned(),
            session: "browser".to_owned(),
            commit: Commit {
                local_seq: number,
                operations: vec![Operation::Set {
                    id: id.to_owned(),
                    scope: None,
                    document,
                }],
                ..Commit::default()
            },
        };
        connection::accept(&mut inner, &line, None).unwrap_or_else(|e| {
            // A test that writes nonsense is a wrong test.
            unreachable!("the test's own write was refused: {}", e.message)
        });
    }

    /// Waits until `done` says so; looked at after every commit.
    pub async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let committed = self.shared.committed.notified();
            if done(self) {
                return;
            }
            committed.await;
        }
    }
}

impl Drop for SpaceServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

async fn listen(listener: TcpListener, shared: Shared) {
    let mut stop = shared.stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                tokio::spawn(connection::serve(stream, shared.clone()));
            }
            changed = stop.changed() => {
                if changed.is_err() || *stop.borrow() {
                    return;
                }
            }
        }
    }
}
