//! One call of a charm, from its permission to its answer.
//!
//! Owns: the order of the steps (permission, place, redirects) and what the
//! record says in the end. The single hop is in [`hop`](super::hop).

use std::time::Duration;

use bytes::Bytes;
use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse, Redirect};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Broker;
use super::budget::{Item, RunBudget};
use super::errors::refusal;
use super::permit::{Destination, Target, permit, permit_url};
use super::policy::Policy;
use super::transport::Incoming;
use super::{headers, placeholder, refresh};

/// Redirects that are followed (Fetch allows 20; no API needs more than a few).
const MAX_REDIRECTS: usize = 10;

/// Methods a charm may use. `CONNECT` and `TRACE` are for proxies and debugging.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// One call under way, and what its record will say.
pub(crate) struct Call<'a> {
    pub broker: &'a Broker,
    pub policy: &'a Policy,
    pub budget: &'a RunBudget,
    /// Time left on the network.
    pub left: Duration,
    pub account: Option<String>,
    pub status: Option<u16>,
    pub bytes_in: u64,
    /// The failure that the answer stands for, beside the answer itself.
    pub error: Option<CallError>,
    /// How the parts of a batch ended.
    pub parts: Vec<(Item, Option<CallError>)>,
}

/// One message on its way to one host.
pub(crate) struct Hop {
    pub target: Target,
    pub method: Method,
    /// As the charm wrote them, placeholders included.
    pub headers: HeaderMap,
    pub body: Bytes,
    /// True once a redirect led to another host: nothing is swapped any more.
    pub crossed: bool,
}

impl Call<'_> {
    /// Does the whole call.
    pub(crate) async fn run(&mut self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        if !METHODS.contains(&request.method.as_str()) {
            let method: String = request.method.chars().take(20).collect();
            let text = format!("The charm used the method “{method}”, which is not allowed.");
            return Err(refusal(ErrorKind::Charm, text));
        }
        match permit(&request.url, self.policy, &self.broker.map)? {
            Destination::Keeper(url) => self.ask_keeper(&url, &request).await,
            Destination::Net(target) => self.ask_net(target, request).await,
        }
    }

    async fn ask_keeper(
        &mut self,
        url: &Url,
        request: &HttpRequest,
    ) -> Result<HttpResponse, CallError> {
        let tokens = self.broker.tokens.as_ref();
        let answered = refresh::answer(tokens, self.policy, url, request).await;
        self.account = answered.account;
        self.error = answered.error;
        if let Ok(response) = &answered.result {
            self.status = Some(response.status);
            self.bytes_in = response.body.len() as u64;
        }
        answered.result
    }

    async fn ask_net(
        &mut self,
        target: Target,
        request: HttpRequest,
    ) -> Result<HttpResponse, CallError> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| refusal(ErrorKind::Charm, "The charm used a method that is none."))?;
        if !request.body.is_empty() && matches!(method, Method::GET | Method::HEAD) {
            return Err(refusal(
                ErrorKind::Charm,
                "A GET or HEAD request cannot have a body.",
            ));
        }
        let headers = headers::outgoing(&request.headers)?;
        let body = Bytes::from(request.body);
        let mut hop = Hop {
            target,
            method,
            headers,
            body,
            crossed: false,
        };
        let _place = self.budget.place().await;
        for redirects in 0..=MAX_REDIRECTS {
            // On the heap: the future of a hop is large, and this loop holds one.
            let incoming = Box::pin(self.hop(&hop)).await?;
            let Some(next) = self.redirect(&hop, &incoming, request.redirect)? else {
                return Ok(self.response(&hop, incoming, redirects > 0));
            };
            hop = next;
        }
        let host = hop.target.host();
        let text = format!("{host} redirected more than {MAX_REDIRECTS} times.");
        Err(refusal(ErrorKind::Charm, text))
    }

    /// The next hop; `None` when the answer is for the charm.
    fn redirect(
        &self,
        hop: &Hop,
        incoming: &Incoming,
        mode: Redirect,
    ) -> Result<Option<Hop>, CallError> {
        let location = incoming.headers.get("location");
        let Some(location) = location.filter(|_| is_redirect(incoming.status)) else {
            return Ok(None);
        };
        let host = hop.target.host();
        match mode {
            Redirect::Manual => return Ok(None),
            Redirect::Error => {
                let text = format!("{host} redirected, which the charm does not accept.");
                return Err(refusal(ErrorKind::Charm, text));
            }
            Redirect::Follow => {}
        }
        let place = String::from_utf8_lossy(location.as_bytes());
        let url = self
            .broker
            .map
            .follow(&place, &hop.target.public, &hop.target.wire);
        let url = url.ok_or_else(|| {
            let text = format!("{host} redirected to something that is not a URL.");
            refusal(ErrorKind::Provider, text)
        })?;
        let refused = |mut e: CallError| {
            e.message = format!("{host} redirected the request. {}", e.message);
            e
        };
        match permit_url(url, self.policy, &self.broker.map).map_err(refused)? {
            Destination::Net(target) => Ok(Some(next_hop(hop, target, incoming.status))),
            // No server may speak to the keeper in a charm's name.
            Destination::Keeper(_) => {
                let text = format!("{host} redirected to the keeper itself.");
                Err(refusal(ErrorKind::Charm, text))
            }
        }
    }

    fn response(&self, hop: &Hop, incoming: Incoming, redirected: bool) -> HttpResponse {
        HttpResponse {
            status: incoming.status.as_u16(),
            status_text: incoming
                .status
                .canonical_reason()
                .unwrap_or_default()
                .to_owned(),
            url: hop.target.public.to_string(),
            redirected,
            headers: headers::incoming(&incoming.headers),
            body: incoming.body,
        }
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The message after a redirect, as the Fetch standard's HTTP-redirect fetch
/// changes it, and with nothing that could identify an account to another host.
fn next_hop(hop: &Hop, target: Target, status: StatusCode) -> Hop {
    let mut next = Hop {
        method: hop.method.clone(),
        headers: hop.headers.clone(),
        body: hop.body.clone(),
        crossed: hop.crossed || target.public.origin() != hop.target.public.origin(),
        target,
    };
    let becomes_get = match status.as_u16() {
        301 | 302 => next.method == Method::POST,
        303 => !matches!(next.method, Method::GET | Method::HEAD),
        _ => false,
    };
    if becomes_get {
        next.method = Method::GET;
        next.body = Bytes::new();
        for name in [
            "content-type",
            "content-encoding",
            "content-language",
            "content-location",
        ] {
            next.headers.remove(name);
        }
    }
    if next.crossed {
        placeholder::strip_for_another_host(&mut next.headers);
    }
    next
}
