//! What the sandbox really holds, for tests to compare with, and what tests
//! may add to it.

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};

use super::book::{Book, Calendar, Event};
use super::mailbox::Message;
use super::recur::When;
use super::zone;

/// A message as it is, in UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageTruth {
    /// Gmail's id.
    pub id: String,
    /// Id of the conversation.
    pub thread_id: String,
    /// History id of the last change.
    pub history_id: String,
    /// Label ids, sorted.
    pub label_ids: Vec<String>,
    /// `From`, readable.
    pub from: String,
    /// `To`, readable.
    pub to: String,
    /// `Subject`, readable.
    pub subject: String,
    /// The `Date` header.
    pub date: String,
    /// When Gmail took it in, in milliseconds.
    pub internal_date: i64,
    /// The plain body; none when there is no such part.
    pub text: Option<String>,
    /// The HTML body; none when there is no such part.
    pub html: Option<String>,
    /// The preview, with HTML entities.
    pub snippet: String,
    /// File names of attachments and inline images.
    pub files: Vec<String>,
    /// Deleted for good: the API answers 404.
    pub deleted: bool,
}

impl From<&Message> for MessageTruth {
    fn from(m: &Message) -> Self {
        let header = |name| m.header(name).unwrap_or_default().to_owned();
        Self {
            id: m.id.clone(),
            thread_id: m.thread_id.clone(),
            history_id: m.history_id.to_string(),
            label_ids: m.labels.iter().cloned().collect(),
            from: header("From"),
            to: header("To"),
            subject: header("Subject"),
            date: header("Date"),
            internal_date: m.at.0,
            text: m.root.body("text/plain").map(str::to_owned),
            html: m.root.body("text/html").map(str::to_owned),
            snippet: m.snippet.clone(),
            files: m.root.filenames(),
            deleted: m.deleted,
        }
    }
}

/// A calendar as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CalendarTruth {
    /// Google's id.
    pub id: String,
    /// Title.
    pub summary: String,
    /// Description.
    pub description: Option<String>,
    /// IANA zone.
    pub time_zone: String,
    /// The account's own calendar.
    pub primary: bool,
    /// Ticked in the web interface.
    pub selected: bool,
    /// `owner`, `writer` or `reader`.
    pub access_role: String,
    /// Background colour, as in `#9fe1e7`.
    pub background_color: String,
    /// Foreground colour.
    pub foreground_color: String,
    /// Removed from the list.
    pub deleted: bool,
}

impl From<&Calendar> for CalendarTruth {
    fn from(c: &Calendar) -> Self {
        Self {
            id: c.id.clone(),
            summary: c.summary.clone(),
            description: c.description.clone(),
            time_zone: c.zone.clone(),
            primary: c.primary,
            selected: c.selected,
            access_role: c.role.to_owned(),
            background_color: c.background.to_owned(),
            foreground_color: c.foreground.to_owned(),
            deleted: c.deleted,
        }
    }
}

/// An event as it is: a stored one, or one occurrence of a recurring one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventTruth {
    /// The calendar it is in.
    pub calendar_id: String,
    /// Google's id.
    pub id: String,
    /// `confirmed`, `tentative` or `cancelled`.
    pub status: String,
    /// Title; none for an untitled event.
    pub summary: Option<String>,
    /// Description, may hold HTML.
    pub description: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// A date, or RFC 3339 with the offset of the calendar's zone.
    pub start: String,
    /// Exclusive end in the same form.
    pub end: String,
    /// True when start and end are dates.
    pub all_day: bool,
    /// Lines of `recurrence`; empty for a single event.
    pub recurrence: Vec<String>,
    /// Of an occurrence, the recurring event's id.
    pub recurring_event_id: Option<String>,
    /// Address and response of everyone invited.
    pub attendees: Vec<(String, String)>,
    /// Address of the organizer.
    pub organizer: String,
    /// Time of the last change.
    pub updated: UnixMs,
}

impl EventTruth {
    pub(crate) fn new(event: &Event, calendar: &Calendar) -> Self {
        let home = calendar.time_zone();
        let text = |when: &When| match when {
            When::Day(day) => day.to_string(),
            When::At { at, .. } => zone::rfc3339(*at, &home),
        };
        let all_day = event.start.is_day();
        Self {
            calendar_id: calendar.id.clone(),
            id: event.id.clone(),
            status: event.status().to_owned(),
            summary: event.summary.clone(),
            description: event.description.clone(),
            location: event.location.clone(),
            start: text(&event.start),
            end: text(&event.end),
            all_day,
            recurrence: event.rule.iter().map(|r| r.line(all_day)).collect(),
            recurring_event_id: event.master.as_ref().map(|(id, _)| id.clone()),
            attendees: event
                .attendees
                .iter()
                .map(|a| (a.email.clone(), a.response.to_owned()))
                .collect(),
            organizer: event.organizer.0.clone(),
            updated: event.updated,
        }
    }
}

/// Stored events of every calendar, in the order of calendars and ids.
pub(crate) fn stored_events(book: &Book) -> Vec<EventTruth> {
    let of = |c: &Calendar| -> Vec<EventTruth> {
        book.stored(&c.id).map(|e| EventTruth::new(e, c)).collect()
    };
    book.calendars().iter().flat_map(of).collect()
}

/// A message to add.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewMail {
    /// `From`; empty: a sample sender.
    pub from: String,
    /// `Subject`.
    pub subject: String,
    /// Plain body.
    pub text: Option<String>,
    /// HTML body.
    pub html: Option<String>,
    /// Label ids; empty: INBOX and UNREAD.
    pub labels: Vec<String>,
    /// Id of the conversation to join; none: a new one.
    pub thread_id: Option<String>,
    /// When it arrived; none: now.
    pub at: Option<UnixMs>,
}

/// An event to add, or new values for one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewEvent {
    /// Calendar id; empty: the primary one.
    pub calendar_id: String,
    /// Title.
    pub summary: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// A date or RFC 3339; empty: the next full hour.
    pub start: String,
    /// Exclusive end in the same form; empty: an hour or a day after the start.
    pub end: String,
}
