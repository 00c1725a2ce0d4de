//! The little HTTP that is needed: reading one request, writing one answer.
//!
//! Owns a stream until it is known whether it becomes a WebSocket. Never keeps a
//! connection for a second request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// The longest head of a request in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// The longest body in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The first request on a stream.
pub(crate) struct Head {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) upgrade: bool,
    length: usize,
    /// Everything that was read, the head included.
    read: Vec<u8>,
    body_at: usize,
}

fn bad(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// Reads a head; what follows stays for [`body`] or [`Rewound`].
pub(crate) async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Head> {
    let mut read = Vec::new();
    let body_at = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if read.len() > MAX_HEAD {
            return Err(bad("the head of the request is too long"));
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = String::from_utf8_lossy(read.get(..body_at).unwrap_or_default()).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (first.next(), first.next()) else {
        return Err(bad("this is no HTTP request"));
    };
    let header = |name: &str| {
        lines.clone().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let length = header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    if length > MAX_BODY {
        return Err(bad("the body of the request is too long"));
    }
    Ok(Head {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        upgrade: header("upgrade").is_some_and(|what| what.eq_ignore_ascii_case("websocket")),
        length,
        body_at,
        read,
    })
}

/// The body of a request whose head was read.
pub(crate) async fn body<S: AsyncRead + Unpin>(stream: &mut S, head: Head) -> io::Result<Vec<u8>> {
    let mut body = head.read;
    body.drain(..head.body_at);
    while body.len() < head.length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    body.truncate(head.length);
    Ok(body)
}

/// Answers with JSON and ends the stream.
pub(crate) async fn answer<S: AsyncWrite + Unpin>(
    stream: &mut S,
    status: &str,
    json: &Value,
) -> io::Result<()> {
    let json = json.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        json.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(json.as_bytes()).await?;
    stream.shutdown().await
}

/// A stream whose head is read once more.
pub(crate) struct Rewound<S> {
    stream: S,
    read: Vec<u8>,
    at: usize,
}

impl<S> Rewound<S> {
    pub(crate) fn new(stream: S, head: Head) -> Self {
        Self {
            stream,
            read: head.read,
            at: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = self.read.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let count = rest.len().min(into.remaining());
        into.put_slice(rest.get(..count).unwrap_or_default());
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
