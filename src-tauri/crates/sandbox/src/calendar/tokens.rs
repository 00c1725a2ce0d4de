//! Sync tokens and page tokens.
//!
//! A token says everything that is needed to go on, so that the sandbox keeps
//! nothing per client. It is base64 with padding, as Google's are: a client
//! that forgets to encode it in a query notices.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::{Deserialize, Serialize};

use crate::google_error::ApiError;

/// What a `nextSyncToken` remembers of the list it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SyncToken {
    /// The calendar; empty for the list of calendars.
    pub(super) calendar: String,
    /// Owner, so that a token does not fit another account.
    pub(super) account: String,
    pub(super) epoch: u64,
    /// Changes after this revision are new.
    pub(super) revision: u64,
    pub(super) single: bool,
    /// Window of the first request, in milliseconds; it goes on to apply.
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

/// What a `nextPageToken` remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageToken {
    /// Sort key of the last item shown; none right at the start.
    pub(super) after: Option<(i64, String)>,
    /// Revision when the first page was made: the sync token at the end must
    /// not be younger, or a change between two pages would be lost.
    pub(super) revision: u64,
    /// The page that follows is the empty one.
    pub(super) empty: bool,
    /// Everything that must be repeated unchanged.
    pub(super) query: String,
}

fn encode(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).unwrap_or_default();
    // Always ends in padding.
    while text.len() % 3 != 1 {
        text.push(' ');
    }
    URL_SAFE.encode(text)
}

fn decode<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    let bytes = URL_SAFE.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl SyncToken {
    pub(super) fn encode(&self) -> String {
        encode(self)
    }
    pub(super) fn decode(text: &str) -> Result<Self, ApiError> {
        let wrong = || ApiError::parameter("invalid", "Invalid sync token value.", "syncToken");
        decode(text).ok_or_else(wrong)
    }
}

impl PageToken {
    pub(super) fn encode(&self) -> String {
        encode(self)
    }
    pub(super) fn decode(text: &str, query: &str) -> Result<Self, ApiError> {
        let wrong = || ApiError::parameter("invalid", "Invalid page token value.", "pageToken");
        decode(text)
            .filter(|t: &Self| t.query == query)
            .ok_or_else(wrong)
    }
}

/// 410: the token is too old.
pub(super) fn full_sync_required() -> ApiError {
    let message = "Sync token is no longer valid, a full sync is required.";
    ApiError::new(410, "fullSyncRequired", message)
        .in_domain("calendar")
        .at("parameter", "syncToken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_whole_and_end_in_padding() {
        let token = SyncToken {
            calendar: "a".into(),
            account: "b".into(),
            epoch: 1,
            revision: 2,
            single: true,
            from: Some(3),
            to: None,
        };
        let text = token.encode();
        assert!(text.ends_with('='), "{text}");
        assert_eq!(SyncToken::decode(&text).expect("a token"), token);
        assert!(SyncToken::decode("junk").is_err());
        let page = PageToken {
            after: None,
            revision: 1,
            empty: false,
            query: "q".into(),
        };
        assert!(PageToken::decode(&page.encode(), "other").is_err());
    }
}
