//! One HTTP request to the sign-in server, within limits.
//!
//! Owns: timeouts, the size cap, and telling “no network” from “the server
//! failed”. Never follows a redirect: a token endpoint has none, and a captive
//! portal must not receive what was meant for Google.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{Clock, UnixMs};
use oauth2::AsyncHttpClient;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{ErrorBody, OAuthError};
use crate::endpoints::is_loopback;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const WHOLE_LIMIT: Duration = Duration::from_secs(30);
/// Token answers are below 4 KiB.
const MAX_BODY: usize = 256 * 1024;
/// When a server says “too many” without saying until when.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);
/// A wait that is longer than this is taken for a mistake.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(3600);

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("offline")]
    Offline(String),
    #[error("broken answer")]
    Broken(String),
    #[error("status {0}")]
    Status(u16),
    #[error("too many requests")]
    Quota(UnixMs),
    #[error("refused")]
    Body { status: u16, body: ErrorBody },
}

pub(super) struct Http {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl Http {
    pub(super) fn new(server: &Url, clock: Arc<dyn Clock>) -> Result<Self, OAuthError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .timeout(WHOLE_LIMIT)
            // Refreshes are an hour apart: an idle connection is only a cost.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("charmkeeper/", env!("CARGO_PKG_VERSION")));
        if is_loopback(server) {
            builder = builder.no_proxy();
        } else {
            builder = builder.https_only(true);
        }
        let client = builder
            .build()
            .map_err(|e| OAuthError::nonsense(&root_cause(&e)))?;
        Ok(Self { client, clock })
    }

    /// Posts a form and returns the body of a 2xx answer.
    pub(super) async fn post_form(
        &self,
        url: &Url,
        form: &[(&str, &str)],
    ) -> Result<Vec<u8>, Failure> {
        let request = self.client.post(url.clone()).form(form);
        self.send(
            request
                .build()
                .map_err(|e| Failure::Broken(root_cause(&e)))?,
        )
        .await
    }

    /// Reads JSON with a bearer token.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        url: Url,
        token: &str,
    ) -> Result<T, Failure> {
        let request = self.client.get(url).bearer_auth(token).build();
        let body = self
            .send(request.map_err(|e| Failure::Broken(root_cause(&e)))?)
            .await?;
        serde_json::from_slice(&body)
            .map_err(|_| Failure::Broken("its answer is not what was asked for".to_owned()))
    }

    async fn send(&self, request: reqwest::Request) -> Result<Vec<u8>, Failure> {
        let mut response = self
            .client
            .execute(request)
            .await
            .map_err(|e| failure(&e))?;
        let status = response.status().as_u16();
        match status {
            300..=399 | 511 => return Err(Failure::Offline(CAPTIVE.to_owned())),
            407 => return Err(Failure::Offline("the proxy wants a password".to_owned())),
            429 => return Err(Failure::Quota(self.retry_at(response.headers()))),
            500.. => return Err(Failure::Status(status)),
            _ => {}
        }
        let is_page = is_html(response.headers());
        if is_page && status < 300 {
            return Err(Failure::Offline(CAPTIVE.to_owned()));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|e| failure(&e))? {
            if body.len() + part.len() > MAX_BODY {
                return Err(Failure::Broken("its answer is too long".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        if status < 300 {
            return Ok(body);
        }
        match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => Err(Failure::Body { status, body }),
            Err(_) => Err(Failure::Status(status)),
        }
    }

    /// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
    fn retry_at(&self, headers: &reqwest::header::HeaderMap) -> UnixMs {
        let now = self.clock.now();
        let text = headers
            .get("retry-after")
            .and_then(|v| v.to_str().ok())
            .map(str::trim);
        let wait = text.and_then(|t| match t.parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => {
                let date = httpdate::parse_http_date(t).ok()?;
                let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
                Some(UnixMs(i64::try_from(since.as_millis()).ok()?).since(now))
            }
        });
        now.plus(wait.unwrap_or(DEFAULT_WAIT).min(MAX_WAIT))
    }
}

const CAPTIVE: &str = "this network answers with a page of its own; it may want a login first";

fn is_html(headers: &reqwest::header::HeaderMap) -> bool {
    let kind = headers
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    kind.trim_start()
        .to_ascii_lowercase()
        .starts_with("text/html")
}

fn failure(error: &reqwest::Error) -> Failure {
    let cause = root_cause(error);
    if error.is_timeout() {
        Failure::Offline("it did not answer in time".to_owned())
    } else if error.is_connect() {
        Failure::Offline(cause)
    } else {
        Failure::Broken(cause)
    }
}

/// The innermost cause: “Connection refused”, not “error sending request for
/// url (…)”.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = cause.to_string();
    text.trim_end_matches('.').to_owned()
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request =
                reqwest::Request::try_from(request).map_err(|e| Failure::Broken(root_cause(&e)))?;
            let body = self.send(request).await?;
            // Without a content type, so that the crate reads JSON whatever
            // the server calls it.
            Ok(oauth2::HttpResponse::new(body))
        })
    }
}
