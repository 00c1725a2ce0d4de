//! What every test of the sandbox needs: a running one with a clock that
//! stands still, a client, and a signed-in account.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::UnixMs;
use charmkeeper_base::time::FakeClock;
use charmkeeper_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Running, SAMPLE_ACCOUNT, Sandbox, SandboxConfig,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

pub(crate) const GMAIL: &str = "https://www.googleapis.com/auth/gmail.readonly";
pub(crate) const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";
pub(crate) const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123456789";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:45678/callback";

/// A Saturday, a month before the end of the year.
pub(crate) const NOW: &str = "2026-11-21T09:30:00Z";

pub(crate) struct Bench {
    pub(crate) sandbox: Running,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) http: reqwest::Client,
}

pub(crate) fn at(text: &str) -> UnixMs {
    UnixMs::parse_rfc3339(text).expect("a time")
}

pub(crate) fn config(clock: &Arc<FakeClock>) -> SandboxConfig {
    SandboxConfig {
        clock: clock.clone(),
        background: false,
        ..SandboxConfig::default()
    }
}

pub(crate) async fn start() -> Bench {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut SandboxConfig)) -> Bench {
    let clock = Arc::new(FakeClock::at(at(NOW)));
    let mut config = config(&clock);
    change(&mut config);
    let sandbox = Sandbox::start(config).await.expect("a sandbox");
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client");
    Bench {
        sandbox,
        clock,
        http,
    }
}

/// A status and what came with it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
    /// The JSON of a success.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
    /// The first reason of an error.
    pub(crate) fn reason(&self) -> String {
        self.json()["error"]["errors"][0]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Bench {
    pub(crate) fn url(&self, path: &str) -> Url {
        self.sandbox.base_url.join(path).expect("a path")
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.expect("a body"),
        }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.http.get(self.url(path)).bearer_auth(token))
            .await
    }

    pub(crate) async fn get_with(&self, path: &str, token: &str, query: &[(&str, &str)]) -> Answer {
        self.send(
            self.http
                .get(self.url(path))
                .bearer_auth(token)
                .query(query),
        )
        .await
    }

    pub(crate) async fn form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.http.post(self.url(path)).form(form)).await
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = method.parse().expect("a method");
        self.send(
            self.http
                .request(method, self.url(path))
                .body(body.to_string()),
        )
        .await
    }

    /// An authorization URL that is in order; `change` replaces parameters, and
    /// removes those with an empty value.
    pub(crate) fn auth_url(&self, change: &[(&str, &str)]) -> Url {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let scope = format!("openid email profile {GMAIL} {CALENDAR}");
        let mut params = vec![
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", &scope),
            ("state", "the state / +&"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("access_type", "offline"),
            ("prompt", "consent"),
        ];
        for (name, value) in change {
            params.retain(|(n, _)| n != name);
            if !value.is_empty() {
                params.push((name, value));
            }
        }
        let mut url = self.url("/o/oauth2/v2/auth");
        url.query_pairs_mut().extend_pairs(params);
        url
    }

    /// The code after consent to everything.
    pub(crate) async fn code(&self, account: &str) -> String {
        let url = self
            .sandbox
            .approve(&self.auth_url(&[]), account, None)
            .await
            .expect("consent");
        param(&url, "code").expect("a code")
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.form(
            "/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("client_id", CLIENT_ID),
                ("client_secret", CLIENT_SECRET),
                ("redirect_uri", REDIRECT),
                ("code_verifier", VERIFIER),
            ],
        )
        .await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.form(
            "/token",
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", token),
                ("client_id", CLIENT_ID),
                ("client_secret", CLIENT_SECRET),
            ],
        )
        .await
    }

    /// Signs an account in with everything; its access token.
    pub(crate) async fn sign_in_as(&self, account: &str) -> String {
        let answer = self.exchange(&self.code(account).await).await.ok();
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    pub(crate) async fn sign_in(&self) -> String {
        self.sign_in_as(SAMPLE_ACCOUNT).await
    }

    /// An access token with these scopes only.
    pub(crate) async fn token_for(&self, scope: &str) -> String {
        let url = self.auth_url(&[("scope", scope)]);
        let url = self
            .sandbox
            .approve(&url, SAMPLE_ACCOUNT, None)
            .await
            .expect("consent");
        let answer = self
            .exchange(&param(&url, "code").expect("a code"))
            .await
            .ok();
        answer["access_token"].as_str().expect("a token").to_owned()
    }
}

/// A parameter of a URL.
pub(crate) fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.into_owned())
}

/// Text of a base64url body.
pub(crate) fn decode(data: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(data.as_str().expect("data"))
        .expect("base64url without padding")
}
