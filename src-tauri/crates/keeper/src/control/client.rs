//! The calling side of the local socket.

use std::path::{Path, PathBuf};

use charmkeeper_base::{ErrorKind, Explain};
use interprocess::local_socket::{
    GenericFilePath, ToFsName,
    tokio::{Stream, prelude::*},
};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{Line, MAX_ANSWER};
use crate::api::{ApiError, Event, Request};

/// Why a call over the local socket gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("The running keeper cannot be reached at {}: {source}.", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The keeper went away, or is another version.
    #[error("The keeper ended the conversation: {0}.")]
    Broken(String),
    /// The keeper answered with an error.
    #[error(transparent)]
    Refused(#[from] ApiError),
}

impl Explain for ClientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } | Self::Broken(_) => ErrorKind::Local,
            Self::Refused(e) => e.kind,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => None,
            Self::Broken(_) => Some("Look at `charmkeeper status` and try again.".to_owned()),
            Self::Refused(e) => e.hint.clone(),
        }
    }
}

/// Sends one request and waits for its answer, passing events on as they come.
/// Dropping the future hangs up, which cancels the work.
///
/// # Errors
/// See [`ClientError`].
pub async fn call(
    socket: &Path,
    request: &Request,
    mut on_event: impl FnMut(Event),
) -> Result<Value, ClientError> {
    let unreachable = |source| ClientError::Unreachable {
        path: socket.to_owned(),
        source,
    };
    let broken = |e: std::io::Error| ClientError::Broken(e.to_string());
    let name = socket
        .to_fs_name::<GenericFilePath>()
        .map_err(unreachable)?;
    let stream = Stream::connect(name).await.map_err(unreachable)?;
    let mut send = &stream;
    let mut bytes = serde_json::to_vec(request).map_err(|e| ClientError::Broken(e.to_string()))?;
    bytes.push(b'\n');
    send.write_all(&bytes).await.map_err(broken)?;
    send.flush().await.map_err(broken)?;
    let mut lines = BufReader::new(&stream);
    let mut text = Vec::new();
    loop {
        text.clear();
        (&mut lines)
            .take(MAX_ANSWER)
            .read_until(b'\n', &mut text)
            .await
            .map_err(broken)?;
        if text.is_empty() {
            return Err(ClientError::Broken("it stopped".to_owned()));
        }
        match serde_json::from_slice::<Line>(&text) {
            Ok(Line::Event(event)) => on_event(event),
            Ok(Line::Ok(value)) => return Ok(value),
            Ok(Line::Error(error)) => return Err(error.into()),
            Err(e) => return Err(ClientError::Broken(format!("an unknown answer ({e})"))),
        }
    }
}
