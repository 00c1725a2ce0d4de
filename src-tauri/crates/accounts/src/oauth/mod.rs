//! OAuth with Google: the consent page's address, codes, refreshes, revoking.
//!
//! Owns: one request per call, and what its answer means. Never keeps a token,
//! never retries, never decides what happens to an account; no token and no
//! code is in any error or `Debug` text.

mod error;
mod http;
mod identity;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::random::Random;
use charmkeeper_base::{Clock, Secret};
use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::client::ClientId;
use crate::endpoints::Endpoints;
use crate::provider::AUTHORIZE_PARAMETERS;

use error::ErrorBody;
pub use error::OAuthError;
pub(crate) use error::error_word;
use http::Http;
pub(crate) use http::MAX_WAIT;
pub use identity::Identity;

/// Google's access tokens live about an hour; used when an answer does not say.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);

type Response = StandardTokenResponse<Extra, BasicTokenType>;

type GoogleClient = oauth2::Client<
    ErrorBody,
    Response,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Fields of a token answer beyond RFC 6749.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Extra {
    #[serde(default, deserialize_with = "into_secret", skip_serializing)]
    id_token: Option<Secret<String>>,
    #[serde(default, skip_serializing)]
    refresh_token_expires_in: Option<u64>,
}

impl ExtraTokenFields for Extra {}

fn into_secret<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret<String>>, D::Error> {
    Ok(Option::<String>::deserialize(d)?.map(Secret::new))
}

/// What the token endpoint gave.
#[derive(Debug)]
pub struct Grant {
    /// Used on the wire until it expires.
    pub access_token: Secret<String>,
    /// How long `access_token` lives, from the moment of the answer.
    pub expires_in: Duration,
    /// Only sent with a first consent, and when it changes.
    pub refresh_token: Option<Secret<String>>,
    /// Set when Google limits how long the grant itself lives.
    pub refresh_expires_in: Option<Duration>,
    /// What was granted; `None` means exactly what was asked (RFC 6749 §5.1).
    pub scopes: Option<Vec<String>>,
    /// Who signed in, as a signed statement.
    pub id_token: Option<Secret<String>>,
}

/// The secrets of one sign-in, made fresh each time and never stored.
#[derive(Debug)]
pub struct Attempt {
    /// 256 bits that the answer must repeat.
    pub state: Secret<String>,
    /// The PKCE verifier (RFC 7636): 43 characters from 256 bits.
    verifier: Secret<String>,
}

impl Attempt {
    /// A new pair from `random`.
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        let text = || {
            let mut bytes = [0u8; 32];
            random.fill(&mut bytes);
            Secret::new(URL_SAFE_NO_PAD.encode(bytes))
        };
        Self {
            state: text(),
            verifier: text(),
        }
    }
}

/// Speaks OAuth for one client at one set of endpoints.
pub struct OAuth {
    http: Http,
    endpoints: Endpoints,
    client: ClientId,
}

