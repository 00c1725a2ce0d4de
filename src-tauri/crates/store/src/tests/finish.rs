//! The end of a run.

use charmkeeper_base::cell::{Change, Patch};
use charmkeeper_base::{ErrorKind, Explain, Outcome, SyncState, UnixMs};
use serde_json::json;

use super::fixture::{
    Fixture, HOME, NOW, busy_finish, call, charm_row, doc_id, line, new_charm, new_run, set, space,
    target,
};
use crate::{
    AccountRow, AccountUpdate, CharmUpdate, FinishRun, MAX_CALLS_PER_RUN, MAX_CHANGED_PER_RUN,
    MAX_EXCERPT_BYTES, MAX_LOG_LINES_PER_RUN, Pause, RunError, Schedule, StoreError, Writer,
};

fn ok(run: &str, changes: Vec<Change>) -> FinishRun {
    FinishRun {
        changes,
        ..FinishRun::new(run, Outcome::Ok, 5)
    }
}

fn patch(id: &str, version: Option<u64>, patches: Vec<Patch>) -> Change {
    Change::patch(target(id), version, patches)
}

#[test]
fn everything_that_a_run_leaves_is_stored() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let going = f.run("r1");
    assert_eq!(
        (going.outcome, going.duration_ms, going.changed),
        (None, None, 0)
    );
    assert_eq!(going.charm_name, "Charm a");
    assert_eq!(
        (going.space.as_str(), going.space_name.as_str()),
        (HOME, "home")
    );

    let done = f.store.finish_run(&busy_finish("r1", 0, 2)).unwrap();
    assert_eq!((done.outcome, done.changed), (Outcome::Ok, 4));
    assert_eq!(
        done.documents,
        [
            (target("of:a"), 2),
            (target("of:r1-0"), 1),
            (target("of:r1-1"), 1)
        ]
    );
    let details = f.store.run_details("r1").unwrap().unwrap();
    assert_eq!(details.calls, busy_finish("r1", 0, 2).calls);
    assert_eq!(details.log, busy_finish("r1", 0, 2).log);
    let run = &details.run;
    assert_eq!((run.duration_ms, run.changed, run.calls), (Some(42), 4, 2));
    assert_eq!(
        (run.calls_failed, run.log_lines, run.sync),
        (1, 3, SyncState::Local)
    );
    let shown: Vec<_> = details
        .changed
        .iter()
        .map(|c| {
            let text = |side: &Option<crate::JsonExcerpt>| side.as_ref().map(|s| s.text.clone());
            (
                c.document.as_str(),
                c.path.as_str(),
                c.op.as_str(),
                text(&c.before),
                text(&c.after),
            )
        })
        .take(2)
        .collect();
    assert_eq!(
        shown,
        [
            (
                "of:a",
                "/value/count",
                "replace",
                Some("0".into()),
                Some("1".into())
            ),
            (
                "of:a",
                "/value/list",
                "append",
                None,
                Some("[\"r1\"]".into())
            ),
        ]
    );
    assert_eq!(details.changed[2].op, "create");
    assert_eq!(
        f.doc("of:a").doc,
        Some(json!({ "value": { "count": 1, "list": ["r1"] } }))
    );
    let schedule = f.store.charm("a").unwrap().unwrap().schedule;
    assert_eq!(Some(schedule), busy_finish("r1", 0, 0).charm.schedule);
    let owned: Vec<_> = f
        .store
        .owned_documents("a")
        .unwrap()
        .into_iter()
        .map(|d| d.target.id)
        .collect();
    assert_eq!(owned, ["of:a", "of:r1-0", "of:r1-1"]);
}

#[test]
fn a_stale_version_is_a_conflict_and_nothing_is_written() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let mut finish = busy_finish("r1", 0, 2);
    finish
        .changes
        .push(patch("of:a", Some(1), vec![set("/value/count", 9)]));
    let error = f.store.finish_run(&finish).unwrap_err();
    let StoreError::Conflict {
        space,
        id,
        expected,
        found,
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (space.as_str(), id.as_str(), *expected, *found),
        (HOME, "of:a", 1, 2)
    );
    assert!(!super::fixture::assert_whole(&f.store, "r1", 2));
    assert_eq!(f.doc("of:a").version, 1);

    // The run can still be finished in another way.
    let failed = FinishRun {
        error: Some(RunError {
            kind: ErrorKind::Charm,
            message: "conflict".into(),
            stack: None,
        }),
        ..FinishRun::new("r1", Outcome::Failed, 1)
    };
    f.store.finish_run(&failed).unwrap();
    assert_eq!(f.run("r1").error, failed.error);
    let again = f.store.finish_run(&failed).unwrap_err();
    assert!(matches!(again, StoreError::RunEnded { .. }), "{again}");
    let unknown = f
        .store
        .finish_run(&FinishRun::new("r9", Outcome::Ok, 1))
        .unwrap_err();
    assert!(
        matches!(unknown, StoreError::NotFound { what: "run", .. }),
        "{unknown}"
    );
}

