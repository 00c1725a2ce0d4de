//! Calendars and events in Google's JSON.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::world::book::{Attendee, Calendar, Event};
use crate::world::recur::When;
use crate::world::{Profile, zone};

/// An entry of the account's list of calendars.
pub(super) fn list_entry(c: &Calendar) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("kind", "calendar#calendarListEntry".into());
    put("etag", calendar_etag(c).into());
    put("id", c.id.clone().into());
    if c.deleted {
        put("deleted", true.into());
        return Value::Object(out);
    }
    put("summary", c.summary.clone().into());
    if let Some(text) = &c.description {
        put("description", text.clone().into());
    }
    put("timeZone", c.zone.clone().into());
    put("colorId", c.color_id.into());
    put("backgroundColor", c.background.into());
    put("foregroundColor", c.foreground.into());
    // Absent means false.
    if c.selected {
        put("selected", true.into());
    }
    put("accessRole", c.role.into());
    put("defaultReminders", reminders(c));
    if c.primary {
        put(
            "notificationSettings",
            json!({"notifications": [
                {"type": "eventCreation", "method": "email"},
            ]}),
        );
        put("primary", true.into());
    }
    put(
        "conferenceProperties",
        json!({"allowedConferenceSolutionTypes": ["hangoutsMeet"]}),
    );
    Value::Object(out)
}

pub(super) fn calendar_etag(c: &Calendar) -> String {
    format!("\"{}\"", 1_700_000_000_000_000 + c.revision)
}

pub(super) fn reminders(c: &Calendar) -> Value {
    if c.primary {
        json!([{"method": "popup", "minutes": 30}])
    } else {
        json!([])
    }
}

/// A calendar by itself.
pub(super) fn calendar(c: &Calendar) -> Value {
    let mut out = json!({
        "kind": "calendar#calendar",
        "etag": calendar_etag(c),
        "id": c.id,
        "summary": c.summary,
        "timeZone": c.zone,
    });
    if let Some(text) = &c.description {
        out["description"] = text.clone().into();
    }
    out
}

/// An etag that every change of the event changes.
pub(super) fn event_etag(e: &Event) -> String {
    format!(
        "\"{}\"",
        e.updated.0.saturating_mul(2000) + i64::try_from(e.revision % 1000).unwrap_or(0)
    )
}

/// How events are shown to one caller.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) me: &'a Profile,
    pub(super) calendar: &'a Calendar,
    /// Zone of the times in the answer.
    pub(super) zone: TimeZone,
}

impl View<'_> {
    fn when(&self, when: &When) -> Value {
        match when {
            When::Day(day) => json!({"date": day.to_string()}),
            When::At { at, zone: name } => {
                json!({"dateTime": zone::rfc3339(*at, &self.zone), "timeZone": name})
            }
        }
    }

    /// The event resource. A cancelled event has only what is needed to find
    /// the copy of it.
    pub(super) fn event(&self, e: &Event) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        put("kind", "calendar#event".into());
        put("etag", event_etag(e).into());
        put("id", e.id.clone().into());
        put("status", e.status().into());
        if e.cancelled {
            if let Some((master, start)) = &e.master {
                put("recurringEventId", master.clone().into());
                put("originalStartTime", self.when(start));
            }
            return Value::Object(out);
        }
        put("htmlLink", self.link(e).into());
        put("created", e.created.to_rfc3339().into());
        put("updated", e.updated.to_rfc3339().into());
        let mut text = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                out.insert(name.to_owned(), value.clone().into());
            }
        };
        text("summary", &e.summary);
        text("description", &e.description);
        text("location", &e.location);
        out.insert(
            "creator".into(),
            self.person(&e.organizer.0, e.organizer.1.as_deref()),
        );
        out.insert(
            "organizer".into(),
            self.person(&e.organizer.0, e.organizer.1.as_deref()),
        );
        out.insert("start".into(), self.when(&e.start));
        out.insert("end".into(), self.when(&e.end));
        self.rest(e, &mut out);
        Value::Object(out)
    }

    fn rest(&self, e: &Event, out: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        if let Some(rule) = &e.rule {
            put("recurrence", json!([rule.line(e.start.is_day())]));
        }
        if let Some((master, start)) = &e.master {
            put("recurringEventId", master.clone().into());
            put("originalStartTime", self.when(start));
        }
        if e.free {
            put("transparency", "transparent".into());
        }
        if e.private {
            put("visibility", "private".into());
        }
        let base = e
            .master
            .as_ref()
            .map_or(e.id.as_str(), |(master, _)| master.as_str());
        put("iCalUID", format!("{base}@google.com").into());
        put("sequence", e.sequence.into());
        if !e.attendees.is_empty() {
            let list = e.attendees.iter().map(|a| self.attendee(a, &e.organizer.0));
            put("attendees", list.collect::<Vec<_>>().into());
        }
        if e.meeting_link {
            put(
                "hangoutLink",
                "https://meet.sandbox.example/abc-defg-hij".into(),
            );
            put(
                "conferenceData",
                json!({
                    "entryPoints": [{
                        "entryPointType": "video",
                        "uri": "https://meet.sandbox.example/abc-defg-hij",
                        "label": "meet.sandbox.example/abc-defg-hij",
                    }],
                    "conferenceId": "abc-defg-hij",
                }),
            );
        }
        put("reminders", json!({"useDefault": true}));
        put("eventType", "default".into());
    }

    fn person(&self, email: &str, name: Option<&str>) -> Value {
        let mut out = json!({"email": email});
        if let Some(name) = name {
            out["displayName"] = name.into();
        }
        if email == self.me.email {
            out["self"] = true.into();
        }
        out
    }

    fn attendee(&self, a: &Attendee, organizer: &str) -> Value {
        let mut out = self.person(&a.email, a.name.as_deref());
        if a.email == organizer {
            out["organizer"] = true.into();
        }
        out["responseStatus"] = a.response.into();
        out
    }

    fn link(&self, e: &Event) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let eid = URL_SAFE_NO_PAD.encode(format!("{} {}", e.id, self.calendar.id));
        format!("https://www.google.com/calendar/event?eid={eid}")
    }
}
