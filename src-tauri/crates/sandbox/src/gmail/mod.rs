//! The Gmail API, read side (reference: google.md §2b, §2c).
//!
//! Owns who may call what and what it costs; the modules below make the
//! answers.

pub(crate) mod batch;
mod history;
mod labels;
mod messages;
mod multipart;
mod payload;
mod query;
mod search;
mod term;
mod threads;

use crate::google_error::{ApiError, Style};
use crate::message::{Params, Reply, Request};
use crate::oauth::bearer::{self, Caller};
use crate::oauth::scopes::{GMAIL_LABELS, GMAIL_METADATA, GMAIL_MODIFY, GMAIL_READONLY, MAIL_ALL};
use crate::quota::Service;
use crate::shared::Shared;
use crate::world::inner::Inner;

/// Scopes that may read mail with bodies.
const READ: [&str; 3] = [GMAIL_READONLY, GMAIL_MODIFY, MAIL_ALL];
/// Scopes that may read at least headers and labels.
const SEE: [&str; 4] = [GMAIL_READONLY, GMAIL_MODIFY, MAIL_ALL, GMAIL_METADATA];
/// Scopes that may list labels.
const LABELS: [&str; 5] = [
    GMAIL_READONLY,
    GMAIL_MODIFY,
    MAIL_ALL,
    GMAIL_METADATA,
    GMAIL_LABELS,
];

/// Everything an endpoint needs.
pub(crate) struct Call<'a> {
    pub(crate) inner: &'a mut Inner,
    pub(crate) caller: &'a Caller,
    pub(crate) params: &'a Params,
    pub(crate) now: charmkeeper_base::UnixMs,
}

impl Call<'_> {
    /// A whole number in a parameter, kept within Gmail's bounds.
    fn max_results(&self) -> Result<usize, ApiError> {
        let Some(text) = self.params.given("maxResults") else {
            return Ok(100);
        };
        let n: u32 = text.parse().map_err(|_| {
            ApiError::invalid_argument(format!(
                "Invalid value at 'max_results' (TYPE_UINT32), \"{text}\""
            ))
        })?;
        // Zero means the default, more than 500 means 500.
        Ok(if n == 0 {
            100
        } else {
            usize::try_from(n.min(500)).unwrap_or(500)
        })
    }

    /// True when the token may see headers but no bodies and no search.
    fn metadata_only(&self) -> bool {
        !READ.iter().any(|s| self.caller.has(s))
    }
}

/// Answers `/gmail/v1/...`.
pub(crate) fn handle(shared: &Shared, request: &Request) -> Reply {
    match answer(shared, request) {
        Ok(reply) => reply,
        Err(error) => error.reply(Style::Modern),
    }
}

/// What an endpoint costs in quota units. The figures for `messages.get`,
/// `threads.get`, `messages.list` and `history.list` are those of May 2026;
/// the others are from the older table, because newer ones are not known.
fn units(path: &[&str]) -> u32 {
    match path {
        ["messages", _] | ["messages", _, "attachments", _] => 20,
        ["threads", _] => 40,
        ["messages"] | ["threads"] => 5,
        ["history"] => 2,
        _ => 1,
    }
}

fn answer(shared: &Shared, request: &Request) -> Result<Reply, ApiError> {
    let caller = bearer::caller(shared, request)?;
    let segments = request.segments();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    let ["gmail", "v1", "users", user, path @ ..] = &segments[..] else {
        return Ok(crate::server::not_found());
    };
    if request.method != "GET" && request.method != "HEAD" {
        caller.needs(&[GMAIL_MODIFY, MAIL_ALL], "gmail.googleapis.com")?;
        return Err(ApiError::new(
            501,
            "notImplemented",
            "The sandbox's mail can only be read.",
        ));
    }
    let allowed: &[&str] = match path {
        ["labels", ..] => &LABELS,
        ["messages", _, "attachments", _] => &READ,
        _ => &SEE,
    };
    caller.needs(allowed, "gmail.googleapis.com")?;
    if *user != "me" && !user.eq_ignore_ascii_case(caller.email) {
        let message = format!("Delegation denied for {}", caller.email);
        return Err(ApiError::new(403, "forbidden", message));
    }
    let now = shared.clock.now();
    let monotonic = shared.clock.monotonic();
    let params = request.params();
    let mut inner = shared.lock();
    let limit = inner.behaviour.gmail_units_per_minute;
    inner
        .meter
        .take(caller.email, Service::Gmail, units(path), limit, monotonic)?;
    let mut call = Call {
        inner: &mut inner,
        caller: &caller,
        params: &params,
        now,
    };
    let value = match path {
        ["profile"] => labels::profile(&call)?,
        ["messages"] => messages::list(&call)?,
        ["messages", id] => messages::get(&mut call, id)?,
        ["messages", id, "attachments", attachment] => messages::attachment(&call, id, attachment)?,
        ["history"] => history::list(&call)?,
        ["labels"] => labels::list(),
        ["labels", id] => labels::get(&call, id)?,
        ["threads"] => threads::list(&call)?,
        ["threads", id] => threads::get(&mut call, id)?,
        _ => return Ok(crate::server::not_found()),
    };
    Ok(Reply::ok(&value)
        .with("cache-control", "private")
        .with("vary", "Origin, X-Origin, Referer"))
}
