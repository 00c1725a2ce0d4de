//! The recorded session, played to the server: its frames must be the recorded
//! ones, byte for byte. Challenges, session ids and tokens come from the record.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use charmkeeper_base::UnixMs;
use charmkeeper_space::codec;
use charmkeeper_toolshed::Outgoing;
use serde_json::Value;

use crate::support::{Bench, Scripted};

fn rows() -> Vec<Value> {
    let text = include_str!("../../../../src-tauri/crates/space/tests/vectors/space-vectors.json");
    let mut all: Value = serde_json::from_str(text).unwrap();
    match all["recordedSession"].take() {
        Value::Array(rows) => rows,
        other => panic!("{other}"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

/// What the recorded server drew at random for this frame, in its order.
fn drawn(frame: &str, known: &mut Vec<String>) -> Vec<Vec<u8>> {
    let value = codec::decode(frame).unwrap();
    let body = if value["type"] == "hello.ok" {
        &value
    } else {
        &value["ok"]
    };
    let Some(challenge) = body["sessionOpen"]["challenge"]["value"].as_str() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if let (Some(id), Some(token)) = (body["sessionId"].as_str(), body["sessionToken"].as_str()) {
        if !known.iter().any(|session| session == id) {
            known.push(id.to_owned());
            all.push(bytes(id));
        }
        all.push(bytes(token));
    }
    all.push(bytes(challenge));
    all
}

#[test]
fn the_recorded_session_is_answered_byte_for_byte() {
    let rows = rows();
    let random = Arc::new(Scripted::default());
    let mut known = Vec::new();
    for row in rows.iter().filter(|row| row["dir"] == "S>C") {
        for bytes in drawn(row["frame"].as_str().unwrap(), &mut known) {
            random.add(bytes);
        }
    }
    let mut bench = Bench::with(random);
    let mut connections = BTreeMap::new();
    let mut waiting: BTreeMap<u64, VecDeque<String>> = BTreeMap::new();
    let keep = |waiting: &mut BTreeMap<u64, VecDeque<String>>, outs: Vec<(u64, Outgoing)>| {
        for (to, out) in outs {
            match out {
                Outgoing::Frame(frame) => waiting.entry(to).or_default().push_back(frame),
                other => panic!("{other:?}"),
            }
        }
    };
    let (mut answers, mut pushes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        let Some(name) = row["conn"].as_str() else {
            continue;
        };
        let frame = row["frame"].as_str().unwrap();
        let seconds = row["t"].as_f64().unwrap();
        bench.clock.jump_to(UnixMs((seconds * 1000.0) as i64));
        let id = *connections
            .entry(name.to_owned())
            .or_insert_with(|| bench.engine.connect());
        match row["dir"].as_str().unwrap() {
            "C>S" => {
                if pushed_before_answer(&rows[at..]) {
                    let outs = bench.engine.flush();
                    keep(&mut waiting, outs);
                }
                let outs = bench.engine.receive(id, frame);
                keep(&mut waiting, outs);
            }
            "S>C" => {
                let push = frame.contains(r#""type":"session/effect""#);
                // Several changes go out together, at the moments of the record.
                if push && waiting.get(&id).is_none_or(VecDeque::is_empty) {
                    let outs = bench.engine.flush();
                    keep(&mut waiting, outs);
                }
                let queue = waiting.entry(id).or_default();
                let next = queue
                    .iter()
                    .position(|one| one.contains(r#""type":"session/effect""#) == push);
                let ours = next.and_then(|next| queue.remove(next)).unwrap_or_default();
                assert_eq!(expires(&ours), expires(frame), "row {at}");
                if push { pushes += 1 } else { answers += 1 }
            }
            "CLOSE" => bench.engine.disconnect(id),
            other => panic!("{other}"),
        }
    }
    let left: Vec<&String> = waiting.values().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(answers > 40 && pushes > 10, "{answers} {pushes}");
}

/// True when pushes were recorded between a request and its answer: they were
/// under way before the request came.
fn pushed_before_answer(rows: &[Value]) -> bool {
    let frame = |row: &Value| row["frame"].as_str().unwrap_or_default().to_owned();
    let asked = codec::decode(&frame(&rows[0])).unwrap();
    let Some(id) = asked["requestId"].as_str() else {
        return false;
    };
    let mark = format!(r#""requestId":"{id}""#);
    rows[1..]
        .iter()
        .map(frame)
        .take_while(|frame| !frame.contains(&mark))
        .any(|frame| frame.contains(r#""type":"session/effect""#))
}

/// Without the second in which a challenge ends: the record's times are those of
/// its client.
fn expires(frame: &str) -> String {
    let mark = r#""expiresAt":"#;
    match frame.find(mark) {
        Some(at) => {
            let (head, rest) = frame.split_at(at + mark.len());
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{head}0{rest}")
        }
        None => frame.to_owned(),
    }
}
