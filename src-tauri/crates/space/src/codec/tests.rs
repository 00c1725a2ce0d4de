//! The encoding against recorded values, form by form.

use super::*;
use serde_json::json;
use sha2::Digest as _;

mod limits;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/space-vectors.json")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Decodes a body and checks that it is written back the same.
fn exact(body: &str) -> Value {
    let frame = format!("{PREFIX}{body}");
    let value = decode(&frame).unwrap();
    assert_eq!(encode(&value).unwrap(), frame);
    value
}

/// Decodes a body that another client may write its own way.
fn read(body: &str) -> Value {
    let value = decode(&format!("{PREFIX}{body}")).unwrap();
    let written = encode(&value).unwrap();
    assert_eq!(decode(&written).unwrap(), value, "{written}");
    value
}

#[test]
fn every_recorded_hash_and_its_wire_form() {
    let vectors = vectors();
    let rows = vectors["hashes"].as_array().unwrap();
    assert_eq!(rows.len(), 28);
    for row in rows {
        let wire = row["wire"].as_str().unwrap();
        let value = decode(wire).unwrap();
        assert_eq!(
            hex(&hash(&value).unwrap()),
            row["sha256Hex"].as_str().unwrap(),
            "{row}"
        );
        assert_eq!(encode(&value).unwrap(), wire);
    }
}

