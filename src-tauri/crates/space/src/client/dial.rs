//! From a server's address to a WebSocket.
//!
//! Owns TCP, TLS, the upgrade and their limits of time and size. Never reads
//! what a frame says.

use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{SplitStream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error as WsError, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::address::ServerAddress;
use super::error::SpaceError;
use crate::codec::MAX_FRAME;

/// For each of: connecting, and the upgrade.
const LIMIT: Duration = Duration::from_secs(10);
/// For a farewell when we close.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection of bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A way to reach one server.
pub trait Dial: Send + Sync {
    /// The URL in the upgrade request.
    fn url(&self) -> &str;
    /// Connects, with encryption where the address asks for it.
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, SpaceError>>;
}

/// The network.
#[derive(Clone)]
pub struct Network {
    address: ServerAddress,
    tls: Option<TlsConnector>,
}

impl Network {
    /// Reaches `address`, trusting the public certificate authorities and
    /// `extra` ones.
    ///
    /// # Errors
    /// When encryption cannot be set up.
    pub fn new(
        address: ServerAddress,
        extra: Vec<CertificateDer<'static>>,
    ) -> Result<Self, SpaceError> {
        let tls = if address.is_tls() {
            Some(connector(extra)?)
        } else {
            None
        };
        Ok(Self { address, tls })
    }
}

fn connector(extra: Vec<CertificateDer<'static>>) -> Result<TlsConnector, SpaceError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    roots.add_parsable_certificates(extra);
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unreachable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn unreachable(error: impl std::fmt::Display) -> SpaceError {
    SpaceError::Unreachable {
        detail: error.to_string(),
    }
}

impl Dial for Network {
    fn url(&self) -> &str {
        self.address.socket_url().as_str()
    }

    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Stream>, SpaceError>> {
        Box::pin(async move {
            let host = self.address.host();
            let tcp = TcpStream::connect((host, self.address.port()))
                .await
                .map_err(unreachable)?;
            // Commits are small and wait for their answer.
            tcp.set_nodelay(true).map_err(unreachable)?;
            let Some(tls) = &self.tls else {
                return Ok(Box::new(tcp) as Box<dyn Stream>);
            };
            let name = ServerName::try_from(host.to_owned()).map_err(unreachable)?;
            let stream = tls.connect(name, tcp).await.map_err(unreachable)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// What came over the socket.
pub(super) enum Incoming {
    /// A frame.
    Text(Utf8Bytes),
    /// A sign of life without content.
    Sign,
}

/// A WebSocket whose sending never holds up its reading.
pub(super) struct Socket {
    incoming: SplitStream<WebSocketStream<Box<dyn Stream>>>,
    outgoing: mpsc::UnboundedSender<Message>,
    writer: JoinHandle<()>,
}

impl Socket {
    /// Connects and upgrades, each within ten seconds.
    pub(super) async fn connect(dial: &dyn Dial) -> Result<Self, SpaceError> {
        let late = |_| SpaceError::Unreachable {
            detail: "no answer within 10 seconds".to_owned(),
        };
        let stream = timeout(LIMIT, dial.dial()).await.map_err(late)??;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let upgrade = client_async_with_config(dial.url(), stream, Some(config));
        let (socket, _) =
            timeout(LIMIT, upgrade)
                .await
                .map_err(late)?
                .map_err(|error| match error {
                    WsError::Http(response) => SpaceError::Status {
                        status: response.status().as_u16(),
                    },
                    other => unreachable(other),
                })?;
        let (mut sink, incoming) = socket.split();
        let (outgoing, mut queue) = mpsc::unbounded_channel();
        let writer = tokio::spawn(async move {
            // A failure shows on the reading side too.
            while let Some(message) = queue.recv().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            incoming,
            outgoing,
            writer,
        })
    }

    pub(super) fn send(&self, frame: String) {
        let _ = self.outgoing.send(Message::text(frame));
    }

    pub(super) fn ping(&self) {
        let _ = self.outgoing.send(Message::Ping(Bytes::new()));
    }

    /// The next thing that came; an error when nothing more will. May be dropped
    /// before it ends without losing anything.
    pub(super) async fn next(&mut self) -> Result<Incoming, SpaceError> {
        let lost = |detail: String| SpaceError::Lost { detail };
        match self.incoming.next().await {
            Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text)),
            Some(Ok(Message::Binary(_))) => Err(lost("the server sent binary data".into())),
            Some(Ok(Message::Close(frame))) => Err(lost(frame.map_or_else(
                || "the server closed it".to_owned(),
                |frame| format!("the server closed it ({})", frame.code),
            ))),
            Some(Ok(_)) => Ok(Incoming::Sign),
            Some(Err(error)) => Err(lost(error.to_string())),
            None => Err(lost("the server closed it".into())),
        }
    }

    /// Says farewell, after what is still to be sent.
    pub(super) async fn close(mut self) {
        let _ = self.outgoing.send(Message::Close(None));
        let _ = timeout(FAREWELL, async { while self.next().await.is_ok() {} }).await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.writer.abort();
    }
}
