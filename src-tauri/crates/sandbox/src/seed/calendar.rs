//! The n-th event of an account.
//!
//! The first twelve numbers show every kind of event once, and every twelve
//! after them again.

use charmkeeper_base::UnixMs;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::texts::{PLACES, SENDERS, TITLES};
use super::{BASE32HEX, Dice};
use crate::world::book::{Attendee, Calendar, Event};
use crate::world::profile::Profile;
use crate::world::recur::{Frequency, Rule, When};
use crate::world::zone;

/// The id of the n-th event.
pub(crate) fn id(seed: u64, profile: &Profile, n: u64) -> String {
    Dice::new(seed, "event-id", profile.email, n).word(BASE32HEX, 26)
}

/// The n-th event of an account, laid out around `today`: one event, or a
/// recurring one with its exceptions.
pub(crate) fn event(
    seed: u64,
    profile: &Profile,
    calendars: &[Calendar],
    n: u64,
    now: UnixMs,
) -> Vec<Event> {
    let home = zone::find_or_utc(profile.time_zone);
    let today = zone::local(now, &home).date();
    let dice = Dice::new(seed, "event", profile.email, n);
    let place = match n % 7 {
        6 => 3,
        2 | 4 => 1,
        _ => 0,
    };
    let calendar = calendars
        .get(place)
        .map_or(profile.email, |c| c.id.as_str());
    // 20 days back to 40 ahead, in an order that does not follow `n`.
    let day = shifted(today, i64::try_from(n * 17 % 61).unwrap_or(0) - 20);
    let base = Base {
        profile,
        dice: &dice,
        calendar,
        home: &home,
        day,
        now,
        zone: profile.time_zone,
    };
    let mut events = base.events(n);
    let id = self::id(seed, profile, n);
    for event in &mut events {
        event.id = match &event.master {
            Some((_, start)) => format!("{id}_{}", start.stamp()),
            None => id.clone(),
        };
        if let Some((master, _)) = &mut event.master {
            master.clone_from(&id);
        }
    }
    events
}

pub(super) fn shifted(day: Date, days: i64) -> Date {
    day.checked_add(days.days()).unwrap_or(day)
}

/// An event with nothing but its times.
pub(crate) fn blank(calendar: &str, start: When, end: When, now: UnixMs) -> Event {
    Event {
        id: String::new(),
        calendar: calendar.to_owned(),
        created: now,
        updated: now,
        revision: 0,
        first_revision: 0,
        cancelled: false,
        tentative: false,
        summary: None,
        description: None,
        location: None,
        start,
        end,
        rule: None,
        master: None,
        attendees: Vec::new(),
        organizer: (calendar.to_owned(), None),
        private: false,
        free: false,
        meeting_link: false,
        sequence: 0,
    }
}

struct Base<'a> {
    profile: &'a Profile,
    dice: &'a Dice,
    calendar: &'a str,
    home: &'a TimeZone,
    day: Date,
    now: UnixMs,
    zone: &'a str,
}

