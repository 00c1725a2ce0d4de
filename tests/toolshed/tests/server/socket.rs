//! The WebSocket itself: pings, frames that are no text, plain HTTP.

use std::time::Duration;

use charmkeeper_space::messages::{ClientMessage, Hello};
use charmkeeper_toolshed::SpaceServer;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

async fn start() -> (std::sync::Arc<SpaceServer>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let server = SpaceServer::start(folder.path()).await.unwrap();
    (std::sync::Arc::new(server), folder)
}

async fn connect(server: &std::sync::Arc<SpaceServer>) -> WebSocketStream<DuplexStream> {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let server = server.clone();
    tokio::spawn(async move { server.serve_stream(theirs).await });
    client_async("ws://space/api/storage/memory", ours)
        .await
        .unwrap()
        .0
}

fn hello() -> Message {
    Message::text(ClientMessage::Hello(Hello::ours()).encode().unwrap())
}

/// The code and reason of the close that comes next.
fn closed(message: Option<Message>) -> (u16, String) {
    match message {
        Some(Message::Close(Some(frame))) => (frame.code.into(), frame.reason.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_asked_and_a_dead_one_closed() {
    let (server, _folder) = start().await;
    let mut socket = connect(&server).await;
    let began = tokio::time::Instant::now();
    for round in 1..=3 {
        // Reading answers the ping, which keeps the connection.
        let message = socket.next().await.unwrap().unwrap();
        assert_eq!(message, Message::Ping(Bytes::new()));
        socket.flush().await.unwrap();
        let waited = began.elapsed().as_secs_f64() / f64::from(round);
        assert!((14.9..15.2).contains(&waited), "{waited}");
    }
    // One that answers nothing: its reads go to a stream that nobody looks at.
    let (mut ours, theirs) = tokio::io::duplex(1 << 20);
    let dead = server.clone();
    let began = tokio::time::Instant::now();
    let end = tokio::spawn(async move {
        dead.serve_stream(theirs).await;
        began.elapsed()
    });
    let request = "GET /api/storage/memory HTTP/1.1\r\nHost: space\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    ours.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("No response from ping frame.") {
        assert!(
            ours.read_buf(&mut seen).await.unwrap() > 0,
            "closed without a word"
        );
        assert!(seen.len() < 4096, "asked again and again, and never closed");
    }
    assert!(
        began.elapsed() >= Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    drop(ours);
    assert!(end.await.unwrap() < Duration::from_secs(31));
}

#[tokio::test]
async fn frames_that_are_no_text_and_first_frames_that_are_nothing_close() {
    let (server, _folder) = start().await;
    let mut socket = connect(&server).await;
    socket.send(Message::binary(vec![1, 2])).await.unwrap();
    let (code, reason) = closed(socket.next().await.transpose().unwrap());
    assert_eq!(
        (code, reason.as_str()),
        (1003, "Memory websocket expects text frames")
    );

    for nonsense in ["nonsense", "fvj1:{", r#"fvj1:{"type":"other"}"#] {
        let mut socket = connect(&server).await;
        socket.send(Message::text(nonsense)).await.unwrap();
        let (code, reason) = closed(socket.next().await.transpose().unwrap());
        assert_eq!(
            (code, reason.as_str()),
            (1002, "Memory websocket expects memory protocol")
        );
    }
    // Later the connection stays.
    let mut socket = connect(&server).await;
    socket.send(hello()).await.unwrap();
    assert!(
        socket
            .next()
            .await
            .unwrap()
            .unwrap()
            .to_string()
            .contains("hello.ok")
    );
    for _ in 0..2 {
        socket.send(Message::text("nonsense")).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap().to_string();
        assert!(answer.contains("InvalidMessageError"), "{answer}");
    }
}

/// The status and body of a plain request.
pub(crate) async fn http(base: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_server_says_who_it_is() {
    let (server, _folder) = start().await;
    let (status, meta) = http(&server.url(), "GET", "/api/meta", "").await;
    let usual = "did:key:z6MksHnZGdHxNoCqcC3kPvBSo2goCzLSWheQ8LrVpAtQwgwW";
    assert_eq!((status, meta["did"].as_str()), (200, Some(usual)));
    let (status, health) = http(&server.url(), "GET", "/_health", "").await;
    assert_eq!((status, health["status"].as_str()), (200, Some("OK")));
    assert_eq!(http(&server.url(), "GET", "/nothing", "").await.0, 404);
}
