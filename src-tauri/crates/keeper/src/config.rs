//! What a keeper is started with.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::{ClientId, Endpoints};
use charmkeeper_base::Clock;
use charmkeeper_base::random::Random;
use charmkeeper_charms::runner::WorkerCommand;

use crate::home::{Home, HomeLock};

/// Where refresh tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultChoice {
    /// The system's keychain, or nothing.
    Keychain,
    /// The keychain, or memory when there is none. For the sandbox profile
    /// alone, whose tokens are worth nothing.
    KeychainOrMemory,
}

/// Everything that the keeper does not decide itself.
pub struct KeeperConfig {
    /// The data folder.
    pub home: Home,
    /// The right to work on it.
    pub lock: HomeLock,
    /// Where Google is.
    pub endpoints: Endpoints,
    /// The client id of the build or of the environment; a person's own, kept in
    /// the settings, goes before it.
    pub client: Option<ClientId>,
    /// Where refresh tokens are kept.
    pub vault: VaultChoice,
    /// How a worker is started.
    pub worker: WorkerCommand,
    /// How long one run may take, from the charm's first line to the end of its
    /// handler.
    pub run_limit: Duration,
    /// True to run timers; false for one command.
    pub serving: bool,
    /// Wall and monotonic time.
    pub clock: Arc<dyn Clock>,
    /// Jitter, ids and OAuth state.
    pub random: Arc<dyn Random>,
}

impl std::fmt::Debug for KeeperConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeeperConfig")
            .field("home", &self.home)
            .field("serving", &self.serving)
            .finish_non_exhaustive()
    }
}
