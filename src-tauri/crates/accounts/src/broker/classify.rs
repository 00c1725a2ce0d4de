//! What kind of failure an answer is.
//!
//! Owns: reading Google's error JSON and statuses into the kinds of error that
//! the scheduler acts on (Google, "Resolve errors" of the Gmail and Calendar
//! APIs; google.rpc.ErrorInfo and RetryInfo). Never changes what the charm gets.

use std::time::Duration;

use charmkeeper_base::http::CallError;
use charmkeeper_base::{ErrorKind, UnixMs};
use serde_json::Value;

use super::errors::{quotable, refusal};
use super::quota::{Asked, MAX_WAIT, SlowDown};

/// Error bodies are small; a larger one is not read.
const MAX_ERROR_BODY: usize = 256 << 10;

/// An answer, or one part of a batch answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    /// True for Google's API hosts.
    pub provider: bool,
    /// True when a token of ours was sent.
    pub signed: bool,
    /// Host in the charm's terms.
    pub host: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    pub content_type: Option<&'a str>,
    pub retry_after: Option<&'a str>,
    pub date: Option<&'a str>,
    /// `WWW-Authenticate`.
    pub challenge: Option<&'a str>,
    pub body: &'a [u8],
}

/// A failure, and for rate limits how long to wait.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Anything that is not a rate limit of an account of ours.
    Failed(CallError),
    /// The account must wait.
    SlowDown(SlowDown),
}

/// `None` when the answer is no failure for this kind of request.
pub(crate) fn classify(answer: &Answer<'_>, now: UnixMs) -> Option<Verdict> {
    if answer.status < 400 || is_ordinary(answer) {
        return None;
    }
    let problem = Problem::read(answer.body);
    let who = if answer.provider {
        "Google"
    } else {
        answer.host
    };
    let said = problem.said(answer.status);
    let failed = |kind, message: String| Some(Verdict::Failed(refusal(kind, message)));
    match answer.status {
        407 | 511 => failed(
            ErrorKind::Offline,
            format!("This network asks for a sign-in before {who} can be reached."),
        ),
        429 => Some(rate_limit(answer, &problem, who, now)),
        403 if answer.provider && problem.is_rate_limit() => {
            Some(rate_limit(answer, &problem, who, now))
        }
        403 if answer.provider => Some(Verdict::Failed(forbidden(answer, &problem, &said))),
        401 if answer.signed => failed(
            ErrorKind::Provider,
            format!("Google refused the access token although it is new: {said}."),
        ),
        401 if answer.provider => failed(
            ErrorKind::Charm,
            format!("The charm asked Google without a sign-in: {said}."),
        ),
        408 | 500..=599 => {
            let asked = asked(answer, &problem).wait(now);
            let retry_at = asked.map(|wait| now.plus(wait.min(MAX_WAIT)));
            let message = format!("{who} failed: {said}.");
            Some(Verdict::Failed(CallError {
                kind: ErrorKind::Provider,
                message,
                retry_at,
            }))
        }
        400..=499 => failed(
            ErrorKind::Charm,
            format!("{who} did not accept the request: {said}."),
        ),
        _ => failed(
            ErrorKind::Provider,
            format!("{who} answered with nonsense: {said}."),
        ),
    }
}

/// Statuses that are part of Google's sync protocols: a message that is gone, a
/// history id or sync token that is too old (404, 410), an entity that was not
/// as expected (412). A charm that cannot handle them will say so itself.
fn is_ordinary(answer: &Answer<'_>) -> bool {
    let reads = matches!(answer.method, "GET" | "HEAD" | "DELETE");
    answer.provider && (answer.status == 412 || (reads && matches!(answer.status, 404 | 410)))
}

fn asked<'a>(answer: &Answer<'a>, problem: &'a Problem) -> Asked<'a> {
    Asked {
        retry_after: answer.retry_after,
        date: answer.date,
        text: &problem.message,
        delay: problem.delay.as_deref(),
    }
}

fn rate_limit(answer: &Answer<'_>, problem: &Problem, who: &str, now: UnixMs) -> Verdict {
    let reason = format!("{who} asks to slow down: {}.", problem.said(answer.status));
    let asked = asked(answer, problem).wait(now);
    if answer.provider && answer.signed {
        // A used-up day ends at midnight in California, which no answer says.
        let day = problem.has(&["dailylimitexceeded"]);
        let floor = if day { MAX_WAIT } else { Duration::ZERO };
        return Verdict::SlowDown(SlowDown {
            asked,
            floor,
            reason,
        });
    }
    let retry_at = asked.map(|wait| now.plus(wait.min(MAX_WAIT)));
    Verdict::Failed(CallError {
        kind: ErrorKind::Quota,
        message: reason,
        retry_at,
    })
}

