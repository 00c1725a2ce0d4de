//! One quota per account, shared by every charm.
//!
//! Owns: the buckets that pace requests in the server's own units, the pause of
//! an account that was told to slow down, and how many requests of an account
//! are on the wire at once. Never sends a request; holds no lock while waiting.

mod bucket;
mod cost;
mod pause;
#[cfg(test)]
pub(crate) mod testing;
mod wait;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use charmkeeper_base::http::CallError;
use charmkeeper_base::random::Random;
use charmkeeper_base::{Clock, ErrorKind};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use bucket::{Bucket, TooLong};
pub(crate) use cost::{Meter, cost};
pub use pause::Pause;
use pause::{Moment, PauseState, Refusal};
pub(crate) use wait::{Asked, MAX_WAIT};

/// How much of Google's limits this program uses.
#[derive(Clone, Copy, Debug)]
pub struct QuotaConfig {
    /// Gmail's units per minute and user. Google gives 6,000 to projects
    /// created since May 2026 and 15,000 to older ones.
    pub gmail_per_minute: u32,
    /// Calendar's requests per minute and user.
    pub calendar_per_minute: u32,
    /// Steady share of both, 0 to 1. The rest can be spent in one burst.
    pub share: f64,
    /// A request that would have to wait longer fails at once and says when to
    /// come back, so that its run can end.
    pub max_wait: Duration,
    /// Requests of one account on the wire at once; each part of a batch
    /// counts. Google limits this too, without saying to how many.
    pub parallel: u32,
}

impl Default for QuotaConfig {
    fn default() -> Self {
        Self {
            gmail_per_minute: 6_000,
            calendar_per_minute: 600,
            share: 0.6,
            max_wait: Duration::from_secs(45),
            parallel: 50,
        }
    }
}

/// The quotas of all accounts.
pub(crate) struct Quotas {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: QuotaConfig,
    accounts: Mutex<HashMap<String, Arc<AccountQuota>>>,
}

struct AccountQuota {
    gmail: Bucket,
    calendar: Bucket,
    parallel: Arc<Semaphore>,
    pause: Mutex<PauseState>,
    /// Wakes those who wait in line when a pause begins.
    paused: Notify,
}

/// When a request was let through; tells answers to old requests from new ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted(Duration);

/// A rate-limit answer.
#[derive(Clone, Debug)]
pub(crate) struct SlowDown {
    /// What the server asked for, uncapped.
    pub asked: Option<Duration>,
    /// Never wait less.
    pub floor: Duration,
    /// One sentence.
    pub reason: String,
}

