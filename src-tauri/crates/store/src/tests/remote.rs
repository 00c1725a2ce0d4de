//! The replica and the outbox.

use charmkeeper_base::cell::{Change, DocRef, Patch};
use charmkeeper_base::{Outcome, SyncState, UnixMs};
use serde_json::{Value, json};

use super::fixture::*;
use crate::{Acknowledged, FinishRun, NewChange, RemoteSpace, ReplicaDocument, Store, StoreError};

/// An entry of these tests is a list of numbers to add to a document's sum.
fn sum(_: &str, base: Option<&Value>, entries: &[String]) -> Result<Option<Value>, StoreError> {
    let mut total = base.and_then(|doc| doc["value"].as_i64());
    for entry in entries {
        let add: i64 = entry.parse().expect("a number");
        total = Some(total.unwrap_or(0) + add);
    }
    Ok(total.map(|n| json!({ "value": n })))
}

fn remote(fixture: &Fixture) {
    let space = RemoteSpace {
        did: HOME.into(),
        url: "https://space.example".into(),
        identity: "did:key:zMe".into(),
        session_id: "session-1".into(),
        enabled: true,
        refused: None,
        merged: 0,
        synced_at: None,
    };
    fixture.store.put_remote_space(&space).unwrap();
}

fn confirmed(id: &str, seq: u64, n: i64) -> ReplicaDocument {
    ReplicaDocument {
        id: id.into(),
        seq,
        doc: Some(json!({ "value": n })),
    }
}

