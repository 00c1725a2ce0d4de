//! What every request handler holds: the state behind its lock, the clock, the
//! faults and the journal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use charmkeeper_base::{Clock, UnixMs};
use url::Url;

use crate::config::{SandboxConfig, SandboxError};
use crate::faults::FaultPlan;
use crate::journal::Journal;
use crate::world::inner::{Account, Inner};

/// How far open-ended recurrences are followed when nobody names an end.
const HORIZON: Duration = Duration::from_secs(730 * 24 * 3600);

/// The running sandbox, seen from inside.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    /// `http://127.0.0.1:PORT/`.
    pub(crate) base_url: Url,
    inner: Mutex<Inner>,
    pub(crate) faults: Mutex<FaultPlan>,
    pub(crate) journal: Journal,
}

impl Shared {
    pub(crate) fn new(config: &SandboxConfig, base_url: Url) -> Self {
        Self {
            clock: Arc::clone(&config.clock),
            base_url,
            inner: Mutex::new(Inner::new(config)),
            faults: Mutex::new(FaultPlan::default()),
            journal: Journal::default(),
        }
    }

    /// The state. A panic elsewhere leaves it usable: every change is whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultPlan> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_account<T>(
        &self,
        email: &str,
        f: impl FnOnce(&Account) -> T,
    ) -> Result<T, SandboxError> {
        let inner = self.lock();
        let found = inner.account(email);
        found.map(f).ok_or_else(|| SandboxError::Unknown {
            what: "account",
            name: email.to_owned(),
        })
    }

    /// The end of open-ended recurrences.
    pub(crate) fn horizon(&self) -> UnixMs {
        self.clock.now().plus(HORIZON)
    }

    pub(crate) fn tick(&self, now: UnixMs) -> u64 {
        self.lock().tick(now)
    }

    /// True for the origin of the sandbox's own pages, by any of this
    /// machine's names.
    pub(crate) fn is_own_origin(&self, origin: &str) -> bool {
        Url::parse(origin).is_ok_and(|o| {
            o.scheme() == "http"
                && o.host_str().is_some_and(is_this_machine)
                && o.port_or_known_default() == self.base_url.port_or_known_default()
        })
    }
}

/// The names by which a browser reaches the loopback interface. Any other name
/// in `Host` is a page elsewhere that points its name at 127.0.0.1.
pub(crate) fn is_this_machine(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
