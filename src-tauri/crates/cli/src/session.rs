//! How a command reaches a keeper: the one that is running on this home, or
//! one of its own for as long as the command takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_keeper::Keeper;
use charmkeeper_keeper::api::{Event, Request};
use charmkeeper_keeper::control::{self, ClientError};
use charmkeeper_keeper::home::{Home, HomeError, HomeLock};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::args::Common;
use crate::failure::Failure;
use crate::setup;

/// How long a command waits for another command on the same home to end.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// A way to a keeper.
pub(crate) enum Session {
    /// One in another process.
    Remote(PathBuf),
    /// One in this process, without timers.
    Local(Arc<Keeper>),
}

/// A lock, or the socket of the keeper that has it.
pub(crate) enum Found {
    /// Nobody else works on this home.
    Free(HomeLock),
    /// A keeper listens there.
    Running(PathBuf),
}

/// Looks for a running keeper, and takes the lock when there is none.
///
/// # Errors
/// When the home cannot be used, or stays locked by a process that does not listen.
pub(crate) async fn find(home: &Home) -> Result<Found, HomeError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(presence) = home.presence() {
            return Ok(Found::Running(presence.socket));
        }
        match home.lock() {
            Ok(lock) => return Ok(Found::Free(lock)),
            // Between taking the lock and saying where it listens.
            Err(HomeError::Taken { .. }) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(e) => return Err(e),
        }
    }
}

impl Session {
    /// Reaches the running keeper, or starts one for this command.
    ///
    /// # Errors
    /// Exit code 3 when neither is possible.
    pub(crate) async fn open(common: &Common) -> Result<Self, Failure> {
        let home = setup::home(common)?;
        match find(&home).await? {
            Found::Running(socket) => Ok(Self::Remote(socket)),
            Found::Free(lock) => {
                let config = setup::keeper_config(common, home, lock, false)?;
                let keeper = Keeper::open(config)
                    .await
                    .map_err(|e| Failure::no_keeper(&e))?;
                Ok(Self::Local(keeper))
            }
        }
    }

    /// Does what is asked. Dropping the future cancels it.
    ///
    /// # Errors
    /// What the keeper answers, or that it cannot be reached.
    pub(crate) async fn call(
        &self,
        request: Request,
        mut on_event: impl FnMut(Event),
    ) -> Result<Value, Failure> {
        match self {
            Self::Remote(socket) => {
                let mut tries = 0;
                loop {
                    match control::call(socket, &request, &mut on_event).await {
                        // The keeper announced its socket a moment before it listened.
                        Err(ClientError::Unreachable { .. }) if tries < 20 => {
                            tries += 1;
                            tokio::time::sleep(PAUSE).await;
                        }
                        other => return Ok(other?),
                    }
                }
            }
            Self::Local(keeper) => {
                let (events, mut sent) = mpsc::channel(64);
                let mut work = std::pin::pin!(keeper.call(request, events));
                loop {
                    tokio::select! {
                        biased;
                        Some(event) = sent.recv() => on_event(event),
                        answer = &mut work => {
                            while let Ok(event) = sent.try_recv() {
                                on_event(event);
                            }
                            return Ok(answer?);
                        }
                    }
                }
            }
        }
    }

    /// Ends a keeper of our own in good order; leaves another's alone.
    pub(crate) async fn close(self) {
        if let Self::Local(keeper) = self {
            keeper.shutdown().await;
        }
    }
}
