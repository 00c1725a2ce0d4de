//! Faults that tests switch on: what goes wrong, for which requests, how often.
//!
//! Decides; `server` and the batch endpoint carry out.

use std::time::Duration;

use charmkeeper_base::UnixMs;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::config::SandboxError;
use crate::google_error::{ApiError, Style};
use crate::message::{Reply, Request};

/// One fault. What is left out does not happen: a fault with nothing but
/// `delay_ms` answers late and rightly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Which requests: a path prefix as in `/gmail/v1/users/me/history`, or one
    /// of `gmail`, `calendar`, `batch`, `oauth`, `token`, `revoke`, `userinfo`,
    /// `all`. Parts of a batch count as `gmail` and by their own path; the
    /// batch itself only as `batch`.
    #[serde(rename = "match")]
    pub target: String,
    /// Only this method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests with an access token of this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Lets so many matching requests pass first.
    pub skip: u32,
    /// Ends after so many hits; none: stays until cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Answers with this status and Google's error JSON, or with `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Google's `reason`; for OAuth endpoints the `error` word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Google's `message`; a usual one when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The `Retry-After` header, as it is: seconds, a date, or nonsense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// Adds "Retry after <time>" to the message, this many seconds ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_text_s: Option<i64>,
    /// A body instead of Google's JSON, as a captive portal sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Content type of `body`; HTML when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Waits before the answer.
    pub delay_ms: u64,
    /// Resets the connection instead of an answer; with `truncate`, after so
    /// many bytes of the body.
    pub reset: bool,
    /// Ends the connection after so many bytes of the body, with the full
    /// length announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
    /// Sends the body in small pieces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drip: Option<Drip>,
    /// Adds so many bytes of white space to the body.
    pub pad: u64,
}

/// A slow body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drip {
    /// Bytes at a time; at least 1.
    pub bytes: usize,
    /// Pause before each piece.
    pub every_ms: u64,
}

/// What is done to one request.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
}

#[derive(Clone, Debug, Serialize)]
struct Armed {
    id: u64,
    #[serde(flatten)]
    fault: Fault,
    seen: u32,
    hits: u32,
}

/// All faults that are switched on, in order; the first that matches is applied.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    last_id: u64,
    armed: Vec<Armed>,
}

const SERVICES: [&str; 8] = [
    "gmail", "calendar", "batch", "oauth", "token", "revoke", "userinfo", "all",
];

/// The service words of a path.
fn words(path: &str) -> &'static [&'static str] {
    match path.split('/').nth(1).unwrap_or_default() {
        "gmail" => &["gmail"],
        "batch" => &["batch"],
        "calendar" => &["calendar"],
        "token" => &["token", "oauth"],
        "revoke" => &["revoke", "oauth"],
        "v1" | "oauth2" => &["userinfo", "oauth"],
        "o" => &["oauth"],
        _ => &[],
    }
}

/// The error form that a path's service speaks.
pub(crate) fn style_of(path: &str) -> Style {
    match words(path).first() {
        Some(&"calendar") => Style::Legacy,
        Some(&"token" | &"revoke" | &"oauth") => Style::Oauth,
        _ => Style::Modern,
    }
}

impl Fault {
    /// # Errors
    /// [`SandboxError::Unknown`] when `match` is neither a path nor a service.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        if self.target.starts_with('/') || SERVICES.contains(&self.target.as_str()) {
            return Ok(());
        }
        Err(SandboxError::Unknown {
            what: "service",
            name: self.target.clone(),
        })
    }

    fn applies(&self, request: &Request, account: Option<&str>) -> bool {
        let target = self.target.as_str();
        let place = if target.starts_with('/') {
            request.path.starts_with(target)
        } else {
            target == "all" || words(&request.path).contains(&target)
        };
        place
            && self
                .method
                .as_ref()
                .is_none_or(|m| m.eq_ignore_ascii_case(&request.method))
            && self.account.as_deref().is_none_or(|a| Some(a) == account)
    }

    /// The answer that replaces the right one; none when the right one is sent.
    pub(crate) fn reply(&self, path: &str, now: UnixMs) -> Option<Reply> {
        if self.status.is_none() && self.body.is_none() {
            return None;
        }
        let status = self.status.unwrap_or(200);
        let reply = match &self.body {
            Some(body) => {
                let code = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                let kind = self
                    .content_type
                    .as_deref()
                    .unwrap_or("text/html; charset=utf-8");
                Reply::new(code, kind, body.clone())
            }
            None => self.error(status, path, now).reply(style_of(path)),
        };
        Some(match &self.retry_after {
            Some(value) => reply.with("retry-after", value),
            None => reply,
        })
    }

    fn error(&self, status: u16, path: &str, now: UnixMs) -> ApiError {
        let (reason, message) = usual(status, style_of(path));
        let reason = self.reason.as_deref().unwrap_or(reason);
        let message = self
            .message
            .as_deref()
            .unwrap_or_else(|| usual_message(reason, message));
        let message = match self.retry_text_s {
            Some(s) => {
                let ahead = Duration::from_secs(u64::try_from(s).unwrap_or(0));
                let at = if s < 0 {
                    UnixMs(now.0 + s.saturating_mul(1000))
                } else {
                    now.plus(ahead)
                };
                format!(
                    "{}.  Retry after {}",
                    message.trim_end_matches('.'),
                    at.to_rfc3339()
                )
            }
            None => message.to_owned(),
        };
        ApiError::new(status, reason, message)
    }
}

