//! Calendar over real HTTP: sync tokens, tombstones, 410.

use std::collections::BTreeSet;

use charmkeeper_sandbox::{NewEvent, SAMPLE_ACCOUNT};
use serde_json::{Value, json};

use crate::calendar::{CALENDARS, events_path};
use crate::common::*;

#[tokio::test]
async fn a_sync_token_brings_changes_and_tombstones_and_nothing_else() {
    for single in ["true", "false"] {
        let b = start().await;
        let (token, world) = (b.sign_in().await, b.sandbox.world());
        let base = [("singleEvents", single)];
        let full = b
            .events("primary", &token, &[base[0], ("maxResults", "8")])
            .await;
        assert!(full.token().ends_with('='), "needs encoding in a query");
        let sync = |t: &str| [base[0], ("syncToken", t.to_owned().leak() as &str)];
        let nothing = b.events("primary", &token, &sync(full.token())).await;
        assert_eq!(nothing.items, Vec::<Value>::new());

        let plain = full
            .items
            .iter()
            .find(|e| e.get("recurrence").is_none() && e.get("recurringEventId").is_none())
            .expect("a single event")["id"]
            .as_str()
            .expect("id");
        let values = NewEvent {
            summary: Some("renamed ✏️".into()),
            ..NewEvent::default()
        };
        world
            .update_event(SAMPLE_ACCOUNT, plain, &values)
            .expect("event");
        let new = world
            .add_event(SAMPLE_ACCOUNT, &NewEvent::default())
            .expect("account");
        let changed = b.events("primary", &token, &sync(nothing.token())).await;
        assert_eq!(
            changed.ids().into_iter().collect::<BTreeSet<_>>(),
            BTreeSet::from([plain, &new])
        );
        let renamed = changed
            .items
            .iter()
            .find(|e| e["id"] == plain)
            .expect("renamed");
        assert_eq!(renamed["summary"], "renamed ✏️");

        world
            .cancel_event(SAMPLE_ACCOUNT, "primary", plain)
            .expect("event");
        let cancelled = b.events("primary", &token, &sync(changed.token())).await;
        assert_eq!(cancelled.ids(), [plain]);
        assert_eq!(cancelled.items[0]["status"], "cancelled");
        assert!(
            cancelled.items[0].get("start").is_none(),
            "perhaps only the id"
        );
        let later = b.events("primary", &token, &base).await;
        assert!(
            !later.ids().contains(&plain),
            "a full list has no tombstone"
        );
        let shown = b
            .events("primary", &token, &[base[0], ("showDeleted", "true")])
            .await;
        assert!(shown.ids().contains(&plain));
    }
}

#[tokio::test]
async fn cancelling_an_occurrence_and_a_whole_series_reaches_the_copies() {
    let b = start().await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let single = [("singleEvents", "true")];
    let full = b.events("primary", &token, &single).await;
    let series = full
        .items
        .iter()
        .find_map(|e| e["recurringEventId"].as_str())
        .expect("a series");
    let of: Vec<_> = full
        .items
        .iter()
        .filter(|e| e["recurringEventId"] == series)
        .map(|e| e["id"].as_str().expect("id"))
        .collect();
    world
        .cancel_event(SAMPLE_ACCOUNT, "primary", of[1])
        .expect("occurrence");
    let sync = [single[0], ("syncToken", full.token())];
    let one = b.events("primary", &token, &sync).await;
    assert_eq!(one.ids(), [of[1]]);
    assert_eq!(one.items[0]["recurringEventId"], series);
    assert!(one.items[0].get("originalStartTime").is_some());
    let masters = b.events("primary", &token, &[]).await;
    assert!(
        masters.ids().contains(&of[1]),
        "shown so that the series does not seem to have it"
    );

    // An occurrence with values of its own goes with its series.
    let values = NewEvent {
        summary: Some("only this one".into()),
        ..NewEvent::default()
    };
    world
        .update_event(SAMPLE_ACCOUNT, of[2], &values)
        .expect("occurrence");
    let own = b.events("primary", &token, &sync).await;
    assert!(
        own.items
            .iter()
            .any(|e| e["id"] == of[2] && e["summary"] == "only this one")
    );

    world
        .cancel_event(SAMPLE_ACCOUNT, "primary", series)
        .expect("series");
    let all = b.events("primary", &token, &sync).await;
    assert!(all.items.iter().all(|e| e["status"] == "cancelled"));
    let gone: BTreeSet<_> = all.ids().into_iter().collect();
    assert!(of.iter().all(|id| gone.contains(id)), "{gone:?}");
    let instances = format!("{}/{series}/instances", events_path("primary"));
    assert_eq!(b.walk_pages(&instances, &token, &[]).await.items.len(), 0);
}