#[test]
fn without_a_version_the_last_writer_wins() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let create = Change::create(target("of:a"), None, json!({ "value": 7 }));
    f.store.finish_run(&ok("r1", vec![create])).unwrap();
    let doc = f.doc("of:a");
    assert_eq!((doc.version, doc.doc), (2, Some(json!({ "value": 7 }))));
    // A patch of a document that was never written starts from an empty one.
    f.begin("r2", "a");
    let add = Patch::Add {
        path: "/value".into(),
        value: json!([1]),
    };
    f.store
        .finish_run(&ok("r2", vec![patch("of:new", Some(0), vec![add])]))
        .unwrap();
    assert_eq!(f.doc("of:new").doc, Some(json!({ "value": [1] })));
}

#[test]
fn a_charm_writes_only_what_it_may() {
    let f = Fixture::with_charms();
    f.store
        .add_space(&space("did:key:zOther", "other"))
        .unwrap();
    f.begin("r1", "b");
    let attempt = |change: Change| {
        let good = patch("of:b", Some(1), vec![set("/value/count", 1)]);
        f.store
            .finish_run(&ok("r1", vec![good, change]))
            .unwrap_err()
    };
    let foreign = attempt(patch("of:a", Some(1), vec![set("/value/count", 1)]));
    assert!(matches!(foreign, StoreError::NotOwner { .. }), "{foreign}");
    assert_eq!(foreign.kind(), ErrorKind::Charm);
    assert_eq!(
        foreign.to_string(),
        "document of:a belongs to charm-a, so charm-b may not write it"
    );

    let mut away = Change::create(target("of:x"), Some(0), json!({ "value": 1 }));
    away.space = "did:key:zOther".into();
    let error = attempt(away);
    assert!(matches!(error, StoreError::ForeignSpace { .. }), "{error}");

    let bad = attempt(patch("of:b", None, vec![set("/value/nope", 1)]));
    assert!(matches!(bad, StoreError::Patch { .. }), "{bad}");
    let bad = attempt(Change::create(target("of:x"), Some(0), json!([1])));
    assert!(matches!(bad, StoreError::BadDocument { .. }), "{bad}");
    assert_eq!(f.doc("of:b").version, 1);
    assert_eq!(f.doc("of:x").doc, None);

    // What belongs to nobody may be written, and still belongs to nobody.
    let shared = Change::create(target("of:shared"), Some(0), json!({ "value": 0 }));
    f.store
        .write_documents(&Writer::Keeper { owner: None }, &[shared])
        .unwrap();
    let write = patch("of:shared", Some(1), vec![set("/value", 1)]);
    f.store.finish_run(&ok("r1", vec![write])).unwrap();
    assert_eq!(f.doc("of:shared").version, 2);
    assert_eq!(f.store.owned_documents("b").unwrap().len(), 1);
}

#[test]
fn changes_that_change_nothing_are_no_change() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let doc = json!({ "value": { "list": [], "count": 0.0 } });
    let mut finish = ok(
        "r1",
        vec![
            patch("of:a", Some(1), vec![set("/value/count", 0)]),
            Change::create(target("of:a"), Some(1), doc),
        ],
    );
    let schedule = Schedule {
        last_outcome: Some(Outcome::Ok),
        ..Schedule::default()
    };
    finish.charm.schedule = Some(schedule);
    let done = f.store.finish_run(&finish).unwrap();
    assert_eq!((done.outcome, done.changed), (Outcome::OkUnchanged, 0));
    assert_eq!(f.run("r1").outcome, Some(Outcome::OkUnchanged));
    assert_eq!(f.doc("of:a").version, 1);
    let schedule = f.store.charm("a").unwrap().unwrap().schedule;
    assert_eq!(schedule.last_outcome, Some(Outcome::OkUnchanged));
}

#[test]
fn a_run_that_failed_changes_no_documents() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let mut finish = busy_finish("r1", 0, 1);
    finish.outcome = Outcome::Failed;
    let error = f.store.finish_run(&finish).unwrap_err();
    assert!(matches!(error, StoreError::Internal { .. }), "{error}");
    assert_eq!(f.doc("of:a").version, 1);
}

