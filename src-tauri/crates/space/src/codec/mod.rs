//! The `fvj1:` encoding: frames of text to documents and back.
//!
//! **Wire form** is what travels: JSON in which a single-key object whose key
//! starts with `/` has a meaning of its own, so that data of that shape must be
//! escaped with `/quote` or `/object`.
//!
//! **Document form** is what everything else in Charmkeeper handles: a plain
//! [`serde_json::Value`], links unescaped as `{"/": {"link@1": ...}}`. What JSON
//! cannot hold stays in its tagged form, literally: `{"/Undefined@1": null}`,
//! `{"/Bytes@1": "AP8Q"}`, and any `{"/Name@N": state}` of a type that is not known
//! here, its state untouched. So nothing is lost, the store needs no type of its own,
//! and a charm that writes back what it read writes the same value. The rest of the
//! mapping, which [`encode`] undoes exactly:
//!
//! | wire | document |
//! | --- | --- |
//! | minus zero | the JSON number `-0.0` |
//! | `{"/hole": n}` in an array | `n` elements `{"/hole": 1}`, so that positions stay true; a run that would take an array over 1,000 holes stays one element |
//! | data of the shape of a tagged form | `{"/object": data}` |
//! | a lone UTF-16 surrogate in a string | one character of U+10F800 to U+10FFFF (module `text`) |
//! | what is nested deeper than [`LEVELS`] | `{"/wire": text}`: the subtree as its wire text |
//!
//! Deep subtrees are kept as text because reading, copying and dropping a value
//! takes stack for each level: a document from the wire is never nested deeper
//! than `base::cell::document::MAX_DEPTH`, and one deep drawing in a space
//! does not stop the rest of it.
//!
//! Owns the two forms. Never knows a message.

mod document;
mod hash;
mod number;
mod parse;
mod special;
mod text;
mod write;

pub use hash::{hash, value_hash};
pub use special::{Special, bytes, is_leaf, special, undefined};

use charmkeeper_base::{ErrorKind, Explain};
use serde_json::Value;

/// What every frame starts with.
pub const PREFIX: &str = "fvj1:";

/// The longest frame in bytes, in either direction: the limit of the server's
/// WebSocket library (seen on the reference server: 40 MiB pass, 70 MiB do not).
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

/// Levels of nesting that a frame is read to; deeper parts stay wire text.
pub const LEVELS: usize = 240;

/// Why text or a value is not in this encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The text does not start with [`PREFIX`].
    #[error("the space server sent something that is not in its own encoding")]
    Prefix,
    /// The text after the prefix is not JSON.
    #[error("the space server sent damaged data (at byte {at})")]
    Json {
        /// Where in the text after the prefix.
        at: usize,
    },
    /// Longer than [`MAX_FRAME`].
    #[error("{size} bytes are too many for one message to the space server; it takes 64 MiB")]
    TooLong {
        /// In bytes.
        size: usize,
    },
    /// A value that is nested too deep to be written or hashed.
    #[error("the data is nested too deep for the space server")]
    TooDeep,
    /// A value of a type whose hash is not known here.
    #[error("a value of the type {tag} has no hash here")]
    NoHash {
        /// Such as `Map@1`.
        tag: String,
    },
}

impl Explain for CodecError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Prefix | Self::Json { .. } => ErrorKind::Provider,
            Self::TooLong { .. } | Self::TooDeep | Self::NoHash { .. } => ErrorKind::Space,
        }
    }
}

/// Reads a frame into document form.
///
/// # Errors
/// When the prefix is missing, the rest is not JSON, or it is longer than
/// [`MAX_FRAME`]. Depth is no error.
pub fn decode(frame: &str) -> Result<Value, CodecError> {
    if frame.len() > MAX_FRAME {
        return Err(CodecError::TooLong { size: frame.len() });
    }
    let text = frame.strip_prefix(PREFIX).ok_or(CodecError::Prefix)?;
    Ok(document::from_wire(parse::parse(text)?))
}

/// Writes a value in document form as a frame, exactly as the reference server
/// writes it: keys in its order, numbers in JavaScript's way, `/quote` where
/// that is enough and `/object` elsewhere.
///
/// # Errors
/// When the value is nested much deeper than a document may be, or the frame would be
/// longer than [`MAX_FRAME`].
pub fn encode(value: &Value) -> Result<String, CodecError> {
    let mut frame = String::from(PREFIX);
    write::write(value, &mut frame)?;
    if frame.len() > MAX_FRAME {
        return Err(CodecError::TooLong { size: frame.len() });
    }
    Ok(frame)
}

#[cfg(test)]
mod tests;
