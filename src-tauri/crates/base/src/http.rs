//! HTTP messages as plain data, between a charm's `fetch` and the broker.
//!
//! What a charm sends holds placeholders, never tokens; what comes back is what
//! the provider sent, without hop-by-hop headers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{ErrorKind, UnixMs};

/// A request as a charm wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Upper-case method, as in `GET`.
    pub method: String,
    /// Absolute URL, as the charm gave it.
    pub url: String,
    /// Names in any case, in order, repeats allowed.
    pub headers: Vec<(String, String)>,
    /// The whole body; empty when there is none.
    pub body: Vec<u8>,
    /// `follow`, `error` or `manual`, as in the Fetch standard.
    pub redirect: Redirect,
}

/// What to do with a redirect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redirect {
    /// Follow it, within the permissions of the charm.
    #[default]
    Follow,
    /// Fail.
    Error,
    /// Hand the 3xx response to the charm.
    Manual,
}

/// A response, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// 200 to 599.
    pub status: u16,
    /// Reason phrase; may be empty.
    pub status_text: String,
    /// The URL that answered, after redirects, in the charm's terms.
    pub url: String,
    /// True when a redirect was followed.
    pub redirected: bool,
    /// Lower-case names, in order.
    pub headers: Vec<(String, String)>,
    /// The decoded body.
    pub body: Vec<u8>,
}

/// One line of a run's timeline: a request and how it ended. Holds no header,
/// no body and no query string, so that it can be shown and exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CallRecord {
    /// Upper-case method.
    pub method: String,
    /// Host the charm asked for.
    pub host: String,
    /// Path without the query.
    pub path: String,
    /// HTTP status, or nothing when no response came.
    pub status: Option<u16>,
    /// When the broker took the request.
    pub started_at: UnixMs,
    /// From taking the request to the last byte, waits included.
    pub duration_ms: u64,
    /// Bytes of the request's body.
    pub bytes_out: u64,
    /// Bytes of the response's body.
    pub bytes_in: u64,
    /// Account whose token was used.
    pub account: Option<String>,
    /// Set when the call did not succeed: no response, or a status of 400 and
    /// more that is an error for this kind of request.
    pub error: Option<CallError>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CallError {
    /// The kind that decides what happens next.
    pub kind: ErrorKind,
    /// One sentence, free of secrets.
    pub message: String,
    /// Do not try before this moment, where the provider named one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[ts(optional)]
    pub retry_at: Option<UnixMs>,
}
