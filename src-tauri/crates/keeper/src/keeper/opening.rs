//! What a keeper begins with: the database, the keychain, the accounts, and what
//! the last keeper left for the scheduler.
//!
//! In: the configuration. Out: the parts that [`Keeper`](super::Keeper) holds
//! together. A damaged database is set aside and said; a missing keychain is not
//! the end of a sandbox.

use std::sync::{Arc, Mutex, PoisonError};

use charmkeeper_accounts::broker::{Broker, BrokerConfig, Pause as QuotaPause};
use charmkeeper_accounts::endpoints::is_loopback;
use charmkeeper_accounts::{Accounts, AccountsConfig, ClientId, KeychainVault, MemoryVault, Vault};
use charmkeeper_base::{ErrorKind, Outcome};
use charmkeeper_charms::compile::Cache;
use charmkeeper_store::Store;
use serde_json::Value;
use tokio::sync::broadcast;

use super::{CLIENT_SETTING, PAUSE_SETTING, WARNING_SETTING};
use crate::api::ApiError;
use crate::background::Background;
use crate::config::{KeeperConfig, VaultChoice};
use crate::connecting::Connecting;
use crate::core::{Core, of_store};
use crate::engine::Beginning;
use crate::home::{HomeLock, Presence};
use crate::power::{Surroundings, System};
use crate::preferences::{self, Preferences};
use crate::programs::Programs;
use crate::scheduler::{Blocked, Config, Input, Moment, Scheduler};
use crate::spaces::desk::Desk;
use crate::spaces::lease::{Computer, Leases};
use crate::{google, notices, plan};

/// Events that a slow watcher may fall behind by.
const EVENT_BUFFER: usize = 256;
/// Units a minute that a server on this computer may be asked for.
const LOCAL_QUOTA: u32 = 10_000_000;

/// Says in the lock file who answers.
pub(super) fn announce(
    lock: &HomeLock,
    home: &crate::home::Home,
    serving: bool,
) -> Result<(), ApiError> {
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

/// Opens the database and everything that rests on it.
pub(super) async fn open_core(
    config: &KeeperConfig,
    computer: &Computer,
) -> Result<Core, ApiError> {
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
pub(super) async fn beginning(core: &Arc<Core>) -> Result<Beginning, ApiError> {
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
