//! Tests of applying patches.

use super::*;
use crate::cell::document::{depth, parse};
use serde_json::json;

fn patch(wire: Value) -> Patch {
    serde_json::from_value(wire).unwrap()
}

/// Applies one patch given in wire form.
fn run(doc: Value, wire: Value) -> Result<Value, PatchError> {
    let mut doc = doc;
    patch(wire).apply(&mut doc).map(|_| doc)
}

#[test]
fn every_operation_has_the_wire_form_and_does_its_work() {
    let doc = || json!({ "value": { "n": 1, "s": "a", "list": ["a", "b", "c", "b"] } });
    let list = |list: Value| json!({ "value": { "n": 1, "s": "a", "list": list } });
    let cases = [
        (
            json!({"op":"replace","path":"/value/s","value":null}),
            json!({"value":{"n":1,"s":null,"list":["a","b","c","b"]}}),
        ),
        (
            json!({"op":"add","path":"/value/list/1","value":"x"}),
            list(json!(["a", "x", "b", "c", "b"])),
        ),
        (
            json!({"op":"add","path":"/value/list/-","value":"x"}),
            list(json!(["a", "b", "c", "b", "x"])),
        ),
        (
            json!({"op":"remove","path":"/value/list/0"}),
            list(json!(["b", "c", "b"])),
        ),
        (
            json!({"op":"move","from":"/value/list/0","path":"/value/list/3"}),
            list(json!(["b", "c", "b", "a"])),
        ),
        (
            json!({"op":"splice","path":"/value/list","index":1,"remove":2,"add":["x"]}),
            list(json!(["a", "x", "b"])),
        ),
        (
            json!({"op":"append","path":"/value/list","values":["d"]}),
            list(json!(["a", "b", "c", "b", "d"])),
        ),
        (
            json!({"op":"add-unique","path":"/value/list","values":["d","a","d"]}),
            list(json!(["a", "b", "c", "b", "d"])),
        ),
        (
            json!({"op":"remove-by-value","path":"/value/list","value":"b"}),
            list(json!(["a", "c"])),
        ),
        (
            json!({"op":"increment","path":"/value/n","by":-3}),
            json!({"value":{"n":-2,"s":"a","list":["a","b","c","b"]}}),
        ),
    ];
    for (wire, expected) in cases {
        assert_eq!(serde_json::to_value(patch(wire.clone())).unwrap(), wire);
        assert_eq!(run(doc(), wire.clone()).unwrap(), expected, "{wire}");
    }
}

#[test]
fn mergeable_operations_create_what_is_absent() {
    let empty = || json!({ "value": {} });
    assert_eq!(
        run(
            empty(),
            json!({"op":"append","path":"/value/l","values":[1]})
        )
        .unwrap(),
        json!({"value":{"l":[1]}})
    );
    assert_eq!(
        run(
            empty(),
            json!({"op":"add-unique","path":"/value/l","values":[1,1.0]})
        )
        .unwrap(),
        json!({"value":{"l":[1]}})
    );
    let grown = run(
        empty(),
        json!({"op":"increment","path":"/value/n","by":2.5}),
    )
    .unwrap();
    assert_eq!(grown, json!({"value":{"n":2.5}}));
    // A document that was never written starts as an empty envelope.
    let first = run(
        empty_document(),
        json!({"op":"add","path":"/value","value":[]}),
    )
    .unwrap();
    assert_eq!(first, json!({"value":[]}));
}

