//! Reading source maps in tests.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of test binaries"
)]

/// Line and column of a byte offset, both from 0, in UTF-16 units.
pub fn position(text: &str, offset: usize) -> (i64, i64) {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
    (i64::try_from(line).unwrap(), i64::try_from(column).unwrap())
}

/// The original position of a generated one: the last mapping at or before it.
pub fn original(map: &serde_json::Value, (line, column): (i64, i64)) -> (i64, i64) {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut source_line, mut source_column, mut found) = (0, 0, (0, 0));
    for (number, group) in map["mappings"].as_str().unwrap().split(';').enumerate() {
        let mut at = 0;
        for segment in group.split(',').filter(|s| !s.is_empty()) {
            let (mut values, mut shift, mut value) = (Vec::new(), 0, 0_i64);
            for c in segment.chars() {
                let digit = i64::try_from(DIGITS.find(c).unwrap()).unwrap();
                value |= (digit & 31) << shift;
                shift += 5;
                if digit & 32 == 0 {
                    values.push(if value & 1 == 1 {
                        -(value >> 1)
                    } else {
                        value >> 1
                    });
                    (shift, value) = (0, 0);
                }
            }
            at += values[0];
            source_line += values[2];
            source_column += values[3];
            if i64::try_from(number).unwrap() == line && at <= column {
                found = (source_line, source_column);
            }
        }
    }
    found
}
