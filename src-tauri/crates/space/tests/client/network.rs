//! Real sockets on this computer: plain, encrypted, and not a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::SystemClock;
use charmkeeper_base::random::SystemRandom;
use charmkeeper_space::client::{Connection, Event, Network, ServerAddress, Settings, SpaceError};
use charmkeeper_space::codec;
use charmkeeper_space::messages::{ClientMessage, Flags};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::tungstenite::Message;

use crate::support::hello_ok;

/// Connects and returns the first event.
async fn first_event(url: &str, roots: Vec<CertificateDer<'static>>) -> Event {
    let address = ServerAddress::parse(url).unwrap();
    let (_connection, mut events) = Connection::open(Settings {
        dial: Arc::new(Network::new(address, roots).unwrap()),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
        request_prefix: String::new(),
    });
    tokio::time::timeout(Duration::from_secs(60), events.next())
        .await
        .expect("in time")
        .expect("an event")
}

/// Greets one client and stays until it goes.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let frame = socket.next().await.unwrap().unwrap();
    let hello = codec::decode(frame.to_text().unwrap()).unwrap();
    assert!(matches!(
        ClientMessage::from_value(hello),
        Ok(ClientMessage::Hello(_))
    ));
    let answer = hello_ok(Flags::default(), 1).encode().unwrap();
    socket.send(Message::text(answer)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test]
async fn a_plain_connection_on_this_computer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    let event = first_event(&url, Vec::new()).await;
    assert!(matches!(event, Event::Connected { .. }), "{event:?}");
}

#[tokio::test]
async fn an_encrypted_connection_needs_a_certificate_that_is_trusted() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            });
        }
    });
    let event = first_event(&url, vec![certificate]).await;
    assert!(matches!(event, Event::Connected { .. }), "{event:?}");
    let event = first_event(&url, Vec::new()).await;
    let Event::Disconnected {
        error: SpaceError::Unreachable { detail },
        ..
    } = event
    else {
        panic!("{event:?}");
    };
    assert!(detail.contains("certificate"), "{detail}");
}

#[tokio::test]
async fn a_server_without_spaces_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let len = stream.read(&mut request).await.unwrap();
        assert!(request[..len].starts_with(b"GET /api/storage/memory HTTP/1.1\r\n"));
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    let event = first_event(&url, Vec::new()).await;
    assert!(
        matches!(
            event,
            Event::Disconnected {
                error: SpaceError::Status { status: 404 },
                ..
            }
        ),
        "{event:?}"
    );
}

#[tokio::test]
async fn nobody_listening_is_offline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let event = first_event(&url, Vec::new()).await;
    assert!(
        matches!(
            event,
            Event::Disconnected {
                error: SpaceError::Unreachable { .. },
                ..
            }
        ),
        "{event:?}"
    );
}
