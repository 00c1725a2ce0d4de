//! Numbers the way JavaScript reads and writes them.
//!
//! Owns the text form of a number. Every number here is a 64-bit float.

use serde_json::Number;

/// From here on not every whole number is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The number that JSON text means; `None` when it is no finite number. Whole
/// numbers become integers, except minus zero.
pub(super) fn read(text: &str) -> Option<Number> {
    if !is_json(text.as_bytes()) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if value.fract() == 0.0 && value.abs() <= EXACT && !is_minus_zero(value) {
        #[allow(clippy::cast_possible_truncation, reason = "whole and in range")]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// The grammar of a JSON number.
fn is_json(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
        text.get(count..).filter(|_| count > 0)
    }
    fn number(text: &[u8]) -> Option<&[u8]> {
        let text = text.strip_prefix(b"-").unwrap_or(text);
        let mut rest = match text.strip_prefix(b"0") {
            Some(rest) => rest,
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix(b".") {
            rest = digits(fraction)?;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            rest = digits(match exponent {
                [b'+' | b'-', digits @ ..] => digits,
                digits => digits,
            })?;
        }
        Some(rest)
    }
    number(text).is_some_and(<[u8]>::is_empty)
}

pub(super) fn is_minus_zero(value: f64) -> bool {
    value == 0.0 && value.is_sign_negative()
}

/// The number as a float.
pub(super) fn float(number: &Number) -> f64 {
    // Without serde_json's `arbitrary_precision` every number converts.
    number.as_f64().unwrap_or(f64::NAN)
}

/// Appends a finite number that is not minus zero as ECMAScript's
/// `Number::toString` writes it.
pub(super) fn write(value: f64, out: &mut String) {
    if value < 0.0 {
        out.push('-');
    }
    // The shortest digits that read back as the same float, and their exponent.
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(0);
    // The decimal point stands after this many digits.
    let point = exponent + 1;
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    if (count..=21).contains(&point) {
        *out += &digits;
        *out += &zeros(point - count);
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = split(point);
        *out += whole;
        out.push('.');
        *out += fraction;
    } else if (-5..=0).contains(&point) {
        *out += "0.";
        *out += &zeros(-point);
        *out += &digits;
    } else {
        let (first, rest) = split(1);
        *out += first;
        if !rest.is_empty() {
            out.push('.');
            *out += rest;
        }
        *out += if exponent < 0 { "e-" } else { "e+" };
        *out += &exponent.abs().to_string();
    }
}
