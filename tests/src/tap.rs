//! Hearing what a program and a server say to each other.
//!
//! Owns the line between them and reading a client's frames. Changes nothing that
//! passes.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A line between a program and a server that notes every byte: its address, and
/// what it heard.
///
/// # Panics
/// When no port is free.
pub async fn tapped(to: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    let to = to.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&to).await else {
                continue;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(copy(from_client, to_server, Arc::clone(&noted)));
            tokio::spawn(copy(from_server, to_client, Arc::clone(&noted)));
        }
    });
    (address, heard)
}

/// Hands bytes on, and notes them.
async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    noted: Arc<Mutex<Vec<u8>>>,
) {
    let mut part = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut part).await {
        noted.lock().unwrap().extend(&part[..count]);
        if to.write_all(&part[..count]).await.is_err() {
            return;
        }
    }
}

/// What clients said. Their frames are masked (RFC 6455, section 5.3), each with a
/// mask of its own that stands in it.
#[must_use]
pub fn unmasked(noted: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut at = 0;
    while at + 2 <= noted.len() {
        // A text frame with a mask, of a length in 1, 2 or 8 bytes.
        if noted[at] != 0x81 || noted[at + 1] & 0x80 == 0 {
            at += 1;
            continue;
        }
        let (length, mask_at) = match noted[at + 1] & 0x7f {
            126 if at + 4 <= noted.len() => {
                let bytes = [noted[at + 2], noted[at + 3]];
                (usize::from(u16::from_be_bytes(bytes)), at + 4)
            }
            127 if at + 10 <= noted.len() => {
                let bytes: [u8; 8] = noted[at + 2..at + 10].try_into().unwrap();
                let length = u64::from_be_bytes(bytes);
                (usize::try_from(length).unwrap_or(usize::MAX), at + 10)
            }
            126 | 127 => break,
            short => (usize::from(short), at + 2),
        };
        let Some(end) = (mask_at + 4).checked_add(length) else {
            at += 1;
            continue;
        };
        if end > noted.len() {
            at += 1;
            continue;
        }
        let mask = &noted[mask_at..mask_at + 4];
        let body = &noted[mask_at + 4..end];
        let clear: Vec<u8> = body
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        if clear.starts_with(b"fvj1:") {
            all.extend(clear);
            at = end;
        } else {
            at += 1;
        }
    }
    all
}