#[test]
fn what_does_not_apply_is_refused_and_changes_nothing() {
    let doc = json!({ "value": { "n": 1, "list": [1, 2] } });
    let cases = [
        (
            json!({"op":"replace","path":"/value/nope","value":1}),
            "nothing at /value/nope",
        ),
        (
            json!({"op":"add","path":"/value/nope/x","value":1}),
            "nothing at /value/nope/x",
        ),
        (
            json!({"op":"add","path":"/value/n/x","value":1}),
            "not inside an object or an array",
        ),
        (
            json!({"op":"add","path":"/value/list/3","value":1}),
            "nothing at /value/list/3",
        ),
        (
            json!({"op":"add","path":"/value/list/01","value":1}),
            "nothing at",
        ),
        (
            json!({"op":"remove","path":"/value/list/2"}),
            "nothing at /value/list/2 to remove",
        ),
        (json!({"op":"remove","path":""}), "cannot remove"),
        (
            json!({"op":"move","from":"/value/x","path":"/value/y"}),
            "nothing at /value/x",
        ),
        (
            json!({"op":"splice","path":"/value/list","index":1,"remove":2,"add":[]}),
            "nothing at",
        ),
        (
            json!({"op":"splice","path":"/value/list","index":1,"remove":usize::MAX,"add":[]}),
            "nothing at",
        ),
        (
            json!({"op":"splice","path":"/value/n","index":0,"remove":0,"add":[]}),
            "not an array",
        ),
        (
            json!({"op":"append","path":"/value/n","values":[1]}),
            "not an array",
        ),
        (
            json!({"op":"append","path":"/value/a/b","values":[1]}),
            "nothing at /value/a/b",
        ),
        (
            json!({"op":"increment","path":"/value/list","by":1}),
            "not a number",
        ),
        (
            json!({"op":"increment","path":"/value/n","by":f64::MAX}),
            "",
        ),
        (
            json!({"op":"replace","path":"value","value":1}),
            "not a path",
        ),
    ];
    for (wire, part) in cases {
        let mut copy = doc.clone();
        match patch(wire.clone()).apply(&mut copy) {
            Ok(_) => assert_eq!(part, "", "{wire} applied"),
            Err(error) => {
                assert!(error.to_string().contains(part), "{wire}: {error}");
                assert_eq!(copy, doc, "{wire}");
            }
        }
    }
    let huge = json!({ "n": f64::MAX });
    let error = run(huge, json!({"op":"increment","path":"/n","by":f64::MAX})).unwrap_err();
    assert!(matches!(error, PatchError::WrongType { .. }), "{error}");
}

#[test]
fn effects_tell_what_went_and_what_came() {
    let mut doc = json!({ "value": { "n": 1, "list": [1, 2] } });
    let mut effect = |wire: Value| patch(wire).apply(&mut doc).unwrap();
    let told = |before: Value, after: Value| Effect {
        before: Some(before),
        after: Some(after),
    };
    assert_eq!(
        effect(json!({"op":"replace","path":"/value/n","value":2})),
        told(json!(1), json!(2))
    );
    assert_eq!(
        effect(json!({"op":"splice","path":"/value/list","index":0,"remove":1,"add":[7,8]})),
        told(json!([1]), json!([7, 8]))
    );
    assert_eq!(
        effect(json!({"op":"remove","path":"/value/list/2"})),
        Effect {
            before: Some(json!(2)),
            after: None
        }
    );
    let made = effect(json!({"op":"append","path":"/value/new","values":[]}));
    assert_eq!(
        made,
        Effect {
            before: None,
            after: Some(json!([]))
        }
    );
    let nothing = effect(json!({"op":"add-unique","path":"/value/list","values":[8]}));
    assert!(nothing.is_nothing(), "{nothing:?}");
    assert!(effect(json!({"op":"replace","path":"/value/n","value":2.0})).is_nothing());
}

#[test]
fn depth_is_bounded_also_when_it_grows_step_by_step() {
    let mut doc = json!({ "value": [] });
    let mut path = "/value".to_owned();
    let mut refused = None;
    for _ in 0..MAX_DEPTH {
        path.push_str("/0");
        let grow = Patch::Add {
            path: path.clone(),
            value: json!([]),
        };
        if let Err(error) = grow.apply(&mut doc) {
            refused = Some(error);
            break;
        }
    }
    assert!(
        matches!(refused, Some(PatchError::TooDeep { .. })),
        "{refused:?}"
    );
    assert_eq!(depth(&doc), MAX_DEPTH);
    assert!(parse(&doc.to_string()).is_ok());
}

#[test]
fn removing_a_key_keeps_the_order_of_the_others() {
    let doc = json!({ "a": 1, "b": 2, "c": 3, "d": 4 });
    let left = run(doc, json!({"op":"remove","path":"/a"})).unwrap();
    assert_eq!(left.to_string(), r#"{"b":2,"c":3,"d":4}"#);
}
