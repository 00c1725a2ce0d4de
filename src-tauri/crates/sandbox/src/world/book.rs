//! One account's calendars and events, and the revisions of their changes.
//!
//! Owns the rule that every change takes a new revision, which is what a sync
//! token remembers. Never knows HTTP.

use std::collections::BTreeMap;

use charmkeeper_base::UnixMs;
use jiff::tz::TimeZone;

use super::recur::{Rule, When};
use super::zone;

/// A calendar in the account's list.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) id: String,
    pub(crate) summary: String,
    pub(crate) description: Option<String>,
    pub(crate) zone: String,
    pub(crate) color_id: &'static str,
    pub(crate) background: &'static str,
    pub(crate) foreground: &'static str,
    pub(crate) selected: bool,
    pub(crate) primary: bool,
    /// `owner`, `writer` or `reader`.
    pub(crate) role: &'static str,
    pub(crate) deleted: bool,
    pub(crate) revision: u64,
}

impl Calendar {
    pub(crate) fn time_zone(&self) -> TimeZone {
        zone::find_or_utc(&self.zone)
    }
}

/// Someone invited.
#[derive(Clone, Debug)]
pub(crate) struct Attendee {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
    /// `needsAction`, `declined`, `tentative` or `accepted`.
    pub(crate) response: &'static str,
}

/// An event, a recurring one, or an exception of a recurring one.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) calendar: String,
    pub(crate) created: UnixMs,
    pub(crate) updated: UnixMs,
    pub(crate) revision: u64,
    /// The revision at which it was made.
    pub(crate) first_revision: u64,
    pub(crate) cancelled: bool,
    pub(crate) tentative: bool,
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) start: When,
    pub(crate) end: When,
    pub(crate) rule: Option<Rule>,
    /// Of one occurrence: the recurring event's id and the start by its rule.
    pub(crate) master: Option<(String, When)>,
    pub(crate) attendees: Vec<Attendee>,
    /// Address and name.
    pub(crate) organizer: (String, Option<String>),
    pub(crate) private: bool,
    /// Does not block time.
    pub(crate) free: bool,
    pub(crate) meeting_link: bool,
    pub(crate) sequence: u32,
}

impl Event {
    /// `confirmed`, `tentative` or `cancelled`.
    pub(crate) fn status(&self) -> &'static str {
        if self.cancelled {
            "cancelled"
        } else if self.tentative {
            "tentative"
        } else {
            "confirmed"
        }
    }

    /// Overlaps the half-open window. Google bounds the end by `timeMin` and
    /// the start by `timeMax`, both exclusive.
    pub(crate) fn overlaps(&self, window: Window, home: &TimeZone) -> bool {
        window.from.is_none_or(|from| self.end.moment(home) > from)
            && window.to.is_none_or(|to| self.start.moment(home) < to)
    }

    /// One occurrence of this recurring event, as it is without exceptions.
    fn occurrence(&self, start: When) -> Self {
        let end = match (&self.start, &self.end, &start) {
            (When::Day(s), When::Day(e), When::Day(at)) => {
                let days = (*e - *s).get_days();
                When::Day(at.checked_add(jiff::Span::new().days(days)).unwrap_or(*at))
            }
            (When::At { at: s, .. }, When::At { at: e, .. }, When::At { at, zone }) => When::At {
                at: at.plus(e.since(*s)),
                zone: zone.clone(),
            },
            _ => start.clone(),
        };
        Self {
            id: format!("{}_{}", self.id, start.stamp()),
            master: Some((self.id.clone(), start.clone())),
            rule: None,
            start,
            end,
            ..self.clone()
        }
    }
}

/// A half-open window of time; none: without a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Option<UnixMs>,
    pub(crate) to: Option<UnixMs>,
}

/// Calendars and events of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    calendars: Vec<Calendar>,
    events: BTreeMap<String, BTreeMap<String, Event>>,
    revision: u64,
    epoch: u64,
}

impl Book {
    /// The revision of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }
    /// Sync tokens of another epoch are no longer valid.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
    pub(crate) fn expire_sync(&mut self) {
        self.epoch += 1;
    }

    /// All calendars, removed ones too.
    pub(crate) fn calendars(&self) -> &[Calendar] {
        &self.calendars
    }

    /// A calendar that was not removed; `primary` names the account's own.
    pub(crate) fn calendar(&self, id: &str) -> Option<&Calendar> {
        self.calendars
            .iter()
            .find(|c| !c.deleted && (c.id == id || (c.primary && id == "primary")))
    }

    /// Adds a calendar, or replaces the one with its id.
    pub(crate) fn put_calendar(&mut self, mut calendar: Calendar) {
        self.revision += 1;
        calendar.revision = self.revision;
        match self.calendars.iter_mut().find(|c| c.id == calendar.id) {
            Some(place) => *place = calendar,
            None => self.calendars.push(calendar),
        }
    }

    /// Adds an event, or replaces the one with its id.
    pub(crate) fn put_event(&mut self, mut event: Event, now: UnixMs) {
        self.revision += 1;
        event.revision = self.revision;
        event.updated = now;
        let events = self.events.entry(event.calendar.clone()).or_default();
        event.first_revision = events
            .get(&event.id)
            .map_or(self.revision, |e| e.first_revision);
        events.insert(event.id.clone(), event);
    }

    /// Stored events of a calendar by id: single ones, recurring ones and
    /// exceptions, cancelled ones too.
    pub(crate) fn stored(&self, calendar: &str) -> impl Iterator<Item = &Event> {
        self.events
            .get(calendar)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// A stored event, or one occurrence of a recurring one by its instance id.
    pub(crate) fn event(&self, calendar: &Calendar, id: &str) -> Option<Event> {
        let events = self.events.get(&calendar.id)?;
        if let Some(event) = events.get(id) {
            return Some(event.clone());
        }
        let master = events.get(id.rsplit_once('_')?.0)?;
        let rule = master.rule.as_ref()?;
        let home = calendar.time_zone();
        // The year 9999: an instance far ahead may be asked for by id.
        let starts = rule.starts(&master.start, UnixMs(253_370_764_800_000), &home);
        starts
            .into_iter()
            .map(|s| master.occurrence(s))
            .find(|e| e.id == id)
    }

    /// All occurrences of a recurring event that overlap the window, each with
    /// its exception in place. Of a cancelled event, all are cancelled.
    pub(crate) fn occurrences(
        &self,
        calendar: &Calendar,
        master: &Event,
        window: Window,
        horizon: UnixMs,
    ) -> Vec<Event> {
        let Some(rule) = &master.rule else {
            return Vec::new();
        };
        let home = calendar.time_zone();
        let stored = self.events.get(&calendar.id);
        let end = window.to.unwrap_or(horizon).min(horizon);
        rule.starts(&master.start, end, &home)
            .into_iter()
            .map(|start| {
                let plain = master.occurrence(start);
                let mut event = stored
                    .and_then(|s| s.get(&plain.id))
                    .cloned()
                    .unwrap_or(plain);
                event.cancelled |= master.cancelled;
                event.revision = event.revision.max(master.revision);
                event
            })
            .filter(|e| e.overlaps(window, &home))
            .collect()
    }

    /// Cancels an event or one occurrence. False when there is none.
    pub(crate) fn cancel(&mut self, calendar: &str, id: &str, now: UnixMs) -> bool {
        let Some(calendar) = self.calendar(calendar).cloned() else {
            return false;
        };
        match self.event(&calendar, id) {
            Some(mut event) if !event.cancelled => {
                event.cancelled = true;
                event.sequence += 1;
                self.put_event(event, now);
                true
            }
            _ => false,
        }
    }
}
