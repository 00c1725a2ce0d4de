//! Time zones of the sandbox by their rules, not from the system's database,
//! so that a machine without tzdata gives the same calendar.
//!
//! The rules are today's; the sandbox lays out its world around now.

use charmkeeper_base::UnixMs;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Rules as in POSIX `TZ`, by IANA name.
const RULES: [(&str, &str); 8] = [
    ("UTC", "UTC0"),
    ("Etc/UTC", "UTC0"),
    ("GMT", "GMT0"),
    ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ("Europe/London", "GMT0BST,M3.5.0/1,M10.5.0"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("America/Los_Angeles", "PST8PDT,M3.2.0,M11.1.0"),
    ("Asia/Dubai", "<+04>-4"),
];

/// The zone of a name: the sandbox's own rules first, then the system's
/// database; none when neither knows it.
pub(crate) fn find(name: &str) -> Option<TimeZone> {
    match RULES.iter().find(|(n, _)| *n == name) {
        Some((_, rule)) => TimeZone::posix(rule).ok(),
        None => TimeZone::get(name).ok(),
    }
}

/// Like [`find`], with UTC for a name that nobody knows.
pub(crate) fn find_or_utc(name: &str) -> TimeZone {
    find(name).unwrap_or(TimeZone::UTC)
}

/// The wall-clock time of a moment in a zone.
pub(crate) fn local(at: UnixMs, zone: &TimeZone) -> civil::DateTime {
    zone.to_datetime(timestamp(at))
}

/// The moment of a wall-clock time in a zone; a time that a clock change
/// skips or repeats is taken as RFC 5545 does.
pub(crate) fn moment(at: civil::DateTime, zone: &TimeZone) -> UnixMs {
    zone.to_timestamp(at)
        .map_or(UnixMs(0), |t| UnixMs(t.as_millisecond()))
}

/// A moment as jiff's type; one beyond its range becomes its end.
pub(crate) fn timestamp(at: UnixMs) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// RFC 3339 with the zone's offset, and `Z` for zero as Google writes it.
pub(crate) fn rfc3339(at: UnixMs, zone: &TimeZone) -> String {
    let zoned = timestamp(at).to_zoned(zone.clone());
    if zoned.offset().is_zero() {
        return zoned.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_readable_and_summer_time_is_kept() {
        for (name, _) in RULES {
            assert!(find(name).is_some(), "{name}");
        }
        let berlin = find("Europe/Berlin").expect("known");
        let at = |t: &str| UnixMs::parse_rfc3339(t).expect("a time");
        assert_eq!(
            rfc3339(at("2026-07-01T10:00:00Z"), &berlin),
            "2026-07-01T12:00:00+02:00"
        );
        assert_eq!(
            rfc3339(at("2026-12-01T10:00:00Z"), &berlin),
            "2026-12-01T11:00:00+01:00"
        );
        assert_eq!(
            rfc3339(at("2026-12-01T10:00:00Z"), &TimeZone::UTC),
            "2026-12-01T10:00:00Z"
        );
        assert!(find("Mars/Olympus").is_none());
    }
}
