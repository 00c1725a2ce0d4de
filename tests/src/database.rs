//! A look into the database beside the program, for what no command shows.
//!
//! Never writes, except where a test damages a database on purpose.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

/// Opens the database of a home.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn open(home: &Path) -> Connection {
    let db = Connection::open(home.join("charmkeeper.sqlite")).expect("a database");
    db.busy_timeout(Duration::from_secs(10))
        .expect("a timeout can be set");
    db
}

/// The rows of a query, each as a JSON array.
///
/// # Panics
/// When it cannot be carried out.
#[must_use]
pub fn rows(home: &Path, sql: &str) -> Vec<Vec<Value>> {
    use rusqlite::types::Value as Sql;
    let db = open(home);
    let mut query = db.prepare(sql).expect("SQL");
    let columns = query.column_count();
    let json = |value: Sql| match value {
        Sql::Null => Value::Null,
        Sql::Integer(n) => n.into(),
        Sql::Real(n) => n.into(),
        Sql::Text(text) => text.into(),
        Sql::Blob(_) => panic!("there are no blobs in our tables"),
    };
    query
        .query_map([], |row| {
            (0..columns).map(|n| row.get(n).map(json)).collect()
        })
        .expect("a query")
        .collect::<Result<_, _>>()
        .expect("rows")
}

/// The single number that a query gives.
///
/// # Panics
/// When it gives something else.
#[must_use]
pub fn number(home: &Path, sql: &str) -> i64 {
    rows(home, sql)[0][0].as_i64().expect("a number")
}
