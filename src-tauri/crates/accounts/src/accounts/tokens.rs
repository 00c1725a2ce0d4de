//! Access tokens: handed out from memory, refreshed ahead of their end.
//!
//! Owns: when to refresh, that there is one refresh at a time per account, and
//! what a failed one means for the account. Never clears anything because of
//! the network; never refreshes an account that must sign in again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use charmkeeper_base::{Explain, UnixMs};

use super::{Accounts, Failure, Held, Live, Slot};
use crate::account::{Account, AccountState, SignInReason};
use crate::broker::{AccessToken, TokenError, TokenInfo, TokenSource};
use crate::oauth::{MAX_WAIT, OAuthError};
use crate::vault::{StoredGrant, VaultError, VaultStatus};

/// How long before its end a token is replaced, if it lives long enough.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// How long a token that still works is used after a refresh failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients in “Testing” lose their grants after seven days; the day on both
/// sides is for clocks and for the time until the next refresh.
const TESTING_DAYS: std::ops::RangeInclusive<u64> = 6..=8;

/// The item that shows whether the keychain keeps anything of ours.
pub(super) const PROBE_ITEM: &str = "google-probe";

impl Live {
    /// Not over by either clock. Monotonic time stands still while some
    /// systems sleep, and wall-clock time can be set back.
    fn is_alive(&self, monotonic: Duration, now: UnixMs) -> bool {
        monotonic.saturating_sub(self.received) < self.lifetime && now < self.expires_at
    }

    /// True from five minutes before the end, or from the last quarter of a
    /// short life.
    fn is_near_end(&self, monotonic: Duration, now: UnixMs) -> bool {
        let ahead = AHEAD.min(self.lifetime / 4);
        !self.is_alive(monotonic.saturating_add(ahead), now.plus(ahead))
    }

    fn token(&self) -> AccessToken {
        AccessToken {
            secret: self.secret.clone(),
            generation: self.generation,
        }
    }
}

#[async_trait]
impl TokenSource for Accounts {
    async fn access_token(
        &self,
        account: &str,
        stale: Option<u64>,
    ) -> Result<AccessToken, TokenError> {
        let slot = self.usable_slot(account)?;
        let seen = {
            let held = slot.held();
            if let Some(token) = self.ready_token(&held, stale) {
                return Ok(token);
            }
            held.ended
        };
        let turn = Arc::clone(&slot.turn).lock_owned().await;
        {
            let held = slot.held();
            if let Some(token) = self.ready_token(&held, stale) {
                return Ok(token);
            }
            if let Some(error) = self.shared_failure(&held, seen) {
                return Err(error);
            }
        }
        self.usable_slot(account)?;
        // In a task of its own: a caller that is cancelled half-way must not
        // lose a refresh token that Google has just replaced.
        let this = self.clone();
        let id = account.to_owned();
        let task = tokio::spawn(async move {
            let _turn = turn;
            this.refresh(&id, &slot, stale).await
        });
        task.await.unwrap_or_else(|error| {
            Err(TokenError::Provider {
                detail: format!("the refresh was aborted ({error})"),
            })
        })
    }

    async fn describe(&self, account: &str, refresh: bool) -> Result<TokenInfo, TokenError> {
        if refresh {
            self.access_token(account, None).await?;
        }
        let (row, slot) = self.row(account)?;
        let held = slot.held();
        let now = self.inner.clock.now();
        let expires_at = held.live.as_ref().map_or(now, |live| live.expires_at);
        Ok(TokenInfo {
            expires_in: expires_at.since(now),
            expires_at,
            user: row.user(),
            scopes: row.scopes,
        })
    }
}

impl Accounts {
    fn row(&self, id: &str) -> Result<(Account, Arc<Slot>), TokenError> {
        let entries = self.entries();
        let entry = entries.get(id).ok_or_else(|| TokenError::UnknownAccount {
            account: id.to_owned(),
        })?;
        Ok((entry.account.clone(), Arc::clone(&entry.slot)))
    }

