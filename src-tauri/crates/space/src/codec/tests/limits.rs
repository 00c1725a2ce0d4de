//! Depth, damage, length, numbers and random values.

use charmkeeper_base::cell::document::{MAX_DEPTH, depth};
use charmkeeper_base::random::SeededRandom;
use serde_json::json;

use super::super::*;
use super::{exact, read};

#[test]
fn any_depth_is_read_and_written_back() {
    for levels in [
        1,
        127,
        128,
        200,
        LEVELS - 1,
        LEVELS,
        LEVELS + 1,
        1_000,
        200_000,
    ] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"{"/quote":{"/a":"#, "}}")] {
            let body = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            let value = decode(&format!("{PREFIX}{body}")).unwrap();
            assert!(depth(&value) <= MAX_DEPTH, "{levels} {}", depth(&value));
            let written = encode(&value).unwrap();
            if open.contains("quote") {
                // Escapes are set anew, so that the cut may be at another level.
                assert!(
                    levels > LEVELS / 2 || decode(&written).unwrap() == value,
                    "{levels}"
                );
            } else {
                assert_eq!(written, format!("{PREFIX}{body}"));
            }
            assert_eq!(
                hash(&value).is_ok(),
                value.to_string().find("/wire").is_none()
            );
        }
    }
    let tags = format!(
        "{}1{}",
        r#"{"/object":{"/A@1":"#.repeat(180),
        "}}".repeat(180)
    );
    assert!(depth(&read(&tags)) <= MAX_DEPTH);
    let state = format!(r#"{{"/Map@1":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
    let value = exact(&state);
    assert!(depth(&value) <= MAX_DEPTH);
}

#[test]
fn what_is_too_deep_to_write_is_an_error() {
    let mut deep = json!(1);
    for _ in 0..400 {
        deep = json!([deep]);
    }
    assert_eq!(encode(&deep), Err(CodecError::TooDeep));
    assert_eq!(hash(&deep), Err(CodecError::TooDeep));
}

#[test]
fn a_charm_cannot_break_a_frame_with_wire_text() {
    for text in ["", "1,2", "]", r#"{"a":}"#, "1 2", "nul"] {
        let value = json!([{ "/wire": text }]);
        let written = encode(&value).unwrap();
        let again = decode(&written).unwrap();
        assert!(special(&again[0]).is_none(), "{written}");
        assert_eq!(encode(&again).unwrap(), written);
    }
}

#[test]
fn damaged_text_is_an_error_with_its_place() {
    assert_eq!(decode("fvj2:1"), Err(CodecError::Prefix));
    assert_eq!(decode(""), Err(CodecError::Prefix));
    for body in [
        "",
        " ",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\u{1}\"",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "--1",
        "tru",
        "nulll",
        "1 2",
        "[1}",
        "{\"a\":1]",
        "]",
        "1e999",
        "NaN",
        "\u{feff}1",
        "\"\\ud800\\u\"",
    ] {
        let result = decode(&format!("{PREFIX}{body}"));
        assert!(
            matches!(result, Err(CodecError::Json { .. })),
            "{body}: {result:?}"
        );
        let nested = format!(
            "{PREFIX}{}{body}{}",
            "[".repeat(LEVELS + 5),
            "]".repeat(LEVELS + 5)
        );
        assert!(
            body.trim().is_empty() || body == "[" || body == "]" || decode(&nested).is_err(),
            "{body}"
        );
    }
}

#[test]
fn frames_of_64_mib_pass_and_longer_ones_do_not() {
    let fits = format!("{PREFIX}\"{}\"", "x".repeat(MAX_FRAME - PREFIX.len() - 2));
    let value = decode(&fits).unwrap();
    assert_eq!(encode(&value).unwrap().len(), MAX_FRAME);
    let over = Value::String("x".repeat(MAX_FRAME - PREFIX.len() - 1));
    assert_eq!(
        encode(&over),
        Err(CodecError::TooLong {
            size: MAX_FRAME + 1
        })
    );
    assert!(matches!(
        decode(&format!("{fits} ")),
        Err(CodecError::TooLong { .. })
    ));
}

