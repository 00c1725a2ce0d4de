//! What the keeper's own host answers.

use std::sync::atomic::Ordering;

use charmkeeper_accounts::broker::{Fetched, TokenError};
use charmkeeper_base::ErrorKind;
use serde_json::{Value, json as value};

use super::support::*;

const REFRESH: &str = "https://charmkeeper.invalid/api/integrations/google-oauth/refresh";

async fn world() -> World {
    let mut w = World::new(|_, _| json(200, "{}")).await;
    // The keeper's host needs no listing.
    w.policy.hosts.clear();
    w
}

async fn ask(w: &World, body: &str) -> Fetched {
    let fetched = w
        .fetch(request("POST", REFRESH, &[], body.as_bytes()))
        .await;
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
    fetched
}

#[tokio::test]
async fn a_refresh_is_answered_in_the_references_form_with_placeholders() {
    let w = world().await;
    let fetched = ask(&w, r#"{"refreshToken":"kc-r:a"}"#).await;
    let response = fetched.result.unwrap();
    assert_eq!((response.status, response.url.as_str()), (200, REFRESH));
    assert_eq!(
        response.headers,
        [("content-type".to_owned(), "application/json".to_owned())]
    );
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        body,
        value!({
            "success": true,
            "message": "success",
            "tokenInfo": {
                "token": "kc:a",
                "tokenType": "Bearer",
                "scope": ["https://www.googleapis.com/auth/gmail.readonly"],
                "expiresIn": 3599,
                "refreshToken": "kc-r:a",
                "expiresAt": NOW.0 + 3_599_000,
            }
        })
    );
    assert_eq!(fetched.record.host, "charmkeeper.invalid");
    assert_eq!(
        (fetched.record.account.as_deref(), fetched.record.error),
        (Some("a"), None)
    );
}

#[tokio::test]
async fn only_a_dead_grant_is_400() {
    let w = world().await;
    let account = || "a@example.com".to_owned();
    let reason = || "because".to_owned();
    let dead = TokenError::SignIn {
        account: account(),
        reason: reason(),
    };
    *w.tokens.failure.lock().unwrap() = Some(dead);
    let fetched = ask(&w, r#"{"refreshToken":"kc-r:a"}"#).await;
    let response = fetched.result.unwrap();
    assert_eq!(response.status, 400);
    assert_eq!(response.body, br#"{"error":"Failed to refresh token"}"#);
    assert_eq!(fetched.record.error.unwrap().kind, ErrorKind::SignIn);
    for (error, kind) in [
        (TokenError::Offline { detail: reason() }, ErrorKind::Offline),
        (
            TokenError::Provider { detail: reason() },
            ErrorKind::Provider,
        ),
        (TokenError::Quota { retry_at: NOW }, ErrorKind::Quota),
        (
            TokenError::Keychain { reason: reason() },
            ErrorKind::Keychain,
        ),
        (TokenError::Client { reason: reason() }, ErrorKind::Usage),
        (
            TokenError::UnknownAccount { account: account() },
            ErrorKind::Usage,
        ),
    ] {
        *w.tokens.failure.lock().unwrap() = Some(error);
        let fetched = ask(&w, r#"{"refreshToken":"kc-r:a"}"#).await;
        assert_eq!(fetched.result.unwrap_err().kind, kind);
        assert_eq!(fetched.record.error.unwrap().kind, kind);
    }
}

#[tokio::test]
async fn requests_that_name_no_account_of_the_charm_erase_nothing() {
    let w = world().await;
    for body in [
        "",
        "nonsense",
        "{}",
        r#"{"refreshToken":""}"#,
        r#"{"refreshToken":"kc:a"}"#,
    ] {
        let status = ask(&w, body).await.result.unwrap().status;
        assert!(
            ![400, 401, 403].contains(&status) && status > 400,
            "{body}: {status}"
        );
    }
    let error = ask(&w, r#"{"refreshToken":"kc-r:other"}"#)
        .await
        .result
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage);
}

#[tokio::test]
async fn everything_else_there_is_not_found() {
    let w = world().await;
    for (method, path, status) in [
        ("GET", "/api/integrations/google-oauth/refresh", 405),
        ("POST", "/api/integrations/google-oauth/login", 404),
        ("POST", "/api/integrations/bg", 404),
        ("GET", "/", 404),
        ("POST", "/api/integrations/google-oauth/refresh/", 404),
    ] {
        let url = format!("https://charmkeeper.invalid{path}");
        let fetched = w.fetch(request(method, &url, &[], b"")).await;
        let response = fetched.result.unwrap();
        assert_eq!(response.status, status, "{method} {path}");
        assert!(serde_json::from_slice::<Value>(&response.body).unwrap()["error"].is_string());
        assert!(fetched.record.error.is_some());
    }
    assert_eq!(w.server.connections.load(Ordering::SeqCst), 0);
}
