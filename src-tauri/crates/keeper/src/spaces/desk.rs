//! The way to the tasks that keep spaces in sync.
//!
//! Owns one connection for each server and one task for each connected space,
//! and what is known of them at the moment. Never stores anything: the tasks do.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::{ErrorKind, Explain as _};
use charmkeeper_space::client::{
    Connection, Event, Events, Network, Refusal, ServerAddress, Settings, SpaceError,
};
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{Descriptor, RevokedReason};
use charmkeeper_store::RemoteSpace;
use tokio::sync::{mpsc, oneshot};

use super::lease::{Answer, Want};
use super::task::{self, Message};
use crate::api::{ApiError, ErrorCode};
use crate::core::Core;

/// What is known of a space now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    /// The session is open.
    pub(crate) open: bool,
    /// Why it is not, in one sentence.
    pub(crate) trouble: Option<String>,
}

struct Worker {
    /// Its server.
    origin: String,
    inbox: mpsc::UnboundedSender<Message>,
}

#[derive(Default)]
struct Inner {
    servers: HashMap<String, Connection>,
    tasks: HashMap<String, Worker>,
    live: HashMap<String, Live>,
    /// Every connected space, those switched off included.
    spaces: HashSet<String>,
}

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Inner>>);

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to keep a space in sync, in this session; a task that does so already is replaced.
    pub(crate) fn start(
        &self,
        core: &Arc<Core>,
        space: &RemoteSpace,
        identity: Identity,
        which: Descriptor,
    ) -> Result<(), ApiError> {
        let address = ServerAddress::parse(&space.url).map_err(|e| ApiError::of(&e))?;
        let connection = self.connection(core, &address)?;
        let (sender, inbox) = mpsc::unbounded_channel();
        {
            let mut inner = self.lock();
            inner.live.insert(space.did.clone(), Live::default());
            let worker = Worker {
                origin: address.origin(),
                inbox: sender,
            };
            if let Some(old) = inner.tasks.insert(space.did.clone(), worker) {
                let _ = old.inbox.send(Message::Stop);
            }
        }
        let session = connection.register(&space.did, Arc::new(identity), which);
        tokio::spawn(task::run(Arc::clone(core), self.clone(), session, inbox));
        Ok(())
    }

    /// The connection to a server, made when there is none.
    fn connection(
        &self,
        core: &Arc<Core>,
        address: &ServerAddress,
    ) -> Result<Connection, ApiError> {
        let origin = address.origin();
        let mut inner = self.lock();
        if let Some(known) = inner.servers.get(&origin) {
            return Ok(known.clone());
        }
        let network = Network::new(address.clone(), Vec::new()).map_err(|e| of_space(&e))?;
        let settings = Settings {
            dial: Arc::new(network),
            clock: Arc::clone(&core.clock),
            random: Arc::clone(&core.random),
            request_prefix: "ck-".to_owned(),
        };
        let (connection, events) = Connection::open(settings);
        inner.servers.insert(origin.clone(), connection.clone());
        tokio::spawn(self.clone().route(origin, events));
        Ok(connection)
    }

    /// Hands the events of a connection to the spaces' tasks.
    async fn route(self, origin: String, mut events: Events) {
        while let Some(event) = events.next().await {
            match event {
                Event::Connected { .. } => {}
                Event::Disconnected { error, .. } => self.down(&origin, &error, false),
                Event::Stopped { error } => {
                    self.down(&origin, &error, true);
                    self.lock().servers.remove(&origin);
                    return;
                }
                Event::Opened { space, opened, .. } => self.give(&space, Message::Opened(opened)),
                Event::Synced { space, sync, .. } => self.give(&space, Message::Synced(sync)),
                Event::Refused { space, error, .. } => {
                    let words = crate::core::sentence(&error.to_string());
                    self.give(&space, Message::Shut(words));
                }
                Event::Revoked { space, reason, .. } => {
                    let error = charmkeeper_space::client::SpaceError::Revoked(reason);
                    let words = crate::core::sentence(&error.to_string());
                    self.give(&space, Message::Shut(words));
                }
            }
        }
    }

    /// All sessions of a connection are closed.
    fn down(&self, origin: &str, error: &charmkeeper_space::client::SpaceError, for_good: bool) {
        let words = crate::core::sentence(&error.to_string());
        let inner = self.lock();
        for worker in inner.tasks.values().filter(|w| w.origin == origin) {
            let message = if for_good {
                Message::Shut(words.clone())
            } else {
                Message::Down(words.clone())
            };
            // A task that is gone was stopped.
            let _ = worker.inbox.send(message);
        }
    }

    fn give(&self, space: &str, message: Message) {
        if let Some(task) = self.lock().tasks.get(space) {
            // A task that is gone was stopped.
            let _ = task.inbox.send(message);
        }
    }

    /// Every remote space, whether it is synced now or not.
    pub(crate) fn spaces(&self) -> HashSet<String> {
        self.lock().spaces.clone()
    }

    /// The space is a remote one from now on.
    pub(crate) fn know(&self, space: &str) {
        self.lock().spaces.insert(space.to_owned());
    }

    /// Something waits in the outbox of the space.
    pub(crate) fn wake(&self, space: &str) {
        self.give(space, Message::Wake);
    }

    /// Stops keeping a space in sync.
    pub(crate) fn stop(&self, space: &str) {
        let mut inner = self.lock();
        inner.live.remove(space);
        if let Some(task) = inner.tasks.remove(space) {
            let _ = task.inbox.send(Message::Stop);
        }
    }

    /// Ends all tasks and connections.
    pub(crate) fn stop_all(&self) {
        let mut inner = self.lock();
        for (_, task) in inner.tasks.drain() {
            let _ = task.inbox.send(Message::Stop);
        }
        for (_, server) in inner.servers.drain() {
            server.close();
        }
        inner.live.clear();
    }

    /// No space is a remote one any more.
    pub(crate) fn forget_all(&self) {
        self.stop_all();
        self.lock().spaces.clear();
    }

    /// The network changed or the computer woke.
    pub(crate) fn check(&self) {
        self.lock().servers.values().for_each(Connection::check);
    }

    /// What is known of a space; nothing when no task is at work for it.
    pub(crate) fn live(&self, space: &str) -> Option<Live> {
        self.lock().live.get(space).cloned()
    }

    pub(super) fn set_live(&self, space: &str, live: Live) {
        if let Some(known) = self.lock().live.get_mut(space) {
            *known = live;
        }
    }

    /// Waits until a space's session is open.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) async fn opened(&self, space: &str) -> Result<u64, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.give(space, Message::Await(reply));
        answer.await.unwrap_or_else(|_| Err(not_connected()))
    }

    /// Reads documents of a space from its server into the replica.
    ///
    /// # Errors
    /// Kind `offline` when the space is not open now.
    pub(crate) async fn get(&self, space: &str, ids: BTreeSet<String>) -> Result<(), ApiError> {
        let (reply, answer) = oneshot::channel();
        self.give(space, Message::Get { ids, reply });
        answer.await.unwrap_or_else(|_| Err(not_connected()))
    }

    /// Claims or gives back the lease of a piece.
    ///
    /// # Errors
    /// Kind `offline` when the space is not open now.
    pub(crate) async fn lease(&self, piece: DocRef, want: Want) -> Result<Answer, ApiError> {
        let (reply, answer) = oneshot::channel();
        let space = piece.space.clone();
        self.give(&space, Message::Lease { piece, want, reply });
        answer.await.unwrap_or_else(|_| Err(not_connected()))
    }
}

