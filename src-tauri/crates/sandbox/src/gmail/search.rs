//! Which messages a list shows: `q`, `labelIds`, `includeSpamTrash`.

use super::Call;
use super::query::Query;
use crate::google_error::ApiError;
use crate::world::mailbox::Message;

/// The filter of one list request.
pub(super) struct Wanted {
    query: Query,
    labels: Vec<String>,
    spam_and_trash: bool,
}

impl Wanted {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, ApiError> {
        let q = call.params.given("q");
        if q.is_some() && call.metadata_only() {
            let message = "Metadata scope does not support 'q' parameter";
            return Err(ApiError::new(403, "forbidden", message));
        }
        let query = Query::parse(q.unwrap_or_default(), call.now);
        let labels: Vec<_> = call.params.all("labelIds").map(str::to_owned).collect();
        let spam_and_trash = call.params.flag("includeSpamTrash", false)
            || query.reaches_everywhere()
            || labels.iter().any(|l| l == "SPAM" || l == "TRASH");
        Ok(Self {
            query,
            labels,
            spam_and_trash,
        })
    }

    pub(super) fn matches(&self, m: &Message) -> bool {
        (self.spam_and_trash || !(m.has("SPAM") || m.has("TRASH")))
            && self.labels.iter().all(|l| m.has(l))
            && self.query.matches(m)
    }
}
