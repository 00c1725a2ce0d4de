//! Sessions: proof, resumption, taking over, and what is pushed.

use std::time::Duration;

use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{ClientMessage, Descriptor, Invocation, SessionOpen};
use serde_json::{Value, json};

use crate::support::{Bench, error, me, set};

fn shared(bench: &mut Bench) -> String {
    bench.space("sessions", json!({ me().did(): "OWNER", "*": "WRITE" }))
}

#[test]
fn what_was_signed_must_be_what_is_asked() {
    let mut bench = Bench::new();
    let space = shared(&mut bench);
    type Change = fn(&mut Value);
    let table: [(Change, &str, bool); 8] = [
        (
            |i| i["aud"] = json!("did:key:zNope"),
            "audience mismatch",
            false,
        ),
        (|i| i["challenge"] = json!("00"), "challenge mismatch", true),
        (
            |i| i["sub"] = json!("did:key:zOther"),
            "authorization mismatch",
            false,
        ),
        (
            |i| i["cmd"] = json!("transact"),
            "authorization mismatch",
            false,
        ),
        (
            |i| i["args"]["session"]["seenSeq"] = json!(9),
            "authorization mismatch",
            false,
        ),
        (|i| i["exp"] = json!(1), "authorization expired", true),
        (
            |i| _ = i.as_object_mut().unwrap().remove("exp"),
            "requires exp",
            false,
        ),
        (
            |i| _ = i.as_object_mut().unwrap().remove("iat"),
            "requires iat",
            false,
        ),
    ];
    let (connection, auth) = bench.greet();
    let now = charmkeeper_base::Clock::now(&*bench.clock).0 / 1000;
    let signed = |change: &dyn Fn(&mut Value)| {
        let session = Descriptor::default();
        let mut open = SessionOpen::signed("o".into(), &space, &me(), &auth, session, now).unwrap();
        let mut invocation = open.invocation.value().clone();
        change(&mut invocation);
        open.invocation = Invocation::from_value(invocation);
        open.signature = me().sign(&open.invocation.digest().unwrap()).to_vec();
        open
    };
    for (change, words, retriable) in table {
        let open = signed(&change);
        let answer = bench
            .say(connection, &ClientMessage::Open(open).to_value())
            .remove(0);
        let words = format!("memory session.open {words}");
        assert_eq!(error(&answer), ("AuthorizationError", words.as_str()));
        assert_eq!(
            answer["error"]["retriable"] == json!(true),
            retriable,
            "{words}"
        );
    }
    let mut forged = signed(&|_| {});
    forged.signature = vec![0; 64];
    let answer = bench
        .say(connection, &ClientMessage::Open(forged).to_value())
        .remove(0);
    assert_eq!(error(&answer), ("AuthorizationError", "Invalid signature"));
    // None of these used the challenge up.
    let good = ClientMessage::Open(signed(&|_| {})).to_value();
    assert!(bench.say(connection, &good).remove(0)["ok"].is_object());
    // It is good once.
    let again = bench.say(connection, &good).remove(0);
    assert_eq!(error(&again).1, "memory session.open challenge mismatch");
}

#[test]
fn a_challenge_ends_and_is_spent_by_a_refusal() {
    let mut bench = Bench::new();
    let space = bench.space("closed", json!({ me().did(): "OWNER" }));
    let stranger = Identity::from_passphrase("nobody");
    let (connection, auth) = bench.greet();
    let denied = bench.open_as(connection, &auth, &stranger, &space, Descriptor::default());
    assert_eq!(error(&denied).0, "AuthorizationError");
    let again = bench.open_as(connection, &auth, &me(), &space, Descriptor::default());
    assert_eq!(
        error(&again).1,
        "memory session.open challenge already used"
    );
    let (connection, auth) = bench.greet();
    bench.clock.advance(Duration::from_secs(300));
    let late = bench.open_as(connection, &auth, &me(), &space, Descriptor::default());
    assert_eq!(error(&late).1, "memory session.open challenge expired");
}

