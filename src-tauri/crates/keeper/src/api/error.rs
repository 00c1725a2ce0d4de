//! The one error at the boundary.

use charmkeeper_base::{ErrorKind, Explain};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An error at the boundary: a closed code, a sentence, a hint.
#[derive(Clone, Debug, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The kind; clients branch on this, never on the text.
    pub kind: ErrorKind,
    /// One sentence.
    pub message: String,
    /// What to do, where something can be done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[ts(optional)]
    pub hint: Option<String>,
    /// Which of several errors of one kind, where clients do different things.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[ts(optional)]
    pub code: Option<ErrorCode>,
}

/// Errors of one kind that ask for different things of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The space has no access list yet: its owner may claim it.
    NewSpace,
    /// The space has an access list, and this key is not on it.
    KeyRefused,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            code: None,
        }
    }
    /// An error that names the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// An error that is told from others of its kind.
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = Some(code);
        self
    }
    /// Takes kind, sentence and hint from any error that has them.
    pub fn of(error: &dyn Explain) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            hint: error.hint(),
            code: None,
        }
    }
}

impl Explain for ApiError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}
