//! Forgetting old runs.

use charmkeeper_base::{Outcome, UnixMs};

use super::fixture::{Fixture, NOW, call, new_run};
use crate::{FinishRun, RunFilter};

/// `count` runs, one per millisecond from `NOW` on, with a call each.
fn filled(count: i64) -> Fixture {
    let f = Fixture::with_charms();
    for n in 0..count {
        let id = format!("r{n}");
        let finish = FinishRun {
            calls: vec![call(&"/x".repeat(400), false)],
            ..FinishRun::new(&id, Outcome::Ok, 1)
        };
        f.store
            .record_run(&new_run(&id, "a", UnixMs(NOW.0 + n)), &finish)
            .unwrap();
    }
    f
}

fn left(f: &Fixture) -> Vec<String> {
    f.store
        .runs(&RunFilter::default(), 1000)
        .unwrap()
        .into_iter()
        .map(|run| run.id)
        .collect()
}

fn calls(f: &Fixture) -> i64 {
    let db = crate::store::lock(&f.store.reader);
    db.query_row("SELECT count(*) FROM calls", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn old_runs_and_runs_beyond_the_number_go_with_all_that_is_theirs() {
    let f = filled(10);
    assert_eq!(f.store.prune(100, UnixMs(0)).unwrap().runs, 0);
    assert_eq!(f.store.prune(100, UnixMs(NOW.0 + 2)).unwrap().runs, 2);
    assert_eq!(left(&f), ["r9", "r8", "r7", "r6", "r5", "r4", "r3", "r2"]);
    assert_eq!(f.store.prune(3, UnixMs(0)).unwrap().runs, 5);
    assert_eq!(
        (left(&f), calls(&f)),
        (vec!["r9".into(), "r8".into(), "r7".into()], 3)
    );
    assert_eq!(f.store.prune(0, UnixMs(0)).unwrap().runs, 3);
    assert_eq!((left(&f).len(), calls(&f)), (0, 0));
    assert_eq!(f.store.charm_in_history("a").unwrap(), None);
    // The charm itself is not a part of the history.
    f.begin("next", "a");
    assert_eq!(f.run("next").charm_name, "Charm a");
}

#[test]
fn a_run_that_is_going_on_stays() {
    let f = filled(3);
    f.store
        .begin_runs(&[new_run("going", "b", UnixMs(1))])
        .unwrap();
    assert_eq!(f.store.prune(1, UnixMs(NOW.0 + 100)).unwrap().runs, 3);
    assert_eq!(left(&f), ["going"]);
}

#[test]
fn the_space_goes_back_to_the_disk() {
    let f = filled(1200);
    let pages = || -> i64 {
        let db = crate::store::lock(&f.store.writer);
        db.pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap()
    };
    let before = pages();
    assert_eq!(f.store.prune(10, UnixMs(0)).unwrap().runs, 1190);
    assert!(pages() * 3 < before, "{before} pages became {}", pages());
    let db = crate::store::lock(&f.store.writer);
    let check: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}