impl Base<'_> {
    /// At an hour and minute of a day in a zone.
    fn at(&self, day: Date, hour: i8, minute: i8, zone_name: &str) -> When {
        let zone = if zone_name == self.zone {
            self.home.clone()
        } else {
            zone::find_or_utc(zone_name)
        };
        When::At {
            at: zone::moment(day.at(hour, minute, 0, 0), &zone),
            zone: zone_name.to_owned(),
        }
    }

    fn make(&self, start: When, end: When) -> Event {
        Event {
            summary: Some((*self.dice.pick(&TITLES)).to_owned()),
            organizer: (
                self.profile.email.to_owned(),
                Some(self.profile.name.to_owned()),
            ),
            ..blank(self.calendar, start, end, self.now)
        }
    }

    fn timed(&self) -> Event {
        let hour = 8 + i8::try_from(self.dice.below(9)).unwrap_or(0);
        let minute = [0, 15, 30][usize::try_from(self.dice.below(3)).unwrap_or(0)];
        self.make(
            self.at(self.day, hour, minute, self.zone),
            self.at(self.day, hour + 1, minute, self.zone),
        )
    }

    fn all_day(&self, days: i64) -> Event {
        self.make(When::Day(self.day), When::Day(shifted(self.day, days)))
    }

    fn guests(&self) -> Vec<Attendee> {
        let own = Attendee {
            email: self.profile.email.to_owned(),
            name: Some(self.profile.name.to_owned()),
            response: "accepted",
        };
        let other = |i: usize, response| {
            let (name, email) = SENDERS[i];
            let name = (i != 6).then(|| name.trim_matches('"').to_owned());
            Attendee {
                email: email.to_owned(),
                name,
                response,
            }
        };
        vec![
            own,
            other(0, "needsAction"),
            other(5, "tentative"),
            other(6, "declined"),
        ]
    }

    fn events(&self, n: u64) -> Vec<Event> {
        let place = Some((*self.dice.pick(&PLACES)).to_owned());
        let numbered = |e: Event| {
            let summary = e.summary.as_ref().map(|s| format!("{s} (no. {n})"));
            Event { summary, ..e }
        };
        let event = match n % 12 {
            0 => Event {
                attendees: self.guests(),
                meeting_link: true,
                ..numbered(self.timed())
            },
            1 => numbered(self.all_day(1)),
            2 => Event {
                summary: Some(format!("Journey (no. {n})")),
                location: place,
                ..self.all_day(3)
            },
            3 => self.weekly(numbered(self.timed())),
            4 => Event {
                summary: Some(format!("🎂 Geburtstag 誕生日 عيد ميلاد (no. {n})")),
                description: Some(
                    "<b>Bring:</b><ul><li>cake 🍰</li><li>tea &amp; milk</li></ul>See <a \
                     href=\"https://notes.sandbox.example/?a=1&amp;b=2\">the list</a>."
                        .to_owned(),
                ),
                ..self.timed()
            },
            5 => self.far_away(n),
            6 => Event {
                summary: None,
                location: place,
                ..self.timed()
            },
            7 => Event {
                cancelled: true,
                ..numbered(self.timed())
            },
            8 => return self.daily_with_exceptions(numbered(self.timed())),
            9 => Event {
                summary: Some(format!("موعد خاص (no. {n})")),
                private: true,
                free: true,
                tentative: true,
                ..self.timed()
            },
            10 => {
                let start = self.at(self.day, 22, 30, self.zone);
                let end = self.at(shifted(self.day, 1), 6, 15, self.zone);
                Event {
                    summary: Some(format!("Night train (no. {n})")),
                    location: place,
                    ..self.make(start, end)
                }
            }
            _ => Event {
                summary: Some(format!("Anniversary (no. {n})")),
                rule: Some(Rule::every(if n % 24 < 12 {
                    Frequency::Yearly
                } else {
                    Frequency::Monthly
                })),
                ..self.all_day(1)
            },
        };
        vec![event]
    }

    /// On its own weekday and on Sundays, without an end.
    fn weekly(&self, event: Event) -> Event {
        let mut rule = Rule::every(Frequency::Weekly);
        rule.days = vec![self.day.weekday()];
        if self.day.weekday() != Weekday::Sunday {
            rule.days.push(Weekday::Sunday);
        }
        Event {
            rule: Some(rule),
            ..event
        }
    }

    /// Entered in another zone than the calendar's.
    fn far_away(&self, n: u64) -> Event {
        let zone = if self.zone == "America/New_York" {
            "Europe/Berlin"
        } else {
            "America/New_York"
        };
        let start = self.at(self.day, 9, 0, zone);
        let end = self.at(self.day, 9, 45, zone);
        Event {
            summary: Some(format!("Call across the ocean (no. {n})")),
            ..self.make(start, end)
        }
    }

    /// Ten days in a row; the third was moved by two hours, the fifth cancelled.
    fn daily_with_exceptions(&self, event: Event) -> Vec<Event> {
        let mut rule = Rule::every(Frequency::Daily);
        rule.count = Some(10);
        let master = Event {
            rule: Some(rule),
            ..event
        };
        let (When::At { at: start, zone }, When::At { at: end, .. }) = (&master.start, &master.end)
        else {
            return vec![master];
        };
        let local = zone::local(*start, self.home);
        let on = |days: i64, hours: u64| {
            let day = shifted(local.date(), days).to_datetime(local.time());
            let at =
                zone::moment(day, self.home).plus(std::time::Duration::from_secs(hours * 3600));
            let end = at.plus(end.since(*start));
            let when = |at| When::At {
                at,
                zone: zone.clone(),
            };
            (when(at), when(end))
        };
        let exception = |days, hours, cancelled| {
            let (start, end) = on(days, hours);
            let original = on(days, 0).0;
            Event {
                start,
                end,
                cancelled,
                rule: None,
                master: Some((String::new(), original)),
                sequence: 1,
                ..master.clone()
            }
        };
        let (moved, cancelled) = (exception(2, 2, false), exception(4, 0, true));
        vec![master, moved, cancelled]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::profile::PROFILES;
    use std::collections::BTreeSet;

    #[test]
    fn event_ids_differ_and_use_googles_alphabet() {
        let ids: BTreeSet<_> = (0..500).map(|n| id(1, &PROFILES[0], n)).collect();
        assert_eq!(ids.len(), 500);
        assert!(
            ids.iter()
                .all(|i| i.bytes().all(|b| BASE32HEX.contains(&b)))
        );
    }

    #[test]
    fn exceptions_are_occurrences_of_their_rule() {
        let profile = &PROFILES[1];
        let calendars = crate::seed::calendars::calendars(1, profile);
        // New York leaves summer time on 1 November 2026, in the middle of it.
        let now = UnixMs::parse_rfc3339("2026-10-28T12:00:00Z").expect("a time");
        let events = event(1, profile, &calendars, 8, now);
        let [master, moved, cancelled] = &events[..] else {
            panic!("{events:?}")
        };
        let home = zone::find_or_utc(profile.time_zone);
        let rule = master.rule.as_ref().expect("a rule");
        let starts = rule.starts(&master.start, UnixMs(i64::MAX / 2), &home);
        assert_eq!(starts.len(), 10);
        assert_eq!(moved.master.as_ref().expect("of").1, starts[2]);
        assert_eq!(cancelled.master.as_ref().expect("of").1, starts[4]);
        assert!(cancelled.cancelled && moved.start != starts[2]);
    }
}
