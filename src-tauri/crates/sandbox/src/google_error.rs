//! Google's error JSON, in its two styles.
//!
//! Gmail and the other newer services answer with `status` and `details`;
//! Calendar answers in the older form without them (reference: google.md §2e).
//! Never decides whether something is an error.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::message::Reply;

/// Which of Google's two error forms a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Gmail: with `status`, and `details` where there are some.
    Modern,
    /// Calendar: `errors` first, no `status`.
    Legacy,
    /// The OAuth endpoints: `error` and `error_description`.
    Oauth,
}

/// An error of an API, not yet in a style.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) domain: &'static str,
    pub(crate) reason: String,
    /// The outer message.
    pub(crate) message: String,
    /// The message inside `errors`, where it differs from the outer one.
    inner: Option<&'static str>,
    /// Boxed, as errors are returned by value everywhere.
    location: Option<Box<(&'static str, String)>>,
    details: Option<Box<Value>>,
}

impl ApiError {
    pub(crate) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            domain: domain_of(code, reason),
            reason: reason.to_owned(),
            message: message.into(),
            inner: None,
            location: None,
            details: None,
        }
    }

    /// 400 for a value that cannot be used.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "badRequest", message)
    }

    /// 400 in Gmail's words.
    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(400, "invalidArgument", message)
    }

    /// 400 for one parameter, in Calendar's words.
    pub(crate) fn parameter(reason: &str, message: &str, parameter: &str) -> Self {
        Self::new(400, reason, message).at("parameter", parameter)
    }

    /// 404 in Gmail's words.
    pub(crate) fn gone_or_unknown() -> Self {
        Self::new(404, "notFound", "Requested entity was not found.")
    }

    /// 404 in Calendar's words.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "notFound", "Not Found")
    }

    pub(crate) fn in_domain(mut self, domain: &'static str) -> Self {
        self.domain = domain;
        self
    }

    pub(crate) fn at(mut self, kind: &'static str, location: &str) -> Self {
        self.location = Some(Box::new((kind, location.to_owned())));
        self
    }

    pub(crate) fn inner(mut self, message: &'static str) -> Self {
        self.inner = Some(message);
        self
    }

    pub(crate) fn detail(mut self, reason: &str, service: &str) -> Self {
        self.details = Some(Box::new(json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": {"service": service},
        }])));
        self
    }

    /// The JSON in a style.
    pub(crate) fn to_json(&self, style: Style) -> Value {
        if style == Style::Oauth {
            return json!({"error": self.reason, "error_description": self.message});
        }
        let mut item = Map::new();
        let inner = self.inner.map_or(self.message.as_str(), |m| m);
        let legacy = style == Style::Legacy;
        if legacy {
            item.insert("domain".into(), self.domain.into());
            item.insert("reason".into(), self.reason.clone().into());
            item.insert("message".into(), inner.into());
        } else {
            item.insert("message".into(), inner.into());
            item.insert("domain".into(), self.domain.into());
            item.insert("reason".into(), self.reason.clone().into());
        }
        if let Some((kind, location)) = self.location.as_deref() {
            item.insert("locationType".into(), (*kind).into());
            item.insert("location".into(), location.clone().into());
        }
        if legacy {
            let message = if self.code == 401 {
                inner
            } else {
                self.message.as_str()
            };
            return json!({"error": {"errors": [item], "code": self.code, "message": message}});
        }
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "errors": [item],
            "status": status_word(self.code),
        });
        if let Some(details) = &self.details {
            error["details"] = (**details).clone();
        }
        json!({"error": error})
    }

    /// The whole reply in a style.
    pub(crate) fn reply(&self, style: Style) -> Reply {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = Reply::json(status, &self.to_json(style));
        if self.code != 401 {
            return reply;
        }
        let challenge = if self.reason == "required" {
            "Bearer realm=\"https://accounts.google.com/\""
        } else {
            "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\""
        };
        reply.with("www-authenticate", challenge)
    }
}

/// Where Google files a reason when nothing else is said.
fn domain_of(code: u16, reason: &str) -> &'static str {
    match reason {
        "rateLimitExceeded" if code == 429 => "global",
        "rateLimitExceeded"
        | "userRateLimitExceeded"
        | "quotaExceeded"
        | "dailyLimitExceeded"
        | "accessNotConfigured" => "usageLimits",
        _ => "global",
    }
}

/// The canonical name of a status in the newer style.
fn status_word(code: u16) -> &'static str {
    match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        412 => "FAILED_PRECONDITION",
        429 => "RESOURCE_EXHAUSTED",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500..=599 => "INTERNAL",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_has_no_status_and_gmail_has() {
        let e = ApiError::new(403, "rateLimitExceeded", "Rate Limit Exceeded");
        let legacy = e.to_json(Style::Legacy);
        assert_eq!(legacy["error"]["errors"][0]["domain"], "usageLimits");
        assert!(legacy["error"].get("status").is_none());
        assert_eq!(
            e.to_json(Style::Modern)["error"]["status"],
            "PERMISSION_DENIED"
        );
        let e = ApiError::new(429, "rateLimitExceeded", "Too many");
        assert_eq!(
            e.to_json(Style::Modern)["error"]["errors"][0]["domain"],
            "global"
        );
    }
}
