//! `users.getProfile` and `users.labels`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Call;
use crate::google_error::ApiError;
use crate::world::mailbox::{SYSTEM_LABELS, USER_LABELS};

/// `GET profile`.
pub(super) fn profile(call: &Call<'_>) -> Result<Value, ApiError> {
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let live = || account.mailbox.newest_first(None);
    let threads: BTreeSet<_> = live().map(|m| &m.thread_id).collect();
    Ok(json!({
        "emailAddress": account.profile.email,
        "messagesTotal": live().count(),
        "threadsTotal": threads.len(),
        "historyId": account.mailbox.history_id().to_string(),
    }))
}

/// `GET labels`.
pub(super) fn list() -> Value {
    let system = SYSTEM_LABELS.iter().map(|l| system(l));
    let own = USER_LABELS.iter().map(|l| user(l.id, l.name));
    json!({"labels": system.chain(own).collect::<Vec<_>>()})
}

fn system(id: &str) -> Value {
    if id.starts_with("CATEGORY_") || id == "CHAT" {
        return json!({
            "id": id, "name": id, "messageListVisibility": "hide",
            "labelListVisibility": "labelHide", "type": "system",
        });
    }
    json!({"id": id, "name": id, "type": "system"})
}

fn user(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "messageListVisibility": "show",
        "labelListVisibility": "labelShow", "type": "user",
    })
}

/// `GET labels/{id}`, with its totals.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    let mut label = match USER_LABELS.iter().find(|l| l.id == id) {
        Some(label) => user(label.id, label.name),
        None if SYSTEM_LABELS.contains(&id) => system(id),
        None => return Err(ApiError::gone_or_unknown()),
    };
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let with = || account.mailbox.newest_first(None).filter(|m| m.has(id));
    let unread = || with().filter(|m| m.has("UNREAD"));
    label["messagesTotal"] = with().count().into();
    label["messagesUnread"] = unread().count().into();
    label["threadsTotal"] = with()
        .map(|m| &m.thread_id)
        .collect::<BTreeSet<_>>()
        .len()
        .into();
    label["threadsUnread"] = unread()
        .map(|m| &m.thread_id)
        .collect::<BTreeSet<_>>()
        .len()
        .into();
    Ok(label)
}
