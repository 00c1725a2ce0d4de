//! Signing in and out: the conversation with the person, and what is added and
//! stopped with an account.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use charmkeeper_accounts::{
    ClientId, ConnectRequest, Connected, Opener, PrintOnly, Progress, Service, SystemBrowser,
};
use charmkeeper_base::ErrorKind;
use tokio::sync::mpsc;

use crate::api::{ApiError, ConnectView, DisconnectView, Event};
use crate::keeper::{CLIENT_SETTING, Keeper};
use crate::requests::added;
use crate::scheduler::Input;
use crate::{google, views};

/// Largest client file that is read, in bytes; Google's are under 1 KiB.
const MAX_CLIENT_FILE: u64 = 64 * 1024;

/// Signs an account in and adds its charms.
pub(crate) async fn connect(
    keeper: &Keeper,
    services: &[String],
    client: Option<PathBuf>,
    print_url: bool,
    events: mpsc::Sender<Event>,
) -> Result<ConnectView, ApiError> {
    let services = services_of(services)?;
    if let Some(path) = client {
        use_client(keeper, &path).await?;
    }
    let opener: Box<dyn Opener> = if print_url {
        Box::new(PrintOnly)
    } else {
        Box::new(SystemBrowser)
    };
    let progress = move |progress: Progress| {
        let event = match progress {
            Progress::WaitingForBrowser { url, .. } => Event::OpenUrl { url: url.into() },
            Progress::Finishing => Event::Progress {
                message: "Signing in".to_owned(),
            },
        };
        // A listener that is gone or slow misses a line, nothing else.
        let _ = events.try_send(event);
    };
    let request = ConnectRequest::new(services);
    let connected = Box::pin(
        keeper
            .core
            .accounts
            .connect(request, opener.as_ref(), &progress),
    )
    .await
    .map_err(|e| ApiError::of(&e))?;
    finish(keeper, connected).await
}

async fn finish(keeper: &Keeper, connected: Connected) -> Result<ConnectView, ApiError> {
    let Connected {
        account,
        granted,
        missing,
        ..
    } = connected;
    google::remember(&keeper.core, account.clone()).await;
    let charms = google::add_charms(&keeper.core, &account, &account.services()).await?;
    for charm in &charms {
        added(keeper, charm);
    }
    let names = |services: &[Service]| services.iter().map(|s| s.as_str().to_owned()).collect();
    Ok(ConnectView {
        account: views::account(&account, None),
        granted: names(&granted),
        missing: names(&missing),
        charms: charms.into_iter().map(|c| c.handle).collect(),
    })
}

fn services_of(words: &[String]) -> Result<Vec<Service>, ApiError> {
    if words.is_empty() {
        return Ok(Service::ALL.to_vec());
    }
    Service::parse_list(&words.join(",")).map_err(|e| {
        ApiError::new(ErrorKind::Usage, crate::core::sentence(&e.to_string()))
            .with_hint("Known services: gmail, calendar.")
    })
}

/// Takes the person's own Google client from a downloaded file: the id goes to
/// the settings, the secret to the keychain.
async fn use_client(keeper: &Keeper, path: &Path) -> Result<(), ApiError> {
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
    let text = tokio::fs::read_to_string(path).await.map_err(unreadable)?;
    let client = ClientId::from_download(&text).map_err(|e| ApiError::of(&e))?;
    let (vault, kept) = (Arc::clone(&keeper.core.vault), client.clone());
    tokio::task::spawn_blocking(move || kept.keep_secret(vault.as_ref()))
        .await
        .map_err(|e| ApiError::new(ErrorKind::Keychain, format!("The keychain failed: {e}.")))?
        .map_err(|e| ApiError::of(&e))?;
    let id = serde_json::Value::String(client.client_id.clone());
    keeper
        .core
        .store(move |store| store.set_setting(CLIENT_SETTING, Some(&id)))
        .await?;
    keeper
        .core
        .accounts
        .set_client(Some(client))
        .map_err(|e| ApiError::of(&e))
}

/// Revokes an account's access and forgets it. Its importers stay, stopped.
pub(crate) async fn disconnect(keeper: &Keeper, which: &str) -> Result<DisconnectView, ApiError> {
    let account = google::find(&keeper.core, which)?;
    let done = keeper
        .core
        .accounts
        .disconnect(&account.id)
        .await
        .map_err(|e| ApiError::of(&e))?;
    let forgotten = google::forget(&keeper.core, &account.id).await?;
    for charm in &forgotten.removed {
        keeper.tell(Input::CharmRemoved {
            charm: charm.id.clone(),
        });
    }
    keeper.core.tell(Event::Changed);
    Ok(DisconnectView {
        account: account.id,
        email: account.email,
        revoked: done.revoked,
        stopped: forgotten.stopped.into_iter().map(|c| c.handle).collect(),
    })
}
