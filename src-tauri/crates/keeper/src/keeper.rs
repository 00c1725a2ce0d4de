//! The keeper: everything put together behind one interface.
//!
//! Owns the start and the end: opening the database, taking over what was left
//! by the last keeper, the engine's task, the local socket. Every request is
//! carried out here or by the module that owns its subject; nothing here
//! decides when a charm runs.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use charmkeeper_accounts::broker::{Broker, BrokerConfig, Pause as QuotaPause};
use charmkeeper_accounts::endpoints::is_loopback;
use charmkeeper_accounts::{Accounts, AccountsConfig, ClientId, KeychainVault, MemoryVault, Vault};
use charmkeeper_base::{ErrorKind, Outcome, Secret};
use charmkeeper_charms::compile::Cache;
use charmkeeper_store::Store;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{ApiError, Event, Request, SettingsView};
use crate::background::Background;
use crate::config::{KeeperConfig, VaultChoice};
use crate::connecting::Connecting;
use crate::control::{Server, Service};
use crate::core::{Core, of_store};
use crate::engine::{Ask, Beginning, Engine, Look};
use crate::home::{HomeLock, Presence};
use crate::power::{Surroundings, System, metered};
use crate::preferences::{self, Preferences};
use crate::programs::Programs;
use crate::scheduler::{Blocked, Config, Input, Moment, Scheduler};
use crate::spaces::connect;
use crate::spaces::desk::Desk;
use crate::spaces::keys::{self, KeyForm};
use crate::spaces::lease::{self, Computer, Leases};
use crate::spaces::{publish, unstarred};
use crate::{google, notices, plan, tidy};

/// Settings key of the person's own Google client id.
pub(crate) const CLIENT_SETTING: &str = "google-client-id";
/// Settings key of a pause of everything.
pub(crate) const PAUSE_SETTING: &str = "pause-all";
/// Units a minute that a server on this computer may be asked for.
const LOCAL_QUOTA: u32 = 10_000_000;
/// Settings key of what the person must know of the data folder.
pub(crate) const WARNING_SETTING: &str = "warning";
/// Events that a slow watcher may fall behind by.
const EVENT_BUFFER: usize = 256;

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

fn announce(lock: &HomeLock, home: &crate::home::Home, serving: bool) -> Result<(), ApiError> {
    let presence = Presence {
        pid: std::process::id(),
        socket: home.socket(),
        serving,
    };
    lock.announce(&presence).map_err(|e| {
        ApiError::new(
            ErrorKind::Local,
            format!(
                "The data folder {} cannot be written: {e}.",
                home.dir().display()
            ),
        )
        .with_hint("Free some disk space, or choose another folder with --home.")
    })
}

async fn open_core(config: &KeeperConfig, computer: &Computer) -> Result<Core, ApiError> {
    let (events, _) = broadcast::channel(EVENT_BUFFER);
    let (database, now) = (config.home.database(), config.clock.now());
    let opened = tokio::task::spawn_blocking(move || Store::open(&database, now))
        .await
        .map_err(|e| ApiError::new(ErrorKind::Local, format!("The database ended: {e}.")))?
        .map_err(|e| of_store(&e))?;
    if let Some(aside) = &opened.recovered {
        tracing::warn!(
            "the database was damaged ({}); it was set aside as {} and a new one was begun",
            aside.reason,
            aside.path.display()
        );
        let warning = Value::String(format!(
            "The database was damaged. It was set aside as {}, and a new one was begun: charms \
             and accounts have to be added again.",
            aside.path.display()
        ));
        let kept = opened.store.set_setting(WARNING_SETTING, Some(&warning));
        kept.map_err(|e| of_store(&e))?;
    }
    let store = Arc::new(opened.store);
    let setting = |key: &str| store.setting(key).map_err(|e| of_store(&e));
    let preferences = Preferences::from_setting(setting(preferences::SETTING)?);
    let told = setting(notices::SETTING)?;
    let charms = store.charms().map_err(|e| of_store(&e))?;
    let vault = vault(config).await?;
    let client = client(config, &store, &vault).await;
    let rows = store.accounts().map_err(|e| of_store(&e))?;
    let accounts = Accounts::new(AccountsConfig {
        endpoints: config.endpoints.clone(),
        client,
        vault: Arc::clone(&vault),
        clock: Arc::clone(&config.clock),
        random: Arc::clone(&config.random),
        accounts: google::restore(rows),
    })
    .map_err(|e| ApiError::of(&e))?;
    let told = notices::remembered(told.as_ref(), &accounts.list(), &charms);
    let broker = Broker::new(
        &config.endpoints,
        Arc::new(accounts.clone()),
        Arc::clone(&config.clock),
        Arc::clone(&config.random),
        &broker_config(config),
    )
    .map_err(|e| ApiError::of(&e))?;
    let mut id = [0; 16];
    config.random.fill(&mut id);
    let id = uuid::Builder::from_random_bytes(id).into_uuid().to_string();
    Ok(Core {
        stars: Arc::default(),
        leases: Leases::open(&store, computer, id)?,
        cache: Cache::new(config.home.cache()),
        programs: Programs::default(),
        home: config.home.clone(),
        accounts,
        broker,
        vault,
        worker: config.worker.clone(),
        run_limit: config.run_limit,
        clock: Arc::clone(&config.clock),
        random: Arc::clone(&config.random),
        background: Background::start(Arc::clone(&store)),
        told: Mutex::new(told),
        preferences: Mutex::new(preferences),
        connecting: Connecting::default(),
        desk: Desk::default(),
        publishing: tokio::sync::Mutex::default(),
        client: config.client.clone(),
        store,
        events,
        local_only: is_loopback(&config.endpoints.gmail),
        serving: config.serving,
    })
}

