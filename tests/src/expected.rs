//! What the importers' cells must hold, derived from what the stand-in for
//! Google really holds, by other means than the importers'.

use charmkeeper_base::UnixMs;
use charmkeeper_sandbox::{CalendarTruth, EventTruth, MessageTruth};
use serde_json::{Map, Value, json};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The importer's defaults.
const DAYS_BACK: i64 = 90;
const DAYS_FORWARD: i64 = 365;

/// The members of every run in JSON, in the order in which they are printed
/// (README, "The command line").
pub const RUN_MEMBERS: [&str; 11] = [
    "run",
    "charm",
    "space",
    "trigger",
    "outcome",
    "sync",
    "started_at",
    "duration_ms",
    "changed",
    "calls",
    "error",
];

/// Names of an object's members, in the order in which they are printed.
///
/// # Panics
/// When it is no object.
#[must_use]
pub fn members(object: &Value) -> Vec<&str> {
    let fields = object.as_object().expect("an object");
    fields.keys().map(String::as_str).collect()
}

/// Asserts that the cells are the messages of the mailbox that a search without
/// words finds: all but spam, trash and deleted ones.
///
/// # Panics
/// With the first difference.
pub fn assert_mail(held: &Value, truth: &[MessageTruth]) {
    let expected = truth.iter().filter(|m| is_listed(m)).map(email).collect();
    assert_same(
        "message",
        &mut by(held, &["id"], email_fields),
        expected,
        &["id"],
    );
}

/// Asserts that the cells are these occurrences.
///
/// # Panics
/// With the first difference.
pub fn assert_events(held: &Value, truth: &[EventTruth], calendars: &[CalendarTruth]) {
    let expected = truth.iter().map(|e| event(e, calendars)).collect();
    let key = ["calendarId", "id"];
    assert_same("event", &mut by(held, &key, event_fields), expected, &key);
}

/// Whether Gmail lists a message without being asked for hidden ones.
#[must_use]
pub fn is_listed(message: &MessageTruth) -> bool {
    let hidden = |l: &String| l == "SPAM" || l == "TRASH";
    !message.deleted && !message.label_ids.iter().any(hidden)
}

/// The window that a run of the calendar importer keeps.
///
/// # Panics
/// When the run has no beginning.
#[must_use]
pub fn window(run: &Value) -> (UnixMs, UnixMs) {
    let at = run["started_at"].as_str().and_then(UnixMs::parse_rfc3339);
    let at = at.expect("a run has a beginning").0;
    let today = at - at % DAY_MS;
    (
        UnixMs(today - DAYS_BACK * DAY_MS),
        UnixMs(today + (DAYS_FORWARD + 1) * DAY_MS),
    )
}

fn assert_same(what: &str, held: &mut Map<String, Value>, expected: Vec<Value>, key: &[&str]) {
    for wanted in expected {
        let id = key_of(&wanted, key);
        let found = held
            .remove(&id)
            .unwrap_or_else(|| panic!("{what} {id} is missing"));
        assert_eq!(found, wanted, "{what} {id} differs");
    }
    let extra: Vec<_> = held.keys().collect();
    assert!(extra.is_empty(), "more {what}s than there are: {extra:?}");
}

fn by(held: &Value, key: &[&str], fields: fn(&Value) -> Value) -> Map<String, Value> {
    let mut all = Map::new();
    for item in held.as_array().expect("a list") {
        let id = key_of(item, key);
        let twice = all.insert(id.clone(), fields(item));
        assert!(twice.is_none(), "{id} is there twice");
    }
    all
}

fn key_of(item: &Value, key: &[&str]) -> String {
    let parts: Vec<_> = key
        .iter()
        .map(|k| item[*k].as_str().expect("an id"))
        .collect();
    parts.join(" ")
}

