//! Just enough HTTP/1.1 for a browser, a port scanner and a favicon.
//!
//! Owns: reading one request head within limits and writing one response. Never
//! keeps a connection open, never reads a body, never echoes input.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::Page;

/// Longest request head: Google's answers are below 2 KiB, browsers add about
/// as much in headers.
const MAX_HEAD: usize = 32 * 1024;
/// A browser opens spare connections and says nothing on them.
const READ_LIMIT: Duration = Duration::from_secs(20);
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for the other side to close.
const LINGER: Duration = Duration::from_millis(500);

/// The parts of a request that matter here.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: Url,
}

impl Request {
    /// The value of a query parameter, `None` when absent or empty.
    ///
    /// # Errors
    /// When it is given twice, which OAuth forbids (RFC 6749 section 3.1).
    pub(super) fn parameter(&self, name: &str) -> Result<Option<String>, ()> {
        let mut values = self.url.query_pairs().filter(|(key, _)| key == name);
        let first = values.next().map(|(_, value)| value.into_owned());
        match values.next() {
            Some(_) => Err(()),
            None => Ok(first.filter(|value| !value.is_empty())),
        }
    }
}

/// Reads a request head; `None` when what comes is not one, or comes too
/// slowly. The connection is then closed without a word.
pub(super) async fn read_request(stream: &mut TcpStream, base: &Url) -> Option<Request> {
    timeout(READ_LIMIT, async {
        let mut head = Vec::with_capacity(2048);
        loop {
            if let Some(line) = request_line(&head) {
                return parse(line, base);
            }
            if head.len() >= MAX_HEAD || stream.read_buf(&mut head).await.ok()? == 0 {
                return None;
            }
        }
    })
    .await
    .ok()
    .flatten()
}

/// The first line, once the whole head is there.
fn request_line(head: &[u8]) -> Option<&str> {
    head.windows(4).position(|w| w == b"\r\n\r\n")?;
    let end = head.windows(2).position(|w| w == b"\r\n")?;
    std::str::from_utf8(&head[..end]).ok()
}

fn parse(line: &str, base: &Url) -> Option<Request> {
    let mut parts = line.split(' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return None;
    }
    // Not Url::join: it would read a target of "//host/" as another host.
    let url = Url::parse(&format!("{}{target}", base.as_str().trim_end_matches('/'))).ok()?;
    Some(Request {
        method: method.to_owned(),
        url,
    })
}

/// Writes one page and closes. A browser that went away is no error.
pub(super) async fn respond(mut stream: TcpStream, status: u16, page: &Page, with_body: bool) {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        _ => "Method Not Allowed",
    };
    let html = page.html();
    let allow = if status == 405 {
        "Allow: GET, HEAD\r\n"
    } else {
        ""
    };
    let mut message = format!(
        "HTTP/1.1 {status} {reason}\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         Cache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\n\
         {allow}Connection: close\r\n\r\n",
        html.len()
    );
    if with_body {
        message.push_str(&html);
    }
    let _ = timeout(WRITE_LIMIT, async {
        stream.write_all(message.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    // Closing with unread input would reset the connection and could take the
    // page away before the browser has read it.
    let _ = timeout(LINGER, async {
        let mut rest = [0u8; 1024];
        while matches!(stream.read(&mut rest).await, Ok(n) if n > 0) {}
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("http://127.0.0.1:5000/").unwrap()
    }

    #[test]
    fn a_request_line_is_parsed_only_when_it_is_one() {
        let good = parse("GET /?code=a%20b&state=s HTTP/1.1", &base()).unwrap();
        assert_eq!(good.parameter("code"), Ok(Some("a b".to_owned())));
        assert_eq!(good.parameter("none"), Ok(None));
        for bad in [
            "",
            "GET",
            "GET /",
            "GET / HTTP/2.0",
            "GET / HTTP/1.1 x",
            "GET http://x/ HTTP/1.1",
            "\u{16}\u{3}\u{1}",
            "GET  / HTTP/1.1",
        ] {
            assert!(parse(bad, &base()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_target_cannot_name_another_host() {
        let request = parse("GET //evil.example/?code=x HTTP/1.1", &base()).unwrap();
        assert_eq!(request.url.host_str(), Some("127.0.0.1"));
        assert_ne!(request.url.path(), "/");
    }

    #[test]
    fn a_repeated_parameter_is_refused_and_an_empty_one_absent() {
        let twice = parse("GET /?state=a&state=b&code= HTTP/1.1", &base()).unwrap();
        assert_eq!(twice.parameter("state"), Err(()));
        assert_eq!(twice.parameter("code"), Ok(None));
    }

    #[test]
    fn the_head_must_be_complete() {
        assert_eq!(request_line(b"GET / HTTP/1.1\r\nHost: x\r\n"), None);
        assert_eq!(
            request_line(b"GET / HTTP/1.1\r\n\r\n"),
            Some("GET / HTTP/1.1")
        );
    }
}
