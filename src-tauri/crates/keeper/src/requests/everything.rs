//! Everything at once: out into files, or away.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_store::Store;
use serde_json::Value;

use super::history::on_thread;
use super::{charms, settings, status};
use crate::api::{ApiError, Event, ExportView};
use crate::core::Core;
use crate::export::everything::{self, Shown};
use crate::google;
use crate::keeper::Keeper;
use crate::notices::Told;
use crate::preferences::Preferences;
use crate::scheduler::Input;
use crate::spaces::{self, keys};

/// How long runs may take to end when everything goes.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Writes everything into a new folder below `folder`.
pub(crate) async fn export(keeper: &Keeper, folder: &Path) -> Result<ExportView, ApiError> {
    let shown = Shown {
        charms: charms::charms(keeper).await?,
        accounts: status::accounts(keeper),
        settings: settings::settings(keeper).await?,
        spaces: spaces::spaces(keeper).await?,
    };
    let name = format!("charmkeeper-{}", day(keeper.core.now()));
    let folder = folder.to_owned();
    on_thread(keeper, move |store| {
        everything::write(store, &shown, &folder, &name)
    })
    .await
}

/// `2026-11-21` in the person's time zone.
fn day(now: UnixMs) -> String {
    let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    let local = time.to_zoned(jiff::tz::TimeZone::system());
    local.strftime("%Y-%m-%d").to_string()
}

/// Signs everybody out and removes everything that is kept here. What Google
/// could not be told now is told later, as after a disconnect.
pub(crate) async fn reset(keeper: &Keeper) -> Result<Value, ApiError> {
    let core = &keeper.core;
    // Accounts first: when the keychain cannot be used, nothing is lost.
    for account in core.accounts.list() {
        let done = core.accounts.disconnect(&account.id).await;
        done.map_err(|e| ApiError::of(&e))?;
        google::forget(core, &account.id).await?;
    }
    for charm in core.store(Store::charms).await? {
        keeper.tell(Input::CharmRemoved { charm: charm.id });
    }
    still(keeper).await?;
    settings::forget_client(keeper).await?;
    spaces::lease::release_all(core).await;
    forget_spaces(core).await?;
    core.background.settle().await;
    core.store(Store::reset).await?;
    *core
        .preferences
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Preferences::default();
    *core.told.lock().unwrap_or_else(PoisonError::into_inner) = Told::default();
    keeper.tell(Input::Policy(Preferences::default().power()));
    keeper.tell(Input::ResumeAll);
    // Only a cache: a charm that is added again is compiled again.
    if let Err(e) = tokio::fs::remove_dir_all(core.home.cache()).await {
        tracing::debug!("the cache could not be removed: {e}");
    }
    core.tell(Event::Changed);
    Ok(Value::Null)
}

/// Ends the syncing of all spaces and removes their keys from the keychain.
async fn forget_spaces(core: &Core) -> Result<(), ApiError> {
    let remotes = core.store(Store::remote_spaces).await?;
    core.desk.forget_all();
    let identities: BTreeSet<String> = remotes.into_iter().map(|r| r.identity).collect();
    for did in identities {
        keys::forget(&core.vault, &did).await?;
    }
    Ok(())
}

/// Waits until no run is going on, for a while.
async fn still(keeper: &Keeper) -> Result<(), ApiError> {
    let mut happening = keeper.events();
    let deadline = tokio::time::Instant::now() + LAST_WORDS;
    while !keeper.look().await?.running.is_empty() {
        let next = tokio::time::timeout_at(deadline, happening.recv()).await;
        if next.is_err() {
            tracing::warn!("a run was still going on when everything was removed");
            break;
        }
    }
    Ok(())
}
