//! Moving a charm to a remote space, and taking that back.

use charmkeeper_base::cell::{Change, DocRef};
use charmkeeper_base::{Outcome, UnixMs};
use serde_json::{Value, json};

use super::fixture::*;
use crate::{
    Acknowledged, CharmMove, FinishRun, Moved, NewChange, RemoteSpace, ReplicaDocument, Standing,
    StoreError,
};

const THERE: &str = "did:key:zThere";
const NOTE: &str = "publish.a";

/// Charms see the text of the last entry.
fn last(_: &str, base: Option<&Value>, entries: &[String]) -> Result<Option<Value>, StoreError> {
    let text = entries.last().map(|text| json!({ "value": text }));
    Ok(text.or_else(|| base.cloned()))
}

fn fixture() -> Fixture {
    let fixture = Fixture::with_charms();
    fixture.store.add_space(&space(THERE, "there")).unwrap();
    let remote = RemoteSpace {
        did: THERE.into(),
        url: "https://space.example".into(),
        identity: "did:key:zMe".into(),
        session_id: "session-1".into(),
        enabled: true,
        refused: None,
        merged: 0,
        synced_at: None,
    };
    fixture.store.put_remote_space(&remote).unwrap();
    fixture
}

fn change(text: &str, id: &str) -> NewChange {
    NewChange {
        space: THERE.into(),
        run: None,
        charm: "a".into(),
        made_at: NOW,
        entry: text.into(),
        documents: vec![id.into()],
    }
}

/// Two changes with a note; their ids.
fn begun(fixture: &Fixture) -> Vec<u64> {
    let changes = [change("one", "of:one"), change("two", "of:two")];
    let note = |ids: &[u64]| Some(json!(ids));
    let store = &fixture.store;
    store
        .enqueue_with_note(&changes, NOTE, note, &last)
        .unwrap();
    let note = store.setting(NOTE).unwrap().unwrap();
    serde_json::from_value(note).unwrap()
}

fn there(fixture: &Fixture, id: &str) -> Option<Value> {
    let at = DocRef {
        space: THERE.into(),
        id: id.into(),
    };
    fixture.store.documents(&[at]).unwrap().remove(0).doc
}

fn moving(fixture: &Fixture) -> CharmMove {
    let owned = fixture.store.owned_documents("a").unwrap();
    let seen: Vec<(DocRef, u64)> = owned.into_iter().map(|o| (o.target, o.version)).collect();
    let kept = DocRef {
        space: THERE.into(),
        id: "of:kept".into(),
    };
    CharmMove {
        charm: "a".into(),
        space: THERE.into(),
        argument: "of:argument".into(),
        changes: vec![Change::create(kept, None, json!({ "value": 1 }))],
        seen,
        outbox: Some(change("since", "of:one")),
    }
}

fn moved(fixture: &Fixture, to: &CharmMove) -> Moved {
    fixture.store.move_charm(to, NOTE, None, &last).unwrap()
}

#[test]
fn changes_stand_as_the_worst_of_them_and_are_taken_back_whole() {
    let fixture = fixture();
    let ids = begun(&fixture);
    let store = &fixture.store;
    assert_eq!(store.standing(&ids).unwrap(), Standing::Waiting);
    let done = Acknowledged {
        change: ids[0],
        documents: vec![ReplicaDocument {
            id: "of:one".into(),
            seq: 3,
            doc: Some(json!({ "value": "one" })),
        }],
        at: NOW,
    };
    store.settle_change(THERE, &done, &last).unwrap();
    assert_eq!(store.standing(&ids).unwrap(), Standing::Waiting);
    store.set_change_aside(ids[1], "no").unwrap();
    assert_eq!(
        store.standing(&ids).unwrap(),
        Standing::Refused("no".into())
    );
    let note = json!("refused");
    store
        .withdraw_changes(THERE, &ids, NOTE, Some(&note), &last)
        .unwrap();
    // What the server has stays; what it never heard of is gone.
    assert_eq!(there(&fixture, "of:one"), Some(json!({ "value": "one" })));
    assert_eq!(there(&fixture, "of:two"), None);
    assert_eq!(store.standing(&ids).unwrap(), Standing::Told);
    assert_eq!(
        store.settings_below("publish.").unwrap(),
        [(NOTE.into(), note)]
    );
}

#[test]
fn a_charm_moves_between_two_runs_and_only_as_it_was_seen() {
    let fixture = fixture();
    begun(&fixture);
    let to = moving(&fixture);
    fixture.begin("run", "a");
    assert_eq!(moved(&fixture, &to), Moved::Running);
    let end = FinishRun::new("run", Outcome::Ok, 1);
    fixture.store.finish_run(&end).unwrap();
    let mut other = to.clone();
    other.seen[0].1 += 1;
    assert_eq!(moved(&fixture, &other), Moved::Changed);
    other.seen.clear();
    assert_eq!(moved(&fixture, &other), Moved::Changed);
    let before = fixture.store.charm("a").unwrap().unwrap();
    assert_eq!(
        (before.space.as_str(), there(&fixture, "of:kept")),
        (HOME, None)
    );

    assert_eq!(moved(&fixture, &to), Moved::Done);
    let after = fixture.store.charm("a").unwrap().unwrap();
    assert_eq!(
        (after.space.as_str(), after.argument.as_str()),
        (THERE, "of:argument")
    );
    assert_eq!(
        (after.piece, after.schedule),
        (before.piece, before.schedule)
    );
    assert_eq!(there(&fixture, "of:kept"), Some(json!({ "value": 1 })));
    assert_eq!(there(&fixture, "of:one"), Some(json!({ "value": "since" })));
    assert_eq!(fixture.store.setting(NOTE).unwrap(), None);
    fixture.store.hide_charm("a", UnixMs(1)).unwrap();
    fixture.store.purge_hidden(UnixMs(2)).unwrap();
    assert_eq!(moved(&fixture, &to), Moved::Gone);
}
