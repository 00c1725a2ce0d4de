//! What the keeper answers in the place of the reference server.
//!
//! Owns: `POST /api/integrations/google-oauth/refresh` on the keeper's own host,
//! in the reference server's JSON. Charms erase their sign-in when this answers
//! 400, 401 or 403, so that 400 is for a dead grant and nothing else: whatever
//! may pass is a failed request to them. Never tells a secret.

use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse};
use serde_json::{Value, json};
use url::Url;

use super::errors::{from_token, refusal};
use super::placeholder::{REFRESH_PREFIX, TOKEN_PREFIX};
use super::policy::Policy;
use super::token::{TokenError, TokenInfo, TokenSource};

const REFRESH_PATH: &str = "/api/integrations/google-oauth/refresh";

/// The answer, the account it is about, and the failure that it reports.
pub(crate) struct Answered {
    pub result: Result<HttpResponse, CallError>,
    pub account: Option<String>,
    pub error: Option<CallError>,
}

/// Answers a request to the keeper's own host.
pub(crate) async fn answer(
    tokens: &dyn TokenSource,
    policy: &Policy,
    url: &Url,
    request: &HttpRequest,
) -> Answered {
    if url.path() != REFRESH_PATH {
        return said(url, 404, &json!({ "error": "Not found" }), None);
    }
    if request.method != "POST" {
        return said(url, 405, &json!({ "error": "Method not allowed" }), None);
    }
    let Some(account) = account_of(&request.body) else {
        let error = refusal(
            ErrorKind::Charm,
            "The charm asked for a new token without naming one.",
        );
        // Not 400: see the module.
        return said(
            url,
            422,
            &json!({ "error": "No refreshToken provided" }),
            Some(error),
        );
    };
    if !policy.allows_account(&account) {
        let what = format!("The charm may not use the account {account}; allow it for this charm.");
        return failed(refusal(ErrorKind::Usage, what), None);
    }
    let mut answered = match tokens.describe(&account, true).await {
        Ok(info) => said(url, 200, &token_json(&account, &info), None),
        Err(error @ TokenError::SignIn { .. }) => {
            let body = json!({ "error": "Failed to refresh token" });
            said(url, 400, &body, Some(from_token(&error)))
        }
        Err(error) => failed(from_token(&error), None),
    };
    answered.account = Some(account);
    answered
}

/// The account of `{"refreshToken": "kc-r:<account>"}`. Some clients send no
/// `Content-Type`, so that it is not looked at.
fn account_of(body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let account = json
        .get("refreshToken")?
        .as_str()?
        .strip_prefix(REFRESH_PREFIX)?;
    (!account.is_empty()).then(|| account.to_owned())
}

fn token_json(account: &str, info: &TokenInfo) -> Value {
    json!({
        "success": true,
        "message": "success",
        "tokenInfo": {
            "token": format!("{TOKEN_PREFIX}{account}"),
            "tokenType": "Bearer",
            "scope": info.scopes,
            "expiresIn": info.expires_in.as_secs(),
            "refreshToken": format!("{REFRESH_PREFIX}{account}"),
            "expiresAt": info.expires_at.0,
        },
    })
}

fn said(url: &Url, status: u16, body: &Value, error: Option<CallError>) -> Answered {
    let text = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason());
    let response = HttpResponse {
        status,
        status_text: text.unwrap_or_default().to_owned(),
        url: url.to_string(),
        redirected: false,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    };
    let error = error.or_else(|| {
        let what = format!("The keeper has no {} for charms.", url.path());
        matches!(status, 404 | 405).then(|| refusal(ErrorKind::Charm, what))
    });
    Answered {
        result: Ok(response),
        account: None,
        error,
    }
}

fn failed(error: CallError, account: Option<String>) -> Answered {
    Answered {
        result: Err(error.clone()),
        account,
        error: Some(error),
    }
}
