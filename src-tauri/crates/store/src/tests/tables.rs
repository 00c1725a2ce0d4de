//! The plain tables: spaces, charms, documents, accounts, settings, events.

use charmkeeper_base::cell::document::{MAX_DEPTH, parse};
use charmkeeper_base::cell::{Change, DocRef};
use charmkeeper_base::{Outcome, UnixMs};
use serde_json::json;

use super::fixture::{Fixture, HOME, NOW, charm_row, doc_id, new_charm, open, set, space, target};

use crate::{
    AccountRow, AccountUpdate, Charm, CharmUpdate, Pause, ProgramUpdate, Schedule, StoreError,
    Writer,
};

#[test]
fn spaces_have_unique_names() {
    let f = Fixture::new();
    for taken in [space(HOME, "other"), space("did:key:zOther", "home")] {
        let error = f.store.add_space(&taken).unwrap_err();
        assert!(
            matches!(error, StoreError::Taken { what: "space", .. }),
            "{error:?}"
        );
    }
    f.store.add_space(&space("did:key:zB", "b")).unwrap();
    assert_eq!(
        f.store.spaces().unwrap(),
        [space("did:key:zB", "b"), space(HOME, "home")]
    );
    assert_eq!(f.store.space(HOME).unwrap(), Some(space(HOME, "home")));
    assert_eq!(f.store.space("home").unwrap(), Some(space(HOME, "home")));
    assert_eq!(f.store.space("nowhere").unwrap(), None);
}

#[test]
fn a_charm_keeps_all_that_it_was_given() {
    let f = Fixture::new();
    let charm = Charm {
        account: Some("g1".into()),
        enabled: false,
        paused_reason: Some("five failures".into()),
        position: -3,
        schedule: Schedule {
            next_due_at: Some(UnixMs(1)),
            failures: 5,
            last_outcome: Some(Outcome::TimedOut),
            last_run_at: Some(UnixMs(2)),
            last_ok_at: Some(UnixMs(3)),
            memory: serde_json::json!({"strikes": 2}),
        },
        ..charm_row("c")
    };
    let new = crate::NewCharm {
        charm: charm.clone(),
        ..new_charm("c")
    };
    f.store.add_charm(&new).unwrap();
    assert_eq!(f.store.charm("c").unwrap(), Some(charm));
    assert_eq!(f.store.program("hash-1").unwrap(), Some(new.program));
    assert_eq!(f.doc("of:c").version, 1);

    let error = f.store.add_charm(&new_charm("c")).unwrap_err();
    assert!(
        matches!(error, StoreError::Taken { what: "charm", .. }),
        "{error:?}"
    );
    let mut nowhere = new_charm("d");
    nowhere.charm.space = "did:key:zNowhere".into();
    let error = f.store.add_charm(&nowhere).unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "space", .. }),
        "{error:?}"
    );
}

#[test]
fn an_update_changes_what_it_names_and_nothing_else() {
    let f = Fixture::with_charms();
    let before = f.store.charm("a").unwrap().unwrap();
    f.store.update_charm("a", &CharmUpdate::default()).unwrap();
    assert_eq!(f.store.charm("a").unwrap().unwrap(), before);

    let due = Schedule {
        next_due_at: Some(UnixMs(9)),
        failures: 2,
        ..Schedule::default()
    };
    let update = CharmUpdate {
        name: Some("Mail".into()),
        program: Some(ProgramUpdate {
            hash: "hash-2".into(),
            program: json!({ "entry": "/b.tsx" }),
            facts: json!({}),
            tags: vec![],
        }),
        hosts: Some(vec![]),
        account: Some(Some("g1".into())),
        enabled: Some(false),
        paused_reason: Some(Some("by hand".into())),
        interval_ms: Some(5),
        position: Some(4),
        schedule: Some(due.clone()),
    };
    f.store.update_charm("a", &update).unwrap();
    let expected = Charm {
        name: "Mail".into(),
        program_hash: "hash-2".into(),
        facts: json!({}),
        tags: vec![],
        hosts: vec![],
        account: Some("g1".into()),
        enabled: false,
        paused_reason: Some("by hand".into()),
        interval_ms: 5,
        position: 4,
        schedule: due,
        ..before
    };
    assert_eq!(f.store.charm("a").unwrap(), Some(expected.clone()));
    let order: Vec<_> = f
        .store
        .charms()
        .unwrap()
        .into_iter()
        .map(|c| c.id)
        .collect();
    assert_eq!(order, ["b", "a"]);

    let clear = CharmUpdate {
        account: Some(None),
        paused_reason: Some(None),
        ..CharmUpdate::default()
    };
    f.store.update_charm("a", &clear).unwrap();
    let expected = Charm {
        account: None,
        paused_reason: None,
        ..expected
    };
    assert_eq!(f.store.charm("a").unwrap(), Some(expected));
    let error = f
        .store
        .update_charm("zz", &CharmUpdate::default())
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
    // A time set for later is still set after a restart.
    drop(f.store);
    let schedule = open(&f.path).charm("a").unwrap().unwrap().schedule;
    assert_eq!(schedule.next_due_at, Some(UnixMs(9)));
}

#[test]
fn source_files_stay_as_long_as_a_charm_uses_them() {
    let f = Fixture::with_charms();
    f.store.remove_charm("a").unwrap();
    assert!(f.store.program("hash-1").unwrap().is_some());
    f.store.remove_charm("b").unwrap();
    assert_eq!(f.store.program("hash-1").unwrap(), None);
    let error = f.store.remove_charm("b").unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
}

