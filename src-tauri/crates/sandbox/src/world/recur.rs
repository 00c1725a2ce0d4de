//! When an event is, and how it repeats: the part of RFC 5545 that the
//! sandbox's own events use.

use charmkeeper_base::UnixMs;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};

use super::zone;

/// Occurrences of one event that are ever looked at.
const MOST: usize = 5000;

/// A start or an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A day without a time. An end is the day after the last.
    Day(Date),
    /// A moment, and the zone it was entered in.
    At { at: UnixMs, zone: String },
}

impl When {
    /// The moment; a day begins at midnight of `home`, the calendar's zone.
    pub(crate) fn moment(&self, home: &TimeZone) -> UnixMs {
        match self {
            Self::Day(day) => zone::moment(day.at(0, 0, 0, 0), home),
            Self::At { at, .. } => *at,
        }
    }

    pub(crate) fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The suffix of an instance's id, and of `originalStartTime`.
    pub(crate) fn stamp(&self) -> String {
        match self {
            Self::Day(day) => day.strftime("%Y%m%d").to_string(),
            Self::At { at, .. } => zone::timestamp(*at).strftime("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A recurrence rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) frequency: Frequency,
    /// Every so many days, weeks, months or years; at least 1.
    pub(crate) interval: i32,
    /// Days of a weekly rule, Monday first; empty: the day of the start.
    pub(crate) days: Vec<Weekday>,
    pub(crate) count: Option<usize>,
    /// Last day on which it may start.
    pub(crate) until: Option<Date>,
}

impl Rule {
    pub(crate) fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            days: Vec::new(),
            count: None,
            until: None,
        }
    }

    /// The line of `recurrence`.
    pub(crate) fn line(&self, all_day: bool) -> String {
        let mut out = format!(
            "RRULE:FREQ={}",
            match self.frequency {
                Frequency::Daily => "DAILY",
                Frequency::Weekly => "WEEKLY",
                Frequency::Monthly => "MONTHLY",
                Frequency::Yearly => "YEARLY",
            }
        );
        if self.interval > 1 {
            out += &format!(";INTERVAL={}", self.interval);
        }
        if !self.days.is_empty() {
            let days: Vec<_> = self.days.iter().map(|d| weekday_word(*d)).collect();
            out += &format!(";BYDAY={}", days.join(","));
        }
        if let Some(count) = self.count {
            out += &format!(";COUNT={count}");
        }
        if let Some(until) = self.until {
            let day = until.strftime("%Y%m%d");
            out += &if all_day {
                format!(";UNTIL={day}")
            } else {
                format!(";UNTIL={day}T235959Z")
            };
        }
        out
    }

    /// The days on which it starts, from `first` up to and including `last`.
    fn days_between(&self, first: Date, last: Date) -> Vec<Date> {
        let last = self.until.map_or(last, |u| u.min(last));
        let most = self.count.unwrap_or(MOST).min(MOST);
        let mut out = Vec::new();
        for step in 0..i32::try_from(MOST).unwrap_or(i32::MAX) {
            let Some(period) = self.period(first, step.saturating_mul(self.interval)) else {
                break;
            };
            if period.first().is_none_or(|d| *d > last) && !period.is_empty() {
                break;
            }
            for day in period.into_iter().filter(|d| *d >= first) {
                if day > last || out.len() >= most {
                    return out;
                }
                out.push(day);
            }
        }
        out
    }

    /// Candidate days of the period that is `n` units after the one of `first`:
    /// empty when that month has no such day, none beyond the calendar.
    fn period(&self, first: Date, n: i32) -> Option<Vec<Date>> {
        let same_day = |span: Span| {
            let day = first.checked_add(span).ok()?;
            // jiff clamps the 31st to the end of a short month; RFC 5545 skips it.
            Some(if day.day() == first.day() {
                vec![day]
            } else {
                Vec::new()
            })
        };
        match self.frequency {
            Frequency::Daily => Some(vec![first.checked_add(n.days()).ok()?]),
            Frequency::Monthly => same_day(n.months()),
            Frequency::Yearly => same_day(n.years()),
            Frequency::Weekly => {
                let back = i32::from(first.weekday().to_monday_zero_offset());
                let monday = first
                    .checked_add((-back).days())
                    .ok()?
                    .checked_add(n.weeks())
                    .ok()?;
                let days = if self.days.is_empty() {
                    &[first.weekday()][..]
                } else {
                    &self.days
                };
                days.iter()
                    .map(|d| {
                        monday
                            .checked_add(i32::from(d.to_monday_zero_offset()).days())
                            .ok()
                    })
                    .collect()
            }
        }
    }

    /// The starts of all occurrences that begin before `end`.
    pub(crate) fn starts(&self, start: &When, end: UnixMs, home: &TimeZone) -> Vec<When> {
        match start {
            When::Day(first) => {
                let last = zone::local(end, home).date();
                let days = self.days_between(*first, last).into_iter();
                days.map(When::Day)
                    .filter(|w| w.moment(home) < end)
                    .collect()
            }
            When::At { at, zone: name } => {
                // Occurrences keep their wall-clock time in the event's own zone.
                let own = zone::find_or_utc(name);
                let first: DateTime = zone::local(*at, &own);
                let last = zone::local(end, &own).date();
                self.days_between(first.date(), last)
                    .into_iter()
                    .map(|day| zone::moment(day.to_datetime(first.time()), &own))
                    .filter(|at| *at < end)
                    .map(|at| When::At {
                        at,
                        zone: name.clone(),
                    })
                    .collect()
            }
        }
    }
}

fn weekday_word(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(text: &str) -> UnixMs {
        UnixMs::parse_rfc3339(text).expect("a time")
    }

    fn stamps(rule: &Rule, start: &When, end: &str) -> Vec<String> {
        let home = zone::find_or_utc("Europe/Berlin");
        rule.starts(start, at(end), &home)
            .iter()
            .map(When::stamp)
            .collect()
    }

    #[test]
    fn a_weekly_meeting_keeps_its_wall_clock_time_across_the_clock_change() {
        let mut rule = Rule::every(Frequency::Weekly);
        rule.days = vec![Weekday::Monday, Weekday::Thursday];
        // A Wednesday; Berlin leaves summer time on 25 October 2026.
        let start = When::At {
            at: at("2026-10-21T07:00:00Z"),
            zone: "Europe/Berlin".into(),
        };
        assert_eq!(
            stamps(&rule, &start, "2026-10-30T00:00:00Z"),
            ["20261022T070000Z", "20261026T080000Z", "20261029T080000Z"]
        );
        assert_eq!(rule.line(false), "RRULE:FREQ=WEEKLY;BYDAY=MO,TH");
    }

    #[test]
    fn the_31st_is_skipped_in_short_months_and_count_and_until_end_it() {
        let start = When::Day(date(2026, 1, 31));
        let mut rule = Rule::every(Frequency::Monthly);
        rule.count = Some(3);
        assert_eq!(
            stamps(&rule, &start, "2027-01-01T00:00:00Z"),
            ["20260131", "20260331", "20260531"]
        );
        rule.count = None;
        rule.until = Some(date(2026, 4, 1));
        assert_eq!(
            stamps(&rule, &start, "2027-01-01T00:00:00Z"),
            ["20260131", "20260331"]
        );
        assert_eq!(rule.line(true), "RRULE:FREQ=MONTHLY;UNTIL=20260401");
        let leap = When::Day(date(2024, 2, 29));
        let yearly = Rule::every(Frequency::Yearly);
        assert_eq!(
            stamps(&yearly, &leap, "2029-01-01T00:00:00Z"),
            ["20240229", "20280229"]
        );
    }
}
