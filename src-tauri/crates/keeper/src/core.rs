//! What every part of the keeper shares: the store, the accounts, the broker,
//! the compiler's cache, clocks and the event channel.
//!
//! Owns nothing that changes by itself. The store is blocking, so it is only
//! reached through [`Core::store`], which moves the work to a thread for that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use charmkeeper_accounts::broker::Broker;
use charmkeeper_accounts::{Accounts, ClientId, Vault};
use charmkeeper_base::random::Random;
use charmkeeper_base::{Clock, ErrorKind, UnixMs};
use charmkeeper_charms::compile::Cache;
use charmkeeper_charms::runner::WorkerCommand;
use charmkeeper_store::{Store, StoreError};
use tokio::sync::broadcast;

use crate::api::{ApiError, Event};
use crate::background::Background;
use crate::connecting::Connecting;
use crate::home::Home;
use crate::notices::Told;
use crate::preferences::Preferences;
use crate::programs::Programs;
use crate::spaces::desk::Desk;
use crate::spaces::lease::Leases;
use crate::spaces::unstarred::Stars;

/// See the module.
pub(crate) struct Core {
    pub(crate) home: Home,
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Accounts,
    pub(crate) broker: Broker,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) cache: Cache,
    pub(crate) programs: Programs,
    pub(crate) worker: WorkerCommand,
    pub(crate) run_limit: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) background: Background,
    /// Trouble that the person was told of.
    pub(crate) told: Mutex<Told>,
    /// What the person chose.
    pub(crate) preferences: Mutex<Preferences>,
    /// The sign-in that waits for the browser, if one does.
    pub(crate) connecting: Connecting,
    /// The way to remote spaces.
    pub(crate) desk: Desk,
    /// Which computer runs a charm of a remote space.
    pub(crate) leases: Leases,
    /// Word that favorites may have changed.
    pub(crate) stars: Arc<Stars>,
    /// One step of placing a charm in a space at a time.
    pub(crate) publishing: tokio::sync::Mutex<()>,
    /// The client of the build or of the environment.
    pub(crate) client: Option<ClientId>,
    /// Google is on this computer (the sandbox), so no network is needed.
    pub(crate) local_only: bool,
    pub(crate) serving: bool,
}

impl Core {
    /// Does blocking work with the store on a thread for it.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(of_store(&error)),
            Err(e) => Err(ApiError::new(
                ErrorKind::Local,
                format!("Reading or writing the database ended unexpectedly: {e}."),
            )),
        }
    }

    /// Tells whoever watches. Nobody watching is fine.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> UnixMs {
        self.clock.now()
    }
}

/// A store error as the boundary shows it.
pub(crate) fn of_store(error: &StoreError) -> ApiError {
    let mut api = ApiError::of(error);
    api.message = sentence(&api.message);
    api
}

/// Makes a sentence of an error's words: a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut whole: String = first.to_uppercase().chain(letters).collect();
    if !whole.ends_with(['.', '!', '?']) {
        whole.push('.');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn words_become_sentences() {
        assert_eq!(sentence("the disk is full"), "The disk is full.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }
}