impl Quotas {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, config: QuotaConfig) -> Self {
        Self {
            clock,
            random,
            config,
            accounts: Mutex::default(),
        }
    }

    /// Lets a request of `account` through when the account is not paused and
    /// `costs` are paid, waiting for them in line.
    ///
    /// # Errors
    /// Kind quota with the moment to come back: at once when paused (also for
    /// those already in line) or when the wait would be too long.
    pub(crate) async fn admit(
        &self,
        account: &str,
        costs: &[(Meter, u32)],
    ) -> Result<Admitted, CallError> {
        let quota = self.of(account);
        for &(meter, units) in costs {
            let bucket = match meter {
                Meter::Gmail => &quota.gmail,
                Meter::Calendar => &quota.calendar,
            };
            let mut paused = std::pin::pin!(quota.paused.notified());
            // Registered before the check, so that no pause slips in between.
            paused.as_mut().enable();
            self.check(&quota)?;
            tokio::select! {
                taken = bucket.take(units, self.config.max_wait) => {
                    taken.map_err(|TooLong(wait)| self.too_long(wait))?;
                }
                () = paused => {}
            }
        }
        self.check(&quota)?;
        Ok(Admitted(self.clock.monotonic()))
    }

    /// A place among the account's requests on the wire; `weight` is the number
    /// of requests in it.
    pub(crate) async fn place(&self, account: &str, weight: usize) -> Option<OwnedSemaphorePermit> {
        let weight = u32::try_from(weight)
            .unwrap_or(u32::MAX)
            .clamp(1, self.config.parallel.max(1));
        let parallel = Arc::clone(&self.of(account).parallel);
        // Never closed, so this is always a permit.
        parallel.acquire_many_owned(weight).await.ok()
    }

    /// Pauses `account` after a rate-limit answer and returns the failed call
    /// that says so.
    pub(crate) fn slow_down(
        &self,
        account: &str,
        admitted: Admitted,
        answer: &SlowDown,
    ) -> CallError {
        let quota = self.of(account);
        let absurd = answer.asked.filter(|asked| *asked > MAX_WAIT);
        let mut message = answer.reason.clone();
        if let Some(asked) = absurd {
            let hours = asked.as_secs() / 3600;
            message.push_str(&format!(
                " It asked for a wait of {hours} hours, which is taken as one hour."
            ));
        }
        let refusal = Refusal {
            admitted: admitted.0,
            asked: answer.asked,
            floor: answer.floor,
            reason: message.clone(),
            jitter: self.random.unit(),
        };
        let until = lock(&quota.pause)
            .refuse(account, refusal, self.moment())
            .until;
        quota.paused.notify_waiters();
        message.push_str(&format!(
            " Waiting for Google until {}.",
            until.to_rfc3339()
        ));
        CallError {
            kind: ErrorKind::Quota,
            message,
            retry_at: Some(until),
        }
    }

    /// Ends the count of refusals in a row.
    pub(crate) fn succeeded(&self, account: &str, admitted: Admitted) {
        lock(&self.of(account).pause).succeed(admitted.0, self.moment());
    }

    /// The pauses that are going on, by account.
    pub(crate) fn pauses(&self) -> Vec<Pause> {
        let now = self.moment();
        let all: Vec<_> = lock(&self.accounts).values().cloned().collect();
        let mut found: Vec<Pause> = all
            .iter()
            .filter_map(|q| lock(&q.pause).active(now).cloned())
            .collect();
        found.sort_unstable_by(|a, b| a.account.cmp(&b.account));
        found
    }

    /// Takes up stored pauses; those that are over are ignored.
    pub(crate) fn restore(&self, pauses: Vec<Pause>) {
        let now = self.moment();
        for pause in pauses {
            let quota = self.of(&pause.account);
            lock(&quota.pause).restore(pause, now);
            quota.paused.notify_waiters();
        }
    }

    /// Forgets what is known of `account`, its pause included.
    pub(crate) fn forget(&self, account: &str) {
        lock(&self.accounts).remove(account);
    }

    fn check(&self, quota: &AccountQuota) -> Result<(), CallError> {
        match lock(&quota.pause).active(self.moment()) {
            None => Ok(()),
            Some(pause) => Err(CallError {
                kind: ErrorKind::Quota,
                message: format!(
                    "Waiting for Google until {}: {}",
                    pause.until.to_rfc3339(),
                    pause.reason
                ),
                retry_at: Some(pause.until),
            }),
        }
    }

    fn too_long(&self, wait: Duration) -> CallError {
        let until = self.clock.now().plus(wait);
        CallError {
            kind: ErrorKind::Quota,
            message: format!(
                "The account's share of Google's quota is used up until {}.",
                until.to_rfc3339()
            ),
            retry_at: Some(until),
        }
    }

    fn of(&self, account: &str) -> Arc<AccountQuota> {
        let mut accounts = lock(&self.accounts);
        if let Some(quota) = accounts.get(account) {
            return Arc::clone(quota);
        }
        let bucket = |limit| Bucket::new(Arc::clone(&self.clock), limit, self.config.share);
        let quota = Arc::new(AccountQuota {
            gmail: bucket(self.config.gmail_per_minute),
            calendar: bucket(self.config.calendar_per_minute),
            parallel: Arc::new(Semaphore::new(self.config.parallel.max(1) as usize)),
            pause: Mutex::default(),
            paused: Notify::new(),
        });
        accounts.insert(account.to_owned(), Arc::clone(&quota));
        quota
    }

    fn moment(&self) -> Moment {
        Moment {
            wall: self.clock.now(),
            mono: self.clock.monotonic(),
        }
    }
}

