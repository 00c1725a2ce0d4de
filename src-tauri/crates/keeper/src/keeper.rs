//! The keeper: everything put together behind one interface.
//!
//! Owns the start and the end: opening the database, taking over what was left
//! by the last keeper, the engine's task, the local socket. Every request is
//! carried out here or by the module that owns its subject; nothing here
//! decides when a charm runs.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use charmkeeper_base::{ErrorKind, Secret};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{ApiError, Event, Request, SettingsView};
use crate::config::KeeperConfig;
use crate::control::{Server, Service};
use crate::core::Core;
use crate::engine::{Ask, Engine, Look};
use crate::home::HomeLock;
use crate::power::metered;
use crate::scheduler::Input;
use crate::spaces::connect;
use crate::spaces::keys::{self, KeyForm};
use crate::spaces::lease::{self, Computer};
use crate::spaces::{publish, unstarred};
use crate::{google, tidy};

mod opening;

use opening::{announce, beginning, open_core};

/// Settings key of the person's own Google client id.
pub(crate) const CLIENT_SETTING: &str = "google-client-id";
/// Settings key of a pause of everything.
pub(crate) const PAUSE_SETTING: &str = "pause-all";
/// Settings key of what the person must know of the data folder.
pub(crate) const WARNING_SETTING: &str = "warning";

/// See the module.
pub struct Keeper {
    pub(crate) core: Arc<Core>,
    engine: mpsc::UnboundedSender<Ask>,
    server: Mutex<Option<Server>>,
    _lock: HomeLock,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("home", &self.core.home)
            .finish_non_exhaustive()
    }
}

impl Keeper {
    /// Opens the home and takes up the work where the last keeper left it.
    ///
    /// # Errors
    /// When the database cannot be used or the local socket not be opened.
    pub async fn open(config: KeeperConfig) -> Result<Arc<Self>, ApiError> {
        Self::open_on(config, Computer::this()).await
    }

    /// The same on a computer that the person's others know as `computer`.
    ///
    /// # Errors
    /// As [`Keeper::open`].
    pub async fn open_on(config: KeeperConfig, computer: Computer) -> Result<Arc<Self>, ApiError> {
        let KeeperConfig {
            home,
            lock,
            serving,
            ..
        } = &config;
        let (serving, socket) = (*serving, home.socket());
        // Named before the database is opened, so that others wait for us
        // rather than take the home for free.
        announce(lock, home, serving)?;
        let core = Arc::new(open_core(&config, &computer).await?);
        // Before the first run: which spaces are remote decides what it waits for
        // and where its changes go.
        connect::know_all(&core).await?;
        let beginning = beginning(&core).await?;
        let engine = Engine::start(Arc::clone(&core), beginning);
        let keeper = Arc::new(Self {
            core,
            engine,
            server: Mutex::new(None),
            _lock: config.lock,
        });
        let weak = Arc::downgrade(&keeper);
        let server = Server::start(&socket, Arc::new(Door(weak))).map_err(|e| ApiError::of(&e))?;
        *keeper.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        if serving {
            let core = Arc::downgrade(&keeper.core);
            tokio::spawn(tidy::watch(core.clone()));
            tokio::spawn(metered::watch(core.clone(), keeper.engine.downgrade()));
            tokio::spawn(lease::watch(core.clone(), keeper.engine.downgrade()));
            tokio::spawn(unstarred::watch(core, keeper.engine.downgrade()));
            tokio::spawn(google::watch_keychain(Arc::clone(&keeper.core)));
        }
        connect::start_all(&keeper.core).await?;
        if serving {
            publish::resume(&keeper).await?;
        }
        Ok(keeper)
    }

    /// Forgets what is old, now and not only at the next time.
    pub(crate) fn tidy_now(&self) {
        let core = Arc::clone(&self.core);
        tokio::spawn(async move { tidy::once(&core).await });
    }

    /// The same as [`Request::UseClient`], from what the person pasted: the
    /// content of the file, or a client id with its secret below it. Not a
    /// request, so that the secret is in no JSON.
    ///
    /// # Errors
    /// When the text is neither, or the keychain cannot take the secret.
    pub async fn use_client_text(&self, text: &Secret<String>) -> Result<SettingsView, ApiError> {
        crate::requests::settings::use_client_text(self, text).await
    }

    /// Keeps the key of an identity in the keychain; its DID, which names it in
    /// [`Request::ConnectSpace`]. Not a request, so that the key is in no JSON.
    ///
    /// # Errors
    /// When it is no key, or the keychain cannot take it.
    pub async fn add_identity(
        &self,
        form: KeyForm,
        text: &Secret<String>,
    ) -> Result<String, ApiError> {
        let identity = keys::read(form, text)?;
        keys::keep(&self.core.vault, &identity).await?;
        Ok(identity.did().to_owned())
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.core.events.subscribe()
    }

    /// Ends the runs that are going on (five seconds' grace) and closes the
    /// socket. The keeper answers nothing afterwards.
    pub async fn shutdown(&self) {
        let (done, finished) = oneshot::channel();
        if self.engine.send(Ask::Stop(done)).is_ok() {
            // An engine that is gone has nothing to end.
            let _ = finished.await;
        }
        lease::release_all(&self.core).await;
        self.core.desk.stop_all();
        self.core.background.settle().await;
        self.server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Does what is asked; events of this request go to `events`. Dropping the
    /// future cancels what it began.
    ///
    /// # Errors
    /// [`ApiError`] with a kind, a sentence and, where there is one, a hint.
    pub async fn call(
        &self,
        request: Request,
        events: mpsc::Sender<Event>,
    ) -> Result<Value, ApiError> {
        Box::pin(crate::requests::carry_out(self, request, events)).await
    }

    /// Tells the engine that something happened.
    pub(crate) fn tell(&self, input: Input) {
        // Without an engine the program is ending.
        let _ = self.engine.send(Ask::Input(input));
    }

    /// A way to the engine that does not keep it alive.
    pub(crate) fn engine_door(&self) -> mpsc::WeakUnboundedSender<Ask> {
        self.engine.downgrade()
    }

    pub(crate) fn ask(&self, ask: Ask) -> Result<(), ApiError> {
        self.engine.send(ask).map_err(|_| stopping())
    }

    /// What the engine knows now.
    pub(crate) async fn look(&self) -> Result<Look, ApiError> {
        let (done, answer) = oneshot::channel();
        self.ask(Ask::Look(done))?;
        answer.await.map_err(|_| stopping())
    }
}

pub(crate) fn stopping() -> ApiError {
    ApiError::new(ErrorKind::Local, "The keeper is stopping.")
}

/// The local socket's way to the keeper, without keeping it alive.
struct Door(std::sync::Weak<Keeper>);

#[async_trait]
impl Service for Door {
    async fn call(&self, request: Request, events: mpsc::Sender<Event>) -> Result<Value, ApiError> {
        let keeper = self.0.upgrade().ok_or_else(stopping)?;
        keeper.call(request, events).await
    }
}
