//! Commits: once, whole, on what is still true, and after a restart.

use charmkeeper_space::messages::Descriptor;
use serde_json::{Value, json};

use crate::support::{Bench, Client, error, me, set};

fn ready() -> (Bench, Client) {
    let mut bench = Bench::new();
    let space = bench.space("commits", json!({ me().did(): "OWNER", "*": "WRITE" }));
    let device = Descriptor {
        session_id: Some("device".into()),
        ..Descriptor::default()
    };
    let client = bench.client_of(&me(), &space, device);
    (bench, client)
}

#[test]
fn a_commit_is_made_once_also_after_a_restart() {
    let (mut bench, client) = ready();
    let add = json!([{"op": "patch", "id": "of:n",
                      "patches": [{"op": "increment", "path": "/value/n", "by": 1}]}]);
    let first = client.commit(&mut bench, 1, add.clone());
    assert_eq!(first["ok"]["seq"], 2, "{first}");
    let again = client.commit(&mut bench, 1, add.clone());
    assert_eq!(
        (&again["ok"]["replayed"], &again["ok"]["seq"]),
        (&json!(true), &json!(2))
    );

    bench.restart();
    let device = Descriptor {
        session_id: Some("device".into()),
        ..Descriptor::default()
    };
    let client = bench.client_of(&me(), &client.space, device);
    let later = client.commit(&mut bench, 1, add.clone());
    assert_eq!(later, again, "the answer survives the process");
    let other = client.commit(&mut bench, 1, json!([set("of:n", json!(0))]));
    let words = "commit replay mismatch for session device localSeq 1";
    assert_eq!(error(&other), ("ProtocolError", words));

    assert_eq!(bench.engine.commits_of(&client.space, "of:n").unwrap(), 1);
    let document = bench.engine.document(&client.space, "of:n").unwrap();
    assert_eq!(
        (document.seq, document.document),
        (2, Some(json!({"value": {"n": 1}})))
    );
    // Another session with the same number is another commit.
    let stranger = bench.client(&me(), &client.space);
    assert_eq!(stranger.commit(&mut bench, 1, add)["ok"]["seq"], 3);
}

#[test]
fn a_commit_is_made_whole_or_not_at_all() {
    let (mut bench, client) = ready();
    let operations = json!([
        set("of:a", json!(1)),
        {"op": "patch", "id": "of:a", "patches": [{"op": "remove", "path": "/value/nope"}]},
    ]);
    let answer = client.commit(&mut bench, 1, operations);
    assert_eq!(error(&answer).0, "TransactionError");
    assert_eq!(bench.engine.document(&client.space, "of:a").unwrap().seq, 0);
    // A refused number may be used again: nothing was noted under it.
    assert_eq!(
        client.commit(&mut bench, 1, json!([set("of:a", json!(2))]))["ok"]["seq"],
        2
    );
}

#[test]
fn conflicts_are_found_by_path() {
    let (mut bench, client) = ready();
    client.commit(&mut bench, 1, json!([set("of:a", json!({"x": 1, "y": 1}))]));
    let patch = |path: &str| {
        json!([{"op": "patch", "id": "of:a",
                "patches": [{"op": "replace", "path": path, "value": 2}]}])
    };
    client.commit(&mut bench, 2, patch("/value/x"));
    let read = |path: Value, seq: u64| json!([{"id": "of:a", "path": path, "seq": seq}]);
    let stale = "stale confirmed read: of:a at seq 2 conflicted with seq 3";
    let cases: [(Value, u64, Option<&str>); 5] = [
        (json!(["value", "x"]), 2, Some(stale)),
        (json!([]), 2, Some(stale)),
        (json!(["value", "x", "deep"]), 2, Some(stale)),
        (json!(["value", "y"]), 2, None),
        (json!(["value", "x"]), 3, None),
    ];
    for (n, (path, seq, conflict)) in (10..).zip(cases) {
        let target = json!([set("of:b", json!(n))]);
        let answer = client.commit_on(&mut bench, n, target, read(path.clone(), seq), json!([]));
        match conflict {
            Some(words) => {
                assert_eq!(error(&answer), ("ConflictError", words), "{path}");
                assert_eq!(answer["error"]["retryAfterSeq"], 3);
            }
            None => assert!(answer["ok"].is_object(), "{path} {answer}"),
        }
    }
    // A whole write meets every path.
    client.commit(
        &mut bench,
        20,
        json!([set("of:a", json!({"x": 3, "y": 1}))]),
    );
    let target = json!([set("of:b", json!(0))]);
    let answer = client.commit_on(
        &mut bench,
        21,
        target,
        read(json!(["value", "y"]), 3),
        json!([]),
    );
    assert_eq!(error(&answer).0, "ConflictError");
}

#[test]
fn preconditions_hold_or_stop_the_commit() {
    let (mut bench, client) = ready();
    let absent = json!([{"kind": "entity-absent", "id": "of:a"}]);
    let make = json!([set("of:a", json!(1))]);
    let made = client.commit_on(&mut bench, 1, make.clone(), json!([]), absent.clone());
    assert!(made["ok"].is_object(), "{made}");
    let again = client.commit_on(&mut bench, 2, make.clone(), json!([]), absent.clone());
    let words = "entity-absent precondition target already exists: of:a";
    assert_eq!(error(&again), ("PreconditionFailedError", words));
    assert_eq!(again["error"]["precondition"], "receipt-exists");
    // The first one is known by its number, whatever holds now.
    let replayed = client.commit_on(&mut bench, 1, make, json!([]), absent);
    assert_eq!(replayed["ok"]["replayed"], true);

    let origin = json!([{"kind": "origin-committed", "originLocalSeq": 2}]);
    let answer = client.commit_on(
        &mut bench,
        3,
        json!([set("of:b", json!(1))]),
        json!([]),
        origin,
    );
    assert_eq!(error(&answer).1, "origin commit not committed: localSeq 2");

    for (value, ok) in [(json!(1), true), (json!(9), false)] {
        let hash = charmkeeper_space::codec::value_hash(&value).unwrap();
        let holds = json!([{"kind": "entity-value-hash", "id": "of:a", "valueHash": hash}]);
        let n = if ok { 4 } else { 5 };
        let target = json!([set("of:c", json!(n))]);
        let answer = client.commit_on(&mut bench, n, target, json!([]), holds);
        assert_eq!(answer["ok"].is_object(), ok, "{answer}");
    }
}

#[test]
fn a_schema_that_is_not_there_stops_a_link_to_it() {
    let (mut bench, client) = ready();
    let link = json!({"/": {"link@1": {
        "id": "of:b", "path": [], "schema": {"$ref": "cid:fid1:none#/$defs/A"},
    }}});
    let answer = client.commit(&mut bench, 1, json!([set("of:a", link.clone())]));
    let words = "memory v2 commit references schema document cid:fid1:none that is neither \
                 included in the commit nor stored in the space";
    assert_eq!(error(&answer), ("ProtocolError", words));
    let schema = || set("cid:fid1:none", json!({"type": "object"}));
    let both = client.commit(&mut bench, 2, json!([set("of:a", link), schema()]));
    assert!(both["ok"].is_object(), "{both}");
    let same = client.commit(&mut bench, 3, json!([schema(), set("of:c", json!(1))]));
    assert_eq!(
        same["ok"]["revisions"].as_array().unwrap().len(),
        1,
        "set again is nothing"
    );
    let other = client.commit(&mut bench, 4, json!([set("cid:fid1:none", json!({}))]));
    let words = "memory v2 commit cannot change content-addressed document cid:fid1:none";
    assert_eq!(error(&other), ("ProtocolError", words));
}
