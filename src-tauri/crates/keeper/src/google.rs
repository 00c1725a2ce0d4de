//! Google accounts in the keeper: rows, auth cells, and what comes and goes
//! with an account.
//!
//! Owns the auth record that charms see, in which placeholders stand for
//! tokens, and the charms that are added for an account. Never sees a token:
//! `accounts` keeps those to itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use charmkeeper_accounts::{Account, AccountState, Service};
use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{Change, DocRef, Patch, pointer};
use charmkeeper_store::{AccountRow, Charm, Store, StoreError, Writer};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::builtin::Builtin;
use crate::cells::{Place, Reader};
use crate::core::Core;
use crate::registry::{self, Addition};
use crate::scheduler::Blocked;

/// What the scheduler is told about an account's state.
pub(crate) fn blocked(account: &Account) -> Option<Blocked> {
    match &account.state {
        AccountState::Ready => None,
        AccountState::NeedsSignIn(_) => Some(Blocked::SignIn),
        AccountState::Keychain(_) => Some(Blocked::Keychain),
    }
}

/// An account's row for the store.
fn row(account: &Account, known: Option<AccountRow>) -> Result<AccountRow, serde_json::Error> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(AccountRow {
        id: account.id.clone(),
        provider: "google".to_owned(),
        email: account.email.clone(),
        name: some(&account.name),
        picture: some(&account.picture),
        scopes: account.scopes.clone(),
        state: serde_json::to_value(account)?,
        connected_at: account.connected_at,
        expires_at: account.expires_at,
        last_used_at: known.and_then(|k| k.last_used_at),
    })
}

/// The accounts of the last time. A row that this version cannot read is left
/// out, and can be connected again.
pub(crate) fn restore(rows: Vec<AccountRow>) -> Vec<Account> {
    let read = |row: AccountRow| match serde_json::from_value(row.state) {
        Ok(account) => Some(account),
        Err(e) => {
            tracing::warn!("an account could not be read and must be connected again: {e}");
            None
        }
    };
    rows.into_iter().filter_map(read).collect()
}

/// Stores an account's new state, and shows it to the charms that use it.
pub(crate) async fn remember(core: &Arc<Core>, account: Account) {
    let stored = core
        .store(move |store| {
            let known = store.account(&account.id)?;
            match row(&account, known) {
                Ok(row) => store.put_account(&row)?,
                Err(e) => tracing::error!("an account could not be stored: {e}"),
            }
            write_auth(store, &account)
        })
        .await;
    if let Err(e) = stored {
        tracing::error!("the state of an account could not be stored: {e}");
    }
}

/// What charms see of an account: the record of the reference system, with
/// placeholders where it has tokens.
fn auth_record(account: &Account) -> Value {
    let expires_at = account.expires_at.map_or(0, |t| t.0);
    json!({
        "token": format!("kc:{}", account.id),
        "tokenType": "Bearer",
        "scope": account.scopes,
        "expiresIn": if expires_at == 0 { 0 } else { 3599 },
        "expiresAt": expires_at,
        "refreshToken": format!("kc-r:{}", account.id),
        "user": { "email": account.email, "name": account.name, "picture": account.picture },
    })
}

/// Writes the record into the account's auth cell, if it has one and it differs.
fn write_auth(store: &Store, account: &Account) -> Result<(), StoreError> {
    let source = Builtin::GoogleAuth.source();
    let holds = |c: &Charm| c.source == source && c.account.as_deref() == Some(&account.id);
    let Some(charm) = store.charms()?.into_iter().find(holds) else {
        return Ok(());
    };
    let doc = DocRef {
        space: charm.space.clone(),
        id: charm.piece.clone(),
    };
    let auth = Place {
        doc,
        path: vec!["auth".to_owned()],
    };
    let Some((place, before)) = Reader::new(store).follow(auth)? else {
        return Ok(());
    };
    let mut record = auth_record(account);
    if record["expiresAt"] == json!(0) {
        // No token in memory yet. The last known end is better than none, with
        // which charms would take the account for signed out.
        record["expiresAt"] = before["expiresAt"].clone();
        record["expiresIn"] = before["expiresIn"].clone();
    }
    if record == before {
        return Ok(());
    }
    let steps = std::iter::once("value").chain(place.path.iter().map(String::as_str));
    let patch = Patch::Replace {
        path: pointer::join(steps),
        value: record,
    };
    let change = Change::patch(place.doc, None, vec![patch]);
    store
        .write_documents(
            &Writer::Keeper {
                owner: Some(charm.id),
            },
            &[change],
        )
        .map(|_| ())
}

