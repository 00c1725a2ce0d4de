//! How a command fails: an exit code and a sentence.

use std::process::ExitCode;

use charmkeeper_base::{ErrorKind, Explain};
use charmkeeper_keeper::api::ApiError;
use charmkeeper_keeper::control::ClientError;
use charmkeeper_keeper::home::HomeError;

/// The work failed.
pub(crate) const FAILED: u8 = 1;
/// The command was used wrongly, or names something that there is none of.
pub(crate) const USAGE: u8 = 2;
/// The keeper cannot be reached or started.
pub(crate) const NO_KEEPER: u8 = 3;
/// There is no display for a command that needs one (`EX_UNAVAILABLE`).
pub(crate) const NO_DISPLAY: u8 = 69;

/// A failed command.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// One of the exit codes above.
    pub(crate) code: u8,
    /// Kind, for `--json`.
    pub(crate) kind: ErrorKind,
    /// One sentence.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure of the work itself, or of what was asked for: a charm, a run or
    /// a path that there is none of is wrong usage, like a wrong flag.
    pub(crate) fn of(error: &dyn Explain) -> Self {
        let kind = error.kind();
        Self {
            code: if kind == ErrorKind::Usage {
                USAGE
            } else {
                FAILED
            },
            kind,
            message: error.to_string(),
            hint: error.hint(),
        }
    }
    /// A failure to reach or start the keeper.
    pub(crate) fn no_keeper(error: &dyn Explain) -> Self {
        Self {
            code: NO_KEEPER,
            ..Self::of(error)
        }
    }
    /// A wrong argument.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            kind: ErrorKind::Usage,
            message: message.into(),
            hint: None,
        }
    }

    /// Says it on standard error, and on standard output as JSON when asked.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if json {
            let error = serde_json::json!({
                "error": {"kind": self.kind, "message": self.message, "hint": self.hint}
            });
            crate::output::line(&error.to_string());
        }
        crate::output::note(&format!("charmkeeper: {}", self.message));
        if let Some(hint) = &self.hint {
            crate::output::note(&format!("hint: {hint}"));
        }
        ExitCode::from(self.code)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::of(&error)
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Self::no_keeper(&error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Unreachable { .. } | ClientError::Broken(_) => Self::no_keeper(&error),
            ClientError::Refused(_) => Self::of(&error),
        }
    }
}
