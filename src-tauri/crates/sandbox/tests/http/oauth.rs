//! Sign-in over real HTTP: every rule of google.md §2a that a client relies on.

use std::time::Duration;

use crate::common::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_sandbox::{CLIENT_ID, ISSUER, SAMPLE_ACCOUNT, SandboxError};
use serde_json::{Value, json};

#[tokio::test]
async fn consent_gives_state_issuer_scope_and_a_code_that_works_once() {
    let b = start().await;
    let url = b
        .sandbox
        .approve(&b.auth_url(&[]), SAMPLE_ACCOUNT, None)
        .await
        .expect("consent");
    assert!(url.as_str().starts_with(REDIRECT), "{url}");
    assert_eq!(param(&url, "state").as_deref(), Some("the state / +&"));
    assert_eq!(param(&url, "iss").as_deref(), Some(ISSUER));
    assert!(param(&url, "scope").expect("scope").contains(GMAIL));
    let code = param(&url, "code").expect("code");

    let answer = b.exchange(&code).await;
    assert!(
        answer.headers["cache-control"]
            .to_str()
            .expect("text")
            .contains("no-store")
    );
    let token = answer.ok();
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 3599);
    assert!(
        token["access_token"]
            .as_str()
            .expect("token")
            .starts_with("ya29.")
    );
    assert!(
        token["refresh_token"]
            .as_str()
            .expect("token")
            .starts_with("1//")
    );
    let mut scopes: Vec<_> = token["scope"].as_str().expect("scope").split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(
        scopes,
        [
            CALENDAR,
            GMAIL,
            "https://www.googleapis.com/auth/userinfo.email",
            "https://www.googleapis.com/auth/userinfo.profile",
            "openid"
        ]
    );
    let claims = token["id_token"]
        .as_str()
        .expect("id")
        .split('.')
        .nth(1)
        .expect("claims");
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
    assert_eq!(claims["email"], SAMPLE_ACCOUNT);
    assert_eq!(claims["aud"], CLIENT_ID);

    let again = b.exchange(&code).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (400, &json!("invalid_grant"))
    );
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_and_a_page_after_half_an_hour() {
    let b = start().await;
    let code = b.code(SAMPLE_ACCOUNT).await;
    b.clock.advance(Duration::from_secs(600));
    assert_eq!(b.exchange(&code).await.json()["error"], "invalid_grant");

    let page = b.send(b.http.get(b.auth_url(&[]))).await;
    let id = page
        .text
        .split("name=\"request\" value=\"")
        .nth(1)
        .expect("id")
        .split('"')
        .next();
    b.clock.advance(Duration::from_secs(1800));
    let form = [
        ("request", id.expect("id")),
        ("account", SAMPLE_ACCOUNT),
        ("action", "continue"),
    ];
    let answer = b.form("/o/oauth2/v2/auth/consent", &form).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("expired"), "{}", answer.text);
}

#[tokio::test]
async fn mistakes_in_the_request_are_shown_on_a_page_and_never_redirected() {
    let b = start().await;
    let long = "x".repeat(43) + "=";
    let cases: [(&str, &str, u16, &str); 12] = [
        (
            "client_id",
            "someone-else.apps.googleusercontent.com",
            401,
            "invalid_client",
        ),
        ("client_id", "", 400, "invalid_request"),
        (
            "redirect_uri",
            "https://example.org/cb",
            400,
            "redirect_uri_mismatch",
        ),
        (
            "redirect_uri",
            "http://127.0.0.1.example.org/",
            400,
            "redirect_uri_mismatch",
        ),
        ("redirect_uri", "", 400, "invalid_request"),
        ("response_type", "token", 400, "unsupported_response_type"),
        ("scope", "email nonsense", 400, "invalid_scope"),
        ("scope", "", 400, "invalid_request"),
        ("code_challenge", "", 400, "invalid_request"),
        ("code_challenge", &long, 400, "invalid_request"),
        ("code_challenge_method", "plain", 400, "invalid_request"),
        ("code_challenge_method", "", 400, "invalid_request"),
    ];
    for (name, value, status, word) in cases {
        let answer = b.send(b.http.get(b.auth_url(&[(name, value)]))).await;
        assert_eq!(answer.status, status, "{name}={value}");
        assert!(
            answer.text.contains(&format!("Error {status}: {word}")),
            "{name}={value}: {}",
            answer.text
        );
        assert!(answer.headers.get("location").is_none());
        let refused = b
            .sandbox
            .approve(&b.auth_url(&[(name, value)]), SAMPLE_ACCOUNT, None)
            .await;
        assert!(
            matches!(refused, Err(SandboxError::Refused(text)) if text.contains(word)),
            "{name}"
        );
    }
    for redirect in [
        "http://[::1]:9/x",
        "http://localhost:1234",
        "http://127.0.0.1:65535/",
    ] {
        let url = b.auth_url(&[("redirect_uri", redirect)]);
        let back = b
            .sandbox
            .approve(&url, SAMPLE_ACCOUNT, None)
            .await
            .expect("any loopback port");
        assert!(back.as_str().starts_with(redirect), "{back}");
    }
}

