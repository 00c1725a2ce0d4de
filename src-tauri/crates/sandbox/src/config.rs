//! What a sandbox is made of: seed, clock, sizes, and the behaviours that a
//! test may change while it runs.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{Clock, ErrorKind, Explain, SystemClock};
use serde::{Deserialize, Serialize};

/// The client id that the sandbox knows, a desktop client.
pub const CLIENT_ID: &str =
    "100000000001-charmkeepersandbox0000000000000.apps.googleusercontent.com";
/// Its secret. It protects nothing: the sandbox's tokens are worth nothing.
pub const CLIENT_SECRET: &str = "GOCSPX-charmkeeper-sandbox-0000";
/// The issuer that Google names in `iss`.
pub const ISSUER: &str = "https://accounts.google.com";

/// How to start a sandbox.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Decides every id, text, time offset and token. The same seed and the
    /// same clock give the same world.
    pub seed: u64,
    /// TCP port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Time of the sandbox: layout of the world, token expiry, quota windows.
    pub clock: Arc<dyn Clock>,
    /// Messages in the first account's mailbox at the start. The other
    /// accounts get a quarter of it, 40 at most.
    pub messages: u32,
    /// Events in the first account's calendars at the start, recurring ones
    /// counted once and the holidays calendar not at all. The other accounts
    /// get a quarter of it, 20 at most.
    pub events: u32,
    /// How often something new arrives in every account; none: never by itself.
    pub arrival: Option<Duration>,
    /// Whether a background task calls [`World::tick`](crate::World::tick).
    /// Tests that move a fake clock turn it off and call it themselves.
    pub background: bool,
    /// Answers that differ between real projects, accounts and days.
    pub behaviour: Behaviour,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            port: 0,
            clock: Arc::new(SystemClock::default()),
            messages: 60,
            events: 40,
            arrival: None,
            background: true,
            behaviour: Behaviour::default(),
        }
    }
}

impl std::fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("seed", &self.seed)
            .field("port", &self.port)
            .field("messages", &self.messages)
            .field("events", &self.events)
            .field("arrival", &self.arrival)
            .field("background", &self.background)
            .field("behaviour", &self.behaviour)
            .finish_non_exhaustive()
    }
}

/// What may be switched while the sandbox runs, in code or with
/// `PATCH /sandbox/behaviour`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// `iss` of the authorization answer (RFC 9207); none leaves it out, as
    /// Google does for part of its users.
    pub issuer: Option<String>,
    /// Lifetime of access tokens in seconds.
    pub access_token_lifetime_s: u64,
    /// Lifetime of refresh tokens in seconds, named to the client in
    /// `refresh_token_expires_in`; none: they last. 604800 is a project in
    /// "Testing".
    pub refresh_token_lifetime_s: Option<u64>,
    /// A refresh answers with a new refresh token and ends the old one.
    pub rotate_refresh_tokens: bool,
    /// Parts in one batch above which the whole batch is refused.
    pub batch_limit: usize,
    /// Lists in more than one page have an empty page with a `nextPageToken`
    /// among them, as Calendar's documentation allows.
    pub empty_pages: bool,
    /// Gmail quota units per account and minute; none: unlimited.
    pub gmail_units_per_minute: Option<u32>,
    /// Calendar requests per account and minute; none: unlimited.
    pub calendar_requests_per_minute: Option<u32>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            issuer: Some(ISSUER.to_owned()),
            access_token_lifetime_s: 3599,
            refresh_token_lifetime_s: None,
            rotate_refresh_tokens: false,
            batch_limit: 100,
            empty_pages: true,
            gmail_units_per_minute: None,
            calendar_requests_per_minute: None,
        }
    }
}

/// Why the sandbox could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port could not be taken.
    #[error("The sandbox could not listen on 127.0.0.1:{port}: {source}.")]
    Bind {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The sandbox's own HTTP exchange failed.
    #[error("The sandbox's own request to {url} failed: {source}.")]
    Http {
        /// Scheme, host and path, without the query.
        url: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The sign-in page refused the request.
    #[error("The sandbox's sign-in page refused: {0}")]
    Refused(String),
    /// A URL that is not this sandbox's.
    #[error("This is not an address of the sandbox: {0}")]
    NotOurs(String),
    /// An account, message, calendar or event that is not there.
    #[error("The sandbox has no {what} named \"{name}\".")]
    Unknown {
        /// "account", "message", "calendar" or "event".
        what: &'static str,
        /// What was asked for.
        name: String,
    },
}

impl Explain for SandboxError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Bind { .. } => ErrorKind::Local,
            Self::Http { .. } => ErrorKind::Provider,
            Self::Refused(_) | Self::NotOurs(_) | Self::Unknown { .. } => ErrorKind::Usage,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Bind { port: 0, .. } => None,
            Self::Bind { .. } => Some("Choose another port, or 0 for any free one.".to_owned()),
            _ => None,
        }
    }
}
