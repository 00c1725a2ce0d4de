//! Calendar over real HTTP: what the importers and the charms of the ecosystem
//! rely on (google.md §2d).

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_sandbox::{EventTruth, NewEvent, SAMPLE_ACCOUNT};
use serde_json::{Value, json};

use crate::common::*;

pub(crate) const CALENDARS: &str = "/calendar/v3/users/me/calendarList";
const YEAR: [(&str, &str); 2] = [
    ("timeMin", "2026-01-01T00:00:00Z"),
    ("timeMax", "2027-01-01T00:00:00+01:00"),
];

/// A list from its first page to its last.
pub(crate) struct Walk {
    pub(crate) items: Vec<Value>,
    pub(crate) pages: usize,
    pub(crate) empty: usize,
    pub(crate) sync: Option<String>,
}

impl Walk {
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.items
            .iter()
            .map(|i| i["id"].as_str().expect("id"))
            .collect()
    }
    pub(crate) fn token(&self) -> &str {
        self.sync.as_deref().expect("a sync token")
    }
}

impl Bench {
    pub(crate) async fn walk_pages(&self, path: &str, token: &str, query: &[(&str, &str)]) -> Walk {
        let mut out = Walk {
            items: Vec::new(),
            pages: 0,
            empty: 0,
            sync: None,
        };
        let mut page = String::new();
        loop {
            let mut query = query.to_vec();
            if !page.is_empty() {
                query.push(("pageToken", &page));
            }
            let list = self.get_with(path, token, &query).await.ok();
            let items = list["items"].as_array().expect("items").clone();
            out.pages += 1;
            assert!(out.pages < 200, "the list does not end");
            out.empty += usize::from(items.is_empty());
            out.items.extend(items);
            match list["nextPageToken"].as_str() {
                Some(next) => {
                    assert!(list.get("nextSyncToken").is_none(), "only on the last page");
                    page = next.to_owned();
                }
                None => {
                    out.sync = list["nextSyncToken"].as_str().map(str::to_owned);
                    return out;
                }
            }
        }
    }

    pub(crate) async fn events(&self, calendar: &str, token: &str, query: &[(&str, &str)]) -> Walk {
        self.walk_pages(&events_path(calendar), token, query).await
    }
}

pub(crate) fn events_path(calendar: &str) -> String {
    format!("/calendar/v3/calendars/{}/events", encode(calendar))
}

fn encode(text: &str) -> String {
    text.replace('%', "%25")
        .replace('#', "%23")
        .replace('@', "%40")
}