#[test]
fn handles_are_numbered_when_taken() {
    let f = Fixture::with_charms();
    assert_eq!(f.store.free_handle("new").unwrap(), "new");
    assert_eq!(f.store.free_handle("charm-a").unwrap(), "charm-a-2");
    let mut again = new_charm("a2");
    again.charm.handle = "charm-a-2".into();
    f.store.add_charm(&again).unwrap();
    assert_eq!(f.store.free_handle("charm-a").unwrap(), "charm-a-3");
}

#[test]
fn the_keeper_writes_anything_all_or_nothing() {
    let f = Fixture::with_charms();
    let keeper = Writer::Keeper {
        owner: Some("b".into()),
    };
    let write = |changes: &[Change]| f.store.write_documents(&keeper, changes);
    let raise = Change::patch(target("of:a"), Some(1), vec![set("/value/count", 5)]);
    let make = Change::create(target("of:new"), Some(0), json!({ "value": 1 }));
    assert_eq!(write(&[raise.clone(), make]).unwrap(), [2, 1]);
    // Writing does not change whose a document is.
    let owned = |charm: &str| {
        let all = f.store.owned_documents(charm).unwrap();
        all.into_iter()
            .map(|d| (d.target.id, d.version, d.bytes))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        owned("a"),
        [(
            doc_id("a"),
            2,
            r#"{"value":{"count":5,"list":[]}}"#.len() as u64
        )]
    );
    assert_eq!(owned("b").len(), 2);

    let more = Change::create(target("of:more"), None, json!({ "value": 1 }));
    let error = write(&[more, raise]).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    assert_eq!(f.doc("of:more").doc, None);
    let nowhere = DocRef {
        space: "did:key:zNowhere".into(),
        id: "of:x".into(),
    };
    let error = write(&[Change::create(nowhere, None, json!({}))]).unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "space", .. }),
        "{error:?}"
    );
}

#[test]
fn documents_are_read_in_order_with_gaps() {
    let f = Fixture::with_charms();
    let read = f
        .store
        .documents(&[target("of:b"), target("of:gone"), target("of:a")])
        .unwrap();
    let seen: Vec<_> = read
        .iter()
        .map(|d| (d.id.as_str(), d.version, d.doc.is_some()))
        .collect();
    assert_eq!(
        seen,
        [("of:b", 1, true), ("of:gone", 0, false), ("of:a", 1, true)]
    );
}

#[test]
fn a_document_is_stored_up_to_the_depth_limit_and_read_again() {
    let f = Fixture::with_charms();
    let nested = |levels: usize| {
        let inner = parse(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).unwrap();
        Change::create(target("of:deep"), None, json!({ "value": inner }))
    };
    let keeper = Writer::Keeper { owner: None };
    let error = f
        .store
        .write_documents(&keeper, &[nested(MAX_DEPTH)])
        .unwrap_err();
    assert!(matches!(error, StoreError::BadDocument { .. }), "{error:?}");
    f.store
        .write_documents(&keeper, &[nested(MAX_DEPTH - 1)])
        .unwrap();
    assert_eq!(f.doc("of:deep").doc, nested(MAX_DEPTH - 1).create);
}

#[test]
fn accounts_pauses_settings_and_events_come_back() {
    let f = Fixture::new();
    let account = AccountRow {
        id: "g1".into(),
        provider: "google".into(),
        email: "ada@example.org".into(),
        name: Some("Ada".into()),
        picture: Some("https://example.org/a.png".into()),
        scopes: vec!["mail".into(), "calendar".into()],
        state: json!({ "needs": "sign-in" }),
        connected_at: NOW,
        expires_at: None,
        last_used_at: None,
    };
    f.store.put_account(&account).unwrap();
    f.store
        .put_account(&AccountRow {
            id: "g2".into(),
            ..account.clone()
        })
        .unwrap();
    let change = AccountUpdate {
        id: "g1".into(),
        state: Some(json!("ready")),
        expires_at: Some(UnixMs(7)),
        last_used_at: None,
    };
    f.store.update_account(&change).unwrap();
    let changed = AccountRow {
        state: json!("ready"),
        expires_at: Some(UnixMs(7)),
        ..account.clone()
    };
    assert_eq!(f.store.account("g1").unwrap(), Some(changed));
    assert_eq!(f.store.account("g2").unwrap().unwrap().state, account.state);

    let pause = |id: &str, until| Pause {
        account: id.into(),
        until: UnixMs(until),
        reason: "r".into(),
    };
    for one in [pause("g1", 1), pause("g2", 2), pause("g1", 3)] {
        f.store.put_pause(&one).unwrap();
    }
    assert_eq!(f.store.pauses().unwrap(), [pause("g1", 3), pause("g2", 2)]);
    f.store.remove_account("g1").unwrap();
    f.store.lift_pause("g2").unwrap();
    assert_eq!(f.store.pauses().unwrap(), []);
    assert_eq!(f.store.accounts().unwrap().len(), 1);
    assert!(f.store.remove_account("g1").is_err());

    f.store
        .set_setting("theme", Some(&json!({ "dark": true })))
        .unwrap();
    assert_eq!(
        f.store.setting("theme").unwrap(),
        Some(json!({ "dark": true }))
    );
    f.store.set_setting("theme", None).unwrap();
    assert_eq!(f.store.setting("theme").unwrap(), None);

    for n in 0..1003 {
        f.store.add_event(UnixMs(n), "k", "m", &json!(n)).unwrap();
    }
    let events = f.store.events(2000).unwrap();
    assert_eq!(events.len(), 1000);
    assert_eq!(
        (events[0].at, &events[999].detail),
        (UnixMs(1002), &json!(3))
    );
}