#[test]
fn every_recorded_boundary_value_is_written_as_recorded() {
    let vectors = vectors();
    let rows = vectors["boundary"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for row in rows {
        let wire = row["wire"].as_str().unwrap();
        assert_eq!(
            encode(&decode(wire).unwrap()).unwrap(),
            wire,
            "{}",
            row["label"]
        );
    }
}

#[test]
fn every_recorded_precondition_hash() {
    let vectors = vectors();
    let rows = vectors["preconditionValueHash"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    for row in rows {
        assert_eq!(
            value_hash(&row["value"]).unwrap(),
            row["valueHash"].as_str().unwrap()
        );
    }
}

#[test]
fn every_recorded_frame_of_the_server_is_written_as_the_server_did() {
    let vectors = vectors();
    let mut count = 0;
    for row in vectors["recordedSession"].as_array().unwrap() {
        let frame = row["frame"].as_str().unwrap_or_default();
        if !frame.starts_with(PREFIX) {
            continue; // a note, or the code of a close
        }
        let value = decode(frame).unwrap();
        if row["dir"] == "S>C" {
            assert_eq!(encode(&value).unwrap(), frame);
        } else {
            assert_eq!(decode(&encode(&value).unwrap()).unwrap(), value);
        }
        count += 1;
    }
    assert!(count > 80, "{count}");
}

#[test]
fn recorded_documents_survive() {
    let vectors = vectors();
    for (name, row) in vectors["liveDocuments"].as_object().unwrap() {
        let body = row["wireDocument"].to_string();
        let doc = read(&body);
        assert!(special(&doc).is_none(), "{name}");
    }
}

#[test]
fn links_are_plain_in_documents_and_both_escapes_are_read() {
    let link = json!({"/": {"link@1": {"id": "of:fid1:abc", "path": []}}});
    let quoted =
        exact(r#"{"value":{"peer":{"/quote":{"/":{"link@1":{"id":"of:fid1:abc","path":[]}}}}}}"#);
    assert_eq!(quoted, json!({"value": {"peer": link}}));
    let object =
        read(r#"{"value":{"peer":{"/object":{"/":{"link@1":{"id":"of:fid1:abc","path":[]}}}}}}"#);
    assert_eq!(object, quoted);
    let special = exact(r#"{"/object":{"/":{"x":{"/Undefined@1":null}}}}"#);
    assert_eq!(special, json!({"/": {"x": undefined()}}));
}

#[test]
fn what_json_cannot_hold_stays_tagged() {
    assert_eq!(exact(r#"{"/Bytes@1":"AP8Q"}"#), bytes(&[0, 255, 16]));
    assert_eq!(
        special(&bytes(&[0, 255, 16])),
        Some(Special::Bytes(vec![0, 255, 16]))
    );
    assert_eq!(
        special(&exact(r#"{"/Undefined@1":null}"#)),
        Some(Special::Undefined)
    );
    assert_eq!(exact(r#"{"/SpecialNumber@1":"-0"}"#).to_string(), "-0.0");
    let Some(Special::Number(nan)) =
        special(&exact(r#"{"/SpecialNumber@1":"NaN"}"#)).map(|s| match s {
            Special::Number(n) => Special::Number(n),
            other => panic!("{other:?}"),
        })
    else {
        panic!("not special");
    };
    assert!(nan.is_nan());
    for unknown in [
        r#"{"/Map@1":[["k",{"/quote":{"/a":1}}]]}"#,
        r#"{"/Error@1":{"name":"E","/odd":1,"cause":{"/Foo@12":null}}}"#,
        r#"{"/Link@1":{"id":"x","n":-0}}"#,
        r#"{"/Bytes@1":5}"#,
    ] {
        let value = exact(unknown);
        assert!(is_leaf(&value), "{unknown}");
        assert!(matches!(special(&value), Some(Special::Other { .. })));
    }
    assert_eq!(
        hash(&exact(r#"[{"/Map@1":[]}]"#)),
        Err(CodecError::NoHash {
            tag: "Map@1".into()
        })
    );
}

#[test]
fn data_that_looks_tagged_is_told_from_what_is() {
    for body in [
        r#"{"/quote":{"/Bytes@1":"AP8Q"}}"#,
        r#"{"/quote":{"/quote":{"/object":{"/hole":3}}}}"#,
        r#"{"/quote":{"/wire":"[1]"}}"#,
        r#"{"a":[{"/quote":{"/hole":2}},{"/hole":2}]}"#,
        r#"{"/object":{"/Bytes@1":{"/Bytes@1":"AP8Q"}}}"#,
        r#"{"/object":{"/x":[1,{"/hole":1}]}}"#,
    ] {
        let value = exact(body);
        assert!(special(&value).is_none(), "{value}");
    }
    // What no server writes is taken as data, not lost.
    for odd in [
        r#"{"/":1}"#,
        r#"{"/nope":1}"#,
        r#"{"/Bytes@01":"x"}"#,
        r#"{"/a":1,"b":2}"#,
        r#"{"/object":5}"#,
        r#"{"/hole":1}"#,
        r#"[{"/hole":0},{"/hole":-1},{"/hole":1.5}]"#,
    ] {
        read(odd);
    }
}

#[test]
fn holes_keep_positions_true_and_large_runs_small() {
    let sparse = exact(r#"[1,{"/hole":2},4]"#);
    assert_eq!(sparse.as_array().unwrap().len(), 4);
    assert_eq!(sparse[3], 4);
    let huge = exact(r#"[{"/hole":4000000000},1]"#);
    assert_eq!(huge.as_array().unwrap().len(), 2);
    let split = decode(r#"fvj1:[{"/hole":1},{"/hole":1}]"#).unwrap();
    assert_eq!(split, decode(r#"fvj1:[{"/hole":2}]"#).unwrap());
    assert_eq!(hash(&split), hash(&json!([{"/hole": 2}])));
    // An array, one run of absent elements, its length, and the end.
    let feed: [u8; 32] = sha2::Sha256::digest([0x10, 0x01, 0x02, 0x00]).into();
    assert_eq!(hash(&split), Ok(feed));
}

#[test]
fn lone_surrogates_survive_in_values_and_keys() {
    let body = r#"{"a\ud800":["\udfff!","x\ud83dy","🦀"]}"#;
    let value = exact(body);
    assert_eq!(value.to_string().parse::<Value>().unwrap(), value);
    assert_eq!(
        value[value.as_object().unwrap().keys().next().unwrap()][2],
        "🦀"
    );
    // The escaped pair is one character, and reads like the character itself.
    assert_eq!(decode(r#"fvj1:"\ud83e\udd80""#).unwrap(), "🦀");
    // Characters that the mapping uses are not confused with surrogates.
    let used = format!("\"{}\"", "\u{10f7ff}\u{10f800}\u{10ffff}\u{10f7fe}");
    exact(&used);
    assert_ne!(exact("\"\u{10f800}\""), exact(r#""\ud800""#));
    // The server hashes a lone surrogate as U+FFFD.
    assert_eq!(hash(&exact(r#""\ud800""#)), hash(&json!("\u{fffd}")));
}
