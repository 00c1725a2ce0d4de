//! `users.threads`: list and get.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Call, messages, payload, search};
use crate::google_error::ApiError;

/// `GET threads`: conversations with a matching message, newest first.
pub(super) fn list(call: &Call<'_>) -> Result<Value, ApiError> {
    let max = call.max_results()?;
    let wanted = search::Wanted::read(call)?;
    let after = call
        .params
        .given("pageToken")
        .map(messages::read_page_token)
        .transpose()?;
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let mailbox = &account.mailbox;
    // Threads whose newest matching message was on an earlier page are done.
    let mut seen: BTreeSet<&str> = match &after {
        Some(key) => mailbox
            .newest_first(None)
            .take_while(|m| (m.at, m.id.as_str()) >= (key.0, key.1.as_str()))
            .filter(|m| wanted.matches(m))
            .map(|m| m.thread_id.as_str())
            .collect(),
        None => BTreeSet::new(),
    };
    let found: Vec<_> = mailbox
        .newest_first(after.as_ref())
        .filter(|m| wanted.matches(m) && seen.insert(&m.thread_id))
        .take(max + 1)
        .collect();
    let page = &found[..found.len().min(max)];
    let mut out = json!({"resultSizeEstimate": if found.len() > max { 201 } else { page.len() }});
    if !page.is_empty() {
        let thread = |m: &&crate::world::mailbox::Message| {
            let newest = mailbox.thread(&m.thread_id).last().copied().unwrap_or(m);
            json!({"id": m.thread_id, "snippet": newest.snippet, "historyId": newest.history_id.to_string()})
        };
        out["threads"] = page.iter().map(thread).collect::<Vec<_>>().into();
    }
    if let (true, Some(last)) = (found.len() > max, page.last()) {
        out["nextPageToken"] = messages::page_token(last.at, &last.id).into();
    }
    Ok(out)
}

/// `GET threads/{id}`: all its messages, oldest first.
pub(super) fn get(call: &mut Call<'_>, id: &str) -> Result<Value, ApiError> {
    let format = messages::format(call)?;
    let wanted = messages::wanted_headers(call);
    call.inner.reads += 1;
    let read = call.inner.reads;
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let found = account.mailbox.thread(id);
    let history = found
        .iter()
        .map(|m| m.history_id)
        .max()
        .ok_or_else(ApiError::gone_or_unknown)?;
    let messages: Vec<_> = found
        .iter()
        .map(|m| payload::message(m, format, &wanted, read))
        .collect();
    Ok(json!({"id": id, "historyId": history.to_string(), "messages": messages}))
}
