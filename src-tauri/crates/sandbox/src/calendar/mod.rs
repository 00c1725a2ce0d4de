//! The Calendar API, read side (reference: google.md §2d).
//!
//! Owns who may call what and what it costs; the modules below make the
//! answers.

mod events;
mod list;
mod render;
mod select;
mod tokens;

use crate::google_error::{ApiError, Style};
use crate::message::{Params, Reply, Request};
use crate::oauth::bearer::{self, Caller};
use crate::oauth::scopes::{
    CALENDAR, CALENDAR_LIST, CALENDAR_LIST_READONLY, CALENDAR_READONLY, EVENTS, EVENTS_READONLY,
};
use crate::quota::Service;
use crate::shared::Shared;
use crate::world::inner::Account;

const LIST: [&str; 4] = [
    CALENDAR,
    CALENDAR_READONLY,
    CALENDAR_LIST,
    CALENDAR_LIST_READONLY,
];
const EVENT: [&str; 4] = [CALENDAR, CALENDAR_READONLY, EVENTS, EVENTS_READONLY];
const SERVICE: &str = "calendar-json.googleapis.com";

/// Everything an endpoint needs.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) account: &'a Account,
    pub(crate) params: &'a Params,
    pub(crate) now: charmkeeper_base::UnixMs,
    pub(crate) horizon: charmkeeper_base::UnixMs,
    pub(crate) empty_pages: bool,
}

impl Call<'_> {
    /// `maxResults`, from 1 to `most`.
    fn max_results(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.params.given("maxResults") else {
            return Ok(default);
        };
        match text.parse::<usize>() {
            Ok(n) if n > 0 => Ok(n.min(most)),
            _ => Err(ApiError::parameter(
                "invalidParameter",
                &format!(
                    "Invalid integer value: '{text}'. Values must be within the range: [1, {most}]"
                ),
                "maxResults",
            )),
        }
    }
}

/// Answers `/calendar/v3/...`.
pub(crate) fn handle(shared: &Shared, request: &Request) -> Reply {
    match answer(shared, request) {
        Ok(reply) => reply,
        Err(error) => error.reply(Style::Legacy),
    }
}

fn allowed(path: &[&str], caller: &Caller) -> Result<(), ApiError> {
    let scopes: &[&str] = match path {
        ["users", "me", "calendarList", ..] => &LIST,
        ["calendars", _] => &[CALENDAR, CALENDAR_READONLY],
        _ => &EVENT,
    };
    caller.needs(scopes, SERVICE)
}

fn answer(shared: &Shared, request: &Request) -> Result<Reply, ApiError> {
    let caller = bearer::caller(shared, request)?;
    let segments = request.segments();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    let ["calendar", "v3", path @ ..] = &segments[..] else {
        return Ok(crate::server::not_found());
    };
    allowed(path, &caller)?;
    if request.method != "GET" && request.method != "HEAD" {
        caller.needs(&[CALENDAR, EVENTS], SERVICE)?;
        return Err(ApiError::new(
            501,
            "notImplemented",
            "The sandbox's calendars can only be read.",
        ));
    }
    let params = request.params();
    let mut inner = shared.lock();
    let limit = inner.behaviour.calendar_requests_per_minute;
    let monotonic = shared.clock.monotonic();
    inner
        .meter
        .take(caller.email, Service::Calendar, 1, limit, monotonic)?;
    let call = Call {
        request,
        account: inner
            .account(caller.email)
            .ok_or_else(ApiError::not_found)?,
        params: &params,
        now: shared.clock.now(),
        horizon: shared.horizon(),
        empty_pages: inner.behaviour.empty_pages,
    };
    let reply = match path {
        ["users", "me", "calendarList"] => list::list(&call)?,
        ["users", "me", "calendarList", id] => list::get(&call, id)?,
        ["calendars", id] => list::calendar(&call, id)?,
        ["calendars", id, "events"] => events::list(&call, id)?,
        ["calendars", id, "events", event] => events::get(&call, id, event)?,
        ["calendars", id, "events", event, "instances"] => events::instances(&call, id, event)?,
        _ => return Ok(crate::server::not_found()),
    };
    Ok(reply.with(
        "cache-control",
        "private, max-age=0, must-revalidate, no-transform",
    ))
}
