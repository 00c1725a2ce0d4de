//! The server's own list of background work.
//!
//! One list in the system space for everybody on the server. An entry whose
//! `disabledAt` is a time is not run by the server; writing it is how a charm is
//! handed over to this computer. Each sign-in in the browser clears it again.

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::by_cause;
use serde_json::{Value, json};

use super::walk::{Found, Place, Shelf, Walk, Walker};

/// The space that the list is in: derived from public words, the same on every
/// server.
pub const SYSTEM_SPACE: &str = "did:key:z6Mkfuw7h6jDwqVb6wimYGys14JFcyTem4Kqvdj9DjpFhY88";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Where the entry stands.
    pub place: Place,
    /// `did:key` of the piece's space.
    pub space: String,
    /// `fid1:...`
    pub piece: String,
    /// As the piece calls it.
    pub integration: String,
    /// Whether the server runs it.
    pub active: bool,
    /// What the server said of its last run.
    pub status: String,
}

/// The list's document.
#[must_use]
pub fn registry() -> DocRef {
    DocRef {
        space: SYSTEM_SPACE.to_owned(),
        id: by_cause(&json!("bgUpdater-2025-03-18")).0,
    }
}

/// All entries that can be read; a server without a list has none.
#[must_use]
pub fn registrations(shelf: &Shelf) -> Walk<Vec<Registration>> {
    let mut walker = Walker::new(shelf);
    let mut all = Vec::new();
    if let Found::Value(place, Value::Array(entries)) = walker.follow::<&str>(&registry(), &[]) {
        for (n, entry) in entries.iter().enumerate() {
            let Found::Value(mut at, entry) = walker.resolve(entry, &place.doc) else {
                continue;
            };
            if at.doc == place.doc {
                at.path = place.path.clone();
                at.path.push(n.to_string());
            }
            all.extend(registration(entry, at));
        }
    }
    walker.end(all)
}

fn registration(entry: &Value, place: Place) -> Option<Registration> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Registration {
        place,
        space: text("space")?,
        piece: text("pieceId")?,
        integration: text("integration").unwrap_or_default(),
        active: entry
            .get("disabledAt")
            .and_then(Value::as_f64)
            .is_none_or(|at| at == 0.0),
        status: text("status").unwrap_or_default(),
    })
}

/// The entry's value with the server told to leave the piece alone.
#[must_use]
pub fn disabled(entry: &Value, now_ms: i64) -> Value {
    let mut entry = entry.clone();
    if let Value::Object(members) = &mut entry {
        members.insert("disabledAt".to_owned(), json!(now_ms));
        members.insert("updatedAt".to_owned(), json!(now_ms));
    }
    entry
}
