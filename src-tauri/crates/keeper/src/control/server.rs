//! The listening side of the local socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use charmkeeper_base::{ErrorKind, Explain};
use interprocess::local_socket::{
    GenericFilePath, ListenerOptions, ToFsName,
    tokio::{Listener, Stream, prelude::*},
};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Line, MAX_REQUEST};
use crate::api::{ApiError, Event, Request};

/// What answers requests. Dropping the returned future cancels the work.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Does what is asked; may send events meanwhile.
    async fn call(&self, request: Request, events: mpsc::Sender<Event>) -> Result<Value, ApiError>;
}

/// Why the keeper cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("The local socket {} cannot be opened: {source}.", path.display())]
pub struct ServerError {
    path: PathBuf,
    source: std::io::Error,
}

impl Explain for ServerError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Local
    }
}

/// A listening socket. Closed, and its file removed, when dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens at `path`. A stale file there is replaced: the caller holds the
    /// home's lock, so nobody can be listening.
    ///
    /// # Errors
    /// [`ServerError`] when the socket cannot be bound.
    pub fn start(path: &Path, service: Arc<dyn Service>) -> Result<Self, ServerError> {
        let failed = |source| ServerError {
            path: path.to_owned(),
            source,
        };
        if !cfg!(windows) {
            match std::fs::remove_file(path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
                _ => {}
            }
        }
        let name = path.to_fs_name::<GenericFilePath>().map_err(failed)?;
        let listener = ListenerOptions::new()
            .name(name)
            .create_tokio()
            .map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
                .map_err(failed)?;
        }
        let accepting = tokio::spawn(accept(listener, service));
        Ok(Self {
            path: path.to_owned(),
            accepting,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        if !cfg!(windows) {
            // Best effort: a left-over file is replaced by the next keeper.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn accept(listener: Listener, service: Arc<dyn Service>) {
    loop {
        match listener.accept().await {
            Ok(stream) => {
                let service = Arc::clone(&service);
                tokio::spawn(async move {
                    if let Err(e) = serve(stream, service).await {
                        tracing::debug!("a local client went away: {e}");
                    }
                });
            }
            // Out of file descriptors, say: give others time to finish.
            Err(e) => {
                tracing::warn!("the local socket could not accept a client: {e}");
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
}

async fn serve(stream: Stream, service: Arc<dyn Service>) -> std::io::Result<()> {
    let mut send = &stream;
    let mut lines = BufReader::new((&stream).take(MAX_REQUEST));
    let mut text = Vec::new();
    lines.read_until(b'\n', &mut text).await?;
    if text.is_empty() {
        return Ok(());
    }
    let request = match serde_json::from_slice::<Request>(&text) {
        Ok(request) => request,
        Err(e) => {
            let error = ApiError::new(
                ErrorKind::Usage,
                format!("The request is not understood: {e}."),
            )
            .with_hint("Use the same version of charmkeeper as the one that is running.");
            return write(&mut send, &Line::Error(error)).await;
        }
    };
    let (events, mut sent) = mpsc::channel(64);
    let mut work = service.call(request, events);
    let mut hang_up = Box::pin(hung_up(lines));
    loop {
        tokio::select! {
            biased;
            Some(event) = sent.recv() => write(&mut send, &Line::Event(event)).await?,
            answer = &mut work => {
                // Events of the last moment come before the answer.
                while let Ok(event) = sent.try_recv() {
                    write(&mut send, &Line::Event(event)).await?;
                }
                let line = match answer {
                    Ok(value) => Line::Ok(value),
                    Err(error) => Line::Error(error),
                };
                return write(&mut send, &line).await;
            }
            () = &mut hang_up => return Ok(()),
        }
    }
}

/// Returns when the caller closed its side; anything it still sends is ignored.
async fn hung_up(mut lines: BufReader<Take<&Stream>>) {
    lines.get_mut().set_limit(u64::MAX);
    let mut buffer = [0u8; 256];
    while matches!(lines.read(&mut buffer).await, Ok(n) if n > 0) {}
}

async fn write(send: &mut &Stream, line: &Line) -> std::io::Result<()> {
    let mut bytes = serde_json::to_vec(line).map_err(std::io::Error::other)?;
    bytes.push(b'\n');
    send.write_all(&bytes).await?;
    send.flush().await
}
