//! Strings with lone UTF-16 surrogates, which JavaScript has and Rust has not.
//!
//! In document form the lone surrogate `U+D800 + n` is the character
//! `U+10F800 + n`. Those characters and [`ESCAPE`] themselves, should they ever
//! come, get [`ESCAPE`] before them. Other strings are the same in both forms.
//!
//! Owns this mapping and the JSON form of a string. Never sees a value.

/// Comes before a character that is not to be taken for a surrogate.
const ESCAPE: char = '\u{10f7ff}';
const FIRST: u32 = 0x10_f800;
const FIRST_SURROGATE: u32 = 0xd800;
/// The first UTF-8 byte of `ESCAPE` and of all that stand for surrogates.
pub(super) const MARK: u8 = 0xf4;

/// Appends a character that came from the wire.
pub(super) fn push(text: &mut String, c: char) {
    if c >= ESCAPE {
        text.push(ESCAPE);
    }
    text.push(c);
}

/// Appends a lone surrogate, `0xd800 ..= 0xdfff`.
pub(super) fn push_lone(text: &mut String, unit: u32) {
    text.extend(char::from_u32(FIRST + (unit - FIRST_SURROGATE)));
}

/// One piece of a string in document form.
enum Piece {
    Char(char),
    Lone(u32),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        Some(if c == ESCAPE {
            Piece::Char(chars.next_if(|next| *next >= ESCAPE).unwrap_or(c))
        } else if c > ESCAPE {
            Piece::Lone(u32::from(c) - FIRST + FIRST_SURROGATE)
        } else {
            Piece::Char(c)
        })
    })
}

/// The string as the server's hash sees it: a lone surrogate becomes U+FFFD.
pub(super) fn utf8(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.as_bytes().contains(&MARK) {
        return text.into();
    }
    pieces(text)
        .map(|piece| match piece {
            Piece::Char(c) => c,
            Piece::Lone(_) => char::REPLACEMENT_CHARACTER,
        })
        .collect()
}

/// Appends the string in quotes, as `JSON.stringify` writes it.
pub(super) fn write(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for piece in pieces(text) {
        match piece {
            Piece::Char('"') => out.push_str("\\\""),
            Piece::Char('\\') => out.push_str("\\\\"),
            Piece::Char('\u{8}') => out.push_str("\\b"),
            Piece::Char('\u{c}') => out.push_str("\\f"),
            Piece::Char('\n') => out.push_str("\\n"),
            Piece::Char('\r') => out.push_str("\\r"),
            Piece::Char('\t') => out.push_str("\\t"),
            Piece::Char(c) if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            Piece::Char(c) => out.push(c),
            Piece::Lone(unit) => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push('"');
}