fn email(m: &MessageTruth) -> Value {
    let plain = m.text.clone().unwrap_or_default();
    let mut email = json!({
        "id": m.id,
        "threadId": m.thread_id,
        "labelIds": m.label_ids,
        "subject": m.subject,
        "from": address(&m.from),
        "to": address(&m.to),
        "date": m.date,
        "snippet": without_entities(&m.snippet),
        "plainText": plain,
        "htmlContent": m.html.clone().unwrap_or_default(),
    });
    if m.html.is_none() {
        email["markdownContent"] = plain.into();
    }
    email
}

/// The fields that `email` can tell, in a held message.
fn email_fields(held: &Value) -> Value {
    let mut all = held.clone();
    let Some(fields) = all.as_object_mut() else {
        panic!("not a message: {held}");
    };
    let has_html = fields["htmlContent"]
        .as_str()
        .is_some_and(|h| !h.is_empty());
    let markdown = fields["markdownContent"].as_str().expect("Markdown");
    if has_html {
        assert!(!markdown.contains("<p"), "HTML in Markdown: {markdown}");
        fields.remove("markdownContent");
    }
    let summary = fields.remove("summary");
    let summary = summary.as_ref().and_then(Value::as_str).expect("a summary");
    assert!(summary.contains(fields["from"].as_str().expect("a sender")));
    sort_strings(&mut fields["labelIds"]);
    all
}

fn event(e: &EventTruth, calendars: &[CalendarTruth]) -> Value {
    let calendar = calendars.iter().find(|c| c.id == e.calendar_id);
    let mut people: Vec<_> = e
        .attendees
        .iter()
        .map(|(email, response)| json!([email, response]))
        .collect();
    people.sort_by_key(Value::to_string);
    json!({
        "id": e.id,
        "calendarId": e.calendar_id,
        "calendarName": calendar.map(|c| &c.summary),
        "summary": e.summary.as_deref().unwrap_or("(No title)"),
        "description": e.description.as_deref().unwrap_or_default(),
        "location": e.location.as_deref().unwrap_or_default(),
        "status": e.status,
        "isAllDay": e.all_day,
        "startDateTime": e.start,
        "endDateTime": e.end,
        "start": &e.start[..10],
        "end": &e.end[..10],
        "attendees": people,
        "organizer": e.organizer,
    })
}

/// The fields that `event` can tell, in a held event.
fn event_fields(held: &Value) -> Value {
    let mut all = held.clone();
    let Some(fields) = all.as_object_mut() else {
        panic!("not an event: {held}");
    };
    let mut people: Vec<_> = fields["attendees"]
        .as_array()
        .expect("a list of people")
        .iter()
        .map(|p| json!([p["email"], p["responseStatus"]]))
        .collect();
    people.sort_by_key(Value::to_string);
    fields["attendees"] = people.into();
    fields["organizer"] = fields["organizer"]["email"].clone();
    let link = fields.remove("htmlLink");
    assert!(link.is_some_and(|l| l.is_string()));
    all
}

fn sort_strings(list: &mut Value) {
    list.as_array_mut()
        .expect("a list")
        .sort_by(|a, b| a.as_str().cmp(&b.as_str()));
}

/// The address of the first mailbox in a header (RFC 5322).
fn address(header: &str) -> &str {
    let mut quoted = false;
    let end = header
        .char_indices()
        .find(|(_, c)| {
            quoted ^= *c == '"';
            *c == ',' && !quoted
        })
        .map_or(header.len(), |(at, _)| at);
    let first = header[..end].trim();
    match (first.rfind('<'), first.ends_with('>')) {
        (Some(open), true) => &first[open + 1..first.len() - 1],
        _ => first,
    }
}

/// The entities that Gmail puts into snippets, `&amp;` last.
fn without_entities(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_is_found_behind_any_name() {
        assert_eq!(address("a@b.example"), "a@b.example");
        assert_eq!(address("Ada <a@b.example>, c@d.example"), "a@b.example");
        assert_eq!(address("\"Last, <First>\" <a@b.example>"), "a@b.example");
    }
}