/// Reason and message that Google usually gives with a status.
fn usual(status: u16, style: Style) -> (&'static str, &'static str) {
    if style == Style::Oauth {
        return match status {
            400 => ("invalid_grant", "Token has been expired or revoked."),
            401 => ("invalid_client", "Unauthorized"),
            _ => ("internal_failure", "Backend Error"),
        };
    }
    match status {
        400 => ("badRequest", "Bad Request"),
        401 => ("authError", "Invalid Credentials"),
        403 => ("forbidden", "Forbidden"),
        404 => ("notFound", "Requested entity was not found."),
        410 => (
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
        ),
        429 => (
            "rateLimitExceeded",
            "Resource has been exhausted (e.g. check quota).",
        ),
        503 => ("backendError", "The service is currently unavailable."),
        _ => ("backendError", "Internal error encountered."),
    }
}

fn usual_message<'a>(reason: &str, other: &'a str) -> &'a str {
    match reason {
        "userRateLimitExceeded" => "User-rate limit exceeded.",
        "quotaExceeded" => "Quota exceeded.",
        "dailyLimitExceeded" => "Daily Limit Exceeded",
        "insufficientPermissions" => "Insufficient Permission",
        "domainPolicy" => "The domain administrators have disabled this app.",
        _ => other,
    }
}

impl FaultPlan {
    /// Switches a fault on; its id.
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.armed.push(Armed {
            id: self.last_id,
            fault,
            seen: 0,
            hits: 0,
        });
        self.last_id
    }

    pub(crate) fn clear(&mut self, id: Option<u64>) {
        self.armed.retain(|a| id.is_some_and(|id| a.id != id));
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.armed).unwrap_or_default()
    }

    /// What happens to a request. A part of a batch has no connection of its
    /// own, so that only faults with an answer apply to it.
    pub(crate) fn take(
        &mut self,
        request: &Request,
        account: Option<&str>,
        in_batch: bool,
    ) -> Option<Hit> {
        if request.path.starts_with("/sandbox/") {
            return None;
        }
        for armed in &mut self.armed {
            let f = &armed.fault;
            let answers = f.status.is_some() || f.body.is_some();
            let spent = f.count.is_some_and(|c| armed.hits >= c);
            if spent || (in_batch && !answers) || !f.applies(request, account) {
                continue;
            }
            armed.seen += 1;
            if armed.seen > f.skip {
                armed.hits += 1;
                return Some(Hit {
                    id: armed.id,
                    fault: f.clone(),
                });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> Request {
        Request {
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        }
    }

    #[test]
    fn a_fault_skips_counts_and_ends() {
        let mut plan = FaultPlan::default();
        let fault = Fault {
            target: "gmail".into(),
            status: Some(503),
            skip: 1,
            count: Some(2),
            ..Fault::default()
        };
        plan.add(fault);
        let mut hit = |path: &str| plan.take(&request("GET", path), None, false).is_some();
        assert!(!hit("/calendar/v3/x"));
        let hits: Vec<_> = (0..5).map(|_| hit("/gmail/v1/users/me/profile")).collect();
        assert_eq!(hits, [false, true, true, false, false]);
    }

    #[test]
    fn the_message_can_name_the_time_to_wait_for() {
        let fault = Fault {
            target: "gmail".into(),
            status: Some(403),
            reason: Some("userRateLimitExceeded".into()),
            retry_text_s: Some(900),
            ..Fault::default()
        };
        let reply = fault.reply("/gmail/v1/x", UnixMs(0)).expect("an answer");
        let text = String::from_utf8(reply.body.to_vec()).expect("text");
        assert!(
            text.contains("User-rate limit exceeded.  Retry after 1970-01-01T00:15:00.000Z"),
            "{text}"
        );
        assert!(fault.check().is_ok());
        assert!(
            Fault {
                target: "mail".into(),
                ..fault
            }
            .check()
            .is_err()
        );
    }

    #[test]
    fn connection_faults_leave_parts_of_a_batch_alone() {
        let mut plan = FaultPlan::default();
        plan.add(Fault {
            target: "gmail".into(),
            reset: true,
            ..Fault::default()
        });
        assert!(
            plan.take(&request("GET", "/gmail/v1/x"), None, true)
                .is_none()
        );
        assert!(
            plan.take(&request("GET", "/gmail/v1/x"), None, false)
                .is_some()
        );
    }
}
