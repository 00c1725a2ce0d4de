//! What the person chose, and which Google client signs in.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use charmkeeper_accounts::ClientId;
use charmkeeper_base::{ErrorKind, Secret};
use serde_json::Value;

use super::json;
use crate::api::{ApiError, ClientView, Event, SettingsChange, SettingsView};
use crate::keeper::{CLIENT_SETTING, Keeper};
use crate::preferences::{self, Preferences};
use crate::scheduler::Input;

/// Largest client file that is read, in bytes; Google's are under 1 KiB.
const MAX_CLIENT_FILE: u64 = 64 * 1024;

/// Everything that was chosen.
pub(crate) async fn settings(keeper: &Keeper) -> Result<SettingsView, ApiError> {
    let own = keeper.core.store(|s| s.setting(CLIENT_SETTING)).await?;
    let own = own.as_ref().and_then(Value::as_str).map(str::to_owned);
    let client = match (own, &keeper.core.client) {
        (Some(id), _) => client_view("own", Some(id)),
        (None, Some(client)) => client_view("built-in", Some(client.client_id.clone())),
        (None, None) => client_view("none", None),
    };
    let chosen = chosen(keeper);
    Ok(SettingsView {
        notifications: chosen.notifications,
        theme: chosen.theme,
        pause_on_metered: chosen.pause_on_metered,
        pause_on_battery: chosen.pause_on_battery,
        introduced: chosen.introduced,
        keep_days: chosen.keep_days,
        client,
    })
}

fn client_view(source: &str, client_id: Option<String>) -> ClientView {
    ClientView {
        source: source.to_owned(),
        client_id,
    }
}

fn chosen(keeper: &Keeper) -> Preferences {
    let preferences = keeper.core.preferences.lock();
    preferences.unwrap_or_else(PoisonError::into_inner).clone()
}

/// Stores a change and applies it at once.
pub(crate) async fn change(
    keeper: &Keeper,
    change: &SettingsChange,
) -> Result<SettingsView, ApiError> {
    let (before, after) = (chosen(keeper), chosen(keeper).changed(change)?);
    keep(keeper, &after).await?;
    if before.power() != after.power() {
        keeper.tell(Input::Policy(after.power()));
    }
    if after.keep_days < before.keep_days {
        keeper.tidy_now();
    }
    keeper.core.tell(Event::Changed);
    settings(keeper).await
}

async fn keep(keeper: &Keeper, preferences: &Preferences) -> Result<(), ApiError> {
    let stored = json(preferences)?;
    keeper
        .core
        .store(move |store| store.set_setting(preferences::SETTING, Some(&stored)))
        .await?;
    let mut held = keeper
        .core
        .preferences
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    held.clone_from(preferences);
    Ok(())
}

/// Takes the person's own Google client from a downloaded file.
pub(crate) async fn use_client(keeper: &Keeper, path: &Path) -> Result<SettingsView, ApiError> {
    let shown = path.display().to_string();
    let unreadable = |e: std::io::Error| {
        ApiError::new(ErrorKind::Usage, format!("{shown} cannot be read: {e}."))
    };
    let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
    if size > MAX_CLIENT_FILE {
        return Err(ApiError::new(
            ErrorKind::Usage,
            format!("{shown} is too large to be a client_secret_*.json."),
        ));
    }
    let text = Secret::new(tokio::fs::read_to_string(path).await.map_err(unreadable)?);
    let client = ClientId::from_download(text.expose()).map_err(|e| ApiError::of(&e))?;
    take_client(keeper, client).await
}

/// Takes it from what the person pasted: the file's content, or a client id
/// and below it its secret.
pub(crate) async fn use_client_text(
    keeper: &Keeper,
    text: &Secret<String>,
) -> Result<SettingsView, ApiError> {
    let client = client_of(text).map_err(|e| ApiError::of(&e))?;
    take_client(keeper, client).await
}

fn client_of(text: &Secret<String>) -> Result<ClientId, charmkeeper_accounts::ClientError> {
    let text = text.expose().trim();
    if text.starts_with('{') {
        return ClientId::from_download(text);
    }
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let (id, secret) = (lines.next().unwrap_or_default(), lines.next());
    match lines.next() {
        None => ClientId::pasted(id, secret),
        Some(_) => Err(charmkeeper_accounts::ClientError::NotAnId),
    }
}

/// The id goes to the settings, the secret to the keychain.
async fn take_client(keeper: &Keeper, client: ClientId) -> Result<SettingsView, ApiError> {
    let (vault, kept) = (Arc::clone(&keeper.core.vault), client.clone());
    tokio::task::spawn_blocking(move || kept.keep_secret(vault.as_ref()))
        .await
        .map_err(|e| ApiError::new(ErrorKind::Keychain, format!("The keychain failed: {e}.")))?
        .map_err(|e| ApiError::of(&e))?;
    let id = Value::String(client.client_id.clone());
    set_client(keeper, Some(id), Some(client)).await
}

/// Goes back to the client of the build.
pub(crate) async fn forget_client(keeper: &Keeper) -> Result<SettingsView, ApiError> {
    let vault = Arc::clone(&keeper.core.vault);
    let forgotten = tokio::task::spawn_blocking(move || ClientId::forget_secret(vault.as_ref()));
    if let Ok(Err(e)) = forgotten.await {
        // Without its id the secret is worth nothing, and the next one replaces it.
        tracing::warn!("the secret of the client stays in the keychain: {e}");
    }
    set_client(keeper, None, keeper.core.client.clone()).await
}

async fn set_client(
    keeper: &Keeper,
    id: Option<Value>,
    client: Option<ClientId>,
) -> Result<SettingsView, ApiError> {
    keeper
        .core
        .store(move |store| store.set_setting(CLIENT_SETTING, id.as_ref()))
        .await?;
    let accounts = &keeper.core.accounts;
    accounts.set_client(client).map_err(|e| ApiError::of(&e))?;
    keeper.core.tell(Event::Changed);
    settings(keeper).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_read_from_json_or_from_two_lines() {
        let of = |text: &str| client_of(&Secret::new(text.to_owned()));
        let both = of("  1-a.apps.googleusercontent.com \n\n GOCSPX-s \n").unwrap();
        assert_eq!(both.client_id, "1-a.apps.googleusercontent.com");
        assert_eq!(both.client_secret.unwrap().expose(), "GOCSPX-s");
        let json = r#"{"installed":{"client_id":"x","client_secret":"y"}}"#;
        assert_eq!(of(json).unwrap().client_id, "x");
        assert!(of("id").unwrap().client_secret.is_none());
        for wrong in ["", "\n", "{}", "a\nb\nc", "two words"] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