/// A panic elsewhere leaves these counters usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use charmkeeper_base::random::SeededRandom;

    use super::testing::TokioClock;
    use super::*;

    fn quotas() -> Arc<Quotas> {
        let clock = Arc::new(TokioClock::default());
        Arc::new(Quotas::new(
            clock,
            Arc::new(SeededRandom::new(1)),
            QuotaConfig::default(),
        ))
    }

    fn slow(asked: Option<u64>) -> SlowDown {
        SlowDown {
            asked: asked.map(Duration::from_secs),
            floor: Duration::ZERO,
            reason: "Too many requests.".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_and_meters_are_counted_apart() {
        let q = quotas();
        let start = tokio::time::Instant::now();
        q.admit("a", &[(Meter::Gmail, 2400)]).await.unwrap();
        q.admit("a", &[(Meter::Calendar, 240)]).await.unwrap();
        q.admit("b", &[(Meter::Gmail, 2400)]).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        // 60 % of 6,000 per minute is 60 per second.
        q.admit("a", &[(Meter::Gmail, 600)]).await.unwrap();
        assert!(
            (9.9..10.1).contains(&start.elapsed().as_secs_f64()),
            "{:?}",
            start.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_stops_those_in_line_at_once_and_new_ones_too() {
        let q = quotas();
        let admitted = q.admit("a", &[(Meter::Gmail, 2400)]).await.unwrap();
        let waiting = {
            let q = Arc::clone(&q);
            tokio::spawn(async move { q.admit("a", &[(Meter::Gmail, 1200)]).await })
        };
        tokio::task::yield_now().await;
        let start = tokio::time::Instant::now();
        let error = q.slow_down("a", admitted, &slow(Some(900)));
        let refused = waiting.await.unwrap().unwrap_err();
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(refused.kind, ErrorKind::Quota);
        assert_eq!(refused.retry_at, error.retry_at);
        // Calendar and requests without a cost wait too; other accounts do not.
        assert!(q.admit("a", &[(Meter::Calendar, 1)]).await.is_err());
        assert!(q.admit("a", &[]).await.is_err());
        assert!(q.admit("b", &[(Meter::Gmail, 1)]).await.is_ok());
        tokio::time::advance(Duration::from_secs(900)).await;
        assert!(q.admit("a", &[(Meter::Gmail, 1)]).await.is_ok());
        assert_eq!(q.pauses(), vec![]);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_handed_out_and_taken_back() {
        let q = quotas();
        let admitted = q.admit("a", &[]).await.unwrap();
        q.slow_down("a", admitted, &slow(Some(31_536_000)));
        let stored = q.pauses();
        assert_eq!(stored.len(), 1);
        assert!(
            stored[0].reason.contains("8760 hours"),
            "{}",
            stored[0].reason
        );
        assert_eq!(stored[0].until.since(stored[0].since), MAX_WAIT);
        let json = serde_json::to_string(&stored).unwrap();
        let other = quotas();
        other.restore(serde_json::from_str(&json).unwrap());
        let refused = other.admit("a", &[]).await.unwrap_err();
        assert_eq!(refused.retry_at, Some(stored[0].until));
        other.forget("a");
        assert!(other.admit("a", &[]).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_longer_than_a_run_can_bear_is_refused_with_a_moment() {
        let q = quotas();
        q.admit("a", &[(Meter::Gmail, 2400)]).await.unwrap();
        let now = q.clock.now();
        let error = q.admit("a", &[(Meter::Gmail, 6000)]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Quota);
        let wait = error.retry_at.unwrap().since(now).as_secs_f64();
        assert!((99.9..100.2).contains(&wait), "{wait}");
        assert_eq!(q.pauses(), vec![], "only the provider pauses an account");
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_has_a_limit_on_the_wire_and_a_batch_counts_its_parts() {
        let q = quotas();
        let first = q.place("a", 25).await;
        let second = q.place("a", 25).await;
        let blocked = tokio::time::timeout(Duration::from_secs(1), q.place("a", 1)).await;
        assert!(blocked.is_err());
        drop(first);
        assert!(q.place("a", 1).await.is_some());
        drop(second);
        assert!(q.place("a", 1_000_000).await.is_some());
    }
}
