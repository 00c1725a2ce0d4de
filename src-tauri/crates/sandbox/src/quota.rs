//! Quota units per account and minute (reference: google.md §2b).
//!
//! Always counts; refuses only when a limit was set.

use std::collections::HashMap;
use std::time::Duration;

use crate::google_error::ApiError;

const MINUTE: Duration = Duration::from_secs(60);

/// A service with a quota of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Gmail,
    Calendar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: Duration,
    used: u32,
}

/// What each account has used.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    windows: HashMap<(String, Service), Window>,
    gmail_total: HashMap<String, u64>,
}

impl Meter {
    /// Takes `units`, or refuses when they are more than is left of `limit` in
    /// the minute that runs at `now` (monotonic time).
    pub(crate) fn take(
        &mut self,
        account: &str,
        service: Service,
        units: u32,
        limit: Option<u32>,
        now: Duration,
    ) -> Result<(), ApiError> {
        let window = self
            .windows
            .entry((account.to_owned(), service))
            .or_default();
        if now.saturating_sub(window.began) >= MINUTE {
            *window = Window {
                began: now,
                used: 0,
            };
        }
        if limit.is_some_and(|limit| window.used.saturating_add(units) > limit) {
            return Err(refusal(service));
        }
        window.used = window.used.saturating_add(units);
        if service == Service::Gmail {
            *self.gmail_total.entry(account.to_owned()).or_default() += u64::from(units);
        }
        Ok(())
    }

    /// Gmail units that an account has used since the start.
    pub(crate) fn total(&self, account: &str) -> u64 {
        self.gmail_total.get(account).copied().unwrap_or(0)
    }
}

fn refusal(service: Service) -> ApiError {
    match service {
        Service::Gmail => ApiError::new(
            403,
            "rateLimitExceeded",
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of \
             service 'gmail.googleapis.com' for consumer 'project_number:100000000001'.",
        )
        .detail("RATE_LIMIT_EXCEEDED", "gmail.googleapis.com"),
        Service::Calendar => ApiError::new(403, "rateLimitExceeded", "Rate Limit Exceeded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_window_refuses_until_its_minute_is_over() {
        let mut m = Meter::default();
        let take = |m: &mut Meter, units, s| {
            m.take("a", Service::Gmail, units, Some(50), Duration::from_secs(s))
                .is_ok()
        };
        assert!(take(&mut m, 40, 0));
        assert!(!take(&mut m, 20, 59));
        assert!(take(&mut m, 10, 59));
        assert!(take(&mut m, 20, 60));
        assert_eq!(m.total("a"), 70);
        assert!(
            m.take("b", Service::Gmail, 50, Some(50), Duration::from_secs(60))
                .is_ok()
        );
    }
}
