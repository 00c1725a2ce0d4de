//! Tests of making patches.

use super::*;
use crate::cell::document::{depth, parse};
use crate::cell::patch::apply;
use crate::random::SeededRandom;
use serde_json::json;

#[allow(clippy::needless_pass_by_value)] // reads better at the calls
fn wire(before: Value, after: Value) -> Value {
    serde_json::to_value(diff(&before, &after)).unwrap()
}

fn link(id: usize) -> Value {
    json!({ "/": { "link@1": { "id": format!("of:{id}"), "path": [] } } })
}

#[test]
fn only_the_changed_place_is_named() {
    let before = json!({ "value": { "a": { "b": 1, "c/d": 2 }, "x": 1, "gone": true } });
    let after = json!({ "value": { "x": 1.0, "a": { "c/d": 3, "b": 1 }, "new": [] } });
    assert_eq!(
        wire(before, after),
        json!([
            { "op": "remove", "path": "/value/gone" },
            { "op": "replace", "path": "/value/a/c~1d", "value": 3 },
            { "op": "add", "path": "/value/new", "value": [] },
        ])
    );
}

#[test]
fn a_list_of_links_names_only_what_came_and_went() {
    let before: Vec<_> = (0..1000).map(link).collect();
    let mut after = before.clone();
    after.remove(500);
    after.insert(0, link(5000));
    after.insert(0, link(5001));
    assert_eq!(
        wire(json!({ "value": before }), json!({ "value": after })),
        json!([
            { "op": "splice", "path": "/value", "index": 0, "remove": 0,
              "add": [link(5001), link(5000)] },
            { "op": "splice", "path": "/value", "index": 502, "remove": 1, "add": [] },
        ])
    );
}

#[test]
fn elements_of_equal_lists_are_compared_one_by_one() {
    let before = json!([{ "id": 1, "s": "a" }, { "id": 2, "s": "a" }, 5, 6, 7]);
    let after = json!([{ "id": 1, "s": "b" }, { "id": 2, "s": "b" }, 8, 9, 7]);
    assert_eq!(
        wire(before, after),
        json!([
            { "op": "replace", "path": "/0/s", "value": "b" },
            { "op": "replace", "path": "/1/s", "value": "b" },
            { "op": "splice", "path": "", "index": 2, "remove": 2, "add": [8, 9] },
        ])
    );
}

#[test]
fn links_and_changed_types_are_replaced_whole() {
    assert_eq!(
        wire(json!({ "v": link(1) }), json!({ "v": link(2) })),
        json!([{ "op": "replace", "path": "/v", "value": link(2) }])
    );
    assert_eq!(
        wire(json!({ "v": [] }), json!({ "v": {} })),
        json!([{ "op": "replace", "path": "/v", "value": {} }])
    );
    assert_eq!(
        wire(json!(1), json!("1")),
        json!([{ "op": "replace", "path": "", "value": "1" }])
    );
    assert_eq!(
        wire(
            json!({ "a": 1, "b": [link(1)] }),
            json!({ "b": [link(1)], "a": 1.0 })
        ),
        json!([])
    );
}

#[test]
fn below_the_descent_limit_the_rest_is_replaced() {
    let nest =
        |leaf: &str| parse(&format!("{}{leaf}{}", "[".repeat(200), "]".repeat(200))).unwrap();
    let patches = diff(&nest("1"), &nest("2"));
    let [Patch::Replace { path, value }] = patches.as_slice() else {
        panic!("{patches:?}")
    };
    assert_eq!(path, &"/0".repeat(MAX_DESCENT));
    assert_eq!(depth(value), 200 - MAX_DESCENT);
    assert!(diff(&nest("1"), &nest("1.0")).is_empty());
}

/// A small random value, rich in repeats so that arrays have common parts.
fn random_value(random: &SeededRandom, levels: u64) -> Value {
    let size = random.next_u64() % 7;
    match random.next_u64() % (4 + levels.min(1) * 6) {
        0 => json!(null),
        1 => json!(random.next_u64() % 4),
        2 => json!(["a", "b/~", ""][(random.next_u64() % 3) as usize]),
        3 => link((random.next_u64() % 3) as usize),
        4..=6 => (0..size)
            .map(|_| random_value(random, levels - 1))
            .collect(),
        _ => Value::Object(
            (0..size)
                .map(|_| {
                    let key = ["a", "b", "/", "~", "", "1"][(random.next_u64() % 6) as usize];
                    (key.to_owned(), random_value(random, levels - 1))
                })
                .collect(),
        ),
    }
}

/// Changes a value here and there.
fn mutate(random: &SeededRandom, value: &mut Value) {
    if random.next_u64().is_multiple_of(6) {
        *value = random_value(random, 2);
        return;
    }
    match value {
        Value::Array(items) => {
            let at = (random.next_u64() as usize) % (items.len() + 1);
            match random.next_u64() % 4 {
                0 => items.insert(at, random_value(random, 1)),
                1 if at < items.len() => drop(items.remove(at)),
                2 => items.rotate_left(at),
                _ => items.iter_mut().for_each(|item| mutate(random, item)),
            }
        }
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| mutate(random, member)),
        _ => {}
    }
}

#[test]
fn applying_the_difference_gives_the_other_value() {
    let random = SeededRandom::new(20_261_121);
    for round in 0..3_000 {
        let before = random_value(&random, 4);
        let mut after = before.clone();
        if round % 4 == 0 {
            after = random_value(&random, 4);
        } else {
            (0..=round % 3).for_each(|_| mutate(&random, &mut after));
        }
        let patches = diff(&before, &after);
        let mut patched = before.clone();
        apply(&mut patched, &patches).unwrap_or_else(|e| panic!("{before} {after}: {e}"));
        assert!(
            same(&patched, &after),
            "{before} -> {after}: {patches:?} gave {patched}"
        );
        assert_eq!(patches.is_empty(), same(&before, &after));
    }
}