/// An event of the API as the truth writes it.
fn as_truth(calendar: &str, e: &Value) -> EventTruth {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let when = |v: &Value| {
        text(&v["date"])
            .or_else(|| text(&v["dateTime"]))
            .unwrap_or_default()
    };
    let attendees = e["attendees"].as_array().cloned().unwrap_or_default();
    EventTruth {
        calendar_id: calendar.to_owned(),
        id: text(&e["id"]).expect("id"),
        status: text(&e["status"]).expect("status"),
        summary: text(&e["summary"]),
        description: text(&e["description"]),
        location: text(&e["location"]),
        start: when(&e["start"]),
        end: when(&e["end"]),
        all_day: e["start"].get("date").is_some(),
        recurrence: e["recurrence"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(text)
            .collect(),
        recurring_event_id: text(&e["recurringEventId"]),
        attendees: attendees
            .iter()
            .filter_map(|a| Some((text(&a["email"])?, text(&a["responseStatus"])?)))
            .collect(),
        organizer: text(&e["organizer"]["email"]).unwrap_or_default(),
        updated: at(e["updated"].as_str().expect("updated")),
    }
}

fn by_id(list: Vec<EventTruth>) -> BTreeMap<(String, String), EventTruth> {
    list.into_iter()
        .map(|e| ((e.calendar_id.clone(), e.id.clone()), e))
        .collect()
}

#[tokio::test]
async fn the_list_has_a_primary_an_unticked_and_a_read_only_calendar_with_an_awkward_id() {
    let b = start().await;
    let token = b.sign_in().await;
    let list = b
        .walk_pages(CALENDARS, &token, &[("maxResults", "2")])
        .await;
    assert_eq!((list.items.len(), list.pages), (4, 2));
    let primary = &list.items[0];
    assert_eq!(
        (&primary["id"], &primary["primary"]),
        (&json!(SAMPLE_ACCOUNT), &json!(true))
    );
    assert!(list.items[1].get("primary").is_none());
    assert!(list.items.iter().any(|c| c.get("selected").is_none()));
    let holidays = list
        .items
        .iter()
        .find(|c| c["id"].as_str().is_some_and(|i| i.contains('#')));
    let holidays = holidays.expect("holidays");
    assert_eq!(holidays["accessRole"], "reader");
    let events = b
        .events(holidays["id"].as_str().expect("id"), &token, &[])
        .await;
    assert_eq!(events.items.len(), 5);
    let one = b.get(&format!("{CALENDARS}/primary"), &token).await;
    assert_eq!(one.ok()["id"], json!(SAMPLE_ACCOUNT));
    let plain = b.get("/calendar/v3/calendars/primary", &token).await.ok();
    assert_eq!(plain["timeZone"], "Europe/Berlin");
    let unknown = b.get(&events_path("nobody@example.org"), &token).await;
    assert_eq!(
        (unknown.status, unknown.reason().as_str()),
        (404, "notFound")
    );
    assert!(
        unknown.json()["error"].get("status").is_none(),
        "the older error form"
    );
}

#[tokio::test]
async fn occurrences_and_masters_agree_with_what_is_held() {
    let b = start().await;
    let token = b.sign_in().await;
    let world = b.sandbox.world();
    let (mut single, mut stored) = (Vec::new(), Vec::new());
    for calendar in world.calendars(SAMPLE_ACCOUNT).expect("account") {
        let query = [
            YEAR[0],
            YEAR[1],
            ("singleEvents", "true"),
            ("maxResults", "7"),
        ];
        let list = b.events(&calendar.id, &token, &query).await;
        single.extend(list.items.iter().map(|e| as_truth(&calendar.id, e)));
        let list = b.events(&calendar.id, &token, &[]).await;
        stored.extend(
            list.items
                .into_iter()
                .filter(|e| e["status"] != "cancelled")
                .map(|e| as_truth(&calendar.id, &e)),
        );
    }
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-12-31T23:00:00Z"));
    let truth = world
        .occurrences(SAMPLE_ACCOUNT, Some(from), Some(to))
        .expect("account");
    assert_eq!(by_id(single.clone()), by_id(truth));
    let truth = world.events(SAMPLE_ACCOUNT).expect("account");
    let live: Vec<_> = truth
        .iter()
        .filter(|e| e.status != "cancelled")
        .cloned()
        .collect();
    assert_eq!(by_id(stored), by_id(live));
    let kinds = |f: &dyn Fn(&EventTruth) -> bool| single.iter().any(f);
    assert!(kinds(&|e| e.all_day && e.recurring_event_id.is_none()));
    assert!(kinds(&|e| e.recurring_event_id.is_some() && !e.all_day));
    assert!(kinds(&|e| e.summary.is_none()));
    assert!(kinds(&|e| e.start.contains("+01:00")));
    assert!(kinds(&|e| e.attendees.len() == 4) && kinds(&|e| e.status == "tentative"));
    assert!(truth.iter().any(|e| e.status == "cancelled"));
    assert!(truth.iter().any(|e| {
        e.recurrence
            .iter()
            .any(|r| r.starts_with("RRULE:FREQ=WEEKLY"))
    }));
}

#[tokio::test]
async fn pages_may_be_empty_and_the_order_is_that_of_the_start() {
    let b = start().await;
    let token = b.sign_in().await;
    let query = [
        YEAR[0],
        YEAR[1],
        ("singleEvents", "true"),
        ("orderBy", "startTime"),
        ("maxResults", "10"),
        ("timeZone", "UTC"),
    ];
    let list = b.events("primary", &token, &query).await;
    assert_eq!(list.empty, 1, "one empty page with a next one");
    let starts: Vec<_> = list
        .items
        .iter()
        .filter_map(|e| e["start"]["dateTime"].as_str())
        .map(at)
        .collect();
    assert!(starts.len() > 20 && starts.windows(2).all(|w| w[0] <= w[1]));
    assert!(list.sync.is_none(), "no sync token with orderBy");
    assert_eq!(
        list.ids().len(),
        list.ids().into_iter().collect::<BTreeSet<_>>().len()
    );
    b.sandbox.world().set_behaviour(|x| x.empty_pages = false);
    let without = b.events("primary", &token, &query).await;
    assert_eq!((without.empty, without.items), (0, list.items));
}

#[tokio::test]
async fn a_window_bounds_the_end_below_and_the_start_above_both_exclusive() {
    let b = start_with(|c| c.events = 0).await;
    let token = b.sign_in().await;
    let event = NewEvent {
        summary: Some("edge".into()),
        start: "2026-11-23T10:00:00Z".into(),
        end: "2026-11-23T11:00:00Z".into(),
        ..NewEvent::default()
    };
    b.sandbox
        .world()
        .add_event(SAMPLE_ACCOUNT, &event)
        .expect("account");
    for (from, to, count) in [
        ("2026-11-23T11:00:00Z", "2026-11-24T00:00:00Z", 0),
        ("2026-11-23T10:59:59Z", "2026-11-24T00:00:00Z", 1),
        ("2026-11-23T00:00:00Z", "2026-11-23T10:00:00Z", 0),
        ("2026-11-23T00:00:00Z", "2026-11-23T10:00:01Z", 1),
        ("2026-11-23T12:59:00+02:00", "2026-11-24T00:00:00Z", 1),
    ] {
        let query = [("timeMin", from), ("timeMax", to)];
        assert_eq!(
            b.events("primary", &token, &query).await.items.len(),
            count,
            "{from} {to}"
        );
    }
}

#[tokio::test]
async fn an_etag_saves_the_body_until_something_changes() {
    let b = start().await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let path = events_path("primary");
    let first = b.get(&path, &token).await;
    let etag = first.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(first.ok()["etag"], json!(etag));
    let again = || {
        b.send(
            b.http
                .get(b.url(&path))
                .bearer_auth(&token)
                .header("if-none-match", &etag),
        )
    };
    let same = again().await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    let id = world
        .add_event(SAMPLE_ACCOUNT, &NewEvent::default())
        .expect("account");
    assert_eq!(again().await.status, 200);
    let one = b.get(&format!("{path}/{id}"), &token).await;
    assert_eq!(
        one.headers["etag"].to_str().expect("text"),
        one.ok()["etag"]
    );
    assert_eq!(b.get(&format!("{path}/nothing"), &token).await.status, 404);
}

#[tokio::test]
async fn errors_are_in_the_older_form_and_scopes_are_checked() {
    let b = start().await;
    let bad = b.get(CALENDARS, "junk").await;
    assert_eq!(bad.status, 401);
    assert_eq!(
        bad.json(),
        json!({"error": {
            "errors": [{
                "domain": "global",
                "reason": "authError",
                "message": "Invalid Credentials",
                "locationType": "header",
                "location": "Authorization",
            }],
            "code": 401,
            "message": "Invalid Credentials",
        }})
    );
    let gmail = b.token_for(GMAIL).await;
    assert_eq!(
        b.get(CALENDARS, &gmail).await.reason(),
        "insufficientPermissions"
    );
    let events = b
        .token_for("https://www.googleapis.com/auth/calendar.events.readonly")
        .await;
    assert_eq!(b.get(CALENDARS, &events).await.status, 403);
    assert_eq!(b.get(&events_path("primary"), &events).await.status, 200);
}
