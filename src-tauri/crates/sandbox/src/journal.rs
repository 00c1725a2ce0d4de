//! The log of requests, for tests to read.
//!
//! Never holds a token, a code or a secret: of a token only the fingerprint.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use charmkeeper_base::UnixMs;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use url::form_urlencoded;

/// Requests that are kept; older ones go.
const KEPT: usize = 20_000;

/// One request, or one part of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// Counts from 1 over the life of the sandbox.
    pub number: u64,
    /// When it was answered, by the sandbox's clock.
    pub at: UnixMs,
    /// Upper-case method.
    pub method: String,
    /// Path as sent.
    pub path: String,
    /// Query with tokens, codes and secrets blanked.
    pub query: String,
    /// Status of the answer; 0 when the connection was reset instead.
    pub status: u16,
    /// Whether an Authorization header came with it.
    pub authorization: bool,
    /// First 16 hex digits of the SHA-256 of the token, if there was one.
    pub token_fingerprint: Option<String>,
    /// Set for a part of a batch.
    pub in_batch: bool,
    /// Id of the fault that was applied.
    pub fault: Option<u64>,
    /// Length of the request's body.
    pub bytes_in: usize,
    /// Length of the answer's body as planned, before a truncation.
    pub bytes_out: usize,
}

/// The fingerprint under which a token is logged.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    Sha256::digest(token)
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[derive(Debug, Default)]
struct Kept {
    count: u64,
    entries: VecDeque<LoggedRequest>,
    tokens: HashSet<String>,
}

/// All logged requests, and a signal at each new one.
#[derive(Debug)]
pub(crate) struct Journal {
    kept: Mutex<Kept>,
    count: watch::Sender<u64>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry and gives it its number.
    pub(crate) fn add(&self, mut entry: LoggedRequest) {
        let number = {
            let mut kept = self.lock();
            kept.count += 1;
            entry.number = kept.count;
            kept.tokens.extend(entry.token_fingerprint.clone());
            kept.entries.push_back(entry);
            while kept.entries.len() > KEPT {
                kept.entries.pop_front();
            }
            kept.count
        };
        self.count.send_replace(number);
    }

    /// Notes a token that came in a form instead of a header.
    pub(crate) fn note_token(&self, token: &str) {
        self.lock().tokens.insert(fingerprint(token));
    }

    pub(crate) fn saw(&self, token: &str) -> bool {
        self.lock().tokens.contains(&fingerprint(token))
    }

    /// Entries numbered above `after`.
    pub(crate) fn since(&self, after: u64) -> Vec<LoggedRequest> {
        self.lock()
            .entries
            .iter()
            .filter(|e| e.number > after)
            .cloned()
            .collect()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

/// A query without what must not be kept.
pub(crate) fn clean_query(query: &str) -> String {
    const BLANKED: [&str; 6] = [
        "access_token",
        "token",
        "code",
        "code_verifier",
        "client_secret",
        "refresh_token",
    ];
    if !BLANKED.iter().any(|b| query.contains(b)) {
        return query.to_owned();
    }
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let blank = BLANKED.contains(&name.as_ref());
        out.append_pair(&name, if blank { "-" } else { &value });
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_in_a_query_are_blanked_and_the_rest_stays() {
        assert_eq!(
            clean_query("q=in:inbox&maxResults=5"),
            "q=in:inbox&maxResults=5"
        );
        assert_eq!(clean_query("a=1&access_token=ya29.x"), "a=1&access_token=-");
        assert_eq!(clean_query("code_challenge=abc"), "code_challenge=abc");
    }
}
