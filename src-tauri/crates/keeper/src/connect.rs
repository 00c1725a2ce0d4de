//! Signing in and out: the conversation with the person, and what is added and
//! stopped with an account.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use charmkeeper_accounts::{
    ConnectRequest, Connected, Opener, PrintOnly, Progress, Service, SystemBrowser,
};
use charmkeeper_base::ErrorKind;
use tokio::sync::mpsc;

use crate::api::{ApiError, ConnectView, DisconnectView, Event};
use crate::connecting::Ended;
use crate::keeper::Keeper;
use crate::requests::{added, settings};
use crate::scheduler::Input;
use crate::{google, views};

/// Signs an account in and adds its charms. `account` is one to sign in again
/// or to ask for more; whoever else is chosen in the browser is refused.
pub(crate) async fn connect(
    keeper: &Keeper,
    services: &[String],
    client: Option<PathBuf>,
    print_url: bool,
    account: Option<String>,
    events: mpsc::Sender<Event>,
) -> Result<ConnectView, ApiError> {
    let services = services_of(services)?;
    let request = match &account {
        None => ConnectRequest::new(services),
        Some(which) => ConnectRequest::again(&google::find(&keeper.core, which)?.id, services),
    };
    if let Some(path) = client {
        settings::use_client(keeper, &path).await?;
    }
    let opener: Box<dyn Opener> = if print_url {
        Box::new(PrintOnly)
    } else {
        Box::new(SystemBrowser)
    };
    let mut turn = keeper.core.connecting.begin();
    let answered = turn.answered();
    let progress = move |progress: Progress| {
        let event = match progress {
            Progress::WaitingForBrowser { url, .. } => Event::OpenUrl { url: url.into() },
            Progress::Finishing => {
                answered.store(true, Ordering::SeqCst);
                Event::Progress {
                    message: "Signing in".to_owned(),
                }
            }
        };
        // A listener that is gone or slow misses a line, nothing else.
        let _ = events.try_send(event);
    };
    let accounts = &keeper.core.accounts;
    let signing_in = Box::pin(accounts.connect(request, opener.as_ref(), &progress));
    let connected = tokio::select! {
        connected = signing_in => connected.map_err(|e| ApiError::of(&e))?,
        why = turn.ended() => return Err(given_up(why)),
    };
    finish(keeper, connected).await
}

fn given_up(why: Ended) -> ApiError {
    let message = match why {
        Ended::Cancelled => "The sign-in was cancelled.",
        Ended::TakenOver => "Another sign-in was begun, so this one ended.",
    };
    ApiError::new(ErrorKind::SignIn, message)
}

/// Ends a sign-in that waits for the browser.
pub(crate) fn cancel(keeper: &Keeper) -> Result<(), ApiError> {
    if keeper.core.connecting.cancel() {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::Usage,
        "No sign-in is waiting for the browser.",
    ))
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