#[test]
fn what_a_run_leaves_is_capped_but_counted() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let long = "é".repeat(MAX_EXCERPT_BYTES);
    let mut finish = ok(
        "r1",
        vec![patch("of:a", None, vec![set("/value/count", long.clone())])],
    );
    finish.changes.extend(
        (0..MAX_CHANGED_PER_RUN)
            .map(|n| Change::create(target(&format!("of:{n}")), Some(0), json!({ "value": n }))),
    );
    finish.calls = vec![call(&"/p".repeat(5000), true); MAX_CALLS_PER_RUN + 5];
    finish.log = vec![line(&long.repeat(3)); MAX_LOG_LINES_PER_RUN + 1];
    f.store.finish_run(&finish).unwrap();
    let details = f.store.run_details("r1").unwrap().unwrap();
    let run = &details.run;
    assert_eq!(
        (run.changed, details.changed.len()),
        (1001, MAX_CHANGED_PER_RUN)
    );
    assert_eq!(
        (run.calls, run.calls_failed, details.calls.len()),
        (1005, 1005, MAX_CALLS_PER_RUN)
    );
    assert_eq!(
        (run.log_lines, details.log.len()),
        (1001, MAX_LOG_LINES_PER_RUN)
    );
    assert!(details.calls[0].path.len() <= 1024 && details.log[0].text.len() <= 8192);
    let after = details.changed[0].after.as_ref().unwrap();
    assert!(
        after.cut && after.text.len() <= MAX_EXCERPT_BYTES,
        "{}",
        after.text.len()
    );
    assert!(!details.changed[1].after.as_ref().unwrap().cut);
    // The document itself is whole.
    assert_eq!(f.doc("of:a").doc.unwrap()["value"]["count"], json!(long));
    assert_eq!(f.doc("of:999").version, 1);
}

#[test]
fn accounts_and_pauses_follow_in_the_same_step() {
    let f = Fixture::with_charms();
    let account = AccountRow {
        id: "g1".into(),
        provider: "google".into(),
        email: "ada@example.org".into(),
        name: None,
        picture: None,
        scopes: vec!["gmail".into()],
        state: json!("ready"),
        connected_at: NOW,
        expires_at: Some(NOW),
        last_used_at: None,
    };
    f.store.put_account(&account).unwrap();
    f.begin("r1", "a");
    let pause = Pause {
        account: "g1".into(),
        until: UnixMs(NOW.0 + 9),
        reason: "quota".into(),
    };
    let used = AccountUpdate {
        id: "g1".into(),
        last_used_at: Some(NOW),
        ..Default::default()
    };
    let finish = FinishRun {
        accounts: vec![used],
        pauses: vec![pause.clone()],
        ..FinishRun::new("r1", Outcome::Partial, 1)
    };
    f.store.finish_run(&finish).unwrap();
    let expected = AccountRow {
        last_used_at: Some(NOW),
        ..account
    };
    assert_eq!(f.store.account("g1").unwrap(), Some(expected));
    assert_eq!(f.store.pauses().unwrap(), [pause]);
}

#[test]
fn a_charm_removed_during_its_run_leaves_a_run_but_no_documents() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    f.store.remove_charm("a").unwrap();
    let error = f.store.finish_run(&busy_finish("r1", 0, 1)).unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "charm", .. }),
        "{error}"
    );
    let cancelled = FinishRun {
        charm: CharmUpdate {
            enabled: Some(false),
            ..CharmUpdate::default()
        },
        ..FinishRun::new("r1", Outcome::Cancelled, 1)
    };
    f.store.finish_run(&cancelled).unwrap();
    assert_eq!(f.run("r1").charm_name, "Charm a");
    assert_eq!(f.doc(&doc_id("a")).doc, None);
}

#[test]
fn a_run_that_never_went_on_is_recorded_at_once() {
    let f = Fixture::with_charms();
    let finish = FinishRun {
        note: Some("7 runs".into()),
        ..FinishRun::new("m1", Outcome::Missed, 0)
    };
    f.store
        .record_run(&new_run("m1", "a", NOW), &finish)
        .unwrap();
    let run = f.run("m1");
    assert_eq!(
        (run.outcome, run.note.as_deref()),
        (Some(Outcome::Missed), Some("7 runs"))
    );
    let twice = f
        .store
        .record_run(&new_run("m1", "a", NOW), &finish)
        .unwrap_err();
    assert!(
        matches!(twice, StoreError::Taken { what: "run", .. }),
        "{twice}"
    );
    let nobody = f
        .store
        .record_run(&new_run("m2", "zz", NOW), &finish)
        .unwrap_err();
    assert!(
        matches!(nobody, StoreError::NotFound { what: "charm", .. }),
        "{nobody}"
    );
    assert_eq!(f.store.run_details("m2").unwrap(), None);
}

#[test]
fn a_charm_whose_first_document_exists_is_not_added_at_all() {
    let f = Fixture::with_charms();
    let mut new = new_charm("c");
    new.charm = crate::Charm {
        program_hash: "hash-2".into(),
        ..charm_row("c")
    };
    new.documents[0].id = doc_id("a");
    let error = f.store.add_charm(&new).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(f.store.charm("c").unwrap(), None);
    assert_eq!(f.store.program("hash-2").unwrap(), None);
}
