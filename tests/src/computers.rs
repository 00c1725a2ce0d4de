//! Computers of one person in one test, and the space that they share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::Endpoints;
use charmkeeper_base::cell::DocRef;
use charmkeeper_base::{Secret, SystemClock, random::SystemRandom};
use charmkeeper_charms::runner::WorkerCommand;
use charmkeeper_keeper::api::{ApiError, Request};
use charmkeeper_keeper::home::Home;
use charmkeeper_keeper::{Computer, Keeper, KeeperConfig, KeyForm, VaultChoice};
use charmkeeper_space::identity::Identity;
use charmkeeper_space::pieces::lease_id;
use charmkeeper_toolshed::seed::{PieceSeed, SeededPiece};
use charmkeeper_toolshed::{Options, SpaceServer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use url::Url;

use crate::{program, wait_until};

/// The key of the person.
pub const PASSPHRASE: &str = "a person of the tests";

/// Counts its runs.
pub const TICKER: &str = r#"
import { handler, NAME, pattern, Writable } from "commonfabric";
const tick = handler<unknown, { count: Writable<number> }>((_event, { count }) => {
  count.set((count.get() ?? 0) + 1);
});
export default pattern<{ count: number }, any>(({ count }) => ({
  [NAME]: "Ticker", count, bgUpdater: tick({ count } as any),
}));
"#;

/// A server with one favorite on it.
pub struct World {
    /// The server.
    pub server: SpaceServer,
    /// The favorite's piece.
    pub piece: SeededPiece,
    /// The list of favorites.
    pub favorites: DocRef,
    _data: TempDir,
}

impl World {
    /// A server with the favorite.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = SpaceServer::start(data.path()).await.unwrap();
        let person = Identity::from_passphrase(PASSPHRASE);
        let ticker = PieceSeed::simple("test pieces", "Ticker", TICKER, json!({ "count": 0 }));
        let seeded = server.seed_home(&person, &[ticker]).unwrap();
        Self {
            favorites: seeded.favorites,
            piece: seeded.pieces.into_iter().next().unwrap(),
            server,
            _data: data,
        }
    }

    /// The name in the lease; empty when nobody holds it.
    #[must_use]
    pub fn holder(&self) -> String {
        let lease = lease_id(&self.piece.piece);
        let value = self.server.value(&lease.space, &lease.id);
        let name = value.as_ref().and_then(|value| value["name"].as_str());
        name.unwrap_or_default().to_owned()
    }

    /// How often the lease was written.
    ///
    /// # Panics
    /// When it cannot be done.
    #[must_use]
    pub fn lease_commits(&self) -> u64 {
        let lease = lease_id(&self.piece.piece);
        self.server.commits_of(&lease.space, &lease.id).unwrap()
    }

    /// What the favorite counted.
    ///
    /// # Panics
    /// When it cannot be done.
    #[must_use]
    pub fn count(&self) -> f64 {
        let inputs = &self.piece.argument;
        let value = self.server.value(&inputs.space, &inputs.id).unwrap();
        value["count"].as_f64().unwrap()
    }
}

/// A keeper whose data is below `folder`, without Google, with the built program
/// for its workers.
///
/// # Panics
/// When another keeper has the data.
#[must_use]
pub fn config(folder: &Path) -> KeeperConfig {
    let home = Home::open(&folder.join("home")).unwrap();
    let lock = home.lock().unwrap();
    KeeperConfig {
        home,
        lock,
        endpoints: Endpoints::below(&Url::parse("http://127.0.0.1:9").unwrap()).unwrap(),
        client: None,
        vault: VaultChoice::KeychainOrMemory,
        worker: WorkerCommand {
            program: program::path(),
            args: vec!["worker".into()],
        },
        run_limit: Duration::from_secs(60),
        serving: true,
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
    }
}

/// The keeper of [`config`].
///
/// # Panics
/// When it cannot be opened.
pub async fn open(folder: &Path) -> Arc<Keeper> {
    Keeper::open(config(folder)).await.unwrap()
}

