//! Damaged databases: set aside, a new one begun, and nothing thrown away.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde_json::json;

use super::fixture::{Fixture, NOW, busy_finish, open};
use crate::files::beside;
use crate::{DATABASE_DAMAGED, RunFilter, Store, StoreError};

/// A database with some content, closed.
fn closed() -> (Fixture, std::path::PathBuf) {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    f.store.finish_run(&busy_finish("r1", 0, 5)).unwrap();
    let path = f.path.clone();
    // Everything into the main file, so that damaging it matters.
    crate::store::lock(&f.store.writer)
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    (f, path)
}

/// A name, and what is done to the file.
type Damage<'a> = (&'a str, &'a dyn Fn(&Path));

fn scribble(path: &Path, at: u64, length: usize) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&vec![0xa5; length], at).unwrap();
}

#[test]
fn a_damaged_database_is_set_aside_and_the_program_starts() {
    let length = |path: &Path| fs::metadata(path).unwrap().len();
    let text = "longer than a database's header ".repeat(9);
    let cut = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(length(path) / 2).unwrap();
    };
    let damages: [Damage<'_>; 6] = [
        ("text", &|path| fs::write(path, &text).unwrap()),
        ("short", &|path| fs::write(path, "SQLite format 3").unwrap()),
        ("cut", &cut),
        ("schema", &|path| scribble(path, 100, 3000)),
        ("pages", &|path| scribble(path, 8192, 40_000)),
        ("header", &|path| scribble(path, 16, 40)),
    ];
    for (name, damage) in damages {
        let (f, path) = closed();
        let Fixture { store, folder, .. } = f;
        drop(store);
        damage(&path);
        let damaged = fs::read(&path).unwrap();

        let opened = Store::open(&path, NOW).unwrap_or_else(|e| panic!("{name}: {e}"));
        let aside = opened
            .recovered
            .unwrap_or_else(|| panic!("{name}: not noticed"));
        assert_eq!(fs::read(&aside.path).unwrap(), damaged, "{name}");
        let file = aside.path.file_name().unwrap().to_str().unwrap();
        assert_eq!(file, "charmkeeper.db.damaged-20261121T093000Z", "{name}");
        assert!(!aside.reason.is_empty());

        let events = opened.store.events(10).unwrap();
        assert_eq!(events.len(), 1, "{name}");
        assert_eq!(
            (events[0].kind.as_str(), events[0].at),
            (DATABASE_DAMAGED, NOW)
        );
        assert_eq!(
            events[0].detail["path"],
            json!(aside.path.to_str().unwrap())
        );
        assert_eq!(opened.store.charms().unwrap(), []);
        drop(opened.store);
        // The next start finds nothing wrong.
        assert_eq!(open(&path).events(10).unwrap().len(), 1);
        drop(folder);
    }
}

#[test]
fn a_second_damaged_database_does_not_replace_the_first() {
    let (f, path) = closed();
    drop(f.store);
    for n in 0..3 {
        fs::write(&path, format!("damage {n}")).unwrap();
        let aside = Store::open(&path, NOW).unwrap().recovered.unwrap();
        assert_eq!(
            fs::read_to_string(aside.path).unwrap(),
            format!("damage {n}")
        );
    }
    let names = fs::read_dir(path.parent().unwrap()).unwrap();
    let aside = names.filter(|n| {
        n.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains(".damaged-")
    });
    assert_eq!(aside.count(), 3);
}

#[test]
fn the_log_of_a_damaged_database_goes_with_it() {
    let (f, path) = closed();
    drop(f.store);
    fs::write(&path, "damage").unwrap();
    fs::write(beside(&path, "-wal"), "log").unwrap();
    let opened = Store::open(&path, NOW).unwrap();
    let aside = opened.recovered.unwrap().path;
    assert_eq!(fs::read_to_string(beside(&aside, "-wal")).unwrap(), "log");
}

#[test]
fn damage_that_is_met_in_use_is_dealt_with_at_the_next_start() {
    let (f, path) = closed();
    // Too big to be checked at every start.
    let big = json!("x".repeat(40 * 1024 * 1024));
    f.store.set_setting("big", Some(&big)).unwrap();
    drop(f.store);
    let length = fs::metadata(&path).unwrap().len();
    assert!(length > 32 * 1024 * 1024);
    scribble(&path, length / 2, 8192);

    let store = open(&path);
    assert_eq!(store.charms().unwrap().len(), 2);
    let error = store.setting("big").unwrap_err();
    // Scribbled text is either a broken chain of pages or no text any more.
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    drop(store);
    let opened = Store::open(&path, NOW).unwrap();
    assert!(opened.recovered.is_some());
    drop(opened.store);
    assert!(Store::open(&path, NOW).unwrap().recovered.is_none());
}

#[test]
fn a_deleted_log_loses_only_what_was_in_it() {
    let (f, path) = closed();
    // Not yet moved from the log to the main file when the power went.
    f.begin("r2", "a");
    f.store.finish_run(&busy_finish("r2", 1, 5)).unwrap();
    let copy = path.with_file_name("copy.db");
    fs::copy(&path, &copy).unwrap();
    assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);

    let store = open(&copy);
    let runs = store.runs(&RunFilter::default(), 10).unwrap();
    assert_eq!(runs.len(), 1);
    assert!(super::fixture::assert_whole(&store, "r1", 5));
}
