//! Merging: a run's intents survive whatever another writer did meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_base::cell::document::same;
use charmkeeper_base::cell::link::Link;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_space::merge::{Intent, between, carry_out};
use serde_json::{Value, json};

fn done(intents: &[Intent], value: &Value) -> Value {
    let mut value = Some(value.clone());
    carry_out(intents, &mut value);
    value.expect("a value")
}

/// `mine` and `theirs` both began with `base`; the server has theirs.
fn merged(base: &Value, mine: &Value, theirs: &Value) -> Value {
    done(&between(Some(base), Some(mine)), theirs)
}

#[test]
fn one_appends_and_one_removes() {
    let base = json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]);
    let appended = json!([{"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"}]);
    let removed = json!([{"id": "b"}, {"id": "c"}]);
    let both = json!([{"id": "b"}, {"id": "c"}, {"id": "d"}]);
    assert_eq!(merged(&base, &appended, &removed), both);
    assert_eq!(merged(&base, &removed, &appended), both);
}

#[test]
fn fields_of_one_element_are_merged_one_by_one() {
    let base = json!({"list": [{"id": "x", "seen": false, "title": "old"}]});
    let mine = json!({"list": [{"id": "x", "seen": true, "title": "old"}]});
    let theirs = json!({"list": [{"id": "new"}, {"id": "x", "seen": false, "title": "changed"}]});
    assert_eq!(
        merged(&base, &mine, &theirs),
        json!({"list": [{"id": "new"}, {"id": "x", "seen": true, "title": "changed"}]})
    );
}

#[test]
fn a_change_of_a_removed_element_has_no_place() {
    let base = json!([{"id": "x", "n": 1}]);
    let intents = between(Some(&base), Some(&json!([{"id": "x", "n": 2}])));
    let mut theirs = Some(json!([]));
    assert_eq!(carry_out(&intents, &mut theirs).without_place, 1);
    assert_eq!(theirs, Some(json!([])));
}

#[test]
fn an_element_whose_neighbour_is_gone_comes_to_the_end() {
    let base = json!(["a", "b"]);
    let mine = json!(["a", "new", "b"]);
    assert_eq!(merged(&base, &mine, &json!(["b"])), json!(["b", "new"]));
    assert_eq!(
        merged(&base, &mine, &json!(["z", "a", "b"])),
        json!(["z", "a", "new", "b"])
    );
}

#[test]
fn links_are_elements_by_their_target() {
    let link = |id: &str| Link::to(id).to_value();
    let base = json!([link("of:1"), link("of:2")]);
    let mine = json!([link("of:3"), link("of:1"), link("of:2")]);
    let theirs = json!([link("of:2"), link("of:3")]);
    assert_eq!(
        merged(&base, &mine, &theirs),
        json!([link("of:2"), link("of:3")]),
        "already there, so not doubled"
    );
}

#[test]
fn a_value_that_was_not_there_is_put_and_one_that_goes_is_cleared() {
    let put = between(None, Some(&json!({"a": 1})));
    let mut value = None;
    carry_out(&put, &mut value);
    assert_eq!(value, Some(json!({"a": 1})));
    carry_out(&between(value.clone().as_ref(), None), &mut value);
    assert_eq!(value, None);
    assert!(between(None, None).is_empty());
}

#[test]
fn ten_thousand_elements_are_merged_without_recursion() {
    let base: Vec<Value> = (0..10).map(|n| json!({"id": n})).collect();
    let mine: Vec<Value> = (0..10_000).map(|n| json!({"id": n})).collect();
    let theirs = json!([]);
    let all = merged(&json!(base), &json!(mine), &theirs);
    assert_eq!(all.as_array().map(Vec::len), Some(9_990));
    assert_eq!(all[0], json!({"id": 10}));
}

fn random_value(random: &SeededRandom, depth: u32) -> Value {
    let small = |n: u64| random.next_u64() % n;
    match small(if depth == 0 { 3 } else { 6 }) {
        0 => json!(small(4)),
        1 => json!(["x", "y", "z"][small(3) as usize]),
        2 => Value::Null,
        3 => {
            let keys = ["a", "b", "c", "d"];
            let chosen = keys.iter().filter(|_| small(2) == 0);
            chosen
                .map(|k| ((*k).to_owned(), random_value(random, depth - 1)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        4 => (0..small(7))
            .map(|_| random_value(random, depth - 1))
            .collect::<Vec<_>>()
            .into(),
        _ => (0..small(6))
            .map(|_| json!({"id": small(8), "v": random_value(random, depth - 1)}))
            .collect::<Vec<_>>()
            .into(),
    }
}

#[test]
fn what_lies_between_two_values_leads_from_one_to_the_other_and_stays_there() {
    let random = SeededRandom::new(7);
    for round in 0..20_000 {
        let (a, b) = (random_value(&random, 3), random_value(&random, 3));
        let intents = between(Some(&a), Some(&b));
        let text = serde_json::to_string(&intents).expect("JSON");
        let stored: Vec<Intent> = serde_json::from_str(&text).expect("intents");
        assert_eq!(stored, intents);
        let there = done(&intents, &a);
        assert!(
            same(&there, &b),
            "round {round}: {a} -> {b}: {there}\n{text}"
        );
        assert!(
            same(&done(&intents, &there), &there),
            "round {round}: again"
        );
    }
}
