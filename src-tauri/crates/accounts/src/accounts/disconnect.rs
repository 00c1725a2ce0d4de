//! Disconnecting an account, and the revocations that are still owed.
//!
//! Owns: the order of deleting and revoking, and the queue for what could not
//! be revoked yet. Never leaves a token behind that nobody would revoke: the
//! queue is written before the account's item is deleted.

use std::sync::Arc;

use charmkeeper_base::{ErrorKind, Explain, Secret};
use serde::{Deserialize, Serialize};

use super::tokens::PROBE_ITEM;
use super::{Accounts, Slot};
use crate::account::AccountEvent;
use crate::vault::{MAX_ITEM_BYTES, StoredGrant, VaultError, to_item};

/// The vault item that holds the queue.
const QUEUE_ITEM: &str = "google-revocations";

/// What a disconnect achieved. The account is gone from here in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnected {
    /// Google has ended the grant.
    pub revoked: bool,
    /// Google could not be reached; the revocation is tried again later.
    pub queued: bool,
}

/// What [`Accounts::retry_revocations`] achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Grants that have ended now, or that nothing is owed for any more.
    pub settled: usize,
    /// Still owed.
    pub left: usize,
}

/// Why an account could not be disconnected. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisconnectError {
    /// There is no such account.
    #[error("There is no account {0}.")]
    UnknownAccount(String),
    /// Its token cannot be deleted now.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Explain for DisconnectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownAccount(_) => ErrorKind::Usage,
            Self::Vault(error) => error.kind(),
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownAccount(_) => None,
            Self::Vault(error) => error.hint(),
        }
    }
}

struct Owed {
    account: String,
    token: Secret<String>,
}

#[derive(Serialize)]
struct OwedOut<'a> {
    account: &'a str,
    token: &'a str,
}

#[derive(Deserialize)]
struct OwedIn {
    account: String,
    token: String,
}

impl Accounts {
    /// Forgets an account: its row, its tokens here, and its grant at Google.
    ///
    /// # Errors
    /// [`DisconnectError`], after which the account is as it was.
    pub async fn disconnect(&self, id: &str) -> Result<Disconnected, DisconnectError> {
        let _grants = self.inner.grants.lock().await;
        let slot = {
            let entries = self.entries();
            let entry = entries
                .get(id)
                .ok_or_else(|| DisconnectError::UnknownAccount(id.to_owned()))?;
            Arc::clone(&entry.slot)
        };
        // Behind a refresh that is under way, which could write the item anew.
        let _turn = slot.turn.lock().await;
        let token = self.token_to_revoke(id, &slot).await?;
        if let Some(token) = &token {
            self.owe(Owed {
                account: id.to_owned(),
                token: token.clone(),
            })
            .await?;
        }
        let item = id.to_owned();
        let is_last = self.entries().len() == 1;
        self.vault(move |vault| {
            vault.delete(&item)?;
            if is_last {
                vault.delete(PROBE_ITEM)
            } else {
                Ok(())
            }
        })
        .await?;
        self.entries().remove(id);
        *slot.held() = super::Held::default();
        self.emit(AccountEvent::Removed(id.to_owned()));
        let Some(token) = token else {
            return Ok(Disconnected {
                revoked: false,
                queued: false,
            });
        };
        Ok(match self.revoke(&token).await {
            Some(revoked) => {
                // When this fails the retry finds a dead token, which is fine.
                let queued = self.settle(&token).await.is_err() && !revoked;
                Disconnected { revoked, queued }
            }
            None => Disconnected {
                revoked: false,
                queued: true,
            },
        })
    }

    /// Tries again what could not be revoked while offline. Cheap when nothing
    /// is owed.
    ///
    /// # Errors
    /// [`VaultError`] when the queue cannot be read or written.
    pub async fn retry_revocations(&self) -> Result<Revocations, VaultError> {
        let _grants = self.inner.grants.lock().await;
        let mut result = Revocations::default();
        for owed in self
            .vault(|vault| read_queue(vault.get(QUEUE_ITEM)?))
            .await?
        {
            // Connected again since: revoking would end the new grant too.
            let is_back = self.get(&owed.account).is_some();
            if is_back || self.revoke(&owed.token).await.is_some() {
                self.settle(&owed.token).await?;
                result.settled += 1;
            } else {
                result.left += 1;
            }
        }
        Ok(result)
    }

    /// Forgets what is owed for an account that was connected again.
    pub(super) async fn forgive(&self, id: &str) -> Result<(), VaultError> {
        let id = id.to_owned();
        self.edit_queue(move |queue| queue.retain(|owed| owed.account != id))
            .await
    }

