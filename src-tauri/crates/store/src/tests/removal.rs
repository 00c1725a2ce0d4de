//! Hiding charms and bringing them back.

use charmkeeper_base::UnixMs;

use super::fixture::{Fixture, HOME, NOW, busy_finish, charm_row, doc_id, new_charm, space};
use crate::{NewCharm, StoreError};

#[test]
fn a_hidden_charm_is_gone_until_it_is_brought_back() {
    let f = Fixture::with_charms();
    f.store.hide_charm("a", NOW).unwrap();
    assert_eq!(f.store.charm("a").unwrap(), None);
    let ids = |f: &Fixture| -> Vec<String> {
        let charms = f.store.charms().unwrap();
        charms.into_iter().map(|c| c.id).collect()
    };
    assert_eq!(ids(&f), ["b"]);
    assert_eq!(f.store.hidden_charms().unwrap().len(), 1);
    assert!(f.doc(&doc_id("a")).doc.is_some(), "its cells are kept");
    assert!(matches!(
        f.store.hide_charm("a", NOW),
        Err(StoreError::NotFound { .. })
    ));
    // Its handle is free, also while it is hidden.
    assert_eq!(f.store.free_handle("charm-a").unwrap(), "charm-a");
    let mut second = charm_row("c");
    second.handle = "charm-a".into();
    let new = NewCharm {
        charm: second,
        ..new_charm("c")
    };
    f.store.add_charm(&new).unwrap();
    assert!(matches!(
        f.store.restore_charm("a", "charm-a"),
        Err(StoreError::Taken { .. })
    ));
    f.store.restore_charm("a", "charm-a-2").unwrap();
    assert_eq!(f.store.charm("a").unwrap().unwrap().handle, "charm-a-2");
    assert_eq!(f.store.hidden_charms().unwrap(), []);
    assert!(matches!(
        f.store.restore_charm("b", "x"),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn what_was_hidden_long_ago_goes_with_its_cells() {
    let f = Fixture::with_charms();
    f.store.hide_charm("a", NOW).unwrap();
    f.store.hide_charm("b", UnixMs(NOW.0 + 10)).unwrap();
    assert_eq!(f.store.purge_hidden(UnixMs(NOW.0 + 1)).unwrap(), 1);
    assert_eq!(f.doc(&doc_id("a")).doc, None);
    assert!(f.doc(&doc_id("b")).doc.is_some());
    f.store.restore_charm("b", "charm-b").unwrap();
}

#[test]
fn a_reset_leaves_every_table_empty_and_usable() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    f.store.finish_run(&busy_finish("r1", 0, 3)).unwrap();
    f.store.hide_charm("b", NOW).unwrap();
    f.store
        .set_setting("x", Some(&serde_json::json!(1)))
        .unwrap();
    f.store.reset().unwrap();
    let db = crate::store::lock(&f.store.reader);
    let tables: Vec<String> = db
        .prepare(
            "SELECT name FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(tables.len() > 12, "{tables:?}");
    for table in tables {
        let left: i64 = db
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0))
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    drop(db);
    f.store.add_space(&space(HOME, "again")).unwrap();
    f.store.add_charm(&new_charm("a")).unwrap();
    f.begin("r1", "a");
    f.store.finish_run(&busy_finish("r1", 0, 1)).unwrap();
}
