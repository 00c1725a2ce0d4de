//! The consent page's address, and that nothing secret is shown. Requests to a
//! server are in `tests/accounts`.

use std::collections::BTreeMap;

use charmkeeper_base::SystemClock;
use charmkeeper_base::random::{SeededRandom, SystemRandom};
use sha2::{Digest, Sha256};

use super::*;
use crate::provider::{Service, scopes_for};

fn oauth() -> OAuth {
    let client = ClientId::pasted("the-client", Some("GOCSPX-secret")).unwrap();
    OAuth::new(
        Endpoints::google(),
        client,
        Arc::new(SystemClock::default()),
    )
    .unwrap()
}

fn redirect() -> Url {
    Url::parse("http://127.0.0.1:49152/").unwrap()
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

#[test]
fn the_address_has_every_parameter_that_google_wants() {
    let attempt = Attempt::new(&SeededRandom::new(1));
    let scopes = scopes_for(&Service::ALL);
    let url = oauth().authorization_url(&attempt, &redirect(), &scopes, Some("ada@example.org"));
    assert!(
        url.as_str()
            .starts_with("https://accounts.google.com/o/oauth2/v2/auth?"),
        "{url}"
    );
    let query = query(&url);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.verifier.expose().as_bytes()));
    for (name, value) in [
        ("client_id", "the-client"),
        ("response_type", "code"),
        ("redirect_uri", "http://127.0.0.1:49152/"),
        (
            "scope",
            "openid email profile https://www.googleapis.com/auth/gmail.readonly \
             https://www.googleapis.com/auth/calendar.readonly",
        ),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("include_granted_scopes", "true"),
        ("login_hint", "ada@example.org"),
        ("code_challenge_method", "S256"),
        ("code_challenge", challenge.as_str()),
        ("state", attempt.state.expose().as_str()),
    ] {
        assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(query.len(), 11);
    assert!(!url.as_str().contains("GOCSPX") && !url.as_str().contains(attempt.verifier.expose()));
}

#[test]
fn no_hint_without_an_account() {
    let attempt = Attempt::new(&SystemRandom);
    let url = oauth().authorization_url(&attempt, &redirect(), &[], None);
    assert!(!query(&url).contains_key("login_hint"));
}

#[test]
fn state_and_verifier_are_256_bits_each_and_never_repeat() {
    let (a, b) = (Attempt::new(&SystemRandom), Attempt::new(&SystemRandom));
    let all = [&a.state, &a.verifier, &b.state, &b.verifier];
    for (i, one) in all.iter().enumerate() {
        // 43 characters of base64 without padding are 32 bytes.
        assert_eq!(URL_SAFE_NO_PAD.decode(one.expose()).unwrap().len(), 32);
        assert!(
            all[i + 1..]
                .iter()
                .all(|other| other.expose() != one.expose())
        );
    }
}

#[test]
fn debug_shows_no_secret() {
    let attempt = Attempt::new(&SystemRandom);
    let grant = Grant {
        access_token: Secret::new("ya29.secret".to_owned()),
        expires_in: DEFAULT_LIFETIME,
        refresh_token: Some(Secret::new("1//secret".to_owned())),
        refresh_expires_in: None,
        scopes: None,
        id_token: Some(Secret::new("eyJsecret".to_owned())),
    };
    let shown = format!("{attempt:?} {grant:?}");
    assert!(!shown.contains("secret"), "{shown}");
    assert!(!shown.contains(attempt.state.expose()) && !shown.contains(attempt.verifier.expose()));
    let extra: Extra = serde_json::from_str(r#"{"id_token":"eyJsecret"}"#).unwrap();
    assert_eq!(extra.id_token.as_ref().unwrap().expose(), "eyJsecret");
    assert!(!format!("{extra:?}{}", serde_json::to_string(&extra).unwrap()).contains("secret"));
}
