//! The token, revocation and userinfo endpoints over real HTTP.

use std::time::Duration;

use charmkeeper_sandbox::{CLIENT_ID, CLIENT_SECRET, PROFILES, SAMPLE_ACCOUNT};
use serde_json::json;

use crate::common::*;

#[tokio::test]
async fn the_token_endpoint_names_each_mistake_in_googles_words() {
    let b = start().await;
    let code = b.code(SAMPLE_ACCOUNT).await;
    let right = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    // None of the client's own mistakes uses the code up.
    for (name, value, status, word, text) in [
        (
            "grant_type",
            "",
            400,
            "invalid_request",
            "Required parameter is missing: grant_type",
        ),
        (
            "grant_type",
            "password",
            400,
            "unsupported_grant_type",
            "Invalid grant_type: password",
        ),
        (
            "client_id",
            "",
            400,
            "invalid_request",
            "Could not determine client ID from request.",
        ),
        (
            "client_id",
            "x",
            401,
            "invalid_client",
            "The OAuth client was not found.",
        ),
        (
            "client_secret",
            "",
            400,
            "invalid_request",
            "client_secret is missing.",
        ),
        (
            "client_secret",
            "x",
            401,
            "invalid_client",
            "The provided client secret is invalid.",
        ),
        (
            "code",
            "",
            400,
            "invalid_request",
            "Missing required parameter: code",
        ),
        ("code", "junk", 400, "invalid_grant", "Malformed auth code."),
        ("code", "4/junk", 400, "invalid_grant", "Bad Request"),
    ] {
        let form: Vec<_> = right
            .iter()
            .map(|(n, v)| (*n, if *n == name { value } else { *v }))
            .filter(|(_, v)| !v.is_empty())
            .collect();
        let answer = b.form("/token", &form).await;
        assert_eq!(answer.status, status, "{name}={value}");
        assert_eq!(
            answer.json(),
            json!({"error": word, "error_description": text}),
            "{name}={value}"
        );
    }
    b.exchange(&code).await.ok();
    for (name, value, word) in [
        (
            "redirect_uri",
            "http://127.0.0.1:1/other",
            "redirect_uri_mismatch",
        ),
        ("redirect_uri", "", "invalid_request"),
        ("code_verifier", "", "invalid_grant"),
        (
            "code_verifier",
            "another-verifier-of-more-than-forty-three-characters",
            "invalid_grant",
        ),
        ("code_verifier", "short", "invalid_grant"),
    ] {
        let code = b.code(SAMPLE_ACCOUNT).await;
        let form: Vec<_> = right
            .iter()
            .map(|(n, v)| (*n, if *n == name { value } else { *v }))
            .map(|(n, v)| (n, if n == "code" { code.as_str() } else { v }))
            .filter(|(_, v)| !v.is_empty())
            .collect();
        let answer = b.form("/token", &form).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!(word)),
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn the_client_may_come_by_basic_authentication() {
    let b = start().await;
    let code = b.code(SAMPLE_ACCOUNT).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let send = |secret: &'static str| {
        b.send(
            b.http
                .post(b.url("/token"))
                .basic_auth(CLIENT_ID, Some(secret))
                .form(&form),
        )
    };
    assert_eq!(send("wrong").await.status, 401);
    send(CLIENT_SECRET).await.ok();
}

#[tokio::test]
async fn refreshing_gives_a_new_access_token_and_no_refresh_token() {
    let b = start().await;
    let first = b.exchange(&b.code(SAMPLE_ACCOUNT).await).await.ok();
    let (access, refresh) = (
        first["access_token"].as_str(),
        first["refresh_token"].as_str(),
    );
    let (access, refresh) = (access.expect("access"), refresh.expect("refresh"));
    b.clock.advance(Duration::from_secs(3598));
    b.get("/gmail/v1/users/me/profile", access).await.ok();
    b.clock.advance(Duration::from_secs(1));
    let expired = b.get("/gmail/v1/users/me/profile", access).await;
    assert_eq!(
        (expired.status, expired.reason().as_str()),
        (401, "authError")
    );
    assert!(
        expired.headers["www-authenticate"]
            .to_str()
            .expect("text")
            .contains("invalid_token")
    );

    let second = b.refresh(refresh).await.ok();
    assert!(second.get("refresh_token").is_none(), "{second}");
    assert_eq!(second["scope"], first["scope"]);
    b.get(
        "/gmail/v1/users/me/profile",
        second["access_token"].as_str().expect("new"),
    )
    .await
    .ok();
    assert!(b.sandbox.saw_token(refresh) && b.sandbox.saw_token(access));
    assert!(!b.sandbox.saw_token("kc:account"));
}

#[tokio::test]
async fn a_refresh_token_comes_with_the_first_consent_or_a_forced_one_and_only_offline() {
    let b = start().await;
    let has_refresh = async |change: &[(&str, &str)]| {
        let url = b
            .sandbox
            .approve(&b.auth_url(change), SAMPLE_ACCOUNT, None)
            .await
            .expect("ok");
        let token = b.exchange(&param(&url, "code").expect("code")).await.ok();
        token.get("refresh_token").is_some()
    };
    assert!(!has_refresh(&[("access_type", "")]).await);
    b.sandbox
        .world()
        .revoke_grants(SAMPLE_ACCOUNT)
        .expect("account");
    assert!(has_refresh(&[("prompt", "")]).await, "first consent");
    assert!(!has_refresh(&[("prompt", "")]).await, "second consent");
    assert!(
        has_refresh(&[("prompt", "select_account consent")]).await,
        "forced"
    );
}