#[tokio::test]
async fn a_change_between_two_pages_is_not_lost() {
    let b = start().await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let path = events_path("primary");
    let first = b.get_with(&path, &token, &[("maxResults", "3")]).await.ok();
    let early = first["items"][0]["id"].as_str().expect("id").to_owned();
    world
        .cancel_event(SAMPLE_ACCOUNT, "primary", &early)
        .expect("event");
    let mut page = first["nextPageToken"].as_str().expect("more").to_owned();
    let sync = loop {
        let list = b
            .get_with(&path, &token, &[("maxResults", "3"), ("pageToken", &page)])
            .await
            .ok();
        match list["nextPageToken"].as_str() {
            Some(next) => page = next.to_owned(),
            None => break list["nextSyncToken"].as_str().expect("token").to_owned(),
        }
    };
    let changes = b.events("primary", &token, &[("syncToken", &sync)]).await;
    assert_eq!(changes.ids(), [early]);
}

#[tokio::test]
async fn an_old_token_is_gone_in_exactly_googles_words() {
    let b = start().await;
    let token = b.sign_in().await;
    let list = b.walk_pages(CALENDARS, &token, &[]).await;
    let full = b.events("primary", &token, &[]).await;
    b.sandbox
        .world()
        .expire_sync_tokens(SAMPLE_ACCOUNT)
        .expect("account");
    let gone = b
        .get_with(
            &events_path("primary"),
            &token,
            &[("syncToken", full.token())],
        )
        .await;
    assert_eq!(gone.status, 410);
    let text = "Sync token is no longer valid, a full sync is required.";
    assert_eq!(
        gone.json(),
        json!({"error": {
            "errors": [{
                "domain": "calendar",
                "reason": "fullSyncRequired",
                "message": text,
                "locationType": "parameter",
                "location": "syncToken",
            }],
            "code": 410,
            "message": text,
        }})
    );
    let gone = b
        .get_with(CALENDARS, &token, &[("syncToken", list.token())])
        .await;
    assert_eq!(
        (gone.status, gone.reason().as_str()),
        (410, "fullSyncRequired")
    );
    let fresh = b.events("primary", &token, &[]).await;
    b.get_with(
        &events_path("primary"),
        &token,
        &[("syncToken", fresh.token())],
    )
    .await
    .ok();
}