#[tokio::test]
async fn cancel_and_an_empty_consent_are_access_denied() {
    let b = start().await;
    let url = b.sandbox.deny(&b.auth_url(&[])).await.expect("a redirect");
    assert_eq!(param(&url, "error").as_deref(), Some("access_denied"));
    assert_eq!(param(&url, "state").as_deref(), Some("the state / +&"));
    assert_eq!(param(&url, "code"), None);
    let gmail_only = b.auth_url(&[("scope", GMAIL)]);
    let url = b
        .sandbox
        .approve(&gmail_only, SAMPLE_ACCOUNT, Some(&[]))
        .await
        .expect("a redirect");
    assert_eq!(param(&url, "error").as_deref(), Some("access_denied"));
    let silent = b.auth_url(&[("prompt", "none")]);
    let url = b
        .sandbox
        .approve(&silent, SAMPLE_ACCOUNT, None)
        .await
        .expect("a redirect");
    assert_eq!(
        param(&url, "error").as_deref(),
        Some("interaction_required")
    );
}

#[tokio::test]
async fn an_unticked_box_is_missing_from_the_scope_and_really_closed() {
    let b = start().await;
    let url = b
        .sandbox
        .approve(&b.auth_url(&[]), SAMPLE_ACCOUNT, Some(&[GMAIL]))
        .await
        .expect("ok");
    let token = b.exchange(&param(&url, "code").expect("code")).await.ok();
    let scope = token["scope"].as_str().expect("scope");
    assert!(
        scope.contains(GMAIL) && !scope.contains(CALENDAR),
        "{scope}"
    );
    let access = token["access_token"].as_str().expect("token");
    b.get("/gmail/v1/users/me/profile", access).await.ok();
    let closed = b.get("/calendar/v3/users/me/calendarList", access).await;
    assert_eq!(
        (closed.status, closed.reason().as_str()),
        (403, "insufficientPermissions")
    );
}

#[tokio::test]
async fn the_page_serves_a_browser_without_scripts_and_takes_the_hint() {
    let b = start().await;
    let hinted = b.auth_url(&[("login_hint", "work@sandbox.example")]);
    let page = b.send(b.http.get(hinted)).await;
    assert_eq!(page.status, 200);
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .expect("text")
            .contains("default-src 'none'")
    );
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert!(
        page.text
            .contains("value=\"work@sandbox.example\" required checked"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("<script"));
    let unknown = b
        .send(b.http.get(b.auth_url(&[("login_hint", "no@one.example")])))
        .await;
    assert!(unknown.text.contains("no@one.example") && !unknown.text.contains("required checked"));
}

#[tokio::test]
async fn a_form_from_another_site_and_an_answered_page_are_refused() {
    let b = start().await;
    let page = b.send(b.http.get(b.auth_url(&[]))).await;
    let id = page
        .text
        .split("name=\"request\" value=\"")
        .nth(1)
        .expect("id")
        .split('"')
        .next();
    let form = [
        ("request", id.expect("id")),
        ("account", SAMPLE_ACCOUNT),
        ("action", "continue"),
    ];
    let post = || b.http.post(b.url("/o/oauth2/v2/auth/consent")).form(&form);
    assert_eq!(
        b.send(post().header("origin", "https://evil.example"))
            .await
            .status,
        403
    );
    let own = b.sandbox.base_url.origin().ascii_serialization();
    assert_eq!(b.send(post().header("origin", own)).await.status, 302);
    assert_eq!(b.send(post()).await.status, 400, "a page is answered once");
}

#[tokio::test]
async fn the_code_is_delivered_to_the_program_that_waits() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let b = start().await;
    let waiting = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let redirect = format!("http://{}/cb", waiting.local_addr().expect("an address"));
    let url = b.auth_url(&[("redirect_uri", &redirect)]);
    let back = b
        .sandbox
        .approve(&url, SAMPLE_ACCOUNT, None)
        .await
        .expect("consent");
    let receiver = async || {
        let (mut stream, _) = waiting.accept().await.expect("a visit");
        let mut buffer = [0; 2048];
        let n = stream.read(&mut buffer).await.expect("a request");
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .expect("sent");
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    };
    let (status, request) = tokio::join!(b.sandbox.deliver(&back), receiver());
    assert_eq!(status.expect("delivered"), 200);
    assert!(
        request.starts_with("GET /cb?state=") && request.contains("&code=4%2F0A"),
        "{request}"
    );
    let all = b.sandbox.world().complete(&url, SAMPLE_ACCOUNT, None);
    let (status, request) = tokio::join!(all, receiver());
    assert_eq!(status.expect("delivered"), 200);
    assert!(request.contains("&code=4%2F0A"), "{request}");
    let elsewhere = "https://example.org/".parse().expect("a URL");
    assert!(matches!(
        b.sandbox.deliver(&elsewhere).await,
        Err(SandboxError::NotOurs(_))
    ));
    assert!(matches!(
        b.sandbox.approve(&elsewhere, "x", None).await,
        Err(SandboxError::NotOurs(_))
    ));
}