/// Google's quotas are Google's: a stand-in on this computer has its own.
fn broker_config(config: &KeeperConfig) -> BrokerConfig {
    let mut broker = BrokerConfig::default();
    if is_loopback(&config.endpoints.gmail) {
        broker.quota.gmail_per_minute = LOCAL_QUOTA;
        broker.quota.calendar_per_minute = LOCAL_QUOTA;
    }
    broker
}

/// The keychain; for the sandbox profile, memory where there is none.
async fn vault(config: &KeeperConfig) -> Result<Arc<dyn Vault>, ApiError> {
    let keychain = KeychainVault::open(&config.home.namespace()).map_err(|e| ApiError::of(&e))?;
    let keychain: Arc<dyn Vault> = Arc::new(keychain);
    if config.vault == VaultChoice::Keychain {
        return Ok(keychain);
    }
    let asked = Arc::clone(&keychain);
    let status = tokio::task::spawn_blocking(move || asked.status()).await;
    match status {
        Ok(status) if status.is_usable() => Ok(keychain),
        _ => {
            tracing::info!("no usable keychain: the sandbox keeps its worthless tokens in memory");
            Ok(Arc::new(MemoryVault::default()))
        }
    }
}

/// The person's own Google client before the one of the build.
async fn client(config: &KeeperConfig, store: &Store, vault: &Arc<dyn Vault>) -> Option<ClientId> {
    let own = store.setting(CLIENT_SETTING).ok().flatten();
    let Some(id) = own.as_ref().and_then(Value::as_str).map(str::to_owned) else {
        return config.client.clone();
    };
    let vault = Arc::clone(vault);
    let fallback = ClientId::pasted(&id, None).ok();
    let kept = tokio::task::spawn_blocking(move || ClientId::kept(id, vault.as_ref())).await;
    match kept {
        Ok(Ok(client)) => Some(client),
        // The keychain is locked: the id alone still works for what needs no secret.
        _ => fallback,
    }
}

/// What the last keeper left, as the scheduler is to know it.
async fn beginning(core: &Arc<Core>) -> Result<Beginning, ApiError> {
    let (charms, interrupted, pauses) = core
        .store(|store| Ok((store.charms()?, store.mark_interrupted()?, store.pauses()?)))
        .await?;
    let now = Moment::of(core.clock.as_ref());
    let surroundings = Surroundings::new(System::default(), core.local_only);
    let power = core
        .preferences
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .power();
    let settings = Config {
        run_limit: core.run_limit,
        sleep_is_reported: surroundings.reports_sleep(),
        power,
        ..Config::default()
    };
    let scheduler = Scheduler::new(settings, Arc::clone(&core.random), now);
    let mut inputs = Vec::new();
    for account in core.accounts.list() {
        inputs.push(Input::AccountState {
            blocked: google::blocked(&account),
            granted_at: Some(account.connected_at),
            account: account.id,
        });
    }
    let mut restored = Vec::new();
    for pause in pauses.into_iter().filter(|p| p.until > now.wall) {
        inputs.push(Input::AccountState {
            account: pause.account.clone(),
            blocked: Some(Blocked::Quota { until: pause.until }),
            granted_at: None,
        });
        restored.push(QuotaPause {
            account: pause.account,
            since: now.wall,
            until: pause.until,
            reason: pause.reason,
            strikes: 1,
        });
    }
    core.broker.restore(restored);
    let plans = charms.iter().map(|charm| {
        let mut saved = plan::saved(charm);
        if interrupted.iter().any(|run| run.charm == charm.id) {
            saved.get_or_insert_default().last_outcome = Some(Outcome::Interrupted);
        }
        (plan::of(charm, core.serving), saved)
    });
    inputs.push(Input::CharmsAdded(plans.collect()));
    if let Some(pause) = core.store(|store| store.setting(PAUSE_SETTING)).await? {
        match serde_json::from_value(pause) {
            Ok(pause) => inputs.insert(0, Input::PauseAll { pause }),
            Err(e) => tracing::warn!("a pause could not be read and is over: {e}"),
        }
    }
    Ok(Beginning {
        scheduler,
        inputs,
        surroundings,
    })
}
