//! The authorization endpoint: what a client may ask for, and the answer when
//! it may not.
//!
//! Google shows most mistakes on a page of its own, because the redirect
//! cannot be trusted before the client and its address are known.

use http::StatusCode;
use url::{Host, Url};

use super::{page, scopes};
use crate::config::CLIENT_ID;
use crate::message::{Params, Reply, Request};
use crate::shared::Shared;
use crate::world::Profile;

/// A request for consent that is in order.
#[derive(Clone, Debug)]
pub(crate) struct AuthRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: String,
    pub(crate) scopes: Vec<&'static scopes::Scope>,
    /// `access_type=offline`.
    pub(crate) offline: bool,
    /// `prompt` names `consent`.
    pub(crate) force_consent: bool,
    /// `include_granted_scopes=true`.
    pub(crate) include_granted: bool,
}

/// A mistake, as Google's error page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) code: u16,
    pub(crate) word: &'static str,
    pub(crate) text: String,
}

fn mistake(code: u16, word: &'static str, text: impl Into<String>) -> Mistake {
    Mistake {
        code,
        word,
        text: text.into(),
    }
}

impl AuthRequest {
    /// Checks the parameters in Google's order: client, address, then the rest.
    pub(crate) fn read(params: &Params) -> Result<Self, Mistake> {
        let need = |name: &str| {
            params.given(name).ok_or_else(|| {
                mistake(
                    400,
                    "invalid_request",
                    format!("Missing required parameter: {name}"),
                )
            })
        };
        let client_id = need("client_id")?;
        if client_id != CLIENT_ID {
            return Err(mistake(
                401,
                "invalid_client",
                "The OAuth client was not found.",
            ));
        }
        let redirect_uri = need("redirect_uri")?;
        if !is_loopback(redirect_uri) {
            return Err(mistake(
                400,
                "redirect_uri_mismatch",
                "A desktop client may only return to http://127.0.0.1, http://[::1] or http://localhost, on any port.",
            ));
        }
        match need("response_type")? {
            "code" => {}
            other => {
                return Err(mistake(
                    400,
                    "unsupported_response_type",
                    format!("Invalid response_type: {other}"),
                ));
            }
        }
        let wanted = scopes::parse(need("scope")?).map_err(|word| {
            mistake(
                400,
                "invalid_scope",
                format!("Some requested scopes were invalid: {word}"),
            )
        })?;
        if wanted.is_empty() {
            return Err(mistake(
                400,
                "invalid_request",
                "Missing required parameter: scope",
            ));
        }
        let challenge = challenge(params)?;
        let prompt: Vec<_> = params
            .get("prompt")
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state: params.get("state").map(str::to_owned),
            nonce: params.given("nonce").map(str::to_owned),
            challenge,
            scopes: wanted,
            offline: params.get("access_type") == Some("offline"),
            force_consent: prompt.contains(&"consent"),
            include_granted: params.flag("include_granted_scopes", false),
        })
    }

    /// The address to return to, with an answer in its query.
    pub(crate) fn answer(&self, issuer: Option<&str>, values: &[(&str, &str)]) -> Option<Url> {
        let mut url = Url::parse(&self.redirect_uri).ok()?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(state) = &self.state {
                query.append_pair("state", state);
            }
            if let Some(issuer) = issuer {
                query.append_pair("iss", issuer);
            }
            for (name, value) in values {
                query.append_pair(name, value);
            }
        }
        Some(url)
    }
}

/// PKCE with S256 is required here. Google takes `plain` as well and, from a
/// desktop client, none at all; the sandbox is stricter, so that a client
/// which forgets it is noticed.
fn challenge(params: &Params) -> Result<String, Mistake> {
    let wrong = |text: &str| mistake(400, "invalid_request", text);
    let Some(challenge) = params.given("code_challenge") else {
        return Err(wrong("Missing required parameter: code_challenge (PKCE)"));
    };
    if params.given("code_challenge_method").unwrap_or("plain") != "S256" {
        return Err(wrong("code_challenge_method must be S256."));
    }
    // SHA-256 in base64url without padding: always 43 characters (RFC 7636 §4.2).
    let fits = challenge.len() == 43
        && challenge
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fits {
        return Err(wrong(
            "code_challenge is not the base64url form of a SHA-256 hash.",
        ));
    }
    Ok(challenge.to_owned())
}

/// `http://` to this machine, any port, any path, without credentials or fragment.
fn is_loopback(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    here && url.scheme() == "http"
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

/// `GET /o/oauth2/v2/auth`: the consent page, or a page that says what is wrong.
pub(crate) fn show(shared: &Shared, request: &Request) -> Reply {
    let params = request.params();
    let asked = match AuthRequest::read(&params) {
        Ok(asked) => asked,
        Err(mistake) => return refuse(&mistake),
    };
    let now = shared.clock.now();
    let mut inner = shared.lock();
    let issuer = inner.behaviour.issuer.clone();
    if params.get("prompt") == Some("none") {
        drop(inner);
        // The sandbox keeps no browser session, so nobody is ever signed in.
        return redirect(asked.answer(issuer.as_deref(), &[("error", "interaction_required")]));
    }
    let hint = params.given("login_hint");
    let page = page::Consent {
        id: &inner.grants.open_page(asked.clone(), now),
        chosen: match hint {
            Some(hint) => Profile::find(hint),
            None => crate::world::PROFILES.first(),
        },
        unknown_hint: hint.filter(|h| Profile::find(h).is_none()),
        scopes: &asked.scopes,
    };
    Reply::html(StatusCode::OK, page.html())
}

/// The page of a mistake.
pub(crate) fn refuse(mistake: &Mistake) -> Reply {
    let status = StatusCode::from_u16(mistake.code).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::html(status, page::error(mistake))
}

/// 302 to an address; without one, a page that says so.
pub(crate) fn redirect(to: Option<Url>) -> Reply {
    match to {
        Some(url) => Reply::text(StatusCode::FOUND, "")
            .with("location", url.as_str())
            .with("cache-control", "no-store"),
        None => refuse(&mistake(
            400,
            "invalid_request",
            "The address to return to is not valid.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_returned_to() {
        for good in [
            "http://127.0.0.1:1234",
            "http://127.0.0.1:1234/callback?x=1",
            "http://[::1]:9/",
            "http://localhost:80/a",
            "http://127.0.0.1",
        ] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "https://127.0.0.1:1234",
            "http://127.0.0.1.example:1234",
            "http://example.org/",
            "http://user@127.0.0.1/",
            "http://127.0.0.1/#x",
            "urn:ietf:wg:oauth:2.0:oob",
            "myapp:/cb",
            "",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