fn forbidden(answer: &Answer<'_>, problem: &Problem, said: &str) -> CallError {
    let challenged = answer
        .challenge
        .is_some_and(|c| c.contains("insufficient_scope"));
    let scopes = [
        "insufficientpermissions",
        "accesstokenscopeinsufficient",
        "insufficientscopes",
    ];
    if challenged || problem.has(&scopes) {
        let service = match answer.path {
            p if p.starts_with("/calendar/") || p.starts_with("/batch/calendar/") => "Calendar",
            p if p.starts_with("/gmail/") || p.starts_with("/batch/gmail/") => "Gmail",
            _ => "access",
        };
        let message = format!("{service} was not granted for what the charm asked: {said}.");
        return refusal(ErrorKind::Scope, message);
    }
    if problem.has(&["accessnotconfigured", "servicedisabled"]) {
        let message = format!(
            "The API is not switched on for this Google client id: {said}. \
             Switch it on in the Google Cloud console."
        );
        return refusal(ErrorKind::Usage, message);
    }
    refusal(
        ErrorKind::Usage,
        format!("Google does not allow it: {said}."),
    )
}

/// True when something on the way answered instead of a JSON API of Google's,
/// as the sign-in page of a hotel's network does.
pub(crate) fn is_portal(answer: &Answer<'_>) -> bool {
    const JSON_APIS: [&str; 4] = ["/gmail/v1/", "/batch/", "/calendar/v3/", "/v1/userinfo"];
    let html = answer.content_type.is_some_and(|t| {
        t.trim_start()
            .get(..9)
            .is_some_and(|t| t.eq_ignore_ascii_case("text/html"))
    });
    answer.provider
        && answer.status == 200
        && html
        && JSON_APIS.iter().any(|api| answer.path.starts_with(api))
}

/// Google's error JSON, old and new form.
#[derive(Debug, Default)]
struct Problem {
    /// Reasons and status, lower-case letters only.
    reasons: Vec<String>,
    message: String,
    delay: Option<String>,
}

impl Problem {
    fn read(body: &[u8]) -> Self {
        let mut problem = Self::default();
        if body.len() > MAX_ERROR_BODY {
            return problem;
        }
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            return problem;
        };
        let error = match &json {
            Value::Array(list) => list.first().and_then(|e| e.get("error")),
            other => other.get("error"),
        };
        let Some(error) = error else { return problem };
        // OAuth's form: {"error": "...", "error_description": "..."}.
        if let Some(code) = error.as_str() {
            let text = json.get("error_description").and_then(Value::as_str);
            problem.reasons.push(letters(code));
            problem.message = text.unwrap_or(code).to_owned();
            return problem;
        }
        let list = |key: &str| {
            error
                .get(key)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let (errors, details) = (list("errors"), list("details"));
        for entry in errors.iter().chain(&details) {
            if let Some(reason) = entry.get("reason").and_then(Value::as_str) {
                problem.reasons.push(letters(reason));
            }
            if let Some(delay) = entry.get("retryDelay").and_then(Value::as_str) {
                problem.delay = Some(delay.to_owned());
            }
        }
        if let Some(status) = error.get("status").and_then(Value::as_str) {
            problem.reasons.push(letters(status));
        }
        let message = error
            .get("message")
            .or_else(|| errors.first()?.get("message"));
        problem.message = message
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        problem
    }

    fn has(&self, wanted: &[&str]) -> bool {
        self.reasons.iter().any(|r| wanted.contains(&r.as_str()))
    }

    fn is_rate_limit(&self) -> bool {
        const LIMITS: [&str; 6] = [
            "ratelimitexceeded",
            "userratelimitexceeded",
            "quotaexceeded",
            "dailylimitexceeded",
            "concurrentlimitexceeded",
            "resourceexhausted",
        ];
        self.has(&LIMITS)
    }

    /// The message with the status, for a sentence.
    fn said(&self, status: u16) -> String {
        match quotable(&self.message, 200) {
            text if text.is_empty() => format!("status {status}"),
            text => format!("{text} (status {status})"),
        }
    }
}

fn letters(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests;
