//! Which headers pass between a charm and a server.
//!
//! Owns: the lists of names that are stripped in each direction and the limits
//! on headers. Never looks for placeholders or tokens.

use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::CallError;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::errors::refusal;

/// Bytes of all header names and values of a request, and of a response that
/// is handed to a charm.
const MAX_HEADERS: usize = 24 << 10;

/// Names a charm may not set: those of the connection (RFC 9110 §7.6.1), those
/// that frame the message, cookies, and those that identify the sender.
const NOT_SENT: [&str; 26] = [
    "accept-charset",
    "accept-encoding",
    "alt-used",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Names of a response that mean nothing, or too much, to a charm.
const NOT_RETURNED: [&str; 12] = [
    "alt-svc",
    "clear-site-data",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "set-cookie",
    "set-cookie2",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A charm's headers as they may leave. Names that are not sent are dropped
/// without a word, as browsers do.
///
/// # Errors
/// For a name or value that is not one, for two `Authorization` headers, and
/// for more than 24 KiB.
pub(crate) fn outgoing(headers: &[(String, String)]) -> Result<HeaderMap, CallError> {
    let bad = |name: &str, why: &str| {
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        refusal(
            ErrorKind::Charm,
            format!("The charm set the header “{name}”, but {why}."),
        )
    };
    let mut out = HeaderMap::new();
    let named = named_by_connection(headers);
    let mut size = 0;
    for (name, value) in headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(name, "that is not a header name"))?;
        let value = latin1(value.trim_matches([' ', '\t', '\r', '\n']))
            .and_then(|bytes| HeaderValue::from_bytes(&bytes).ok())
            .ok_or_else(|| bad(name, "its value cannot be sent"))?;
        size += key.as_str().len() + value.len();
        if size > MAX_HEADERS {
            return Err(refusal(
                ErrorKind::Charm,
                "The charm set more than 24 KiB of headers.",
            ));
        }
        if key == "authorization" && out.contains_key(&key) {
            return Err(bad(name, "twice"));
        }
        if is_sent(key.as_str(), &named) {
            out.append(key, value);
        }
    }
    Ok(out)
}

/// Names that `Connection` declares to be about this hop only (RFC 9110 §7.6.1).
fn named_by_connection(headers: &[(String, String)]) -> Vec<String> {
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| value.split(','))
        .map(|token| token.trim().to_ascii_lowercase())
        .collect()
}

fn is_sent(name: &str, named_by_connection: &[String]) -> bool {
    !(NOT_SENT.contains(&name)
        || name.starts_with("proxy-")
        || name.starts_with("sec-")
        || named_by_connection.iter().any(|n| n == name))
}

/// A response's headers as a charm sees them: lower-case names, values as
/// Latin-1 (Fetch's byte strings), in order, at most 24 KiB.
pub(crate) fn incoming(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut size = 0;
    headers
        .iter()
        .filter(|(name, _)| !NOT_RETURNED.contains(&name.as_str()))
        .map(|(name, value)| {
            let text: String = value.as_bytes().iter().map(|&b| char::from(b)).collect();
            (name.as_str().to_owned(), text)
        })
        .take_while(|(name, value)| {
            size += name.len() + value.len();
            size <= MAX_HEADERS
        })
        .collect()
}

/// The one `Content-Type`; `None` when it is absent, repeated or not ASCII.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.to_str().ok()).flatten()
}

/// Fetch's byte string: every character is one byte.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    #[test]
    fn connection_framing_cookies_and_identity_are_stripped() {
        let sent = outgoing(&pairs(&[
            ("Host", "evil.org"),
            ("Cookie", "a=b"),
            ("Proxy-Authorization", "Basic x"),
            ("Content-Length", "3"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "close, X-Private"),
            ("X-Private", "1"),
            ("Upgrade", "websocket"),
            ("Sec-Fetch-Mode", "cors"),
            ("User-Agent", "me"),
            ("Accept-Encoding", "br"),
            ("X-Two", "1"),
            ("x-two", "2"),
            ("Authorization", "  Bearer kc:a "),
            ("X-Latin", "ü"),
        ]))
        .unwrap();
        let names: Vec<_> = sent.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-two", "authorization", "x-latin"]);
        assert_eq!(sent.get_all("x-two").iter().count(), 2);
        assert_eq!(sent["authorization"], "Bearer kc:a");
        assert_eq!(sent["x-latin"].as_bytes(), [0xfc]);
    }

    #[test]
    fn headers_that_cannot_be_sent_are_named() {
        for (name, value) in [
            ("X Y", "1"),
            ("", "1"),
            ("X-A\r\nHost", "1"),
            ("X-A", "1\r\nHost: evil.org"),
            ("X-A", "\0"),
            ("X-A", "€"),
        ] {
            let error = outgoing(&pairs(&[(name, value)])).expect_err(name);
            assert_eq!(error.kind, ErrorKind::Charm);
            assert!(!error.message.contains('\n'), "{}", error.message);
        }
        let two = pairs(&[
            ("Authorization", "Bearer kc:a"),
            ("authorization", "Bearer kc:b"),
        ]);
        assert!(outgoing(&two).unwrap_err().message.contains("twice"));
        assert!(outgoing(&pairs(&[("x", &"y".repeat(MAX_HEADERS))])).is_err());
    }

    #[test]
    fn cookies_and_hop_by_hop_headers_do_not_come_back() {
        let mut headers = HeaderMap::new();
        for (k, v) in [
            ("set-cookie", "a=b"),
            ("connection", "close"),
            ("proxy-authenticate", "Basic"),
            ("content-type", "text/plain"),
            ("etag", "\"x\""),
        ] {
            headers.append(k, HeaderValue::from_static(v));
        }
        headers.append("x-latin", HeaderValue::from_bytes(&[0xfc]).unwrap());
        let got = incoming(&headers);
        let want = [
            ("content-type", "text/plain"),
            ("etag", "\"x\""),
            ("x-latin", "ü"),
        ];
        assert_eq!(got, pairs(&want));
    }
}
