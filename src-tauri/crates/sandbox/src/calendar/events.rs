//! `events`: list, get, instances.

use charmkeeper_base::UnixMs;
use serde_json::{Map, Value};

use super::Call;
use super::render::{self, View};
use super::select::{Order, Selection};
use super::tokens::{PageToken, SyncToken};
use crate::google_error::ApiError;
use crate::message::Reply;
use crate::world::book::{Calendar, Event};

fn calendar<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a Calendar, ApiError> {
    call.account
        .book
        .calendar(id)
        .ok_or_else(ApiError::not_found)
}

/// `GET calendars/{id}/events`.
pub(super) fn list(call: &Call<'_>, id: &str) -> Result<Reply, ApiError> {
    let calendar = calendar(call, id)?;
    let selection = Selection::read(call, calendar)?;
    let found = selection.events(&call.account.book, calendar, call.horizon);
    page(call, calendar, &selection, found)
}

/// One page of a list, with the token for what follows.
fn page(
    call: &Call<'_>,
    calendar: &Calendar,
    selection: &Selection,
    found: Vec<((i64, String), Event)>,
) -> Result<Reply, ApiError> {
    let max = call.max_results(250, 2500)?;
    let book = &call.account.book;
    let query = repeated(call, calendar);
    let place = match call.params.given("pageToken") {
        Some(token) => PageToken::decode(token, &query)?,
        None => PageToken {
            after: None,
            revision: book.revision(),
            empty: false,
            query,
        },
    };
    let after = |key: &(i64, String)| place.after.as_ref().is_none_or(|a| key > a);
    let rest: Vec<_> = found.into_iter().filter(|(key, _)| after(key)).collect();
    let shown = if place.empty { 0 } else { rest.len().min(max) };
    let view = View {
        me: call.account.profile,
        calendar,
        zone: selection.zone.clone(),
    };
    let items: Vec<_> = rest[..shown].iter().map(|(_, e)| view.event(e)).collect();
    let etag = format!("\"p{}\"", book.revision());
    let mut out = head(calendar, &etag, rest.iter().map(|(_, e)| e.updated).max());
    if shown < rest.len() {
        let first = place.after.is_none();
        let after = rest[..shown]
            .last()
            .map(|(key, _)| key.clone())
            .or_else(|| place.after.clone());
        // The page after the first one is empty, as the API says may happen.
        let empty = call.empty_pages && first && !place.empty;
        out.insert(
            "nextPageToken".into(),
            PageToken {
                after,
                empty,
                ..place
            }
            .encode()
            .into(),
        );
    } else if selection.gives_token {
        let token = SyncToken {
            calendar: calendar.id.clone(),
            account: call.account.profile.email.to_owned(),
            epoch: book.epoch(),
            revision: place.revision,
            single: selection.single,
            from: selection.window.from.map(|t| t.0),
            to: selection.window.to.map(|t| t.0),
        };
        out.insert("nextSyncToken".into(), token.encode().into());
    }
    out.insert("items".into(), items.into());
    Ok(Reply::tagged(call.request, &etag, &Value::Object(out)))
}

/// What a page token must find unchanged.
fn repeated(call: &Call<'_>, calendar: &Calendar) -> String {
    const NAMES: [&str; 10] = [
        "syncToken",
        "timeMin",
        "timeMax",
        "singleEvents",
        "orderBy",
        "q",
        "showDeleted",
        "iCalUID",
        "updatedMin",
        "timeZone",
    ];
    let values: Vec<_> = NAMES
        .iter()
        .map(|n| call.params.get(n).unwrap_or_default())
        .collect();
    format!("{} {}", calendar.id, values.join(" "))
}

fn head(calendar: &Calendar, etag: &str, updated: Option<UnixMs>) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("kind", "calendar#events".into());
    put("etag", etag.into());
    put("summary", calendar.summary.clone().into());
    put(
        "description",
        calendar.description.clone().unwrap_or_default().into(),
    );
    if let Some(at) = updated {
        put("updated", at.to_rfc3339().into());
    }
    put("timeZone", calendar.zone.clone().into());
    put("accessRole", calendar.role.into());
    put("defaultReminders", render::reminders(calendar));
    out
}

/// `GET calendars/{id}/events/{event}`: also one occurrence, and a cancelled event.
pub(super) fn get(call: &Call<'_>, id: &str, event: &str) -> Result<Reply, ApiError> {
    let calendar = calendar(call, id)?;
    let found = call
        .account
        .book
        .event(calendar, event)
        .ok_or_else(ApiError::not_found)?;
    let view = View {
        me: call.account.profile,
        calendar,
        zone: calendar.time_zone(),
    };
    Ok(Reply::tagged(
        call.request,
        &render::event_etag(&found),
        &view.event(&found),
    ))
}

/// `GET calendars/{id}/events/{event}/instances`.
pub(super) fn instances(call: &Call<'_>, id: &str, event: &str) -> Result<Reply, ApiError> {
    let calendar = calendar(call, id)?;
    let book = &call.account.book;
    let master = book
        .event(calendar, event)
        .ok_or_else(ApiError::not_found)?;
    if master.rule.is_none() {
        return Err(ApiError::bad("The event is not recurring."));
    }
    let mut selection = Selection::read(call, calendar)?;
    selection.order = Order::Start;
    selection.gives_token = false;
    let deleted = call.params.flag("showDeleted", false);
    let home = calendar.time_zone();
    let found = book
        .occurrences(calendar, &master, selection.window, call.horizon)
        .into_iter()
        .filter(|e| deleted || !e.cancelled)
        .map(|e| ((e.start.moment(&home).0, e.id.clone()), e))
        .collect();
    page(call, calendar, &selection, found)
}
