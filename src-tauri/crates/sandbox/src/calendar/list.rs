//! `calendarList` and `calendars`.

use serde_json::json;

use super::tokens::{PageToken, SyncToken, full_sync_required};
use super::{Call, render};
use crate::google_error::ApiError;
use crate::message::Reply;
use crate::world::book::Calendar;

/// `GET users/me/calendarList`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, ApiError> {
    let max = call.max_results(100, 250)?;
    let book = &call.account.book;
    let since = since(call)?;
    let deleted = call.params.flag("showDeleted", false) || since.is_some();
    let role = call.params.given("minAccessRole").map(rank).transpose()?;
    let query = format!(
        "list {} {deleted} {role:?}",
        call.params.get("syncToken").unwrap_or("")
    );
    let page = match call.params.given("pageToken") {
        Some(token) => PageToken::decode(token, &query)?,
        None => PageToken {
            after: None,
            revision: book.revision(),
            empty: false,
            query,
        },
    };
    let skip = page
        .after
        .as_ref()
        .map_or(0, |(n, _)| usize::try_from(*n).unwrap_or(0));
    let wanted = |c: &&Calendar| {
        since.is_none_or(|r| c.revision > r)
            && (deleted || !c.deleted)
            && role.is_none_or(|least| rank(c.role).is_ok_and(|r| r >= least))
    };
    let found: Vec<_> = book.calendars().iter().filter(wanted).collect();
    let items: Vec<_> = found
        .iter()
        .skip(skip)
        .take(max)
        .map(|c| render::list_entry(c))
        .collect();
    let etag = format!("\"p{}\"", book.revision());
    let mut out = json!({"kind": "calendar#calendarList", "etag": etag});
    let end = skip + items.len();
    if end < found.len() {
        let after = Some((i64::try_from(end).unwrap_or(0), String::new()));
        out["nextPageToken"] = PageToken { after, ..page }.encode().into();
    } else {
        out["nextSyncToken"] = token(call, page.revision).encode().into();
    }
    out["items"] = items.into();
    Ok(Reply::tagged(call.request, &etag, &out))
}

fn token(call: &Call<'_>, revision: u64) -> SyncToken {
    SyncToken {
        calendar: String::new(),
        account: call.account.profile.email.to_owned(),
        epoch: call.account.book.epoch(),
        revision,
        single: false,
        from: None,
        to: None,
    }
}

/// The revision after which changes are wanted.
fn since(call: &Call<'_>) -> Result<Option<u64>, ApiError> {
    let Some(text) = call.params.given("syncToken") else {
        return Ok(None);
    };
    if call.params.given("minAccessRole").is_some() {
        return Err(ApiError::bad(
            "minAccessRole cannot be used together with syncToken.",
        ));
    }
    let token = SyncToken::decode(text)?;
    if token.epoch != call.account.book.epoch() {
        return Err(full_sync_required());
    }
    if token.account != call.account.profile.email || !token.calendar.is_empty() {
        return Err(ApiError::parameter(
            "invalid",
            "Invalid sync token value.",
            "syncToken",
        ));
    }
    Ok(Some(token.revision))
}

fn rank(role: &str) -> Result<u8, ApiError> {
    match role {
        "freeBusyReader" => Ok(0),
        "reader" => Ok(1),
        "writer" => Ok(2),
        "owner" => Ok(3),
        _ => Err(ApiError::parameter(
            "invalidParameter",
            "Invalid string value.",
            "minAccessRole",
        )),
    }
}

/// `GET users/me/calendarList/{id}`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, ApiError> {
    let calendar = call
        .account
        .book
        .calendar(id)
        .ok_or_else(ApiError::not_found)?;
    let value = render::list_entry(calendar);
    Ok(Reply::tagged(
        call.request,
        &render::calendar_etag(calendar),
        &value,
    ))
}

/// `GET calendars/{id}`.
pub(super) fn calendar(call: &Call<'_>, id: &str) -> Result<Reply, ApiError> {
    let calendar = call
        .account
        .book
        .calendar(id)
        .ok_or_else(ApiError::not_found)?;
    let value = render::calendar(calendar);
    Ok(Reply::tagged(
        call.request,
        &render::calendar_etag(calendar),
        &value,
    ))
}