#[tokio::test]
async fn earlier_scopes_join_only_when_asked_for() {
    let b = start().await;
    let scope = async |change: &[(&str, &str)]| {
        let url = b
            .sandbox
            .approve(&b.auth_url(change), SAMPLE_ACCOUNT, None)
            .await
            .expect("ok");
        let token = b.exchange(&param(&url, "code").expect("code")).await.ok();
        token["scope"].as_str().expect("scope").to_owned()
    };
    assert!(!scope(&[("scope", GMAIL)]).await.contains(CALENDAR));
    assert!(!scope(&[("scope", CALENDAR)]).await.contains(GMAIL));
    let both = scope(&[("scope", CALENDAR), ("include_granted_scopes", "true")]).await;
    assert!(both.contains(CALENDAR) && both.contains(GMAIL), "{both}");
}

#[tokio::test]
async fn revoking_ends_the_whole_grant_and_a_second_time_is_an_error() {
    let b = start().await;
    let first = b.exchange(&b.code(SAMPLE_ACCOUNT).await).await.ok();
    let other = b.exchange(&b.code("work@sandbox.example").await).await.ok();
    let refresh = first["refresh_token"].as_str().expect("refresh");
    let access = first["access_token"].as_str().expect("access");
    assert_eq!(b.form("/revoke", &[("token", refresh)]).await.status, 200);
    let again = b.form("/revoke", &[("token", refresh)]).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (400, &json!("invalid_token"))
    );
    let dead = b.refresh(refresh).await;
    assert_eq!(dead.status, 400);
    assert_eq!(
        dead.json(),
        json!({
            "error": "invalid_grant",
            "error_description": "Token has been expired or revoked."
        })
    );
    assert_eq!(
        b.get("/gmail/v1/users/me/profile", access).await.status,
        401
    );
    b.refresh(other["refresh_token"].as_str().expect("refresh"))
        .await
        .ok();
    assert_eq!(
        b.form("/revoke", &[]).await.json()["error"],
        "invalid_request"
    );
}

#[tokio::test]
async fn lifetimes_rotation_and_issuer_can_be_switched() {
    let b = start().await;
    b.sandbox.world().set_behaviour(|x| {
        x.refresh_token_lifetime_s = Some(604_800);
        x.rotate_refresh_tokens = true;
        x.issuer = None;
    });
    let url = b
        .sandbox
        .approve(&b.auth_url(&[]), SAMPLE_ACCOUNT, None)
        .await
        .expect("ok");
    assert_eq!(param(&url, "iss"), None);
    let first = b.exchange(&param(&url, "code").expect("code")).await.ok();
    assert_eq!(first["refresh_token_expires_in"], 604_800);
    let old = first["refresh_token"].as_str().expect("refresh");
    let second = b.refresh(old).await.ok();
    let new = second["refresh_token"].as_str().expect("rotated");
    assert_ne!(old, new);
    assert_eq!(b.refresh(old).await.json()["error"], "invalid_grant");
    b.clock.advance(Duration::from_secs(604_800));
    assert_eq!(b.refresh(new).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn the_oldest_of_more_than_a_hundred_refresh_tokens_dies_silently() {
    let b = start_with(|c| (c.messages, c.events) = (1, 0)).await;
    let mut tokens = Vec::new();
    for _ in 0..101 {
        let token = b.exchange(&b.code(SAMPLE_ACCOUNT).await).await.ok();
        tokens.push(token["refresh_token"].as_str().expect("refresh").to_owned());
    }
    assert_eq!(b.refresh(&tokens[0]).await.json()["error"], "invalid_grant");
    b.refresh(&tokens[1]).await.ok();
    b.refresh(&tokens[100]).await.ok();
}

#[tokio::test]
async fn userinfo_tells_what_the_scopes_allow() {
    let b = start().await;
    let token = b.sign_in_as(PROFILES[2].email).await;
    let new = b.get("/v1/userinfo", &token).await.ok();
    assert_eq!(
        (&new["email"], &new["name"]),
        (&json!(PROFILES[2].email), &json!(PROFILES[2].name))
    );
    assert_eq!(
        (&new["sub"], &new["email_verified"]),
        (&json!(PROFILES[2].sub), &json!(true))
    );
    let old = b.get("/oauth2/v2/userinfo", &token).await.ok();
    assert_eq!(
        (&old["id"], &old["verified_email"]),
        (&json!(PROFILES[2].sub), &json!(true))
    );
    let picture = new["picture"].as_str().expect("picture");
    let picture = b.send(b.http.get(picture)).await;
    assert_eq!(picture.headers["content-type"], "image/svg+xml");

    let only_mail = b.token_for(GMAIL).await;
    assert_eq!(b.get("/v1/userinfo", &only_mail).await.status, 403);
    let only_address = b.token_for("email").await;
    let info = b.get("/v1/userinfo", &only_address).await.ok();
    assert_eq!(info["email"], SAMPLE_ACCOUNT);
    assert!(info.get("name").is_none());
    assert_eq!(
        b.get("/v1/userinfo", "junk").await.json()["error"],
        "invalid_request"
    );
}

#[tokio::test]
async fn a_planted_token_is_the_next_one_given_out() {
    let b = start().await;
    b.sandbox.world().plant_access_token("ya29.PLANTED");
    let token = b.sign_in().await;
    assert_eq!(token, "ya29.PLANTED");
    assert!(!b.sandbox.saw_token("ya29.PLANTED"));
    b.get("/gmail/v1/users/me/profile", &token).await.ok();
    assert!(b.sandbox.saw_token("ya29.PLANTED"));
    let issued = b.sandbox.world().issued_tokens();
    assert!(issued.contains(&token) && issued.len() == 2, "{issued:?}");
    let log = format!("{:?}", b.sandbox.requests());
    assert!(issued.iter().all(|t| !log.contains(t.as_str())), "{log}");
}
