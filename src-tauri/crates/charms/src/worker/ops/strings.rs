//! Texts on their way between JavaScript and Rust.
//!
//! Owns both ways. The usual one of deno_core (`#[string]`) is dear with QuickJS:
//! its binding asks for the length by writing the whole text as UTF-8, writes it
//! again to make UTF-16 of it, that into Latin-1 or UTF-8, into a buffer that
//! keeps its size for the life of the thread, and copies this. Texts of some
//! kilobytes therefore come with their length and are written once. Never holds
//! on to a text.

use deno_core::v8;
use deno_error::JsErrorBox;

/// Most bytes of UTF-8 that one unit of UTF-16 takes.
const MOST_PER_UNIT: usize = 3;

/// Up to so many bytes, room is made for the most that a text can take. A longer
/// one is measured first, which takes time but up to a third of the room.
const ROOM: usize = 1024 * 1024;

/// The UTF-8 form of a text of `length` units; unpaired surrogates become U+FFFD.
/// Of a text that is longer than it says only the beginning is given, which ends
/// with a whole character.
pub(super) fn utf8(
    scope: &mut v8::PinScope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    length: u32,
) -> Vec<u8> {
    let mut room = (length as usize).saturating_mul(MOST_PER_UNIT);
    if room > ROOM {
        room = room.min(text.utf8_length(scope));
    }
    let mut bytes = vec![0; room];
    let flags = v8::WriteFlags::empty();
    let written = text.write_utf8_v2(scope, &mut bytes, flags, None);
    bytes.truncate(written);
    bytes
}

/// A text for JavaScript.
///
/// # Errors
/// A `RangeError` when it is longer than the engine's texts can be.
pub(super) fn make<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    text: &str,
) -> Result<v8::Local<'s, v8::String>, JsErrorBox> {
    v8::String::new(scope, text)
        .ok_or_else(|| JsErrorBox::range_error("The text is longer than a text can be."))
}