#[test]
fn a_session_is_resumed_for_thirty_seconds() {
    let mut bench = Bench::new();
    let space = shared(&mut bench);
    let writer = bench.client(&me(), &space);
    let reader = bench.client(&me(), &space);
    reader.watch(&mut bench, "of:a");
    bench.engine.disconnect(reader.connection);
    writer.commit(&mut bench, 1, json!([set("of:a", json!(1))]));
    bench.engine.flush();
    bench.clock.advance(Duration::from_secs(29));
    let back = bench.client_of(&me(), &space, reader.resume(1));
    assert_eq!(back.opened["resumed"], true);
    assert_eq!(
        back.opened["sync"]["upserts"][0]["doc"],
        json!({"value": 1})
    );
    // The watch is still there.
    writer.commit(&mut bench, 2, json!([set("of:a", json!(2))]));
    let push = bench.pushes(back.connection);
    assert_eq!(push[0]["effect"]["upserts"][0]["doc"], json!({"value": 2}));

    bench.engine.disconnect(back.connection);
    bench.clock.advance(Duration::from_secs(30));
    let late = bench.client_of(&me(), &space, back.resume(3));
    assert_eq!(late.session, back.session);
    assert!(late.opened["resumed"].is_null() && late.opened["sync"].is_null());
    writer.commit(&mut bench, 3, json!([set("of:a", json!(3))]));
    assert!(
        bench.pushes(late.connection).is_empty(),
        "its watches are gone"
    );
}

#[test]
fn another_connection_takes_a_session_over() {
    let mut bench = Bench::new();
    let space = shared(&mut bench);
    let first = bench.client(&me(), &space);
    let (connection, auth) = bench.greet();
    let now = charmkeeper_base::Clock::now(&*bench.clock).0 / 1000;
    let resume = first.resume(1);
    let open = SessionOpen::signed("o".into(), &space, &me(), &auth, resume, now).unwrap();
    let frame = ClientMessage::Open(open).encode().unwrap();
    let outs = bench.engine.receive(connection, &frame);
    assert_eq!(outs.len(), 2);
    assert_eq!(outs[0].0, first.connection, "the old one is told first");
    assert!(format!("{:?}", outs[0].1).contains("taken-over"));
    let answer = first.commit(&mut bench, 1, json!([set("of:a", json!(1))]));
    assert_eq!(
        error(&answer),
        ("SessionError", "Session is not open on this connection")
    );

    let (connection, auth) = bench.greet();
    let stale = bench.open_as(connection, &auth, &me(), &space, first.resume(1));
    let words = format!("session {} resume token is no longer valid", first.session);
    assert_eq!(error(&stale), ("SessionRevokedError", words.as_str()));
    let (connection, auth) = bench.greet();
    let other = Identity::from_passphrase("somebody");
    let taken = bench.open_as(connection, &auth, &other, &space, first.resume(1));
    let words = format!(
        "session {} is already bound to {}",
        first.session,
        me().did()
    );
    assert_eq!(error(&taken), ("AuthorizationError", words.as_str()));
}

#[test]
fn watchers_are_told_and_writers_only_of_merged_patches() {
    let mut bench = Bench::new();
    let space = shared(&mut bench);
    let (writer, reader) = (bench.client(&me(), &space), bench.client(&me(), &space));
    writer.watch(&mut bench, "of:a");
    let watched = reader.watch(&mut bench, "of:a");
    let first = &watched["ok"]["sync"]["upserts"][0];
    assert_eq!(
        (&first["deleted"], &first["seq"]),
        (&json!(true), &json!(0))
    );

    writer.commit(&mut bench, 1, json!([set("of:a", json!([1]))]));
    let outs = bench.engine.flush();
    assert_eq!(outs.len(), 2);
    let text = |to: u64| format!("{:?}", outs.iter().find(|(at, _)| *at == to).unwrap().1);
    assert!(
        !text(writer.connection).contains("of:a"),
        "its own set is not echoed"
    );
    assert!(text(writer.connection).contains("caughtUpLocalSeq"));
    assert!(text(reader.connection).contains("of:a"));

    let add = json!([{"op": "patch", "id": "of:a",
                      "patches": [{"op": "append", "path": "/value", "values": [2]}]}]);
    writer.commit(&mut bench, 2, add);
    let own = bench.pushes(writer.connection);
    assert_eq!(
        own[0]["effect"]["upserts"][0]["doc"],
        json!({"value": [1, 2]})
    );
    writer.commit(&mut bench, 3, json!([{"op": "delete", "id": "of:a"}]));
    let gone = bench.pushes(reader.connection);
    assert_eq!(gone[0]["effect"]["upserts"][0]["deleted"], true);
}

