//! Opening: fresh, again, by two, too new, not ours, not allowed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use charmkeeper_base::{ErrorKind, Explain as _};
use rusqlite::Connection;
use serde_json::json;

use super::fixture::{Fixture, NOW, busy_finish, open, open_impatient};
use crate::files::beside;
use crate::migrate::VERSION;
use crate::{Store, StoreError};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_private_and_a_closed_store_is_one_file() {
    let f = Fixture::with_charms();
    assert_eq!(mode(f.path.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&beside(&f.path, suffix)), 0o600, "{suffix}");
    }
    drop(f.store);
    let names: Vec<_> = fs::read_dir(f.path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["charmkeeper.db"]);
    // A file that was opened up, by a restore for instance, is closed again.
    fs::set_permissions(&f.path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(open(&f.path).charms().unwrap().len(), 2);
    assert_eq!(mode(&f.path), 0o600);
}

#[test]
fn a_folder_that_was_there_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    drop(open(&folder.path().join("charmkeeper.db")));
    assert_eq!(mode(folder.path()), 0o755);
}

#[test]
fn the_settings_that_protect_data_are_on() {
    let f = Fixture::new();
    let db = crate::store::lock(&f.store.writer);
    let pragma = |name: &str| -> String {
        db.query_row(
            &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
            [],
            |r| r.get(0),
        )
        .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("foreign_keys"), "1");
    assert_eq!(pragma("auto_vacuum"), "2");
    assert_eq!(pragma("user_version"), VERSION.to_string());
    let reader = crate::store::lock(&f.store.reader);
    assert!(reader.execute("DELETE FROM spaces", []).is_err());
}

/// Makes a database that says it is of data version 99, and returns its bytes.
fn make_newer(path: &Path, checkpointed: bool) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let db = Connection::open(path).unwrap();
    db.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
        true,
    )
    .unwrap();
    db.execute_batch(
        "PRAGMA user_version = 99; CREATE TABLE future (x); INSERT INTO future VALUES (1);",
    )
    .unwrap();
    if checkpointed {
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
    }
    drop(db);
    ["", "-wal"]
        .map(|suffix| beside(path, suffix))
        .into_iter()
        .filter(|file| file.exists())
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect()
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    for checkpointed in [true, false] {
        let f = Fixture::with_charms();
        drop(f.store);
        let before = make_newer(&f.path, checkpointed);
        fs::set_permissions(&f.path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Store::open(&f.path, NOW).unwrap_err();
        let StoreError::NewerVersion {
            found: 99, known, ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(known, VERSION);
        assert!(error.to_string().contains("newer Charmkeeper"), "{error}");
        assert!(
            error
                .hint()
                .unwrap()
                .contains("nothing in the file was touched")
        );
        for (file, bytes) in before {
            assert_eq!(fs::read(&file).unwrap(), bytes, "{}", file.display());
        }
        if checkpointed {
            assert_eq!(mode(&f.path), 0o640);
        }
    }
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in [
        (
            "marked.db",
            "PRAGMA application_id = 7; CREATE TABLE t (x);",
        ),
        ("unmarked.db", "CREATE TABLE t (x);"),
    ] {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(&path).unwrap();
        let error = Store::open(&path, NOW).unwrap_err();
        assert!(matches!(error, StoreError::NotOurs { .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_start_that_died_before_the_first_table_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("charmkeeper.db");
    fs::write(&path, "").unwrap();
    drop(open(&path));
    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    assert_eq!(open(&path).charms().unwrap(), []);
}

#[test]
fn a_second_opener_waits_and_then_says_who_is_in_the_way() {
    let f = Fixture::with_charms();
    let second = open_impatient(&f.path).unwrap();
    // Both work as long as they take turns.
    second.set_setting("a", Some(&json!(1))).unwrap();
    f.store.set_setting("b", Some(&json!(2))).unwrap();
    assert_eq!(f.store.setting("a").unwrap(), Some(json!(1)));

    let holder = Connection::open(&f.path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = second.set_setting("a", Some(&json!(3))).unwrap_err();
    assert!(matches!(error, StoreError::Locked), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Local);
    assert_eq!(
        error.to_string(),
        "another program is using Charmkeeper's database"
    );
    // Reading goes on meanwhile.
    assert_eq!(second.setting("b").unwrap(), Some(json!(2)));
    holder.execute_batch("ROLLBACK").unwrap();
    second.set_setting("a", Some(&json!(3))).unwrap();
    assert_eq!(f.store.setting("a").unwrap(), Some(json!(3)));
}

#[test]
fn a_database_that_is_being_made_by_another_is_locked_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("charmkeeper.db");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE")
        .unwrap();
    let error = open_impatient(&path).unwrap_err();
    assert!(matches!(error, StoreError::Locked), "{error:?}");
}

#[test]
fn a_reader_does_not_wait_for_a_writer() {
    let f = Fixture::with_charms();
    let seen = f.store.write(crate::store::Durability::Power, |tx| {
        tx.execute("DELETE FROM documents", [])?;
        // Inside the transaction of the writer, as another thread would.
        f.store.owned_documents("a")
    });
    assert_eq!(seen.unwrap().len(), 1);
}

#[test]
fn a_path_that_cannot_be_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Store::open(&file.join("charmkeeper.db"), NOW).unwrap_err();
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
    let error = Store::open(folder.path(), NOW).unwrap_err();
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

const FOLDER: &str = "CHARMKEEPER_TEST_FOLDER";

/// Runs an ignored test of this module as a user whom permissions bind.
fn run_as_nobody_special(test: &str, folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([
            &format!("tests::opening::{test}"),
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder);
    if fs::metadata(folder).unwrap().uid() == 0 {
        // Root may write everywhere; 65534 is "nobody" on Linux.
        child.uid(65534).gid(65534);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
#[ignore = "the child of a_home_that_cannot_be_written_is_told"]
fn child_meets_a_read_only_home() {
    let folder = std::env::var_os(FOLDER).expect("started by a test of this module only");
    let folder = Path::new(&folder);
    for name in ["none", "used"] {
        let path = folder.join(name).join("charmkeeper.db");
        let error = Store::open(&path, NOW).unwrap_err();
        assert!(
            matches!(error, StoreError::ReadOnly { .. }),
            "{name}: {error:?}"
        );
        let place = folder.join(name).display().to_string();
        assert!(error.to_string().contains(&place), "{error}");
        assert!(error.hint().unwrap().contains("--home"));
    }
    let error = Store::open(&folder.join("new/folder/charmkeeper.db"), NOW).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn a_home_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let used = folder.path().join("used");
    for name in ["none", "used"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    drop(open(&used.join("charmkeeper.db")));
    let before = fs::read(used.join("charmkeeper.db")).unwrap();
    fs::set_permissions(
        used.join("charmkeeper.db"),
        fs::Permissions::from_mode(0o444),
    )
    .unwrap();
    for place in [folder.path(), &folder.path().join("none"), &used] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o555)).unwrap();
    }
    run_as_nobody_special("child_meets_a_read_only_home", folder.path());
    assert_eq!(fs::read(used.join("charmkeeper.db")).unwrap(), before);
    for place in [folder.path(), &folder.path().join("none"), &used] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    f.store.finish_run(&busy_finish("r1", 0, 1)).unwrap();
    let charms = f.store.charms().unwrap();
    let details = f.store.run_details("r1").unwrap();
    drop(f.store);
    let store = open(&f.path);
    assert_eq!(store.charms().unwrap(), charms);
    assert_eq!(store.run_details("r1").unwrap(), details);
}
