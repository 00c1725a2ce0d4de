//! `users.messages`: list, get, attachments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::UnixMs;
use serde_json::{Value, json};

use super::payload::{self, Format};
use super::{Call, search};
use crate::google_error::ApiError;

/// `GET messages`: ids only, newest first.
pub(super) fn list(call: &Call<'_>) -> Result<Value, ApiError> {
    let max = call.max_results()?;
    let wanted = search::Wanted::read(call)?;
    let after = call
        .params
        .given("pageToken")
        .map(read_page_token)
        .transpose()?;
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let mut found = account
        .mailbox
        .newest_first(after.as_ref())
        .filter(|m| wanted.matches(m));
    let page: Vec<_> = found.by_ref().take(max).collect();
    // Gmail does not look ahead: a full page has a next one, which may be empty.
    let more = page.len() == max && (call.inner.behaviour.empty_pages || found.next().is_some());
    let mut out = json!({});
    if !page.is_empty() {
        let ids = page
            .iter()
            .map(|m| json!({"id": m.id, "threadId": m.thread_id}));
        out["messages"] = ids.collect::<Vec<_>>().into();
    }
    if let (true, Some(last)) = (more, page.last()) {
        out["nextPageToken"] = page_token(last.at, &last.id).into();
    }
    // Gmail's figure is rough: it does not count beyond the page.
    out["resultSizeEstimate"] = if more { 201 } else { page.len() }.into();
    Ok(out)
}

/// Names the last message of a page, so that mail which arrives between two
/// pages moves nothing.
pub(super) fn page_token(at: UnixMs, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{id}", at.0))
}

pub(super) fn read_page_token(token: &str) -> Result<(UnixMs, String), ApiError> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (at, id) = text.split_once(':')?;
        Some((UnixMs(at.parse().ok()?), id.to_owned()))
    };
    read().ok_or_else(|| ApiError::invalid_argument("Invalid pageToken"))
}

/// The wanted format, when the token may see it.
pub(super) fn format(call: &Call<'_>) -> Result<Format, ApiError> {
    let word = call.params.given("format");
    let format = Format::parse(word).ok_or_else(|| {
        ApiError::invalid_argument(format!(
            "Invalid value at 'format', \"{}\"",
            word.unwrap_or("")
        ))
    })?;
    if call.metadata_only() && matches!(format, Format::Full | Format::Raw) {
        let word = if format == Format::Full {
            "FULL"
        } else {
            "RAW"
        };
        let message = format!("Metadata scope doesn't allow format {word}");
        return Err(ApiError::new(403, "forbidden", message));
    }
    Ok(format)
}

/// The names in `metadataHeaders`.
pub(super) fn wanted_headers(call: &Call<'_>) -> Vec<String> {
    call.params
        .all("metadataHeaders")
        .map(str::to_owned)
        .collect()
}

/// `GET messages/{id}`.
pub(super) fn get(call: &mut Call<'_>, id: &str) -> Result<Value, ApiError> {
    let format = format(call)?;
    if id.len() > 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ApiError::invalid_argument("Invalid id value"));
    }
    call.inner.reads += 1;
    let read = call.inner.reads;
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let message = account
        .mailbox
        .live(id)
        .ok_or_else(ApiError::gone_or_unknown)?;
    Ok(payload::message(
        message,
        format,
        &wanted_headers(call),
        read,
    ))
}

/// `GET messages/{id}/attachments/{attachment}`.
pub(super) fn attachment(call: &Call<'_>, id: &str, attachment: &str) -> Result<Value, ApiError> {
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let message = account
        .mailbox
        .live(id)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let data = payload::attachment(message, attachment)
        .ok_or_else(|| ApiError::invalid_argument("Invalid attachment token"))?;
    Ok(json!({"size": data.len(), "data": URL_SAFE_NO_PAD.encode(data)}))
}
