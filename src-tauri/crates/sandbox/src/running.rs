//! Starting and stopping a sandbox, and what a program or a test does with it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::config::{SandboxConfig, SandboxError};
use crate::faults::Fault;
use crate::journal::LoggedRequest;
use crate::listener::{ResetHandle, Resettable};
use crate::server;
use crate::shared::Shared;
use crate::world::World;

/// How long `stop` waits for requests that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// The longest pause between two looks at the clock.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// The way to a [`Running`] sandbox.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts a sandbox on 127.0.0.1. Needs a tokio runtime; the sandbox lives
    /// until [`Running::stop`] or until it is dropped.
    ///
    /// # Errors
    /// [`SandboxError::Bind`] when the port cannot be taken.
    pub async fn start(config: SandboxConfig) -> Result<Running, SandboxError> {
        let bind = |source| SandboxError::Bind {
            port: config.port,
            source,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))
            .await
            .map_err(bind)?;
        let port = listener.local_addr().map_err(bind)?.port();
        let base_url = Url::parse(&format!("http://127.0.0.1:{port}/"))
            .map_err(|e| SandboxError::NotOurs(e.to_string()))?;
        let shared = Arc::new(Shared::new(&config, base_url.clone()));
        let (stop, stopped) = watch::channel(false);
        let service = server::router(Arc::clone(&shared))
            .into_make_service_with_connect_info::<ResetHandle>();
        let mut signal = stopped.clone();
        let serving =
            axum::serve(Resettable(listener), service).with_graceful_shutdown(async move {
                // An error means that `Running` is gone, which is a stop too.
                let _ = signal.wait_for(|stop| *stop).await;
            });
        let server = tokio::spawn(async move {
            let _ = serving.await;
        });
        let world = World(shared);
        let driver = (config.background && config.arrival.is_some())
            .then(|| tokio::spawn(drive(world.clone(), stopped)));
        Ok(Running {
            base_url,
            world,
            stop,
            server,
            driver,
        })
    }
}

/// Lets things arrive when they are due, until the sandbox stops.
async fn drive(world: World, mut stopped: watch::Receiver<bool>) {
    loop {
        let now = world.0.clock.now();
        world.tick(now);
        let next = world
            .0
            .lock()
            .schedule
            .map_or(LONGEST_NAP, |(next, _)| next.since(now));
        let nap = next.clamp(Duration::from_millis(10), LONGEST_NAP);
        tokio::select! {
            () = tokio::time::sleep(nap) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// A sandbox that answers. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// `http://127.0.0.1:PORT/`: the value of `CHARMKEEPER_GOOGLE_BASE_URL`.
    pub base_url: Url,
    world: World,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    driver: Option<JoinHandle<()>>,
}

impl Running {
    /// Everything that is held, and every change to it.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Stops: no new connection is taken, and the port is free on return.
    /// Requests that are being answered get two seconds.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOP_PATIENCE, &mut self.server)
            .await
            .is_err()
        {
            self.server.abort();
        }
    }

    /// See [`World::approve`].
    ///
    /// # Errors
    /// As [`World::approve`].
    pub async fn approve(
        &self,
        auth_url: &Url,
        account: &str,
        scopes: Option<&[&str]>,
    ) -> Result<Url, SandboxError> {
        self.world.approve(auth_url, account, scopes).await
    }

    /// See [`World::deny`].
    ///
    /// # Errors
    /// As [`World::approve`].
    pub async fn deny(&self, auth_url: &Url) -> Result<Url, SandboxError> {
        self.world.deny(auth_url).await
    }

    /// See [`World::deliver`].
    ///
    /// # Errors
    /// As [`World::deliver`].
    pub async fn deliver(&self, redirect: &Url) -> Result<u16, SandboxError> {
        self.world.deliver(redirect).await
    }

    /// Switches a fault on; its id.
    ///
    /// # Errors
    /// When its target is neither a path nor a known service.
    pub fn add_fault(&self, fault: Fault) -> Result<u64, SandboxError> {
        fault.check()?;
        Ok(self.world.0.faults().add(fault))
    }

    /// Switches one fault off, or all of them.
    pub fn clear_faults(&self, id: Option<u64>) {
        self.world.0.faults().clear(id);
    }

    /// Requests that were answered, oldest first, parts of batches before
    /// their batch. The last 20,000 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.world.0.journal.since(0)
    }

    /// Waits until a request fits. Looks at those that were answered before,
    /// too. Waits for ever when none comes: put a timeout around it.
    pub async fn wait_for_request(
        &self,
        mut fits: impl FnMut(&LoggedRequest) -> bool,
    ) -> LoggedRequest {
        let mut count = self.world.0.journal.watch();
        let mut seen = 0;
        loop {
            for entry in self.world.0.journal.since(seen) {
                seen = entry.number;
                if fits(&entry) {
                    return entry;
                }
            }
            // Cannot fail: the journal, which holds the sender, is alive here.
            let _ = count.changed().await;
        }
    }

    /// True when this access or refresh token has reached the sandbox over the
    /// wire, in a header, a form, a query or a part of a batch.
    #[must_use]
    pub fn saw_token(&self, token: &str) -> bool {
        self.world.0.journal.saw(token)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(driver) = &self.driver {
            driver.abort();
        }
    }
}
