//! Messages against a recorded session and recorded signatures.

use super::*;
use crate::identity::{Identity, verify};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/space-vectors.json")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn every_recorded_frame_is_read_and_written_the_same() {
    let vectors = vectors();
    let (mut from_client, mut from_server) = (0, 0);
    for row in vectors["recordedSession"].as_array().unwrap() {
        let frame = row["frame"].as_str().unwrap_or_default();
        if !frame.starts_with(codec::PREFIX) {
            continue; // a note, or the code of a close
        }
        let value = codec::decode(frame).unwrap();
        if row["dir"] == "C>S" {
            let message = ClientMessage::from_value(value.clone()).unwrap();
            assert_eq!(message.to_value(), value);
            assert!(!matches!(
                &message,
                ClientMessage::Request(Request {
                    command: Command::Other { .. },
                    ..
                })
            ));
            from_client += 1;
        } else {
            let message = ServerMessage::from_value(value).unwrap();
            assert!(!matches!(message, ServerMessage::Other(_)));
            assert_eq!(message.encode().unwrap(), frame);
            from_server += 1;
        }
    }
    assert!(
        from_client > 40 && from_server > 50,
        "{from_client} {from_server}"
    );
}

#[test]
fn the_bodies_of_recorded_answers_are_read_and_written_the_same() {
    let vectors = vectors();
    let mut asked = std::collections::HashMap::new();
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for row in vectors["recordedSession"].as_array().unwrap() {
        let frame = row["frame"].as_str().unwrap_or_default();
        if !frame.starts_with(codec::PREFIX) {
            continue;
        }
        let value = codec::decode(frame).unwrap();
        let kind = value["type"].as_str().unwrap();
        if row["dir"] == "C>S" {
            if let Some(id) = value["requestId"].as_str() {
                asked.insert(id.to_owned(), kind.to_owned());
            }
            continue;
        }
        let (Some(ok), "response") = (value.get("ok").cloned(), kind) else {
            continue;
        };
        let (name, again) = match asked[value["requestId"].as_str().unwrap()].as_str() {
            "session.open" => ("open", OpenOk::from_value(ok.clone()).unwrap().to_value()),
            "graph.query" => ("query", QueryOk::from_value(ok.clone()).unwrap().to_value()),
            "session.watch.set" => ("watch", WatchOk::from_value(ok.clone()).unwrap().to_value()),
            "transact" => (
                "commit",
                CommitOk::from_value(ok.clone()).unwrap().to_value(),
            ),
            _ => continue,
        };
        assert_eq!(codec::encode(&again), codec::encode(&ok));
        *seen.entry(name).or_default() += 1;
    }
    for name in ["open", "query", "watch", "commit"] {
        assert!(seen.get(name).is_some_and(|n| *n > 0), "{name} {seen:?}");
    }
}

#[test]
fn recorded_signatures_are_made_and_verified() {
    let vectors = vectors();
    let rows = vectors["signatures"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let key = Identity::from_passphrase(row["passphrase"].as_str().unwrap());
        let wire = row["invocationWire"].as_str().unwrap();
        let invocation = Invocation::from_value(codec::decode(wire).unwrap());
        let digest = invocation.digest().unwrap();
        assert_eq!(hex(&digest), row["digestHex"].as_str().unwrap());
        let signature = key.sign(&digest);
        assert_eq!(hex(&signature), row["signatureHex"].as_str().unwrap());
        assert!(verify(key.did(), &digest, &signature));

        let frame = row["frame"].as_str().unwrap();
        let message = ClientMessage::from_value(codec::decode(frame).unwrap()).unwrap();
        let ClientMessage::Open(open) = message else {
            panic!("{frame}");
        };
        assert_eq!(open.signature, signature);
        // We leave absent members out instead of sending `undefined`.
        if !wire.contains("Undefined") {
            assert_eq!(ClientMessage::Open(open.clone()).encode().unwrap(), frame);
            let auth = SessionOpenAuth {
                audience: open.invocation.text("aud").unwrap().to_owned(),
                challenge: Challenge {
                    value: open.invocation.text("challenge").unwrap().to_owned(),
                    expires_at: 0,
                },
            };
            let now = open.invocation.value()["iat"].as_i64().unwrap();
            let ours = SessionOpen::signed(
                "r1".into(),
                &open.space,
                &key,
                &auth,
                open.session.clone(),
                now,
            );
            assert_eq!(ClientMessage::Open(ours.unwrap()).encode().unwrap(), frame);
        }
    }
}

#[test]
fn a_missing_member_is_named() {
    for (frame, field) in [
        (r#"fvj1:{}"#, "type"),
        (r#"fvj1:[]"#, "message"),
        (r#"fvj1:{"type":"response","requestId":"1"}"#, "ok"),
        (
            r#"fvj1:{"type":"response","requestId":"1","error":5}"#,
            "error",
        ),
        (
            r#"fvj1:{"type":"session/effect","space":"s","sessionId":"i","effect":{"toSeq":-1,"fromSeq":0}}"#,
            "toSeq",
        ),
        (
            r#"fvj1:{"type":"session/effect","space":"s","sessionId":"i","effect":{"fromSeq":1e300}}"#,
            "fromSeq",
        ),
        (
            r#"fvj1:{"type":"hello.ok","protocol":"memory","flags":[]}"#,
            "flags",
        ),
        (
            r#"fvj1:{"type":"hello.ok","protocol":"memory"}"#,
            "sessionOpen",
        ),
    ] {
        let error = ServerMessage::from_value(codec::decode(frame).unwrap()).unwrap_err();
        assert_eq!(error.field, field, "{frame}");
    }
    let later = r#"fvj1:{"type":"something.new","x":1}"#;
    // Of a later server: kept as it is, to be ignored.
    let message = ServerMessage::from_value(codec::decode(later).unwrap()).unwrap();
    assert_eq!(message.encode().unwrap(), later);
}

#[test]
fn flags_that_stop_us_are_found() {
    assert_eq!(Flags::ours().obstacle(), None);
    assert_eq!(
        Flags::default()
            .with("commitPreconditions", true)
            .obstacle(),
        None
    );
    assert_eq!(
        Flags::default().with("modernCellRep", true).obstacle(),
        Some("modernCellRep")
    );
    assert_eq!(
        Flags::default().with("serverExecution", true).obstacle(),
        Some("serverExecution")
    );
}

#[test]
fn session_tokens_are_not_shown() {
    let which = Descriptor {
        session_id: Some("id".into()),
        session_token: Some("sekrit".into()),
        seen_seq: Some(3),
    };
    let auth = SessionOpenAuth {
        audience: "did:key:a".into(),
        challenge: Challenge {
            value: "c".into(),
            expires_at: 0,
        },
    };
    let key = Identity::from_passphrase("a");
    let open = SessionOpen::signed("1".into(), "did:key:s", &key, &auth, which, 0).unwrap();
    let ok = OpenOk {
        session_id: "id".into(),
        session_token: "sekrit".into(),
        server_seq: 0,
        caught_up_local_seq: None,
        resumed: false,
        sync: None,
        session_open: auth,
    };
    let shown = format!("{open:?} {ok:?}");
    assert!(shown.contains("id") && !shown.contains("sekrit"), "{shown}");
}