fn not_connected() -> ApiError {
    ApiError::new(
        ErrorKind::Offline,
        "The space is not connected at the moment.",
    )
}

/// An error of the client at the boundary.
pub(crate) fn of_space(error: &SpaceError) -> ApiError {
    let mut api = ApiError::new(error.kind(), crate::core::sentence(&error.to_string()));
    api.hint = error.hint();
    api.code = code(error);
    api
}

/// A space without an access list and one that refuses the key: a person claims
/// the one, and asks the owner of the other.
fn code(error: &SpaceError) -> Option<ErrorCode> {
    match error {
        SpaceError::Refused(error) => match Refusal::of(error) {
            Refusal::NoRead | Refusal::NoWrite => Some(ErrorCode::KeyRefused),
            Refusal::NoAccessList => Some(ErrorCode::NewSpace),
            Refusal::Other => None,
        },
        SpaceError::Revoked(RevokedReason::Unauthorized) => Some(ErrorCode::KeyRefused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_space::messages::{WireError, error_name};

    #[test]
    fn a_new_space_is_told_from_one_that_refuses_the_key() {
        let refused = |words: &str| {
            let error = WireError::new(error_name::AUTHORIZATION, words);
            of_space(&SpaceError::Refused(error))
        };
        let new = refused("did:key:a requires an ACL genesis commit");
        assert_eq!(new.code, Some(ErrorCode::NewSpace));
        for lacking in ["READ", "WRITE"] {
            let error = refused(&format!("did:key:b lacks {lacking} on space did:key:a"));
            assert_eq!(error.code, Some(ErrorCode::KeyRefused), "{lacking}");
            assert_eq!(error.kind, new.kind);
            assert!(error.hint != new.hint && error.hint.is_some());
        }
        assert_eq!(of_space(&SpaceError::Closed).code, None);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_no_remote_space_and_its_task_is_told_to_stop() {
        let desk = Desk::default();
        let (sender, mut inbox) = mpsc::unbounded_channel();
        desk.know("did:key:a");
        let worker = Worker {
            origin: "https://space.example".to_owned(),
            inbox: sender,
        };
        desk.lock().tasks.insert("did:key:a".to_owned(), worker);
        desk.lock()
            .live
            .insert("did:key:a".to_owned(), Live::default());

        desk.forget_all();
        assert!(desk.spaces().is_empty());
        assert_eq!(desk.live("did:key:a"), None);
        assert!(matches!(inbox.recv().await, Some(Message::Stop)));
        let error = desk.get("did:key:a", BTreeSet::new()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Offline);
    }
}
