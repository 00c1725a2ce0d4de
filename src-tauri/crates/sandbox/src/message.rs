//! A request and a reply as plain data, so that a part of a batch and a
//! request of its own take the same way.
//!
//! Never touches a socket; `server` turns these into HTTP.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use url::form_urlencoded;

/// A request, whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Upper-case method.
    pub(crate) method: String,
    /// The path as it was sent, still percent-encoded.
    pub(crate) path: String,
    /// The query string without `?`, as it was sent.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// The parts of the path between slashes, percent-decoded one by one, so
    /// that a calendar id may hold `%2F` or `%23`.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|s| !s.is_empty())
            .map(percent_decode)
            .collect()
    }

    pub(crate) fn params(&self) -> Params {
        Params::parse(self.query.as_bytes())
    }

    /// The body as a form.
    pub(crate) fn form(&self) -> Params {
        Params::parse(&self.body)
    }

    /// A header's value when it is there once or more and is readable text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The access token: from the header, or from `access_token` in the query,
    /// which Google takes as well.
    pub(crate) fn bearer(&self) -> Option<String> {
        if let Some(value) = self.header(header::AUTHORIZATION) {
            let (scheme, token) = value.split_once(' ')?;
            return scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned());
        }
        self.params().get("access_token").map(str::to_owned)
    }
}

fn percent_decode(text: &str) -> String {
    // A form decoder that leaves `+` alone, as paths want it.
    let kept = text.replace('+', "%2B");
    form_urlencoded::parse(format!("x={}", kept.replace('&', "%26")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, v)| v.into_owned())
}

/// Query or form parameters, in order, repeats kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }
    /// The first value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }
    /// The first value of `name` that is not empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|v| !v.is_empty())
    }
    /// Every value of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }
    /// `true` and `false` as Google reads them; absent gives `default`.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        match self.given(name) {
            Some(v) => v.eq_ignore_ascii_case("true") || v == "1",
            None => default,
        }
    }
}

/// A reply, whole.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// JSON, indented as Google indents it.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        let body = serde_json::to_vec_pretty(value).unwrap_or_default();
        Self::new(status, "application/json; charset=UTF-8", body)
    }

    /// JSON with status 200.
    pub(crate) fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// A page. It may carry style, and nothing else.
    pub(crate) fn html(status: StatusCode, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
            .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
            .with("x-frame-options", "DENY")
            .with("referrer-policy", "same-origin")
            .with("cache-control", "no-store")
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into())
    }

    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
        .with("content-type", content_type)
    }

    /// Adds a header; a value that HTTP cannot carry is left out.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// A JSON answer with an `ETag`, or 304 when the caller already has it.
    pub(crate) fn tagged(request: &Request, etag: &str, value: &Value) -> Self {
        let known = request
            .header(header::IF_NONE_MATCH)
            .is_some_and(|v| v == etag || v == "*");
        let reply = if known {
            Self {
                status: StatusCode::NOT_MODIFIED,
                headers: Vec::new(),
                body: Bytes::new(),
            }
        } else {
            Self::ok(value)
        };
        reply.with("etag", etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, query: &str) -> Request {
        Request {
            method: "GET".into(),
            path: path.into(),
            query: query.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn a_segment_may_hold_encoded_slashes_hashes_and_plus() {
        let r = request("/calendars/en.german%23holiday%40x/events/a%2Fb+c&d", "");
        assert_eq!(
            r.segments(),
            ["calendars", "en.german#holiday@x", "events", "a/b+c&d"]
        );
    }

    #[test]
    fn the_bearer_comes_from_the_header_first_then_from_the_query() {
        let mut r = request("/x", "access_token=q");
        assert_eq!(r.bearer().as_deref(), Some("q"));
        r.headers
            .insert(header::AUTHORIZATION, HeaderValue::from_static("bearer h"));
        assert_eq!(r.bearer().as_deref(), Some("h"));
        r.headers.insert(
            header::AUTHORIZATION,
            HeaderValue::from_static("Basic eA=="),
        );
        assert_eq!(r.bearer(), None);
    }
}
