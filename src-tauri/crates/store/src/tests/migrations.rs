//! Migrations.

use charmkeeper_base::cell::hash::fid;
use rusqlite::Connection;
use serde_json::json;

use crate::migrate::{MIGRATIONS, VERSION, migrate, version};

/// Hash of each migration that has been released. Add a line; never change one.
const RELEASED: &[&str] = &[
    "fid1:fqd-393Ih90wWFiUsBUnOyGrurHLmo0oXdmZYv7V0qc",
    "fid1:r7MbtNtRlopUp0KUGqHCuYvYedodlZSCW6yPArAXQtg",
];

#[test]
fn a_released_migration_is_never_edited() {
    let now: Vec<_> = MIGRATIONS.iter().map(|sql| fid(&json!(sql))).collect();
    assert_eq!(now, RELEASED);
}

#[test]
fn every_older_version_is_brought_up_to_date_and_a_second_time_changes_nothing() {
    let schema = |db: &Connection| -> Vec<String> {
        let mut query = db
            .prepare("SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY 1")
            .unwrap();
        query
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let mut fresh = Connection::open_in_memory().unwrap();
    migrate(&mut fresh).unwrap();
    for from in 0..=MIGRATIONS.len() {
        let mut db = Connection::open_in_memory().unwrap();
        for sql in &MIGRATIONS[..from] {
            db.execute_batch(sql).unwrap();
        }
        db.pragma_update(None, "user_version", u32::try_from(from).unwrap())
            .unwrap();
        migrate(&mut db).unwrap();
        assert_eq!(version(&db).unwrap(), VERSION);
        assert_eq!(schema(&db), schema(&fresh), "from {from}");
        let changes = db.total_changes();
        migrate(&mut db).unwrap();
        assert_eq!(db.total_changes(), changes);
    }
}
