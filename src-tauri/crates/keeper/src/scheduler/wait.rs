//! How long to wait: the numbers of design.md §6, and the jitter on them.
//!
//! Pure functions over a `Random`; nothing here knows a charm.

use std::time::Duration;

use charmkeeper_base::random::Random;

/// Waits after a failed try double from here while the network is doubtful.
pub(super) const OFFLINE_BASE: Duration = Duration::from_secs(10);
/// A try at least this often while calls fail although the network looks fine.
pub(super) const OFFLINE_CAP: Duration = Duration::from_secs(5 * 60);
/// The first wait after the provider failed.
pub(super) const PROVIDER_BASE: Duration = Duration::from_secs(60);
/// The longest wait while the provider fails.
pub(super) const PROVIDER_CAP: Duration = Duration::from_secs(15 * 60);
/// Full jitter may draw zero; a failing provider is given at least this.
pub(super) const PROVIDER_FLOOR: Duration = Duration::from_secs(5);
/// A provider that fails this long is worth a notice.
pub(super) const PROVIDER_NOTICE: Duration = Duration::from_secs(15 * 60);
/// The first pause of an account whose provider asked for one.
pub(super) const QUOTA_BASE: Duration = Duration::from_secs(30);
/// The longest pause of our own making; a longer one must be asked for.
pub(super) const QUOTA_CAP: Duration = Duration::from_secs(15 * 60);
/// The longest pause we grant, whatever the server says.
pub(super) const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest wait while a space refuses commits.
pub(super) const SPACE_CAP: Duration = Duration::from_secs(60 * 60);
/// The first wait after a charm's own failure, if its interval is shorter.
pub(super) const CHARM_BASE: Duration = Duration::from_secs(60);
/// The longest wait between a charm's own failures, if its interval is shorter.
pub(super) const CHARM_CAP: Duration = Duration::from_secs(60 * 60);
/// A locked keychain is tried again this often even if nobody says it opened.
pub(super) const KEYCHAIN_RETRY: Duration = Duration::from_secs(15 * 60);
/// The least wait after a first failed try when the cause seems gone; doubles,
/// so that a network that flaps every second starts no storm.
pub(super) const CALM_BASE: Duration = Duration::from_secs(5);
/// The most of that.
pub(super) const CALM_CAP: Duration = Duration::from_secs(60);

/// `base · 2^(n-1)`, at most `cap`; `n` counts from 1.
pub(super) fn exponential(base: Duration, cap: Duration, n: u32) -> Duration {
    let doublings = n.saturating_sub(1).min(31);
    base.saturating_mul(1 << doublings).min(cap)
}

/// Anything up to `upper`, at least `floor`.
pub(super) fn full_jitter(random: &dyn Random, upper: Duration, floor: Duration) -> Duration {
    upper.mul_f64(random.unit().clamp(0.0, 1.0)).max(floor)
}

/// Between half of `upper` and `upper`.
pub(super) fn half_jitter(random: &dyn Random, upper: Duration) -> Duration {
    upper.mul_f64(0.5 + 0.5 * random.unit().clamp(0.0, 1.0))
}

/// A factor between `1 - part` and `1 + part`.
pub(super) fn factor(random: &dyn Random, part: f64) -> f64 {
    let part = part.clamp(0.0, 0.5);
    1.0 - part + 2.0 * part * random.unit().clamp(0.0, 1.0)
}

/// The same for charms that shared a worker, whose wait counts from the first
/// end among them while the others ended at most `part / 2` of an interval
/// later: so that each still waits `1 - part` from its own end.
pub(super) fn shared_factor(random: &dyn Random, part: f64) -> f64 {
    let part = part.clamp(0.0, 0.5);
    1.0 - part / 2.0 + 1.5 * part * random.unit().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use charmkeeper_base::random::SeededRandom;

    use super::*;

    #[test]
    fn exponential_doubles_up_to_its_cap_and_never_overflows() {
        let s = Duration::from_secs;
        for (n, want) in [
            (0, 60),
            (1, 60),
            (2, 120),
            (3, 240),
            (4, 480),
            (5, 900),
            (u32::MAX, 900),
        ] {
            assert_eq!(exponential(s(60), s(900), n), s(want), "n = {n}");
        }
        assert_eq!(exponential(Duration::MAX, Duration::MAX, 9), Duration::MAX);
    }

    #[test]
    fn jitter_stays_in_its_bounds_and_uses_them() {
        let random = SeededRandom::new(1);
        let hour = Duration::from_secs(3600);
        let mut seen = [[f64::MAX, f64::MIN]; 3];
        for _ in 0..2000 {
            let draws = [
                full_jitter(&random, hour, Duration::from_secs(5)).as_secs_f64() / 3600.0,
                half_jitter(&random, hour).as_secs_f64() / 3600.0,
                factor(&random, 0.1),
            ];
            for (range, draw) in seen.iter_mut().zip(draws) {
                *range = [range[0].min(draw), range[1].max(draw)];
            }
        }
        let bounds = [[5.0 / 3600.0, 1.0], [0.5, 1.0], [0.9, 1.1]];
        for (range, bound) in seen.iter().zip(bounds) {
            let width = bound[1] - bound[0];
            assert!(
                range[0] >= bound[0] - 1e-9 && range[0] < bound[0] + width * 0.02,
                "{range:?}"
            );
            assert!(
                range[1] <= bound[1] + 1e-9 && range[1] > bound[1] - width * 0.02,
                "{range:?}"
            );
        }
    }
}