/// Adds the charms that belong to an account and are not there yet: its auth
/// cell, and an importer for each granted service. Returns the new ones.
pub(crate) async fn add_charms(
    core: &Arc<Core>,
    account: &Account,
    granted: &[Service],
) -> Result<Vec<Charm>, ApiError> {
    let mut wanted = vec![Builtin::GoogleAuth];
    wanted.extend(granted.iter().map(|s| Builtin::importer(*s)));
    let charms = core.store(Store::charms).await?;
    let mut added = Vec::new();
    for builtin in wanted {
        let source = builtin.source();
        let there = charms
            .iter()
            .any(|c| c.source == source && c.account.as_deref() == Some(&account.id));
        if there {
            continue;
        }
        let program = builtin.program().map_err(|e| ApiError::of(&e))?;
        let addition = Addition {
            program,
            source,
            handle: builtin.handle().to_owned(),
            space: None,
            argument: None,
            hosts: Vec::new(),
            account: Some(account.id.clone()),
            enabled: true,
            position: if builtin == Builtin::GoogleAuth {
                -1
            } else {
                0
            },
        };
        added.push(registry::add(core, addition).await?);
    }
    let account = account.clone();
    core.store(move |store| write_auth(store, &account)).await?;
    Ok(added)
}

/// Removes an account's row and its auth charm. Its importers stay with their
/// cells and wait for the account to be connected again; they are returned.
pub(crate) async fn forget(core: &Core, account: &str) -> Result<Forgotten, ApiError> {
    let id = account.to_owned();
    let forgotten = core
        .store(move |store| {
            let mut forgotten = Forgotten::default();
            let source = Builtin::GoogleAuth.source();
            for charm in store.charms()? {
                if charm.account.as_deref() != Some(&id) {
                    continue;
                }
                if charm.source == source {
                    store.remove_charm(&charm.id)?;
                    forgotten.removed.push(charm);
                } else {
                    forgotten.stopped.push(charm);
                }
            }
            store.remove_account(&id)?;
            Ok(forgotten)
        })
        .await?;
    core.broker.forget(account);
    Ok(forgotten)
}

/// What went with an account.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    pub(crate) removed: Vec<Charm>,
    pub(crate) stopped: Vec<Charm>,
}

/// The account with this id or address.
pub(crate) fn find(core: &Core, which: &str) -> Result<Account, ApiError> {
    let accounts = core.accounts.list();
    let found = accounts.iter().find(|a| a.id == which).or_else(|| {
        accounts
            .iter()
            .find(|a| a.email.eq_ignore_ascii_case(which))
    });
    found.cloned().ok_or_else(|| {
        let error = ApiError::new(
            ErrorKind::Usage,
            format!("There is no account named \"{which}\"."),
        );
        let known: Vec<_> = accounts.iter().map(|a| a.email.as_str()).collect();
        if known.is_empty() {
            error.with_hint("Connect one with `charmkeeper connect google`.")
        } else {
            error.with_hint(format!("Known accounts: {}.", known.join(", ")))
        }
    })
}

/// Names of accounts by id, for sentences.
pub(crate) fn names(core: &Core) -> BTreeMap<String, String> {
    core.accounts
        .list()
        .into_iter()
        .map(|a| (a.id, a.email))
        .collect()
}

/// How often to ask for a keychain that accounts wait for.
const KEYCHAIN_EVERY: std::time::Duration = std::time::Duration::from_secs(15);

/// Puts accounts back to work when their keychain can be read again. Sleeps
/// while none waits for it.
pub(crate) async fn watch_keychain(core: Arc<Core>) {
    let mut changes = core.accounts.events();
    let waits = |a: &Account| matches!(a.state, AccountState::Keychain(_));
    loop {
        while core.accounts.list().iter().any(waits) {
            tokio::time::sleep(KEYCHAIN_EVERY).await;
            core.accounts.recheck_vault().await;
        }
        if let Err(tokio::sync::broadcast::error::RecvError::Closed) = changes.recv().await {
            return;
        }
    }
}