    fn usable_slot(&self, id: &str) -> Result<Arc<Slot>, TokenError> {
        let (account, slot) = self.row(id)?;
        match account.state {
            AccountState::NeedsSignIn(reason) => Err(sign_in(&account, reason)),
            AccountState::Ready | AccountState::Keychain(_) => Ok(slot),
        }
    }

    /// A token from memory that will do for a caller whose last one, `stale`,
    /// was refused.
    fn ready_token(&self, held: &Held, stale: Option<u64>) -> Option<AccessToken> {
        let live = held
            .live
            .as_ref()
            .filter(|live| stale.is_none_or(|s| live.generation > s))?;
        let (monotonic, now) = (self.inner.clock.monotonic(), self.inner.clock.now());
        let just_failed = held
            .failure
            .as_ref()
            .is_some_and(|failure| monotonic.saturating_sub(failure.at) < PATIENCE);
        let good =
            !live.is_near_end(monotonic, now) || (just_failed && live.is_alive(monotonic, now));
        good.then(|| live.token())
    }

    /// The failure of a refresh that this caller waited for, or one that names
    /// a time before which nobody should ask again.
    fn shared_failure(&self, held: &Held, seen: u64) -> Option<TokenError> {
        let Failure { error, at } = held.failure.as_ref()?;
        (held.ended > seen || self.must_wait(error, *at)).then(|| error.clone())
    }

    /// True until the moment that the server named. A wall clock that is set
    /// back does not make the wait longer than it was.
    fn must_wait(&self, error: &TokenError, failed_at: Duration) -> bool {
        let TokenError::Quota { retry_at } = error else {
            return false;
        };
        let waited = self.inner.clock.monotonic().saturating_sub(failed_at);
        waited < MAX_WAIT && self.inner.clock.now() < *retry_at
    }

    /// One refresh, with the account's turn held.
    async fn refresh(
        &self,
        id: &str,
        slot: &Slot,
        stale: Option<u64>,
    ) -> Result<AccessToken, TokenError> {
        let outcome = self.try_refresh(id, slot).await;
        let mut held = slot.held();
        held.ended += 1;
        match outcome {
            Ok(live) => {
                held.failure = None;
                let token = live.token();
                held.live = Some(live);
                Ok(token)
            }
            Err(error) => {
                held.failure = Some(Failure {
                    error: error.clone(),
                    at: self.inner.clock.monotonic(),
                });
                if matches!(error, TokenError::SignIn { .. }) {
                    held.live = None;
                }
                self.ready_token(&held, stale).ok_or(error)
            }
        }
    }

    async fn try_refresh(&self, id: &str, slot: &Slot) -> Result<Live, TokenError> {
        let oauth = self.oauth().map_err(|error| TokenError::Client {
            reason: bare(&error.to_string()),
        })?;
        let stored = self.stored(id, slot).await?;
        let grant = match oauth.refresh(&stored.refresh_token).await {
            Ok(grant) => grant,
            Err(OAuthError::InvalidGrant { session_policy }) => {
                return Err(self.grant_is_dead(id, session_policy));
            }
            Err(error) => return Err(token_error(error)),
        };
        let renewed = StoredGrant {
            refresh_token: grant
                .refresh_token
                .clone()
                .unwrap_or(stored.refresh_token.clone()),
            scopes: grant.scopes.clone().unwrap_or(stored.scopes.clone()),
        };
        let is_new = renewed.refresh_token.expose() != stored.refresh_token.expose()
            || renewed.scopes != stored.scopes;
        let scopes = renewed.scopes.clone();
        if is_new {
            slot.held().unsaved = Some(renewed);
            self.save(id, slot).await?;
        }
        let live = self.live(&grant);
        let ends = grant
            .refresh_expires_in
            .map(|d| self.inner.clock.now().plus(d));
        self.change(id, |account| {
            account.state = AccountState::Ready;
            account.scopes = scopes;
            account.expires_at = Some(live.expires_at);
            account.grant_ends_at = ends.or(account.grant_ends_at);
        });
        Ok(live)
    }

