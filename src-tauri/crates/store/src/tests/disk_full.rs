//! A disk that is full at each point where a run writes.

use charmkeeper_base::{ErrorKind, Explain as _};
use serde_json::json;

use super::fixture::{Fixture, NOW, assert_whole, busy_finish, new_charm, new_run, open};
use super::steps;
use crate::store::lock;
use crate::{RunError, Store, StoreError};

/// Lets the database grow by `pages` more pages of 4 KiB, then no more.
fn leave_room(store: &Store, pages: i64) {
    let db = lock(&store.writer);
    let now: i64 = db
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    db.query_row(
        &format!("PRAGMA max_page_count = {}", now + pages),
        [],
        |_| Ok(()),
    )
    .unwrap();
}

#[test]
fn wherever_the_disk_fills_up_the_run_is_stored_whole_or_not_at_all() {
    const MADE: usize = 12;
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    let mut finish = busy_finish("r1", 0, MADE);
    // Long enough that each of these steps needs pages of its own.
    finish
        .calls
        .iter_mut()
        .for_each(|call| call.path = "/p".repeat(500));
    finish
        .log
        .iter_mut()
        .for_each(|line| line.text = "x".repeat(8000));
    finish.error = Some(RunError {
        kind: ErrorKind::Provider,
        message: "x".repeat(4000),
        stack: Some("x".repeat(16_000)),
    });
    let mut stopped_after = std::collections::BTreeSet::new();
    let mut room = 0;
    loop {
        leave_room(&f.store, room);
        let (send, reached) = std::sync::mpsc::channel();
        steps::watch(move |step| send.send(step).unwrap());
        let finished = f.store.finish_run(&finish);
        steps::watch(|_| ());
        let ended = assert_whole(&f.store, "r1", MADE);
        match finished {
            Ok(_) => {
                assert!(ended);
                break;
            }
            Err(StoreError::DiskFull) => assert!(!ended, "with room for {room} pages"),
            Err(other) => panic!("{other:?}"),
        }
        stopped_after.insert(reached.iter().last());
        room += 1;
    }
    assert!(room > 10, "only {room} attempts failed");
    assert!(
        stopped_after.len() > 2,
        "stopped only after {stopped_after:?}"
    );
    drop(f.store);
    assert!(assert_whole(&open(&f.path), "r1", MADE));
}

#[test]
fn a_full_disk_is_told_plainly_and_reading_goes_on() {
    let f = Fixture::with_charms();
    leave_room(&f.store, 0);
    let big = json!("x".repeat(100_000));
    let error = f.store.set_setting("big", Some(&big)).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(
        error.to_string(),
        "the disk is full, so nothing could be saved"
    );
    assert!(error.hint().unwrap().contains("Free some space"));
    let mut many: Vec<_> = (0..200)
        .map(|n| new_run(&format!("r{n}"), "a", NOW))
        .collect();
    let error = f.store.begin_runs(&many).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    let mut charm = new_charm("c");
    charm.program = big.clone();
    charm.charm.program_hash = "hash-2".into();
    assert!(matches!(
        f.store.add_charm(&charm),
        Err(StoreError::DiskFull)
    ));

    assert_eq!(f.store.charms().unwrap().len(), 2);
    assert_eq!(f.store.setting("big").unwrap(), None);
    assert_eq!(f.store.runs(&crate::RunFilter::default(), 10).unwrap(), []);
    // With room again, the same store works again.
    leave_room(&f.store, 1000);
    f.store.set_setting("big", Some(&big)).unwrap();
    f.store.begin_runs(&many.split_off(100)).unwrap();
    f.store.add_charm(&charm).unwrap();
}
