//! Small helpers for the sentences that the broker answers with.

use charmkeeper_base::http::CallError;
use charmkeeper_base::{ErrorKind, Explain};

use super::token::TokenError;

/// Why a broker could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The TLS set-up of this computer is unusable, or an extra certificate is
    /// not one.
    #[error("The network client cannot be set up: {0}.")]
    Client(String),
}

impl Explain for BrokerError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Local
    }
}

/// A failed call without a moment to wait for.
pub(crate) fn refusal(kind: ErrorKind, message: impl Into<String>) -> CallError {
    CallError {
        kind,
        message: message.into(),
        retry_at: None,
    }
}

/// A missing token, as a failed call.
pub(crate) fn from_token(error: &TokenError) -> CallError {
    let retry_at = match error {
        TokenError::Quota { retry_at } => Some(*retry_at),
        _ => None,
    };
    let mut message = error.to_string();
    if let Some(hint) = error.hint() {
        message.push(' ');
        message.push_str(&hint);
    }
    CallError {
        kind: error.kind(),
        message,
        retry_at,
    }
}

/// Text from a server, made fit for one sentence: one line, no control
/// characters, at most `max` characters, no final full stop.
pub(crate) fn quotable(text: &str, max: usize) -> String {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean: String = spaced
        .chars()
        .filter(|c| !c.is_control())
        .take(max)
        .collect();
    clean.trim_end_matches(['.', ' ']).to_owned()
}