#[tokio::test]
async fn parameters_that_do_not_go_together_are_refused() {
    let b = start().await;
    let token = b.sign_in().await;
    let path = events_path("primary");
    let full = b.events("primary", &token, &[]).await;
    let sync = ("syncToken", full.token());
    let min = "2026-11-01T00:00:00Z";
    for extra in [
        ("timeMin", min),
        ("timeMax", min),
        ("updatedMin", min),
        ("orderBy", "updated"),
        ("q", "x"),
        ("iCalUID", "x"),
        ("showDeleted", "false"),
        ("singleEvents", "true"),
    ] {
        let answer = b.get_with(&path, &token, &[sync, extra]).await;
        assert_eq!(answer.status, 400, "{extra:?}: {}", answer.text);
    }
    for (query, reason) in [
        (vec![("syncToken", "junk")], "invalid"),
        (vec![("pageToken", "junk")], "invalid"),
        (vec![("orderBy", "startTime")], "badRequest"),
        (vec![("timeMin", "2026-11-21")], "badRequest"),
        (vec![("timeMin", "2026-11-21T09:30:00")], "badRequest"),
        (vec![("timeMin", min), ("timeMax", min)], "timeRangeEmpty"),
        (vec![("maxResults", "0")], "invalidParameter"),
        (vec![("timeZone", "Mars/Olympus")], "invalid"),
    ] {
        let answer = b.get_with(&path, &token, &query).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (400, reason),
            "{query:?}"
        );
    }
    let old = b
        .get_with(&path, &token, &[("updatedMin", "2026-01-01T00:00:00Z")])
        .await;
    assert_eq!(
        (old.status, old.reason().as_str()),
        (410, "updatedMinTooLongAgo")
    );
    let other = b
        .get_with(
            &events_path(
                &b.sandbox
                    .world()
                    .calendars(SAMPLE_ACCOUNT)
                    .expect("account")[1]
                    .id,
            ),
            &token,
            &[sync],
        )
        .await;
    assert_eq!(other.status, 400, "the token of another calendar");
    let work = b.sign_in_as("work@sandbox.example").await;
    assert_eq!(
        b.get_with(&path, &work, &[sync]).await.status,
        400,
        "of another account"
    );
    let page = b.get_with(&path, &token, &[("maxResults", "1")]).await.ok();
    let next = page["nextPageToken"].as_str().expect("more");
    let changed = b
        .get_with(&path, &token, &[("pageToken", next), ("q", "x")])
        .await;
    assert_eq!(changed.status, 400, "another query with the page token");
}

#[tokio::test]
async fn an_event_moved_out_of_the_window_is_told_and_a_new_one_outside_is_not() {
    let b = start_with(|c| c.events = 0).await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let on = |day: &str| NewEvent {
        start: format!("2026-{day}T10:00:00Z"),
        ..NewEvent::default()
    };
    let id = world
        .add_event(SAMPLE_ACCOUNT, &on("11-25"))
        .expect("account");
    let query = [
        ("singleEvents", "true"),
        ("timeMin", "2026-11-20T00:00:00Z"),
        ("timeMax", "2026-12-01T00:00:00Z"),
    ];
    let full = b.events("primary", &token, &query).await;
    assert_eq!(full.ids(), [id.as_str()]);
    world
        .update_event(SAMPLE_ACCOUNT, &id, &on("12-24"))
        .expect("event");
    world
        .add_event(SAMPLE_ACCOUNT, &on("12-25"))
        .expect("account");
    let changes = b
        .events("primary", &token, &[query[0], ("syncToken", full.token())])
        .await;
    assert_eq!(changes.ids(), [id.as_str()]);
}

#[tokio::test]
async fn the_list_of_calendars_syncs_too() {
    let b = start().await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let full = b.walk_pages(CALENDARS, &token, &[]).await;
    let (shared, room) = (full.ids()[1].to_owned(), full.ids()[3].to_owned());
    world
        .change_calendar(SAMPLE_ACCOUNT, &shared, Some("Neu"), false)
        .expect("calendar");
    world
        .change_calendar(SAMPLE_ACCOUNT, &room, None, true)
        .expect("calendar");
    let changes = b
        .walk_pages(CALENDARS, &token, &[("syncToken", full.token())])
        .await;
    assert_eq!(changes.ids(), [shared.as_str(), room.as_str()]);
    assert_eq!(changes.items[0]["summary"], "Neu");
    assert_eq!(changes.items[1]["deleted"], true);
    assert_eq!(b.walk_pages(CALENDARS, &token, &[]).await.items.len(), 3);
    let both = b
        .get_with(
            CALENDARS,
            &token,
            &[("syncToken", full.token()), ("minAccessRole", "owner")],
        )
        .await;
    assert_eq!(both.status, 400);
    let owned = b
        .walk_pages(CALENDARS, &token, &[("minAccessRole", "writer")])
        .await;
    assert_eq!(owned.items.len(), 2);
}
