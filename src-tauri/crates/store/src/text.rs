//! Values as they stand in a column: JSON text, words, excerpts.
//!
//! Owns the conversions and the caps. Never knows a table.

use charmkeeper_base::cell::document;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::StoreError;

/// JSON text for a column.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Internal {
        detail: e.to_string(),
    })
}

/// Reads a column of JSON that was written by [`to_json`].
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|e| unreadable(column, e))
}

/// Reads a column that holds any JSON, however deep a document may be.
pub(crate) fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    document::parse(&text).map_err(|e| unreadable(column, e))
}

/// Reads a column that holds one of a set of words.
pub(crate) fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unreadable(column, UnknownWord(text)))
}

/// The same for a column that may be NULL.
pub(crate) fn word_or_null<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text).ok_or_else(|| unreadable(column, UnknownWord(text))))
        .transpose()
}

#[derive(Debug, thiserror::Error)]
#[error("unknown word {0:?}")]
struct UnknownWord(String);

fn unreadable(
    column: usize,
    why: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(why))
}

/// A count as SQLite stores it; saturates.
pub(crate) fn int(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Reads a count; a negative one, which nothing writes, counts as 0.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// `text` cut to at most `max` bytes at a character's boundary.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// The JSON text of `value`, at most `max` bytes of it, and whether that is not
/// all. Does not build more text than it returns.
pub(crate) fn excerpt(value: &Value, max: usize) -> (String, bool) {
    let mut writer = Capped {
        text: Vec::new(),
        max,
    };
    let cut_off = serde_json::to_writer(&mut writer, value).is_err();
    let mut text = String::from_utf8_lossy(&writer.text).into_owned();
    if cut_off {
        // A character cut in half came out as a replacement character.
        while text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
    }
    (text, cut_off)
}

struct Capped {
    text: Vec<u8>,
    max: usize,
}

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.max - self.text.len();
        let taken = bytes.len().min(room);
        self.text.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() {
            return Err(std::io::Error::other("long enough"));
        }
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_excerpt_ends_at_a_character_and_says_that_it_is_cut() {
        let value = json!({ "text": "aé☃🦀" });
        let whole = value.to_string();
        assert_eq!(excerpt(&value, whole.len()), (whole.clone(), false));
        for max in 0..whole.len() {
            let (text, was_cut) = excerpt(&value, max);
            assert!(
                was_cut && whole.starts_with(&text) && text.len() <= max,
                "{max}: {text}"
            );
            assert!(max - text.len() < 4);
        }
        assert_eq!(cut("a☃", 2), "a");
        assert_eq!(cut("a☃", 4), "a☃");
    }
}
