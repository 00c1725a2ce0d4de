//! From a run's changes to the commit a server is sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use charmkeeper_base::cell::link::Link;
use charmkeeper_base::cell::patch::apply;
use charmkeeper_space::outbox::{
    Changed, Confirmed, Entry, Operation, Plan, Read, plan, see, select,
};
use serde_json::{Value, json};

const SPACE: &str = "did:key:zSpace";

fn changed(id: &str, before: Option<Value>, after: Value) -> Changed {
    Changed {
        id: id.into(),
        before,
        after,
    }
}

fn confirmed(docs: &[(&str, u64, Value)]) -> BTreeMap<String, Confirmed> {
    let one = |(id, seq, doc): &(&str, u64, Value)| {
        let doc = Some(doc.clone());
        ((*id).to_owned(), Confirmed { seq: *seq, doc })
    };
    docs.iter().map(one).collect()
}

#[test]
fn an_existing_document_is_patched_below_its_value_and_read_where_it_is_patched() {
    let before = json!({
        "value": {"count": 1, "list": [1, 2], "deep": {"a": 1}},
        "patternIdentity": {"identity": "x"}
    });
    let after = json!({"value": {"count": 2, "list": [1, 2, 3], "deep": {"a": 1, "b": 2}}});
    let entry = Entry::of(&[changed("of:p", Some(before.clone()), after)]);
    let Plan::Commit { body, after, .. } = plan(&entry, &confirmed(&[("of:p", 7, before.clone())]))
    else {
        panic!("a commit");
    };
    assert!(body.absent.is_empty());
    let [Operation::Patch { id, patches }] = &body.operations[..] else {
        panic!("one patch: {:?}", body.operations);
    };
    assert_eq!(id, "of:p");
    let mut there = before;
    apply(&mut there, patches).expect("fits");
    assert_eq!(there, after[0].1);
    assert_eq!(there["patternIdentity"]["identity"], "x");
    let read = |path: &[&str]| Read {
        id: "of:p".into(),
        path: path.iter().map(|s| (*s).to_owned()).collect(),
        seq: 7,
    };
    let mut reads = body.reads;
    reads.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(
        reads,
        [
            read(&["value", "count"]),
            read(&["value", "deep", "b"]),
            read(&["value", "list"])
        ]
    );
}

#[test]
fn a_new_document_is_set_with_all_that_stands_beside_its_value_if_it_is_absent() {
    let doc = json!({"value": {"a": 1}, "argument": "x"});
    let entry = Entry::of(&[changed("of:new", None, doc.clone())]);
    let entry = Entry::from_text(&entry.to_text()).expect("its own text");
    let Plan::Commit { body, .. } = plan(&entry, &BTreeMap::new()) else {
        panic!("a commit");
    };
    assert_eq!(body.absent, ["of:new"]);
    let set = Operation::Set {
        id: "of:new".into(),
        value: doc,
    };
    assert_eq!(body.operations, [set]);
    // Somebody was faster: the same is merged into what is there.
    let theirs = json!({"value": {"a": 0, "b": 2}});
    let Plan::Commit { body, after, .. } = plan(&entry, &confirmed(&[("of:new", 3, theirs)]))
    else {
        panic!("a commit");
    };
    assert!(body.absent.is_empty());
    assert_eq!(after[0].1["value"]["a"], 1);
}

#[test]
fn what_the_server_already_has_is_not_told_again() {
    let before = json!({"value": [1]});
    let after = json!({"value": [1, 2]});
    let entry = Entry::of(&[changed("of:l", Some(before), after.clone())]);
    assert_eq!(
        plan(&entry, &confirmed(&[("of:l", 9, after)])),
        Plan::Nothing
    );
    let same = json!({"value": 1});
    let nothing = Entry::of(&[changed("of:s", Some(same.clone()), same)]);
    assert!(nothing.documents.is_empty());
}

#[test]
fn entries_that_wait_are_seen_on_top_of_news() {
    let base = json!({"value": ["a"]});
    let first = Entry::of(&[changed("of:l", Some(base), json!({"value": ["a", "b"]}))]);
    let second = Entry::of(&[changed(
        "of:l",
        Some(json!({"value": ["a", "b"]})),
        json!({"value": ["b"]}),
    )]);
    let news = json!({"value": ["z", "a"], "cfc": 1});
    let seen = see("of:l", Some(&news), &[first, second]);
    assert_eq!(seen, Some(json!({"value": ["z", "b"], "cfc": 1})));
}

#[test]
fn unexported_cells_stay_and_newly_linked_documents_go_along() {
    let link = |id: &str| Link::to(id).to_value();
    let list = changed(
        "of:list",
        Some(json!({"value": []})),
        json!({"value": [link("of:e1"), link("of:e2")]}),
    );
    let e1 = changed(
        "of:e1",
        None,
        json!({"value": {"id": "1", "more": link("of:deep")}}),
    );
    let deep = changed("of:deep", Some(json!({"value": 0})), json!({"value": 1}));
    let cursor = changed("of:cursor", None, json!({"value": "42"}));
    let told = select(
        SPACE,
        vec![cursor, deep, e1, list],
        |id| id == "of:list",
        |id| (id == "of:e2").then(|| json!({"value": "made earlier"})),
    );
    let ids: std::collections::BTreeMap<_, _> = told
        .iter()
        .map(|c| (c.id.as_str(), c.before.is_some()))
        .collect();
    assert_eq!(
        ids,
        [
            ("of:list", true),
            ("of:e1", false),
            ("of:e2", false),
            ("of:deep", false)
        ]
        .into()
    );
}
