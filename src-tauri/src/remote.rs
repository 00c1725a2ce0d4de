//! A keeper in another process, reached over its local socket.

use std::path::PathBuf;

use async_trait::async_trait;
use charmkeeper_keeper::api::{ApiError, Event, Request};
use charmkeeper_keeper::control::{self, Service};
use serde_json::Value;
use tokio::sync::mpsc;

/// See the module.
#[derive(Debug)]
pub(crate) struct Remote {
    socket: PathBuf,
}

impl Remote {
    /// The keeper that listens at `socket`.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }
}

#[async_trait]
impl Service for Remote {
    async fn call(&self, request: Request, events: mpsc::Sender<Event>) -> Result<Value, ApiError> {
        let pass_on = |event| {
            // A listener that is gone or slow misses a line, nothing else.
            let _ = events.try_send(event);
        };
        Box::pin(control::call(&self.socket, &request, pass_on))
            .await
            .map_err(|e| ApiError::of(&e))
    }
}
