//! Ops for text: encodings of the Encoding standard that mail needs.

use std::borrow::Cow;

use deno_core::{op2, v8};
use deno_error::JsErrorBox;

use super::strings;

/// Unicode's stand-in for what cannot be decoded.
const REPLACEMENT: char = '\u{fffd}';

/// Windows-1252 at 0x80 to 0x9f (<https://encoding.spec.whatwg.org/index-windows-1252.txt>);
/// everything else in that encoding is the code point of the same number.
const WINDOWS_1252_80: [u16; 32] = [
    0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x8d, 0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
];

/// The standard's name of the encoding with this label; `None` when it is not
/// one of the three that are supported.
fn encoding(label: &str) -> Option<&'static str> {
    let label = label
        .trim_matches(|c: char| c.is_ascii_whitespace())
        .to_ascii_lowercase();
    Some(match label.as_str() {
        "utf-8" | "utf8" | "unicode-1-1-utf-8" | "unicode11utf8" | "unicode20utf8"
        | "x-unicode20utf8" => "utf-8",
        "latin1" | "latin-1" | "l1" | "iso-8859-1" | "iso8859-1" | "iso88591" | "iso_8859-1"
        | "iso_8859-1:1987" | "iso-ir-100" | "ascii" | "us-ascii" | "ansi_x3.4-1968" | "cp1252"
        | "cp819" | "ibm819" | "csisolatin1" | "windows-1252" | "x-cp1252" => "windows-1252",
        "utf-16" | "utf-16le" | "ucs-2" | "iso-10646-ucs-2" | "unicode" | "unicodefeff"
        | "csunicode" => "utf-16le",
        _ => return None,
    })
}

/// UTF-8 bytes of a text of `length` units.
#[op2]
#[buffer]
pub(super) fn op_ck_text_encode(
    scope: &mut v8::PinScope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    #[smi] length: u32,
) -> Vec<u8> {
    strings::utf8(scope, text, length)
}

/// The standard's name for a label, or an empty string.
#[op2]
#[string]
pub(super) fn op_ck_text_label(#[string] label: &str) -> String {
    encoding(label).unwrap_or_default().to_owned()
}

/// Text of bytes. UTF-8, which nearly all of it is, goes into the engine as it
/// stands there.
#[op2]
pub(super) fn op_ck_text_decode<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    #[buffer] bytes: &[u8],
    #[string] label: &str,
    fatal: bool,
    ignore_bom: bool,
) -> Result<v8::Local<'s, v8::String>, JsErrorBox> {
    strings::make(scope, &decode(bytes, label, fatal, ignore_bom)?)
}

fn decode<'b>(
    bytes: &'b [u8],
    label: &str,
    fatal: bool,
    ignore_bom: bool,
) -> Result<Cow<'b, str>, JsErrorBox> {
    let invalid = || JsErrorBox::type_error("The encoded data was not valid.");
    match encoding(label) {
        Some("utf-8") => {
            let bytes = strip(bytes, &[0xef, 0xbb, 0xbf], ignore_bom);
            match String::from_utf8_lossy(bytes) {
                Cow::Owned(_) if fatal => Err(invalid()),
                text => Ok(text),
            }
        }
        Some("utf-16le") => {
            let bytes = strip(bytes, &[0xff, 0xfe], ignore_bom);
            let units = bytes
                .chunks_exact(2)
                .map(|b| u16::from_le_bytes([b[0], b[1]]));
            let mut text: Result<String, _> = char::decode_utf16(units)
                .map(|c| {
                    if fatal {
                        c.map_err(|_| invalid())
                    } else {
                        Ok(c.unwrap_or(REPLACEMENT))
                    }
                })
                .collect();
            if bytes.len() % 2 == 1 {
                text = if fatal {
                    Err(invalid())
                } else {
                    text.map(|t| t + "\u{fffd}")
                };
            }
            text.map(Cow::Owned)
        }
        Some(_) => Ok(bytes.iter().map(|&b| from_windows_1252(b)).collect()),
        None => Err(JsErrorBox::range_error(format!(
            "The encoding label provided ('{label}') is invalid."
        ))),
    }
}

fn strip<'a>(bytes: &'a [u8], bom: &[u8], keep: bool) -> &'a [u8] {
    if keep {
        bytes
    } else {
        bytes.strip_prefix(bom).unwrap_or(bytes)
    }
}

fn from_windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => char::from_u32(u32::from(WINDOWS_1252_80[usize::from(byte - 0x80)]))
            .unwrap_or(REPLACEMENT),
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_three_encodings() {
        assert_eq!(
            decode(b"\xef\xbb\xbfa\xc3\xa9", "UTF8 ", false, false).unwrap(),
            "a\u{e9}"
        );
        assert_eq!(
            decode(b"\xef\xbb\xbfa", "utf-8", false, true).unwrap(),
            "\u{feff}a"
        );
        assert_eq!(
            decode(b"\x80\xe9", "latin1", false, false).unwrap(),
            "\u{20ac}\u{e9}"
        );
        assert_eq!(decode(b"\xff\xfea\0", "utf-16", false, false).unwrap(), "a");
        assert_eq!(
            decode(b"a\0b", "utf-16le", false, false).unwrap(),
            "a\u{fffd}"
        );
        assert_eq!(decode(b"\xff", "utf-8", false, false).unwrap(), "\u{fffd}");
        assert!(decode(b"\xff", "utf-8", true, false).is_err());
        assert!(decode(b"\0\xd8", "utf-16le", true, false).is_err());
        assert!(decode(b"", "koi8-r", false, false).is_err());
    }
}