#[test]
fn the_handshake_is_strict() {
    let mut bench = Bench::new();
    let id = bench.engine.connect();
    let early = json!({"type": "graph.query", "requestId": "1", "space": "s",
                       "sessionId": "x", "query": {"roots": []}});
    let hello = |protocol: &str, modern: bool| json!({"type": "hello", "protocol": protocol, "flags": {"modernCellRep": modern}});
    let answer = bench.say(id, &early).remove(0);
    assert_eq!(
        error(&answer),
        ("ProtocolError", "memory hello is required first")
    );
    let answer = bench.say(id, &hello("other", false)).remove(0);
    assert_eq!(
        error(&answer),
        ("UnsupportedProtocol", "Unsupported protocol: other")
    );
    let answer = bench.say(id, &hello("memory", true)).remove(0);
    assert!(
        error(&answer).1.starts_with("memory flag mismatch"),
        "{answer}"
    );
    assert_eq!(answer["requestId"], "handshake");
    // A corrected hello is taken on the same connection.
    assert_eq!(
        bench.say(id, &hello("memory", false)).remove(0)["type"],
        "hello.ok"
    );
    let answer = bench.say(id, &hello("memory", false)).remove(0);
    assert_eq!(
        error(&answer),
        ("ProtocolError", "hello may only be sent once")
    );
    let unknown =
        json!({"type": "something.new", "requestId": "1", "space": "s", "sessionId": "x"});
    let answer = bench.say(id, &unknown).remove(0);
    assert_eq!(answer["requestId"], "invalid");
    assert_eq!(
        error(&answer),
        ("InvalidMessageError", "Unable to parse memory message")
    );

    let mut modern = Bench::new().flags("serverExecution");
    let id = modern.engine.connect();
    let answer = modern.say(id, &hello("memory", false)).remove(0);
    assert_eq!(answer["flags"]["serverExecution"], true);
}

#[test]
fn a_query_brings_what_the_metadata_links_to() {
    let mut bench = Bench::new();
    let space = shared(&mut bench);
    let client = bench.client(&me(), &space);
    let link = |id: &str| json!({"/": {"link@1": {"id": id, "path": []}}});
    let piece = json!({"op": "set", "id": "of:piece", "value": {
        "value": {"far": link("of:far")}, "argument": link("of:argument"),
        "internal": [{"link": link("of:own"), "partialCause": "x"}],
    }});
    let rest = ["of:far", "of:argument", "of:own"].map(|id| set(id, json!(1)));
    let [far, argument, own] = rest;
    client.commit(&mut bench, 1, json!([piece, far, argument, own]));
    for (schema, expected) in [
        (false, vec!["of:argument", "of:own", "of:piece"]),
        (true, vec!["of:argument", "of:far", "of:own", "of:piece"]),
    ] {
        let root = json!({"id": "of:piece", "selector": {"path": [], "schema": schema}});
        let answer = client.ask(
            &mut bench,
            "graph.query",
            json!({"query": {"roots": [root]}}),
        );
        let entities = answer["ok"]["entities"].as_array().unwrap();
        let ids: Vec<&str> = entities.iter().map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected);
    }
    let bare = json!({"query": {"roots": [{"id": "of:piece"}]}});
    assert_eq!(
        error(&client.ask(&mut bench, "graph.query", bare)).0,
        "QueryError"
    );
}