#[test]
fn numbers_are_written_as_javascript_does() {
    for (value, text) in [
        (0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (100.0, "100"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.25e21, "1.25e+21"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (0.1, "0.1"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (-1e300, "-1e+300"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (0.000_012_3, "0.0000123"),
        (1234.5678, "1234.5678"),
    ] {
        assert_eq!(encode(&json!(value)).unwrap(), format!("{PREFIX}{text}"));
        let again = decode(&format!("{PREFIX}{text}")).unwrap();
        assert_eq!(again.as_f64().unwrap().to_bits(), value.to_bits(), "{text}");
    }
    assert_eq!(
        encode(&json!(u64::MAX)).unwrap(),
        "fvj1:18446744073709552000"
    );
    assert_eq!(decode("fvj1:1.0").unwrap(), json!(1));
    assert_eq!(decode("fvj1:-0").unwrap().to_string(), "-0.0");
}

/// Random values in document form.
fn random_value(random: &SeededRandom, level: u32) -> Value {
    let strings = [
        "",
        "a",
        "/",
        "/a",
        "/Bytes@1",
        "/object",
        "/quote",
        "/hole",
        "/wire",
        "10",
        "9",
        "é\u{10f800}",
        "\u{10f7ff}x",
        "~",
        "🦀",
    ];
    let pick = |n: u64| random.next_u64() % n;
    let string = || strings[usize::try_from(pick(strings.len() as u64)).unwrap()];
    match pick(if level > 5 { 8 } else { 12 }) {
        0 => Value::Null,
        1 => json!(pick(2) == 0),
        2 => json!(pick(1000)),
        3 => json!(pick(1 << 40) as f64 / -8.0),
        4 => json!(string()),
        5 => bytes(&random.next_u64().to_le_bytes()),
        6 => undefined(),
        7 => json!({"/Map@1": [string(), {string(): 1}]}),
        8 | 9 => (0..pick(4))
            .map(|_| random_value(random, level + 1))
            .collect(),
        10 => json!({string(): random_value(random, level + 1)}),
        _ => Value::Object(
            (0..pick(4))
                .map(|_| (string().to_owned(), random_value(random, level + 1)))
                .collect(),
        ),
    }
}

#[test]
fn random_values_come_back_and_are_written_the_same() {
    let random = SeededRandom::new(11);
    let mut specials = 0;
    for _ in 0..20_000 {
        let value = random_value(&random, 0);
        let written = encode(&value).unwrap();
        let once = decode(&written).unwrap();
        assert_eq!(encode(&once).unwrap(), written, "{value}");
        assert_eq!(decode(&encode(&once).unwrap()).unwrap(), once);
        // The stored text of a document is JSON and loses nothing either.
        assert_eq!(
            serde_json::from_str::<Value>(&once.to_string()).unwrap(),
            once
        );
        // Wire text has no hash, though what it means may have one.
        if !value.to_string().contains("/wire") {
            assert_eq!(hash(&value), hash(&once));
        }
        specials += u32::from(written.contains("/quote") || written.contains("/object"));
    }
    assert!(specials > 2_000, "{specials}");
}

#[test]
fn random_text_never_panics() {
    let random = SeededRandom::new(5);
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\ud800",
        "\\u",
        "1",
        "-",
        "0",
        "e",
        ".",
        "null",
        "/hole",
        "/quote",
        "\"/A@1\"",
        " ",
        "🦀",
        "\u{10f801}",
    ];
    for _ in 0..50_000 {
        let len = random.next_u64() % 12;
        let body: String = (0..len)
            .map(|_| pieces[usize::try_from(random.next_u64() % pieces.len() as u64).unwrap()])
            .collect();
        if let Ok(value) = decode(&format!("{PREFIX}{body}")) {
            let written = encode(&value).unwrap();
            assert_eq!(decode(&written).unwrap(), value, "{body}");
            assert!(
                serde_json::from_str::<Value>(&body).is_ok() || body.contains("\\ud800"),
                "{body}"
            );
        }
    }
}
