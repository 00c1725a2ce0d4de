//! Who signed in.
//!
//! Owns: asking, in order of trust, and cutting what comes to a sane size.
//! Never identifies anyone by a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;

use super::Grant;
use super::http::{Failure, Http};
use crate::endpoints::Endpoints;

/// The person behind a grant. Fields that are not known are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Google's permanent number for this person, where it was given.
    pub sub: Option<String>,
    /// Mail address; never empty.
    pub email: String,
    /// Display name.
    pub name: String,
    /// https URL of a picture.
    pub picture: String,
}

/// OpenID Connect's claims; `id` is what Google's older userinfo calls `sub`.
#[derive(Default, Deserialize)]
struct Claims {
    #[serde(alias = "id")]
    sub: Option<String>,
    email: Option<String>,
    name: Option<String>,
    picture: Option<String>,
}

impl Claims {
    fn identity(self) -> Option<Identity> {
        let email = short(self.email, 320);
        let picture = short(self.picture, 2000);
        (!email.is_empty()).then(|| Identity {
            sub: self.sub.filter(|s| !s.is_empty() && s.len() <= 255),
            email,
            name: short(self.name, 200),
            picture: if picture.starts_with("https://") {
                picture
            } else {
                String::new()
            },
        })
    }
}

fn short(text: Option<String>, most: usize) -> String {
    let text = text.unwrap_or_default();
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

pub(super) async fn find(
    http: &Http,
    endpoints: &Endpoints,
    grant: &Grant,
) -> Result<Identity, Failure> {
    let token = grant.access_token.expose();
    let userinfo = http
        .get_json::<Claims>(endpoints.userinfo.clone(), token)
        .await;
    let why = match userinfo.map(Claims::identity) {
        Ok(Some(identity)) => return Ok(identity),
        Ok(None) => Failure::Broken("it does not say which account signed in".to_owned()),
        Err(failure) => failure,
    };
    if let Some(identity) = grant
        .id_token
        .as_ref()
        .and_then(|t| from_id_token(t.expose()))
    {
        return Ok(identity);
    }
    // Without a network the next two would only wait as long again.
    let reachable = !matches!(why, Failure::Offline(_));
    if reachable && let Some(email) = address(http, endpoints, token).await {
        return Ok(Identity {
            email,
            ..Identity::default()
        });
    }
    Err(why)
}

/// The claims of an id token, signature not checked: it came straight from the
/// token endpoint, which OpenID Connect Core 3.1.3.7 item 6 accepts instead.
fn from_id_token(token: &str) -> Option<Identity> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Claims>(&bytes).ok()?.identity()
}

/// The address of the mailbox or of the primary calendar.
async fn address(http: &Http, endpoints: &Endpoints, token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Profile {
        #[serde(alias = "emailAddress")]
        id: String,
    }
    for (root, path) in [
        (&endpoints.gmail, "users/me/profile"),
        (&endpoints.calendar, "calendars/primary"),
    ] {
        let url = Url::parse(&format!("{root}/{path}")).ok()?;
        if let Ok(Profile { id }) = http.get_json(url, token).await
            && id.contains('@')
        {
            return Some(short(Some(id), 320));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_token_is_read_and_nonsense_is_not() {
        let payload = URL_SAFE_NO_PAD.encode(
            r#"{"iss":"https://accounts.google.com","sub":"123","email":"ada@example.org",
                "name":"Ada\u0000 L","picture":"http://insecure/x.png"}"#,
        );
        let identity = from_id_token(&format!("e30.{payload}.sig")).unwrap();
        assert_eq!(identity.sub.as_deref(), Some("123"));
        assert_eq!(identity.email, "ada@example.org");
        assert_eq!(identity.name, "Ada L");
        assert_eq!(identity.picture, "", "only https pictures");
        for bad in ["", "a.b.c", "e30", "e30.e30.x"] {
            assert_eq!(from_id_token(bad), None, "{bad}");
        }
    }

    #[test]
    fn claims_without_an_address_are_nobody() {
        let claims: Claims = serde_json::from_str(r#"{"sub":"1","email":""}"#).unwrap();
        assert_eq!(claims.identity(), None);
        let old: Claims = serde_json::from_str(r#"{"id":"1","email":"a@b"}"#).unwrap();
        assert_eq!(old.identity().unwrap().sub.as_deref(), Some("1"));
    }
}
