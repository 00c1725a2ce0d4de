//! What a failed OAuth request means.
//!
//! Owns: the reading of Google's error answers. Never lets a token, a code or a
//! client secret through, even when a server quotes it.

use charmkeeper_base::{ErrorKind, Explain, UnixMs};
use serde::{Deserialize, Serialize};

use super::http::Failure;

/// Why an OAuth request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// The server cannot be reached from here.
    #[error("Google’s sign-in server cannot be reached: {detail}.")]
    Offline {
        /// What failed, without a final full stop.
        detail: String,
    },
    /// The server failed, or does not speak OAuth.
    #[error("Google’s sign-in server failed: {detail}.")]
    Provider {
        /// What it said, without a final full stop.
        detail: String,
    },
    /// The server wants us to wait.
    #[error("Google’s sign-in server asks to wait until {}.", retry_at.to_rfc3339())]
    Quota {
        /// No try before this moment.
        retry_at: UnixMs,
    },
    /// The grant or the code is dead. Terminal: only a new sign-in helps.
    #[error("Google no longer accepts this sign-in.")]
    InvalidGrant {
        /// True when the organisation's session policy asks for a new sign-in
        /// (`error_subtype` of `invalid_rapt`).
        session_policy: bool,
    },
    /// The client id or its secret is wrong, missing, deleted or disabled.
    #[error("Google refuses the OAuth client: {detail}.")]
    Client {
        /// What is wrong, without a final full stop.
        detail: String,
    },
}

impl OAuthError {
    pub(super) fn nonsense(detail: &str) -> Self {
        Self::Provider {
            detail: detail.to_owned(),
        }
    }

    pub(super) fn from_failure(failure: Failure, secrets: &[&str], has_secret: bool) -> Self {
        match failure {
            Failure::Offline(detail) => Self::Offline {
                detail: shown(&detail, secrets),
            },
            Failure::Broken(detail) => Self::Provider {
                detail: shown(&detail, secrets),
            },
            Failure::Status(status) => Self::Provider {
                detail: format!("it answered {status}"),
            },
            Failure::Quota(retry_at) => Self::Quota { retry_at },
            Failure::Body { status, body } => Self::from_body(status, &body, secrets, has_secret),
        }
    }

    /// RFC 6749 section 5.2 and Google's additions, read loosely: Google has
    /// sent the same error with 400, 401 and 403.
    fn from_body(status: u16, body: &ErrorBody, secrets: &[&str], has_secret: bool) -> Self {
        let said = body.error_description.as_deref().unwrap_or_default();
        match body.error.as_str() {
            "invalid_grant" => Self::InvalidGrant {
                session_policy: body.error_subtype.as_deref() == Some("invalid_rapt"),
            },
            "admin_policy_enforced" | "access_denied" | "org_internal" => Self::InvalidGrant {
                session_policy: true,
            },
            "invalid_request" if said.contains("client_secret") && !has_secret => Self::Client {
                detail: "it wants the client secret that belongs to the client id".to_owned(),
            },
            "invalid_client"
            | "unauthorized_client"
            | "deleted_client"
            | "disabled_client"
            | "invalid_request"
            | "invalid_scope"
            | "redirect_uri_mismatch"
            | "unsupported_grant_type" => {
                let said = scrub(said.trim_end_matches('.'), secrets);
                let word = error_word(&body.error);
                let detail = if said.is_empty() {
                    word
                } else {
                    format!("{word}, {said}")
                };
                Self::Client { detail }
            }
            word => Self::Provider {
                detail: shown(
                    &format!("it answered {status} {}", error_word(word)),
                    secrets,
                ),
            },
        }
    }
}

impl Explain for OAuthError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Offline { .. } => ErrorKind::Offline,
            Self::Provider { .. } => ErrorKind::Provider,
            Self::Quota { .. } => ErrorKind::Quota,
            Self::InvalidGrant { .. } => ErrorKind::SignIn,
            Self::Client { .. } => ErrorKind::Usage,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::InvalidGrant { .. } => Some("Connect the account again.".to_owned()),
            Self::Client { .. } => Some(
                "Check the client id and secret; the client must be of the type “Desktop app” in \
                 Google Cloud console."
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// An error answer of the token endpoint.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct ErrorBody {
    pub(super) error: String,
    #[serde(default)]
    pub(super) error_description: Option<String>,
    #[serde(default)]
    pub(super) error_subtype: Option<String>,
}

impl oauth2::ErrorResponse for ErrorBody {}

impl std::fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&error_word(&self.error))
    }
}

/// An error code as it may be shown: a short word, or “unknown error”.
pub(crate) fn error_word(code: &str) -> String {
    let is_word = (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if is_word {
        code.to_owned()
    } else {
        "unknown error".to_owned()
    }
}

fn shown(text: &str, secrets: &[&str]) -> String {
    match scrub(text, secrets) {
        text if text.is_empty() => "it said something that is not shown here".to_owned(),
        text => text,
    }
}

/// A server's own words, made safe to show: one short line without secrets.
fn scrub(text: &str, secrets: &[&str]) -> String {
    if secrets.iter().any(|s| !s.is_empty() && text.contains(s)) {
        return String::new();
    }
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line.trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: &str, description: Option<&str>) -> OAuthError {
        let body = ErrorBody {
            error: error.to_owned(),
            error_description: description.map(str::to_owned),
            error_subtype: None,
        };
        OAuthError::from_failure(Failure::Body { status: 400, body }, &["s3cret"], false)
    }

    #[test]
    fn errors_get_their_kind() {
        let cases = [
            (
                "invalid_grant",
                Some("Token has been expired or revoked."),
                ErrorKind::SignIn,
            ),
            ("admin_policy_enforced", None, ErrorKind::SignIn),
            (
                "invalid_client",
                Some("The OAuth client was not found."),
                ErrorKind::Usage,
            ),
            (
                "invalid_request",
                Some("client_secret is missing."),
                ErrorKind::Usage,
            ),
            ("server_error", None, ErrorKind::Provider),
            ("internal_failure", None, ErrorKind::Provider),
        ];
        for (word, said, kind) in cases {
            assert_eq!(of(word, said).kind(), kind, "{word}");
        }
    }

    #[test]
    fn a_missing_secret_is_said_in_words() {
        let error = of("invalid_request", Some("client_secret is missing."));
        let text = error.to_string();
        assert!(text.contains("wants the client secret"), "{text}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_server_that_quotes_a_secret_is_not_repeated() {
        for error in [
            of("invalid_client", Some("bad: s3cret!")),
            of("s3cret\r\n<b>", None),
            of("invalid_request", Some("line\r\nbreak")),
        ] {
            let shown = format!("{error} {error:?} {:?}", error.hint());
            assert!(!shown.contains("s3cret"), "{shown}");
            assert!(!shown.contains("\\r"), "{shown}");
        }
        // A word that happens to be the secret itself.
        assert!(!of("s3cret", None).to_string().contains("s3cret"));
    }
}
