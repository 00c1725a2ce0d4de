//! How long to wait before the next attempt.
//!
//! Owns the numbers of the reference client: 25 ms doubled each time, 30 s at
//! most, up to a fifth longer by chance. Never waits itself.

use std::time::Duration;

use charmkeeper_base::random::Random;

const BASE: Duration = Duration::from_millis(25);
const CAP: Duration = Duration::from_secs(30);
const JITTER: f64 = 0.2;

/// The wait after failure number `attempt`, counted from 0.
pub(super) fn delay(attempt: u32, random: &dyn Random) -> Duration {
    let base = 2_u32
        .checked_pow(attempt)
        .and_then(|factor| BASE.checked_mul(factor))
        .map_or(CAP, |delay| delay.min(CAP));
    base.mul_f64(1.0 + random.unit() * JITTER).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn it_doubles_to_the_cap_and_spreads_by_a_fifth() {
        let millis = |attempt, random| delay(attempt, &Fixed(random)).as_millis();
        assert_eq!([0, 1, 2, 10].map(|n| millis(n, 0)), [25, 50, 100, 25_600]);
        assert_eq!([0, 1, 10].map(|n| millis(n, 255)), [30, 60, 30_000]);
        for attempt in [11, 31, 32, 1_000, u32::MAX] {
            assert_eq!(millis(attempt, 0), 30_000);
        }
    }
}
