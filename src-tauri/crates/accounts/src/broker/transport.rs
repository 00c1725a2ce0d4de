//! Bytes to the wire and back, within limits.
//!
//! Owns: the HTTP clients, the reading of a body up to its cap, and the
//! translation of network failures into kinds. Never follows a redirect, never
//! retries anything but a request that was reset before its answer began, never
//! sees a placeholder.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::CallError;
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Certificate, Client, ClientBuilder};
use url::Url;

use super::BrokerConfig;
use super::errors::{BrokerError, refusal};
use super::permit::Target;
use super::resolve::{CheckedResolver, ForbiddenAddress};

/// What Google's servers want to see before they compress ("Performance tips"
/// of Google's API documentation).
pub(crate) const USER_AGENT: &str = concat!("Charmkeeper/", env!("CARGO_PKG_VERSION"), " (gzip)");

/// One message for the wire.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
}

/// An answer as it came, with its body decoded.
pub(crate) struct Incoming {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// See the module.
pub(crate) struct Transport {
    /// Connects to checked addresses only.
    checked: Client,
    /// For hosts that a development base stands in for.
    mapped: Client,
}

impl Transport {
    pub(crate) fn new(config: &BrokerConfig) -> Result<Self, BrokerError> {
        let build = |b: ClientBuilder| b.build().map_err(|e| BrokerError::Client(reason(&e)));
        let mut checked = common(config)?.https_only(true);
        checked = match &config.proxy {
            // The proxy resolves the names; there is nothing here to check.
            Some(url) => checked.proxy(
                reqwest::Proxy::all(url.clone()).map_err(|e| BrokerError::Client(reason(&e)))?,
            ),
            None => checked.dns_resolver(Arc::new(CheckedResolver(Arc::clone(&config.lookup)))),
        };
        Ok(Self {
            checked: build(checked)?,
            mapped: build(common(config)?)?,
        })
    }

    /// Sends `message` to `target` and reads the whole answer within `limit`
    /// and `max_body` bytes.
    pub(crate) async fn send(
        &self,
        target: &Target,
        message: Outgoing,
        limit: Duration,
        max_body: usize,
    ) -> Result<Incoming, CallError> {
        let host = target.host();
        let work = self.exchange(target, message, max_body);
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => {
                let seconds = limit.as_secs_f64();
                let text = format!("{host} did not finish its answer within {seconds:.0} seconds.");
                Err(refusal(ErrorKind::Provider, text))
            }
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        message: Outgoing,
        max_body: usize,
    ) -> Result<Incoming, CallError> {
        let host = target.host();
        let client = if target.mapped {
            &self.mapped
        } else {
            &self.checked
        };
        let safe = matches!(message.method, Method::GET | Method::HEAD);
        let mut answer = begin(client, message.clone()).await;
        // A server may close an idle connection just as a request arrives.
        if safe && answer.as_ref().is_err_and(is_reset) {
            answer = begin(client, message).await;
        }
        let mut answer = answer.map_err(|e| explain(&e, host))?;
        let too_large = || {
            let text = format!(
                "The answer of {host} is larger than {max_body} bytes, the most that a charm \
                 can be given in one piece; ask for less at a time."
            );
            refusal(ErrorKind::Charm, text)
        };
        if answer.content_length().is_some_and(|n| n > max_body as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| explain(&e, host))? {
            if body.len() + piece.len() > max_body {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Incoming {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            body,
        })
    }
}

async fn begin(client: &Client, m: Outgoing) -> Result<reqwest::Response, reqwest::Error> {
    let mut request = client.request(m.method, m.url).headers(m.headers);
    if !m.body.is_empty() {
        request = request.body(m.body);
    }
    request.send().await
}

/// How long a connection is kept for the next request. The pool looks at this pace
/// until it is empty, so the last wake-up for a run comes after twice as long; and
/// a run that follows sooner than that is rare.
const IDLE: Duration = Duration::from_secs(15);

fn common(config: &BrokerConfig) -> Result<ClientBuilder, BrokerError> {
    let mut builder = Client::builder()
        .use_rustls_tls()
        .user_agent(USER_AGENT)
        .gzip(true)
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        // The environment of the keeper is no charm's business.
        .no_proxy()
        .connect_timeout(config.connect_timeout)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(IDLE);
    for pem in &config.extra_roots {
        let bundle = Certificate::from_pem_bundle(pem);
        for root in bundle.map_err(|e| BrokerError::Client(reason(&e)))? {
            builder = builder.add_root_certificate(root);
        }
    }
    Ok(builder)
}

/// True when the connection ended before an answer began.
fn is_reset(error: &reqwest::Error) -> bool {
    !error.is_connect()
        && !error.is_timeout()
        && !error.is_builder()
        && !error.is_body()
        && !error.is_decode()
        && !error.is_redirect()
}

/// The innermost reason, which says more than the layers around it.
fn reason(error: &dyn Error) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn chain<'a>(error: &'a dyn Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> + 'a {
    std::iter::successors(error.source(), |&e| e.source())
}

fn explain(error: &reqwest::Error, host: &str) -> CallError {
    if let Some(found) = chain(error).find_map(|e| e.downcast_ref::<ForbiddenAddress>()) {
        let text = format!(
            "The charm may not reach {host}: the name leads to {}.",
            found.what
        );
        return refusal(ErrorKind::Charm, text);
    }
    let texts: Vec<String> = chain(error)
        .map(|e| e.to_string().to_ascii_lowercase())
        .collect();
    let says = |word: &str| texts.iter().any(|t| t.contains(word));
    if says("certificate") {
        return refusal(ErrorKind::Offline, certificate(host, &texts));
    }
    if says("proxy auth") || says("tunnel") {
        let text = format!(
            "The proxy did not let the connection to {host} through: {}.",
            reason(error)
        );
        return refusal(ErrorKind::Offline, text);
    }
    let unreachable = chain(error)
        .filter_map(|e| e.downcast_ref::<std::io::Error>())
        .any(|e| {
            use std::io::ErrorKind as Io;
            matches!(
                e.kind(),
                Io::NetworkDown | Io::NetworkUnreachable | Io::HostUnreachable
            )
        });
    if error.is_connect() || unreachable {
        let why = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            reason(error)
        };
        return refusal(
            ErrorKind::Offline,
            format!("{host} cannot be reached: {why}."),
        );
    }
    if error.is_body() || error.is_decode() {
        let text = format!(
            "The answer of {host} broke off before its end: {}.",
            reason(error)
        );
        return refusal(ErrorKind::Provider, text);
    }
    if error.is_builder() {
        return refusal(
            ErrorKind::Charm,
            format!("The request to {host} cannot be sent."),
        );
    }
    let text = format!(
        "{host} closed the connection without an answer: {}.",
        reason(error)
    );
    refusal(ErrorKind::Provider, text)
}

/// A certificate is refused most often because this computer's date is wrong,
/// or because something on the way put its own in place.
fn certificate(host: &str, texts: &[String]) -> String {
    let says = |word: &str| texts.iter().any(|t| t.contains(word));
    if says("not valid yet") || says("notvalidyet") {
        return format!(
            "The certificate of {host} is not valid yet; is the date of this computer right?"
        );
    }
    if says("expired") {
        return format!(
            "The certificate of {host} has expired; is the date of this computer right?"
        );
    }
    if says("unknownissuer") || says("unknown issuer") {
        return format!(
            "The certificate of {host} was issued by someone this computer does not trust; \
             a network or a virus scanner may be reading the connection."
        );
    }
    let why = texts.last().map(String::as_str).unwrap_or_default();
    format!("The certificate of {host} was refused: {why}.")
}