    /// Asks Google to end a grant: whether it did, or nothing when it is worth
    /// asking again.
    pub(super) async fn revoke(&self, token: &Secret<String>) -> Option<bool> {
        match self.oauth().ok()?.revoke(token).await {
            Ok(revoked) => Some(revoked),
            Err(error) => {
                tracing::info!(%error, "a revocation waits for a later try");
                None
            }
        }
    }

    async fn token_to_revoke(
        &self,
        id: &str,
        slot: &Slot,
    ) -> Result<Option<Secret<String>>, VaultError> {
        let item = id.to_owned();
        let stored = match self.vault(move |vault| vault.get(&item)).await {
            Ok(bytes) => bytes.and_then(|bytes| StoredGrant::decode(&bytes).ok()),
            Err(VaultError::Damaged) => None,
            Err(error) => return Err(error),
        };
        let held = slot.held();
        let newest = held
            .unsaved
            .as_ref()
            .or(stored.as_ref())
            .map(|g| g.refresh_token.clone());
        Ok(newest.or_else(|| held.live.as_ref().map(|live| live.secret.clone())))
    }

    async fn owe(&self, owed: Owed) -> Result<(), VaultError> {
        self.edit_queue(move |queue| {
            queue.retain(|other| other.account != owed.account);
            queue.push(owed);
        })
        .await
    }

    async fn settle(&self, token: &Secret<String>) -> Result<(), VaultError> {
        let token = token.clone();
        self.edit_queue(move |queue| queue.retain(|o| o.token.expose() != token.expose()))
            .await
    }

    /// Changes the queue; callers hold `grants`.
    async fn edit_queue(
        &self,
        edit: impl FnOnce(&mut Vec<Owed>) + Send + 'static,
    ) -> Result<(), VaultError> {
        self.vault(move |vault| {
            let before = vault.get(QUEUE_ITEM)?;
            let had_item = before.is_some();
            let mut queue = read_queue(before)?;
            edit(&mut queue);
            match write_queue(queue)? {
                Some(item) => vault.set(QUEUE_ITEM, &item),
                None if had_item => vault.delete(QUEUE_ITEM),
                None => Ok(()),
            }
        })
        .await
    }
}

/// A damaged queue is an empty one: nothing in it could be used.
fn read_queue(item: Option<Secret<Vec<u8>>>) -> Result<Vec<Owed>, VaultError> {
    let Some(item) = item else {
        return Ok(Vec::new());
    };
    let queue: Vec<OwedIn> = serde_json::from_slice(item.expose()).unwrap_or_default();
    let owed = |o: OwedIn| Owed {
        account: o.account,
        token: Secret::new(o.token),
    };
    Ok(queue.into_iter().map(owed).collect())
}

/// The item, or nothing for an empty queue. The oldest entries give way when
/// it would be too long; their grants end by themselves after six months.
fn write_queue(mut queue: Vec<Owed>) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
    while !queue.is_empty() {
        let out: Vec<_> = queue
            .iter()
            .map(|o| OwedOut {
                account: &o.account,
                token: o.token.expose(),
            })
            .collect();
        match to_item(&out) {
            Ok(item) => return Ok(Some(item)),
            Err(VaultError::TooLong { .. }) => {
                tracing::warn!(
                    limit = MAX_ITEM_BYTES,
                    "the oldest owed revocation is dropped"
                );
                queue.remove(0);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(account: &str, token: String) -> Owed {
        Owed {
            account: account.to_owned(),
            token: Secret::new(token),
        }
    }

    #[test]
    fn a_full_queue_drops_the_oldest_and_keeps_the_rest() {
        let queue = (0..6)
            .map(|n| owed(&format!("a{n}"), n.to_string().repeat(600)))
            .collect();
        let item = write_queue(queue).unwrap().unwrap();
        let names: Vec<_> = read_queue(Some(item))
            .unwrap()
            .into_iter()
            .map(|o| o.account)
            .collect();
        assert_eq!(names, ["a2", "a3", "a4", "a5"]);
    }

    #[test]
    fn an_empty_queue_has_no_item_and_a_damaged_one_is_empty() {
        assert!(write_queue(vec![]).unwrap().is_none());
        assert!(
            read_queue(Some(Secret::new(b"{not json".to_vec())))
                .unwrap()
                .is_empty()
        );
        assert!(
            write_queue(vec![owed("a", "x".repeat(3000))])
                .unwrap()
                .is_none()
        );
    }
}
