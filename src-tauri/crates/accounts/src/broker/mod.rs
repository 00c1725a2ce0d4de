//! The broker: the only way from a charm to the network.
//!
//! A request passes, in this order: the run's budget, the permission for its
//! host, the account's quota, the swap of placeholders for tokens, the wire.
//! On the way back tokens become placeholders again and the answer is sorted
//! into the kinds of error.
//!
//! Owns: that order and everything in it. Never stores a token (the
//! [`TokenSource`] does), never repeats a request that failed for a while (the
//! scheduler does), never persists a pause (the keeper does).

mod address;
mod batch;
mod budget;
mod call;
mod classify;
mod errors;
mod headers;
mod hop;
mod map;
mod multipart;
mod permit;
mod placeholder;
mod policy;
mod quota;
mod refresh;
mod resolve;
mod token;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::Clock;
use charmkeeper_base::http::{CallError, CallRecord, HttpRequest, HttpResponse};
use charmkeeper_base::random::Random;
use tokio::sync::Semaphore;
use url::Url;

pub use budget::{RunBudget, Unrecovered};
pub use errors::BrokerError;
pub use map::KEEPER_HOST;
pub use policy::{Caps, Policy};
pub use quota::{Pause, QuotaConfig};
pub use resolve::{Lookup, SystemLookup};
pub use token::{AccessToken, TokenError, TokenInfo, TokenSource, TokenUser};

use crate::Endpoints;
use budget::Item;
use call::Call;
use map::HostMap;
use quota::Quotas;
use transport::Transport;

/// Characters of a path that a record shows.
const MAX_SHOWN_PATH: usize = 512;

/// Settings of the broker; the defaults are those of the program.
#[derive(Clone)]
pub struct BrokerConfig {
    /// Share of Google's quotas.
    pub quota: QuotaConfig,
    /// Requests of all runs on the wire at once.
    pub max_concurrent: usize,
    /// Time to reach a server.
    pub connect_timeout: Duration,
    /// Proxy for everything that leaves this computer. It resolves names
    /// itself, so that with it addresses behind names are not checked here.
    pub proxy: Option<Url>,
    /// Certificates (PEM) to trust beside the well-known ones.
    pub extra_roots: Vec<Vec<u8>>,
    /// How names are looked up when there is no proxy.
    pub lookup: Arc<dyn Lookup>,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            quota: QuotaConfig::default(),
            max_concurrent: 64,
            connect_timeout: Duration::from_secs(10),
            proxy: None,
            extra_roots: Vec::new(),
            lookup: Arc::new(SystemLookup),
        }
    }
}

impl std::fmt::Debug for BrokerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerConfig")
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

/// The answer to a charm's request, and its line in the run's timeline.
#[derive(Debug)]
pub struct Fetched {
    /// A response when a server answered, whatever its status.
    pub result: Result<HttpResponse, CallError>,
    /// What is shown and stored. Its `error` is set for an answered failure too.
    pub record: CallRecord,
}

/// See the module. One for the whole program, shared by all runs.
pub struct Broker {
    map: HostMap,
    tokens: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    quotas: Quotas,
    transport: Transport,
    overall: Semaphore,
}

impl Broker {
    /// A broker for the hosts of `endpoints`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(
        endpoints: &Endpoints,
        tokens: Arc<dyn TokenSource>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        config: &BrokerConfig,
    ) -> Result<Self, BrokerError> {
        Ok(Self {
            map: HostMap::new(endpoints),
            tokens,
            quotas: Quotas::new(Arc::clone(&clock), random, config.quota),
            clock,
            transport: Transport::new(config)?,
            overall: Semaphore::new(config.max_concurrent.clamp(1, Semaphore::MAX_PERMITS)),
        })
    }

    /// Does one request for a charm. Dropping the future aborts the request,
    /// which then stands in the budget's records as abandoned.
    ///
    /// An error never comes as a panic and never holds a secret; its kind says
    /// what happens next.
    pub async fn fetch(&self, policy: &Policy, budget: &RunBudget, req: HttpRequest) -> Fetched {
        let authorization = req
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value.as_str());
        let item = Item::of((&req.method, &req.url, authorization, &req.body));
        let mut slot = budget.begin(self.opening_record(&req), item, self.clock.as_ref());
        let mut call = Call {
            broker: self,
            policy,
            budget,
            left: policy.caps.timeout,
            account: None,
            status: None,
            bytes_in: 0,
            error: None,
            parts: Vec::new(),
        };
        let result = match slot.refused() {
            Some(error) => Err(error),
            None => Box::pin(call.run(req)).await,
        };
        slot.record.account = call.account;
        slot.record.status = call.status;
        slot.record.bytes_in = call.bytes_in;
        slot.record.error = result.as_ref().err().cloned().or(call.error);
        let record = slot.finish(call.parts);
        Fetched { result, record }
    }

    /// The accounts that wait for their provider, to be stored by the keeper.
    #[must_use]
    pub fn pauses(&self) -> Vec<Pause> {
        self.quotas.pauses()
    }

    /// Takes up stored pauses at the start of the program.
    pub fn restore(&self, pauses: Vec<Pause>) {
        self.quotas.restore(pauses);
    }

    /// Forgets the quota state of an account, its pause included: after it was
    /// disconnected, or when a person wants to try at once.
    pub fn forget(&self, account: &str) {
        self.quotas.forget(account);
    }

    fn opening_record(&self, req: &HttpRequest) -> CallRecord {
        let url = Url::parse(&req.url).ok();
        let part = |get: fn(&Url) -> Option<&str>| {
            url.as_ref().and_then(get).unwrap_or_default().to_owned()
        };
        CallRecord {
            method: req.method.chars().take(20).collect(),
            host: part(Url::host_str),
            path: part(|u| Some(u.path()))
                .chars()
                .take(MAX_SHOWN_PATH)
                .collect(),
            status: None,
            started_at: self.clock.now(),
            duration_ms: 0,
            bytes_out: req.body.len() as u64,
            bytes_in: 0,
            account: None,
            error: None,
        }
    }
}
