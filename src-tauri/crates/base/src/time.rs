//! Time as an argument: wall clock for what people read, monotonic time for waits.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;

/// A moment in milliseconds since 1970-01-01T00:00:00Z. In JSON it is an
/// RFC 3339 string in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(type = "string")]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// The moment `d` later; saturates.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
        )
    }
    /// The time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
    /// RFC 3339 in UTC with milliseconds, as in `2026-11-21T09:30:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => format!("{t:.3}"),
            // Outside the years that RFC 3339 can write.
            Err(_) if self.0 < 0 => "0000-01-01T00:00:00.000Z".to_owned(),
            Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
        }
    }
    /// Reads an RFC 3339 moment; `None` when it is not one.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Self(t.as_millisecond()))
    }
}

impl Serialize for UnixMs {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for UnixMs {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse_rfc3339(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text}")))
    }
}

/// The two clocks a program needs.
pub trait Clock: Send + Sync {
    /// Wall-clock time. It may jump in either direction.
    fn now(&self) -> UnixMs;
    /// Time since an arbitrary fixed moment. It never goes back. Whether it
    /// advances during sleep depends on the system.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMs {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock for tests that moves only when told to.
#[derive(Debug, Default)]
pub struct FakeClock {
    now: std::sync::atomic::AtomicI64,
    mono_ms: std::sync::atomic::AtomicU64,
}

impl FakeClock {
    /// A clock that stands at `now`, with monotonic time zero.
    #[must_use]
    pub fn at(now: UnixMs) -> Self {
        Self {
            now: now.0.into(),
            mono_ms: 0.into(),
        }
    }
    /// Moves both clocks on.
    pub fn advance(&self, d: Duration) {
        use std::sync::atomic::Ordering::SeqCst;
        let ms = u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        self.mono_ms.fetch_add(ms, SeqCst);
        self.now
            .fetch_add(i64::try_from(ms).unwrap_or(i64::MAX), SeqCst);
    }
    /// Sets the wall clock alone, as when a person or NTP changes it.
    pub fn jump_to(&self, now: UnixMs) {
        self.now.store(now.0, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.now.load(std::sync::atomic::Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.mono_ms.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_round_trips_and_extremes_do_not_panic() {
        let t = UnixMs(1_795_253_400_123);
        assert_eq!(UnixMs::parse_rfc3339(&t.to_rfc3339()), Some(t));
        assert!(t.to_rfc3339().ends_with(".123Z"), "{}", t.to_rfc3339());
        assert!(UnixMs(i64::MAX).to_rfc3339().starts_with("9999"));
        assert!(UnixMs(i64::MIN).to_rfc3339().starts_with("0000"));
        assert_eq!(
            UnixMs(i64::MAX).plus(Duration::from_secs(1)),
            UnixMs(i64::MAX)
        );
        assert_eq!(UnixMs(1).since(UnixMs(5)), Duration::ZERO);
        assert_eq!(UnixMs::parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn a_fake_clock_jumps_without_moving_monotonic_time() {
        let c = FakeClock::at(UnixMs(1000));
        c.advance(Duration::from_secs(2));
        c.jump_to(UnixMs(5));
        assert_eq!(c.now(), UnixMs(5));
        assert_eq!(c.monotonic(), Duration::from_secs(2));
    }
}