impl OAuth {
    /// Prepares the connection; sends nothing.
    ///
    /// # Errors
    /// [`OAuthError::Provider`] when the system's TLS cannot be set up.
    pub fn new(
        endpoints: Endpoints,
        client: ClientId,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OAuthError> {
        Ok(Self {
            http: Http::new(&endpoints.token, clock)?,
            endpoints,
            client,
        })
    }

    /// The addresses in use.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The address of the consent page.
    #[must_use]
    pub fn authorization_url(
        &self,
        attempt: &Attempt,
        redirect: &Url,
        scopes: &[String],
        login_hint: Option<&str>,
    ) -> Url {
        let client = self.google_client();
        let verifier = PkceCodeVerifier::new(attempt.verifier.expose().clone());
        let mut request = client
            .authorize_url(|| CsrfToken::new(attempt.state.expose().clone()))
            .set_redirect_uri(std::borrow::Cow::Owned(RedirectUrl::from_url(
                redirect.clone(),
            )))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(scopes.iter().cloned().map(Scope::new));
        for (name, value) in AUTHORIZE_PARAMETERS {
            request = request.add_extra_param(name, value);
        }
        if let Some(hint) = login_hint {
            request = request.add_extra_param("login_hint", hint);
        }
        request.url().0
    }

    /// Turns a code into a grant.
    ///
    /// # Errors
    /// [`OAuthError`]; [`OAuthError::InvalidGrant`] for a code that is not ours,
    /// was used before or is too old.
    pub async fn exchange(
        &self,
        attempt: &Attempt,
        redirect: &Url,
        code: &Secret<String>,
    ) -> Result<Grant, OAuthError> {
        let client = self.google_client();
        let redirect = RedirectUrl::from_url(redirect.clone());
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose().clone()))
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose().clone()))
            .set_redirect_uri(std::borrow::Cow::Owned(redirect))
            .request_async(&self.http)
            .await;
        self.grant(answer, &[code, &attempt.verifier])
    }

    /// Gets a new access token.
    ///
    /// # Errors
    /// [`OAuthError`]; [`OAuthError::InvalidGrant`] when the grant is dead.
    pub async fn refresh(&self, refresh_token: &Secret<String>) -> Result<Grant, OAuthError> {
        let client = self.google_client();
        let token = RefreshToken::new(refresh_token.expose().clone());
        let answer = client
            .exchange_refresh_token(&token)
            .request_async(&self.http)
            .await;
        self.grant(answer, &[refresh_token])
    }

    /// Ends a grant at the provider. True when it is dead now, false when the
    /// provider will not do it however often it is asked.
    ///
    /// Not through the oauth2 crate, which refuses plain http for revoking even
    /// on loopback.
    ///
    /// # Errors
    /// [`OAuthError::Offline`], [`OAuthError::Provider`] or
    /// [`OAuthError::Quota`]: worth another try later.
    pub async fn revoke(&self, token: &Secret<String>) -> Result<bool, OAuthError> {
        match self
            .http
            .post_form(&self.endpoints.revoke, &[("token", token.expose())])
            .await
        {
            Ok(_) => Ok(true),
            Err(http::Failure::Body { body, .. }) => Ok(body.error == "invalid_token"),
            Err(http::Failure::Status(404 | 405)) => Ok(false),
            Err(failure) => Err(self.explain(failure, &[token])),
        }
    }

    /// Who signed in: userinfo, else the id token, else the address that Gmail
    /// or Calendar give.
    ///
    /// # Errors
    /// Why userinfo failed, when nothing else knows either.
    pub async fn who(&self, grant: &Grant) -> Result<Identity, OAuthError> {
        identity::find(&self.http, &self.endpoints, grant)
            .await
            .map_err(|failure| self.explain(failure, &[&grant.access_token]))
    }

    fn google_client(&self) -> GoogleClient {
        let id = oauth2::ClientId::new(self.client.client_id.clone());
        let client = oauth2::Client::new(id)
            .set_auth_uri(AuthUrl::from_url(self.endpoints.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(self.endpoints.token.clone()))
            .set_auth_type(AuthType::RequestBody);
        match &self.client.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().clone())),
            None => client,
        }
    }

    fn grant(
        &self,
        answer: Result<Response, oauth2::RequestTokenError<http::Failure, ErrorBody>>,
        secrets: &[&Secret<String>],
    ) -> Result<Grant, OAuthError> {
        use oauth2::RequestTokenError as E;
        let answer = answer.map_err(|error| match error {
            E::Request(failure) => self.explain(failure, secrets),
            E::ServerResponse(body) => {
                self.explain(http::Failure::Body { status: 400, body }, secrets)
            }
            // The text of a parse error quotes the answer, tokens included.
            E::Parse(..) | E::Other(_) => OAuthError::nonsense("its answer is not a token"),
        })?;
        if answer.access_token().secret().is_empty() {
            return Err(OAuthError::nonsense("its answer has an empty token"));
        }
        if *answer.token_type() != BasicTokenType::Bearer {
            return Err(OAuthError::nonsense("its token is not a bearer token"));
        }
        let refresh = answer
            .refresh_token()
            .map(|t| t.secret())
            .filter(|t| !t.is_empty());
        let extra = answer.extra_fields();
        Ok(Grant {
            access_token: Secret::new(answer.access_token().secret().clone()),
            expires_in: answer.expires_in().unwrap_or(DEFAULT_LIFETIME),
            refresh_token: refresh.map(|t| Secret::new(t.clone())),
            refresh_expires_in: extra.refresh_token_expires_in.map(Duration::from_secs),
            scopes: answer
                .scopes()
                .map(|s| s.iter().map(|s| s.to_string()).collect()),
            id_token: extra.id_token.clone(),
        })
    }

    fn explain(&self, failure: http::Failure, secrets: &[&Secret<String>]) -> OAuthError {
        let client_secret = self.client.client_secret.as_ref();
        let all: Vec<&str> = secrets
            .iter()
            .copied()
            .chain(client_secret)
            .map(|s| s.expose().as_str())
            .collect();
        OAuthError::from_failure(failure, &all, self.client.client_secret.is_some())
    }
}

#[cfg(test)]
mod tests;
