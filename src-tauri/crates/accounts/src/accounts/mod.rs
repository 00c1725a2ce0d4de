//! All accounts of one profile: connecting, handing out tokens, disconnecting.
//!
//! Owns: the rows while the program runs, access tokens in memory, and the
//! order of operations on the vault. Never writes a row to disk: it hands out
//! [`AccountEvent`]s, and the keeper gives the rows back at the next start.

mod connect;
mod disconnect;
mod tokens;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use charmkeeper_base::random::Random;
use charmkeeper_base::{Clock, Secret, UnixMs};
use tokio::sync::broadcast;

pub use connect::{ConnectError, ConnectRequest, Connected, Progress};
pub use disconnect::{DisconnectError, Disconnected, Revocations};

use crate::account::{Account, AccountEvent, AccountState};
use crate::broker::TokenError;
use crate::client::{ClientError, ClientId};
use crate::endpoints::Endpoints;
use crate::oauth::{Grant, OAuth, OAuthError};
use crate::vault::{StoredGrant, Vault, VaultError, VaultStatus};

/// Events that a slow listener may fall behind by; it then lists the rows anew.
const EVENT_BUFFER: usize = 64;

/// What [`Accounts`] is made from.
pub struct AccountsConfig {
    /// Where Google is.
    pub endpoints: Endpoints,
    /// Who we are; `None` until the person has given a client id.
    pub client: Option<ClientId>,
    /// Where refresh tokens are kept.
    pub vault: Arc<dyn Vault>,
    /// For expiry.
    pub clock: Arc<dyn Clock>,
    /// For state and PKCE.
    pub random: Arc<dyn Random>,
    /// The rows of the last time.
    pub accounts: Vec<Account>,
}

/// The accounts of one profile. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    endpoints: Endpoints,
    oauth: RwLock<Option<Arc<OAuth>>>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    entries: Mutex<BTreeMap<String, Entry>>,
    generations: AtomicU64,
    events: broadcast::Sender<AccountEvent>,
    /// Held while grants begin or end. Google ends *every* token of a person
    /// when one of them is revoked, so a revocation that overlaps a sign-in of
    /// the same account would kill what was just granted.
    grants: tokio::sync::Mutex<()>,
}

struct Entry {
    account: Account,
    slot: Arc<Slot>,
}

/// The token side of one account.
#[derive(Default)]
struct Slot {
    /// Whoever holds it may use the refresh token. Taken after `grants`.
    turn: Arc<tokio::sync::Mutex<()>>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    live: Option<Live>,
    /// How many refreshes have ended, for callers who waited for one.
    ended: u64,
    /// The last refresh, if it failed.
    failure: Option<Failure>,
    /// A grant that the vault would not take. It must get there before its
    /// access token is used, or a crash would lose it.
    unsaved: Option<StoredGrant>,
}

struct Failure {
    error: TokenError,
    /// Monotonic.
    at: Duration,
}

/// An access token in memory.
#[derive(Clone)]
struct Live {
    secret: Secret<String>,
    generation: u64,
    received: Duration,
    lifetime: Duration,
    expires_at: UnixMs,
}

impl Slot {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// Takes over the rows of the last time. Asks nobody anything yet.
    ///
    /// # Errors
    /// [`OAuthError::Provider`] when the system's TLS cannot be set up.
    pub fn new(config: AccountsConfig) -> Result<Self, OAuthError> {
        let AccountsConfig {
            endpoints,
            client,
            vault,
            clock,
            random,
            accounts,
        } = config;
        let entries = accounts.into_iter().map(|mut account| {
            account.expires_at = None;
            if matches!(account.state, AccountState::Keychain(_)) {
                account.state = AccountState::Ready;
            }
            (
                account.id.clone(),
                Entry {
                    account,
                    slot: Arc::default(),
                },
            )
        });
        let accounts = Self {
            inner: Arc::new(Inner {
                endpoints,
                oauth: RwLock::new(None),
                vault,
                clock,
                random,
                entries: Mutex::new(entries.collect()),
                generations: AtomicU64::new(1),
                events: broadcast::Sender::new(EVENT_BUFFER),
                grants: tokio::sync::Mutex::new(()),
            }),
        };
        accounts.set_client(client)?;
        Ok(accounts)
    }

    /// Uses another client id from now on. Sign-ins made with the old one stay
    /// in the vault, but Google will not refresh them for the new one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn set_client(&self, client: Option<ClientId>) -> Result<(), OAuthError> {
        let oauth = match client {
            None => None,
            Some(client) => Some(Arc::new(OAuth::new(
                self.inner.endpoints.clone(),
                client,
                Arc::clone(&self.inner.clock),
            )?)),
        };
        *self
            .inner
            .oauth
            .write()
            .unwrap_or_else(PoisonError::into_inner) = oauth;
        Ok(())
    }

    /// True when there is a client id to sign in with.
    #[must_use]
    pub fn has_client(&self) -> bool {
        self.inner
            .oauth
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Every account, by id.
    #[must_use]
    pub fn list(&self) -> Vec<Account> {
        self.entries()
            .values()
            .map(|entry| entry.account.clone())
            .collect()
    }

    /// One account.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Account> {
        self.entries().get(id).map(|entry| entry.account.clone())
    }

    /// Changes from now on. A listener that falls behind gets
    /// [`broadcast::error::RecvError::Lagged`] and reads [`list`](Self::list).
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<AccountEvent> {
        self.inner.events.subscribe()
    }

    /// The state of the vault now; may block for up to three seconds on a
    /// thread of its own.
    pub async fn vault_status(&self) -> VaultStatus {
        self.vault(|vault| Ok(vault.status()))
            .await
            .unwrap_or_else(VaultStatus::from)
    }

    /// Asks the vault, and puts accounts that waited for it back to work when
    /// it is usable again. The keeper calls this while any account waits.
    pub async fn recheck_vault(&self) -> VaultStatus {
        let status = self.vault_status().await;
        if status.is_usable() {
            for account in self.list() {
                if matches!(account.state, AccountState::Keychain(_)) {
                    self.change(&account.id, |account| account.state = AccountState::Ready);
                }
            }
        }
        status
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.inner
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn oauth(&self) -> Result<Arc<OAuth>, ClientError> {
        let oauth = self
            .inner
            .oauth
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        oauth.clone().ok_or(ClientError::Missing)
    }

    /// Changes a row and tells the listeners, if there is anything to tell.
    fn change(&self, id: &str, edit: impl FnOnce(&mut Account)) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(id) {
            let before = entry.account.clone();
            edit(&mut entry.account);
            if entry.account != before {
                self.emit(AccountEvent::Changed(entry.account.clone()));
            }
        }
    }

    fn emit(&self, event: AccountEvent) {
        // No listener is no error.
        let _ = self.inner.events.send(event);
    }

    fn live(&self, grant: &Grant) -> Live {
        Live {
            secret: grant.access_token.clone(),
            generation: self.inner.generations.fetch_add(1, Ordering::SeqCst),
            received: self.inner.clock.monotonic(),
            lifetime: grant.expires_in,
            expires_at: self.inner.clock.now().plus(grant.expires_in),
        }
    }

    /// Calls the vault on a blocking thread: a call may take three seconds.
    async fn vault<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let vault = Arc::clone(&self.inner.vault);
        let done = tokio::task::spawn_blocking(move || call(vault.as_ref())).await;
        done.unwrap_or_else(|error| {
            Err(VaultError::Unusable(VaultStatus::Failed(error.to_string())))
        })
    }
}