fn change(add: i64, run: Option<&str>, documents: &[&str]) -> NewChange {
    NewChange {
        space: HOME.into(),
        run: run.map(str::to_owned),
        charm: "Charm".into(),
        made_at: NOW,
        entry: add.to_string(),
        documents: documents.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn seen(store: &Store, id: &str) -> Option<Value> {
    doc(store, id).doc.map(|doc| doc["value"].clone())
}

fn settle(store: &Store, change: u64, documents: Vec<ReplicaDocument>) {
    let done = Acknowledged {
        change,
        documents,
        at: UnixMs(5),
    };
    store.settle_change(HOME, &done, &sum).unwrap();
}

#[test]
fn what_charms_see_is_the_servers_state_with_waiting_changes_on_top() {
    let fixture = Fixture::new();
    remote(&fixture);
    let store = &fixture.store;
    store
        .integrate(HOME, &[confirmed("of:x", 3, 10)], &sum)
        .unwrap();
    store.enqueue(&change(5, None, &["of:x"]), &sum).unwrap();
    assert_eq!(seen(store, "of:x"), Some(json!(15)));
    // Older news is no news; newer news keeps the change on top.
    assert!(
        store
            .integrate(HOME, &[confirmed("of:x", 3, 0)], &sum)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store
            .integrate(HOME, &[confirmed("of:x", 4, 100)], &sum)
            .unwrap(),
        ["of:x"]
    );
    assert_eq!(seen(store, "of:x"), Some(json!(105)));
    let next = store.next_change(HOME).unwrap().unwrap();
    settle(store, next.id, vec![confirmed("of:x", 5, 105)]);
    assert_eq!(seen(store, "of:x"), Some(json!(105)));
    assert_eq!(store.next_change(HOME).unwrap(), None);
    let gone = ReplicaDocument {
        id: "of:x".into(),
        seq: 6,
        doc: None,
    };
    store.integrate(HOME, &[gone], &sum).unwrap();
    assert_eq!(seen(store, "of:x"), None);
}

#[test]
fn a_change_keeps_its_number_and_text_until_it_meets_a_conflict() {
    let fixture = Fixture::new();
    remote(&fixture);
    let store = &fixture.store;
    store.enqueue(&change(1, None, &["of:x"]), &sum).unwrap();
    let next = store.next_change(HOME).unwrap().unwrap();
    assert_eq!(next.prepared, None);
    let prepared = store
        .prepare_change(HOME, next.id, |n| format!("commit {n}"))
        .unwrap();
    assert_eq!(
        (prepared.local_seq, prepared.commit.as_str()),
        (1, "commit 1")
    );
    // The program dies and starts again.
    let again = open(&fixture.path);
    let next = again.next_change(HOME).unwrap().unwrap();
    assert_eq!(next.prepared, Some(prepared));
    again
        .change_conflicted(HOME, next.id, &[confirmed("of:x", 9, 50)], &sum)
        .unwrap();
    assert_eq!(seen(&again, "of:x"), Some(json!(51)));
    let next = again.next_change(HOME).unwrap().unwrap();
    assert!(next.merged && next.prepared.is_none());
    let prepared = again
        .prepare_change(HOME, next.id, |n| format!("commit {n}"))
        .unwrap();
    assert_eq!(prepared.local_seq, 2, "a number is never used again");
    settle(&again, next.id, vec![confirmed("of:x", 10, 51)]);
    let space = again.remote_space(HOME).unwrap().unwrap();
    assert_eq!((space.merged, space.synced_at), (1, Some(UnixMs(5))));
}

#[test]
fn a_refused_change_holds_back_its_own_documents_only() {
    let fixture = Fixture::new();
    remote(&fixture);
    let store = &fixture.store;
    for (add, documents) in [
        (1, &["of:x"][..]),
        (2, &["of:x", "of:y"]),
        (4, &["of:y"]),
        (8, &["of:z"]),
    ] {
        store.enqueue(&change(add, None, documents), &sum).unwrap();
    }
    let first = store.next_change(HOME).unwrap().unwrap();
    store
        .set_change_aside(first.id, "The server said no.")
        .unwrap();
    let free = store.next_change(HOME).unwrap().unwrap();
    assert_eq!(free.entry, "8", "y waits for x");
    settle(store, free.id, vec![confirmed("of:z", 1, 8)]);
    assert_eq!(store.next_change(HOME).unwrap(), None);
    let counts = store.outbox_counts(HOME).unwrap();
    assert_eq!((counts.queued, counts.stuck), (2, 1));
    let stuck = store.stuck_changes(None).unwrap();
    assert_eq!(stuck[0].reason, "The server said no.");

    assert_eq!(seen(store, "of:x"), Some(json!(3)));
    assert_eq!(store.drop_change(first.id, &sum).unwrap(), HOME);
    assert_eq!(
        seen(store, "of:x"),
        Some(json!(2)),
        "without the dropped one"
    );
    assert_eq!(store.next_change(HOME).unwrap().unwrap().entry, "2");
    assert!(matches!(
        store.retry_change(first.id),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn a_run_is_synced_when_its_last_change_is() {
    let fixture = Fixture::with_charms();
    remote(&fixture);
    let store = &fixture.store;
    fixture.begin("r1", "a");
    let target = DocRef {
        space: HOME.into(),
        id: doc_id("a"),
    };
    let patch = Patch::Replace {
        path: "/value".into(),
        value: json!(7),
    };
    let mut finish = FinishRun::new("r1", Outcome::Ok, 5);
    finish.sync = SyncState::Queued;
    finish.changes = vec![Change::patch(target, None, vec![patch])];
    finish.outbox = vec![
        change(7, Some("r1"), &[&doc_id("a")]),
        change(1, Some("r1"), &["of:other"]),
    ];
    store.finish_run(&finish).unwrap();
    assert_eq!(fixture.run("r1").sync, SyncState::Queued);
    let first = store.next_change(HOME).unwrap().unwrap();
    settle(store, first.id, vec![confirmed(&doc_id("a"), 1, 7)]);
    assert_eq!(
        fixture.run("r1").sync,
        SyncState::Queued,
        "one is still waiting"
    );
    let second = store.next_change(HOME).unwrap().unwrap();
    store.set_change_aside(second.id, "no").unwrap();
    assert_eq!(fixture.run("r1").sync, SyncState::Stuck);
    store.retry_change(second.id).unwrap();
    settle(store, second.id, vec![confirmed("of:other", 2, 1)]);
    assert_eq!(fixture.run("r1").sync, SyncState::Synced);
}

#[test]
fn another_identity_is_another_session_and_numbers_begin_again() {
    let fixture = Fixture::new();
    remote(&fixture);
    let store = &fixture.store;
    store.enqueue(&change(1, None, &["of:x"]), &sum).unwrap();
    let next = store.next_change(HOME).unwrap().unwrap();
    store
        .prepare_change(HOME, next.id, |n| n.to_string())
        .unwrap();
    let mut space = store.remote_space(HOME).unwrap().unwrap();
    space.session_id = "session-2".into();
    store.put_remote_space(&space).unwrap();
    let same = store.remote_space(HOME).unwrap().unwrap();
    assert_eq!(same.session_id, "session-1", "nothing changed but the wish");
    assert!(store.next_change(HOME).unwrap().unwrap().prepared.is_some());
    space.identity = "did:key:zOther".into();
    store.put_remote_space(&space).unwrap();
    assert_eq!(
        store.remote_space(HOME).unwrap().unwrap().session_id,
        "session-2"
    );
    assert_eq!(store.next_change(HOME).unwrap().unwrap().prepared, None);
}

#[test]
fn an_answer_that_comes_late_does_not_bring_back_what_others_undid() {
    let fixture = Fixture::new();
    remote(&fixture);
    let store = &fixture.store;
    store
        .integrate(HOME, &[confirmed("of:x", 1, 10)], &sum)
        .unwrap();
    store.enqueue(&change(5, None, &["of:x"]), &sum).unwrap();
    let next = store.next_change(HOME).unwrap().unwrap();
    // Ours went in as number 2; as number 3 somebody set it to 0.
    store
        .integrate(HOME, &[confirmed("of:x", 3, 0)], &sum)
        .unwrap();
    settle(store, next.id, vec![confirmed("of:x", 2, 15)]);
    assert_eq!(seen(store, "of:x"), Some(json!(0)));
}

#[test]
fn a_cell_that_the_server_never_heard_of_stays() {
    let fixture = Fixture::with_charms();
    remote(&fixture);
    let before = seen(&fixture.store, &doc_id("a"));
    assert!(before.is_some());
    let absent = ReplicaDocument {
        id: doc_id("a"),
        seq: 0,
        doc: None,
    };
    fixture.store.integrate(HOME, &[absent], &sum).unwrap();
    assert_eq!(seen(&fixture.store, &doc_id("a")), before);
}

#[test]
fn a_document_is_linked_as_soon_as_another_names_it() {
    let fixture = Fixture::new();
    remote(&fixture);
    let store = &fixture.store;
    let ids = |id: &str| [id.to_owned()].into();
    let list = ReplicaDocument {
        id: "of:list".into(),
        seq: 1,
        doc: Some(json!({ "value": [{ "/": { "link@1": { "id": "of:there", "path": [] } } }] })),
    };
    let keep = |_: &str, base: Option<&Value>, _: &[String]| Ok(base.cloned());
    assert!(!store.is_linked(HOME, &ids("of:there")).unwrap());
    store.integrate(HOME, &[list], &keep).unwrap();
    assert!(store.is_linked(HOME, &ids("of:there")).unwrap());
    assert!(!store.is_linked(HOME, &ids("of:new")).unwrap());
    assert!(!store.is_linked("did:key:zOther", &ids("of:there")).unwrap());
}