    /// The refresh token: one that still waits to be saved goes first.
    async fn stored(&self, id: &str, slot: &Slot) -> Result<StoredGrant, TokenError> {
        if let Some(grant) = self.save(id, slot).await? {
            return Ok(grant);
        }
        let item = id.to_owned();
        let read = self.vault(move |vault| {
            let found = vault.get(&item)?;
            let keeps_others = found.is_some() || vault.get(PROBE_ITEM)?.is_some();
            Ok((found, keeps_others))
        });
        let reason = match read.await {
            Ok((Some(bytes), _)) => match StoredGrant::decode(&bytes) {
                Ok(grant) => return Ok(grant),
                Err(_) => SignInReason::ItemDamaged,
            },
            Ok((None, true)) => SignInReason::ItemMissing,
            Ok((None, false)) => SignInReason::KeychainEmpty,
            Err(VaultError::Damaged) => SignInReason::ItemDamaged,
            Err(error) => return Err(self.vault_failed(id, error)),
        };
        Err(self.needs_sign_in(id, reason))
    }

    /// Writes what waits to be written, and returns it.
    async fn save(&self, id: &str, slot: &Slot) -> Result<Option<StoredGrant>, TokenError> {
        let Some(grant) = slot.held().unsaved.clone() else {
            return Ok(None);
        };
        let item = id.to_owned();
        let written = match grant.encode() {
            Ok(bytes) => self.vault(move |vault| vault.set(&item, &bytes)).await,
            Err(error) => Err(error),
        };
        written.map_err(|error| self.vault_failed(id, error))?;
        slot.held().unsaved = None;
        Ok(Some(grant))
    }

    fn grant_is_dead(&self, id: &str, session_policy: bool) -> TokenError {
        let now = self.inner.clock.now();
        let reason = match self.get(id) {
            _ if session_policy => SignInReason::SessionPolicy,
            Some(Account { connected_at, .. })
                if TESTING_DAYS.contains(&(now.since(connected_at).as_secs() / 86_400)) =>
            {
                SignInReason::TestingClient
            }
            Some(Account {
                grant_ends_at: Some(end),
                ..
            }) if end <= now => SignInReason::GrantEnded,
            _ => SignInReason::Revoked,
        };
        self.needs_sign_in(id, reason)
    }

    fn needs_sign_in(&self, id: &str, reason: SignInReason) -> TokenError {
        self.change(id, |account| {
            account.state = AccountState::NeedsSignIn(reason);
            account.expires_at = None;
        });
        match self.get(id) {
            Some(account) => sign_in(&account, reason),
            None => TokenError::UnknownAccount {
                account: id.to_owned(),
            },
        }
    }

    fn vault_failed(&self, id: &str, error: VaultError) -> TokenError {
        let reason = match error.hint() {
            Some(hint) => bare(&format!("{error} {hint}")),
            None => bare(&error.to_string()),
        };
        self.change(id, |account| {
            account.state = AccountState::Keychain(VaultStatus::from(error));
        });
        TokenError::Keychain { reason }
    }
}

fn sign_in(account: &Account, reason: SignInReason) -> TokenError {
    TokenError::SignIn {
        account: account.email.clone(),
        reason: reason.to_string(),
    }
}

fn token_error(error: OAuthError) -> TokenError {
    match error {
        OAuthError::Offline { detail } => TokenError::Offline { detail },
        OAuthError::Provider { detail } => TokenError::Provider { detail },
        OAuthError::Quota { retry_at } => TokenError::Quota { retry_at },
        OAuthError::Client { detail } => TokenError::Client { reason: detail },
        OAuthError::InvalidGrant { .. } => TokenError::Provider {
            detail: "it refused the sign-in".to_owned(),
        },
    }
}

/// A sentence as a part of another one.
fn bare(sentence: &str) -> String {
    sentence.trim_end_matches('.').to_owned()
}
