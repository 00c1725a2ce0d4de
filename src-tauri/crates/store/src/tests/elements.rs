//! Elements of lists that nothing links any more.

use charmkeeper_base::Outcome;
use charmkeeper_base::cell::{Change, Patch};
use serde_json::{Value, json};

use super::fixture::{Fixture, doc_id, set, target};
use crate::{FinishRun, Writer};

fn link(id: &str) -> Value {
    json!({ "/": { "link@1": { "id": id, "path": [] } } })
}

fn run(f: &Fixture, id: &str, changes: Vec<Change>) {
    f.begin(id, "a");
    let finish = FinishRun {
        changes,
        ..FinishRun::new(id, Outcome::Ok, 1)
    };
    f.store.finish_run(&finish).unwrap();
}

fn create(id: &str, value: &Value) -> Change {
    Change::create(target(id), Some(0), json!({ "value": value }))
}

/// A list with the elements `of:e1`, which has `of:part`, and `of:e2`; and a
/// document `of:loose` that a run made without linking it.
fn with_list() -> Fixture {
    let f = Fixture::with_charms();
    let list = Patch::Append {
        path: "/value/list".into(),
        values: vec![link("of:e1"), link("of:e2")],
    };
    run(
        &f,
        "r1",
        vec![
            create("of:part", &json!(1)),
            create(
                "of:e1",
                &json!({ "part": link("of:part"), "self": "of:e1" }),
            ),
            create("of:e2", &json!({ "n": 2 })),
            create("of:loose", &json!(3)),
            Change::patch(target(&doc_id("a")), None, vec![list]),
        ],
    );
    f
}

fn there(f: &Fixture) -> Vec<&'static str> {
    ["of:e1", "of:part", "of:e2", "of:loose"]
        .into_iter()
        .filter(|id| f.doc(id).doc.is_some())
        .collect()
}

#[test]
fn an_element_goes_with_what_was_its_own_and_nothing_else_does() {
    let f = with_list();
    assert_eq!(f.store.collect_elements().unwrap(), 0);
    assert_eq!(there(&f), ["of:e1", "of:part", "of:e2", "of:loose"]);
    let without = Change::patch(
        target(&doc_id("a")),
        None,
        vec![set("/value/list", json!([link("of:e2")]))],
    );
    run(&f, "r2", vec![without]);
    assert_eq!(f.store.collect_elements().unwrap(), 2);
    assert_eq!(there(&f), ["of:e2", "of:loose"]);
    assert_eq!(f.store.collect_elements().unwrap(), 0);
    for kept in ["of:a", "of:b"] {
        assert!(f.doc(kept).doc.is_some(), "{kept}");
    }
}

#[test]
fn a_link_from_another_charm_keeps_an_element() {
    let f = with_list();
    let keeper = Writer::Keeper {
        owner: Some("b".into()),
    };
    let linked = Change::patch(
        target(&doc_id("b")),
        None,
        vec![set("/value/list", json!([link("of:e1")]))],
    );
    f.store.write_documents(&keeper, &[linked]).unwrap();
    let emptied = Change::patch(
        target(&doc_id("a")),
        None,
        vec![set("/value/list", json!([]))],
    );
    run(&f, "r2", vec![emptied]);
    assert_eq!(f.store.collect_elements().unwrap(), 1);
    assert_eq!(there(&f), ["of:e1", "of:part", "of:loose"]);
}

#[test]
fn nothing_goes_while_a_run_is_going_on() {
    let f = with_list();
    let emptied = Change::patch(
        target(&doc_id("a")),
        None,
        vec![set("/value/list", json!([]))],
    );
    run(&f, "r2", vec![emptied]);
    f.begin("going", "b");
    assert_eq!(f.store.collect_elements().unwrap(), 0);
    f.store
        .finish_run(&FinishRun::new("going", Outcome::Ok, 1))
        .unwrap();
    assert_eq!(f.store.collect_elements().unwrap(), 3);
    assert_eq!(there(&f), ["of:loose"]);
}
