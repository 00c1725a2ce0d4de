//! The token and the revocation endpoint, with Google's words for each mistake
//! (reference: google.md §2a).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use charmkeeper_base::UnixMs;
use http::{StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::grants::{Refresh, ScopeSet};
use super::{id_token, scopes};
use crate::config::{CLIENT_ID, CLIENT_SECRET};
use crate::message::{Params, Reply, Request};
use crate::shared::Shared;
use crate::world::inner::Inner;

/// An error of the token endpoint.
struct Refusal(u16, &'static str, String);

fn refusal(status: u16, word: &'static str, text: impl Into<String>) -> Refusal {
    Refusal(status, word, text.into())
}

impl Refusal {
    fn reply(&self) -> Reply {
        let status = StatusCode::from_u16(self.0).unwrap_or(StatusCode::BAD_REQUEST);
        answer(
            status,
            &json!({"error": self.1, "error_description": self.2}),
        )
    }
}

fn answer(status: StatusCode, body: &Value) -> Reply {
    Reply::json(status, body)
        .with(
            "cache-control",
            "no-cache, no-store, max-age=0, must-revalidate",
        )
        .with("pragma", "no-cache")
}

/// `POST /token`.
pub(crate) fn token(shared: &Shared, request: &Request) -> Reply {
    let form = request.form();
    let now = shared.clock.now();
    let mut inner = shared.lock();
    let result = match form.given("grant_type") {
        None => Err(refusal(
            400,
            "invalid_request",
            "Required parameter is missing: grant_type",
        )),
        Some("authorization_code") => {
            check_client(request, &form).and_then(|()| exchange(&mut inner, &form, now))
        }
        Some("refresh_token") => {
            check_client(request, &form).and_then(|()| refresh(&mut inner, &form, now))
        }
        Some(other) => Err(refusal(
            400,
            "unsupported_grant_type",
            format!("Invalid grant_type: {other}"),
        )),
    };
    match result {
        Ok(body) => answer(StatusCode::OK, &body),
        Err(refusal) => refusal.reply(),
    }
}

/// Id and secret of the client, from the form or from Basic authentication.
/// Google wants the secret of a desktop client too, PKCE or not.
fn check_client(request: &Request, form: &Params) -> Result<(), Refusal> {
    let basic = request
        .header(header::AUTHORIZATION)
        .and_then(basic_credentials);
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (form.given("client_id"), form.given("client_secret")),
    };
    match (id, secret) {
        (None, _) => Err(refusal(
            400,
            "invalid_request",
            "Could not determine client ID from request.",
        )),
        (Some(id), _) if id != CLIENT_ID => Err(refusal(
            401,
            "invalid_client",
            "The OAuth client was not found.",
        )),
        (_, None) => Err(refusal(400, "invalid_request", "client_secret is missing.")),
        (_, Some(secret)) if secret != CLIENT_SECRET => Err(refusal(
            401,
            "invalid_client",
            "The provided client secret is invalid.",
        )),
        _ => Ok(()),
    }
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let encoded = header
        .strip_prefix("Basic ")
        .or_else(|| header.strip_prefix("basic "))?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    // Both are form-encoded before they are joined (RFC 6749 §2.3.1).
    let decode = |s: &str| {
        Params::parse(format!("x={s}").as_bytes())
            .get("x")
            .map(str::to_owned)
    };
    Some((decode(id)?, decode(secret)?))
}

fn exchange(inner: &mut Inner, form: &Params, now: UnixMs) -> Result<Value, Refusal> {
    let Some(code) = form.given("code") else {
        return Err(refusal(
            400,
            "invalid_request",
            "Missing required parameter: code",
        ));
    };
    if !code.starts_with("4/") {
        return Err(refusal(400, "invalid_grant", "Malformed auth code."));
    }
    let Some(code) = inner.grants.take_code(code, now) else {
        return Err(refusal(400, "invalid_grant", "Bad Request"));
    };
    match form.given("redirect_uri") {
        None => {
            return Err(refusal(
                400,
                "invalid_request",
                "Missing required parameter: redirect_uri",
            ));
        }
        Some(uri) if uri != code.request.redirect_uri => {
            return Err(refusal(400, "redirect_uri_mismatch", "Bad Request"));
        }
        Some(_) => {}
    }
    let Some(verifier) = form.given("code_verifier") else {
        return Err(refusal(400, "invalid_grant", "Missing code verifier."));
    };
    let fits = (43..=128).contains(&verifier.len());
    if !fits || URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != code.request.challenge {
        return Err(refusal(400, "invalid_grant", "Invalid code verifier."));
    }
    let client = code.request.client_id.clone();
    let nonce = code.request.nonce.as_deref();
    let mut body = access_answer(inner, code.email, &client, &code.scopes, nonce, now);
    if code.offline {
        let (token, lasts) = new_refresh(inner, code.email, &client, &code.scopes, now);
        body["refresh_token"] = token.into();
        if let Some(lasts) = lasts {
            body["refresh_token_expires_in"] = lasts.into();
        }
    }
    Ok(body)
}

fn refresh(inner: &mut Inner, form: &Params, now: UnixMs) -> Result<Value, Refusal> {
    let Some(token) = form.given("refresh_token") else {
        return Err(refusal(
            400,
            "invalid_request",
            "Missing required parameter: refresh_token",
        ));
    };
    let Some(grant) = inner.grants.refresh(token, now).cloned() else {
        return Err(refusal(
            400,
            "invalid_grant",
            "Token has been expired or revoked.",
        ));
    };
    let mut body = access_answer(inner, grant.email, &grant.client, &grant.scopes, None, now);
    if let Some(ends) = grant.expires {
        body["refresh_token_expires_in"] = ends.since(now).as_secs().into();
    }
    if inner.behaviour.rotate_refresh_tokens {
        inner.grants.retire(token);
        body["refresh_token"] = inner.grants.issue_refresh(grant).into();
    }
    Ok(body)
}

fn new_refresh(
    inner: &mut Inner,
    email: &'static str,
    client: &str,
    scopes: &ScopeSet,
    now: UnixMs,
) -> (String, Option<u64>) {
    let lasts = inner.behaviour.refresh_token_lifetime_s;
    let token = inner.grants.issue_refresh(Refresh {
        email,
        client: client.to_owned(),
        scopes: scopes.clone(),
        expires: lasts.map(|s| now.plus(Duration::from_secs(s))),
    });
    (token, lasts)
}

fn access_answer(
    inner: &mut Inner,
    email: &'static str,
    client: &str,
    granted: &ScopeSet,
    nonce: Option<&str>,
    now: UnixMs,
) -> Value {
    let lasts = inner.behaviour.access_token_lifetime_s;
    let until = now.plus(Duration::from_secs(lasts));
    let token = inner.grants.issue_access(email, client, granted, until);
    let list: Vec<_> = granted.iter().copied().collect();
    let mut body = json!({
        "access_token": token,
        "expires_in": lasts,
        "scope": list.join(" "),
        "token_type": "Bearer",
    });
    if granted.contains(scopes::OPENID)
        && let Some(profile) = crate::world::Profile::find(email)
    {
        body["id_token"] = id_token::sign(profile, client, granted, nonce, now).into();
    }
    body
}

/// `POST /revoke`, the token in the form or in the query.
pub(crate) fn revoke(shared: &Shared, request: &Request) -> Reply {
    let (form, query) = (request.form(), request.params());
    let Some(token) = form.given("token").or_else(|| query.given("token")) else {
        return refusal(400, "invalid_request", "Missing required parameter: token").reply();
    };
    let now = shared.clock.now();
    if shared.lock().grants.revoke(token, now) {
        return answer(StatusCode::OK, &json!({}));
    }
    refusal(400, "invalid_token", "Token expired or revoked").reply()
}
