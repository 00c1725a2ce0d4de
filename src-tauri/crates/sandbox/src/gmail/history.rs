//! `users.history.list`.

use serde_json::{Map, Value, json};

use super::Call;
use crate::google_error::ApiError;
use crate::world::mailbox::{Change, Record};

const TYPES: [Change; 4] = [
    Change::MessageAdded,
    Change::MessageDeleted,
    Change::LabelAdded,
    Change::LabelRemoved,
];

/// `GET history`: changes after `startHistoryId`, oldest first. A start that
/// is too old, or was never given out, is 404.
pub(super) fn list(call: &Call<'_>) -> Result<Value, ApiError> {
    let max = call.max_results()?;
    let start = start(call)?;
    let types = types(call)?;
    let label = call.params.given("labelId");
    let account = call
        .inner
        .account(call.caller.email)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let records = account
        .mailbox
        .since(start)
        .ok_or_else(ApiError::gone_or_unknown)?;
    let after = match call.params.given("pageToken") {
        Some(token) => {
            let id = token.parse::<u64>();
            id.map_err(|_| ApiError::invalid_argument("Invalid pageToken"))?
        }
        None => start,
    };
    let wanted = |r: &&Record| {
        r.id > after
            && (types.is_empty() || types.contains(&r.change))
            && label.is_none_or(|l| r.all_labels.contains(l) || r.labels.iter().any(|x| x == l))
    };
    let mut found = records.iter().filter(wanted);
    let page: Vec<_> = found.by_ref().take(max).collect();
    let mut out = json!({});
    if !page.is_empty() {
        out["history"] = page.iter().map(|r| record(r)).collect::<Vec<_>>().into();
    }
    if let (Some(last), Some(_)) = (page.last(), found.next()) {
        out["nextPageToken"] = format!("{:020}", last.id).into();
    }
    out["historyId"] = account.mailbox.history_id().to_string().into();
    Ok(out)
}

fn start(call: &Call<'_>) -> Result<u64, ApiError> {
    let Some(text) = call.params.given("startHistoryId") else {
        return Err(ApiError::invalid_argument(
            "Missing required parameter: startHistoryId",
        ));
    };
    text.parse().map_err(|_| {
        ApiError::invalid_argument(format!(
            "Invalid value at 'start_history_id' (TYPE_UINT64), \"{text}\""
        ))
    })
}

fn types(call: &Call<'_>) -> Result<Vec<Change>, ApiError> {
    let find = |word: &str| {
        TYPES
            .iter()
            .copied()
            .find(|c| c.word() == word)
            .ok_or_else(|| {
                ApiError::invalid_argument(format!("Invalid value at 'history_types', \"{word}\""))
            })
    };
    call.params
        .all("historyTypes")
        .filter(|w| !w.is_empty())
        .map(find)
        .collect()
}

fn record(r: &Record) -> Value {
    let mut out = Map::new();
    let short = json!({"id": r.message, "threadId": r.thread});
    let mut long = short.clone();
    long["labelIds"] = r.all_labels.iter().cloned().collect::<Vec<_>>().into();
    out.insert("id".into(), r.id.to_string().into());
    out.insert("messages".into(), json!([short]));
    let (name, item) = match r.change {
        Change::MessageAdded => ("messagesAdded", json!({"message": long})),
        Change::MessageDeleted => ("messagesDeleted", json!({"message": long})),
        Change::LabelAdded => (
            "labelsAdded",
            json!({"message": long, "labelIds": r.labels}),
        ),
        Change::LabelRemoved => (
            "labelsRemoved",
            json!({"message": long, "labelIds": r.labels}),
        ),
    };
    out.insert(name.into(), json!([item]));
    Value::Object(out)
}
