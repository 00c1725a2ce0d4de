//! What happens to calendars between two runs.

use charmkeeper_sandbox::{EventTruth, NewEvent};
use charmkeeper_tests::stage::{CALENDAR, Stage};
use serde_json::Value;

use crate::{ACCOUNT, count, log, now, since};

/// Occurrences of the account's own calendar, from today on.
fn upcoming(stage: &Stage) -> Vec<EventTruth> {
    let from = charmkeeper_base::Clock::now(&charmkeeper_base::SystemClock::default());
    let all = stage
        .world()
        .occurrences(ACCOUNT, Some(from), None)
        .unwrap();
    let own: Vec<_> = all
        .into_iter()
        .filter(|e| e.calendar_id == ACCOUNT)
        .collect();
    assert!(own.len() >= 3, "too few events for this test");
    own
}

async fn held(stage: &Stage) -> Vec<Value> {
    let events = stage.cells(CALENDAR, "events").await;
    events.as_array().unwrap().clone()
}

fn tomorrow(time: &str) -> String {
    let now = charmkeeper_base::Clock::now(&charmkeeper_base::SystemClock::default());
    let day = now
        .plus(std::time::Duration::from_secs(86_400))
        .to_rfc3339();
    format!("{}{time}", &day[..10])
}

#[tokio::test]
async fn only_what_changed_is_read_after_the_first_run() {
    let stage = Stage::connected().await;
    stage.expect_run(CALENDAR, "ok").await;
    let world = stage.world();
    let some = upcoming(&stage);
    let series = some.iter().find(|e| e.recurring_event_id.is_some());
    let single = some.iter().find(|e| e.recurring_event_id.is_none());
    let (series, single) = (series.expect("a series"), single.expect("an event"));
    world
        .add_event(
            ACCOUNT,
            &NewEvent {
                summary: Some("Réunion — 会議 🗓".into()),
                description: Some("Ordre du jour:\n• été".into()),
                location: Some("Zürich".into()),
                start: tomorrow("T10:00:00Z"),
                end: tomorrow("T11:30:00Z"),
                ..NewEvent::default()
            },
        )
        .unwrap();
    world
        .add_event(
            ACCOUNT,
            &NewEvent {
                summary: Some("All day".into()),
                start: tomorrow(""),
                ..NewEvent::default()
            },
        )
        .unwrap();
    world
        .update_event(
            ACCOUNT,
            &single.id,
            &NewEvent {
                summary: Some("Moved".into()),
                ..NewEvent::default()
            },
        )
        .unwrap();
    world.cancel_event(ACCOUNT, ACCOUNT, &series.id).unwrap();

    let before = now(&stage);
    let run = stage.expect_run(CALENDAR, "ok").await;
    let whole = count(&since(&stage, before), |r| r.query.contains("timeMin"));
    assert_eq!(whole, 0, "a calendar was listed anew");
    stage.assert_events(&run).await;
    let events = held(&stage).await;
    assert!(!events.iter().any(|e| e["id"] == series.id.as_str()));
    assert!(events.iter().any(|e| e["summary"] == "Moved"));

    let again = stage.expect_run(CALENDAR, "ok-unchanged").await;
    stage.assert_events(&again).await;
}

#[tokio::test]
async fn expired_sync_tokens_are_replaced_by_whole_lists() {
    let stage = Stage::connected().await;
    stage.expect_run(CALENDAR, "ok").await;
    let world = stage.world();
    let [gone, changed, ..] = &upcoming(&stage)[..] else {
        panic!("two events");
    };
    world.cancel_event(ACCOUNT, ACCOUNT, &gone.id).unwrap();
    let renamed = NewEvent {
        summary: Some("Renamed meanwhile".into()),
        ..NewEvent::default()
    };
    world.update_event(ACCOUNT, &changed.id, &renamed).unwrap();
    world.arrive_event(ACCOUNT).unwrap();
    world.expire_sync_tokens(ACCOUNT).unwrap();

    let run = stage.expect_run(CALENDAR, "ok").await;
    assert!(log(&run).contains("reading it again"), "{run:#}");
    stage.assert_events(&run).await;
    stage.expect_run(CALENDAR, "ok-unchanged").await;
}

#[tokio::test]
async fn a_calendar_that_is_taken_off_the_list_goes_with_its_events() {
    let stage = Stage::connected().await;
    stage.expect_run(CALENDAR, "ok").await;
    let all = held(&stage).await;
    let calendars = stage.world().calendars(ACCOUNT).unwrap();
    let removed = calendars
        .iter()
        .find(|c| !c.primary && all.iter().any(|e| e["calendarId"] == c.id.as_str()))
        .expect("a second calendar with events");
    let world = stage.world();
    world
        .change_calendar(ACCOUNT, &removed.id, None, true)
        .unwrap();

    let run = stage.expect_run(CALENDAR, "ok").await;
    let left = held(&stage).await;
    assert!(left.len() < all.len());
    assert!(!left.iter().any(|e| e["calendarId"] == removed.id.as_str()));
    stage.assert_events(&run).await;
    let listed = stage.cells(CALENDAR, "calendars").await;
    assert_eq!(listed.as_array().unwrap().len(), calendars.len() - 1);
}

#[tokio::test]
async fn a_renamed_calendar_renames_its_events_calendar() {
    let stage = Stage::connected().await;
    stage.expect_run(CALENDAR, "ok").await;
    let world = stage.world();
    world
        .change_calendar(ACCOUNT, ACCOUNT, Some("Umbenannt ✎"), false)
        .unwrap();
    let run = stage.expect_run(CALENDAR, "ok").await;
    stage.assert_events(&run).await;
}

#[tokio::test]
async fn small_pages_make_no_difference() {
    let stage = Stage::connected().await;
    let small = r#"{"settings": {"daysBack": 90, "daysForward": 365, "maxResults": 7}}"#;
    let run = stage.ask(["run", CALENDAR, "--argument", small]).await;
    assert_eq!(run["outcome"], "ok", "{run:#}");
    assert!(
        run["calls"].as_array().unwrap().len() > 10,
        "these were not small pages"
    );
    stage.assert_events(&run).await;
}