/// Asks a keeper; what it answers.
///
/// # Errors
/// Why it cannot be done.
pub async fn try_ask(keeper: &Keeper, request: Request) -> Result<Value, ApiError> {
    let (events, _) = mpsc::channel(64);
    keeper.call(request, events).await
}

/// Asks a keeper what it must do; its answer.
///
/// # Panics
/// When it cannot be done.
pub async fn ask(keeper: &Keeper, request: Request) -> Value {
    try_ask(keeper, request).await.unwrap()
}

/// Waits until nothing waits in any outbox.
///
/// # Panics
/// When that never is.
pub async fn all_told(keeper: &Keeper) {
    let mut events = keeper.events();
    let wait = async {
        loop {
            let spaces = ask(keeper, Request::Spaces).await;
            if spaces.as_array().unwrap().iter().all(|s| s["queued"] == 0) {
                return;
            }
            // Every step of a sync ends in an event.
            let _ = events.recv().await;
        }
    };
    let told = tokio::time::timeout(crate::PATIENCE, wait);
    told.await.expect("it is told in time");
}

/// Starts a server again where it was; its port may take a moment to be free.
///
/// # Panics
/// When it is never free.
pub async fn restart(data: &Path, port: u16) -> SpaceServer {
    let attempt = async {
        loop {
            let options = Options {
                port,
                ..Options::default()
            };
            match SpaceServer::start_with(data, options).await {
                Ok(server) => return server,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let server = tokio::time::timeout(crate::PATIENCE, attempt);
    server.await.expect("the port is free")
}

/// A computer of the person: its keeper runs in the test.
pub struct Desktop {
    /// Its keeper.
    pub keeper: Arc<Keeper>,
    folder: TempDir,
}

impl Desktop {
    /// With the favorite switched on.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn new(world: &World, name: &str) -> Self {
        let desktop = Self::open(name, tempfile::tempdir().unwrap()).await;
        desktop.connect(world).await;
        let favorites = desktop.ask(Request::Favorites).await;
        let id = favorites[0]["id"].as_str().unwrap().to_owned();
        desktop.ask(Request::SetFavorite { id, on: true }).await;
        desktop
    }

    /// With the home in `folder`.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn open(name: &str, folder: TempDir) -> Self {
        let config = config(folder.path());
        let computer = Computer {
            name: name.to_owned(),
            ..Computer::this()
        };
        Self {
            keeper: Keeper::open_on(config, computer).await.unwrap(),
            folder,
        }
    }

    /// Connects the home space.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn connect(&self, world: &World) {
        let text = Secret::new(PASSPHRASE.to_owned());
        let identity = self.keeper.add_identity(KeyForm::Passphrase, &text).await;
        let request = Request::ConnectSpace {
            url: world.server.url(),
            identity: identity.unwrap(),
            space: None,
            claim: false,
        };
        self.ask(request).await;
    }

    /// Asks the keeper.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn ask(&self, request: Request) -> Value {
        ask(&self.keeper, request).await
    }

    /// The charm that the favorite became.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn charm(&self) -> Value {
        self.ask(Request::Charms).await[0].clone()
    }

    /// The favorite as it is shown.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn favorite(&self) -> Value {
        self.ask(Request::Favorites).await[0].clone()
    }

    /// How many runs the history tells.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn runs(&self) -> usize {
        let history = self.ask(Request::History(Default::default())).await;
        history.as_array().unwrap().len()
    }

    /// Waits until the history tells so many.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn until_runs(&self, least: usize) {
        wait_until("it runs here", async || self.runs().await >= least).await;
    }

    /// Waits for a state of the charm.
    ///
    /// # Panics
    /// When it cannot be done.
    pub async fn until_state(&self, state: &str) {
        wait_until(state, async || self.charm().await["state"] == state).await;
    }

    /// Ends its keeper; what it leaves on the disk.
    pub async fn end(self) -> TempDir {
        self.keeper.shutdown().await;
        self.folder
    }
}
