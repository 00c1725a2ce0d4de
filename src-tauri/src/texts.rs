//! The texts that the tray and the notifications show: the keys `tray.*` and
//! `notice.*` of the window's locale file, which is part of the program.

use std::collections::BTreeMap;
use std::sync::OnceLock;

static EN: &str = include_str!("../../ui/src/locale/en.json");

fn all() -> &'static BTreeMap<String, String> {
    static ALL: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    ALL.get_or_init(|| match serde_json::from_str(EN) {
        Ok(texts) => texts,
        Err(e) => {
            // A test reads the file too, so this is not reached in a build that passed.
            tracing::error!("the locale file is not understood: {e}");
            BTreeMap::new()
        }
    })
}

/// The text for a key; the key itself when there is none.
#[must_use]
pub fn text(key: &'static str) -> &'static str {
    all().get(key).map_or(key, String::as_str)
}

/// The text for a key with its `{placeholders}` filled in.
#[must_use]
pub fn fill(key: &'static str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text(key);
    // One pass, so that a value that looks like a placeholder stays as it is.
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) if values.iter().any(|(n, _)| *n == name) => {
                let value = values.iter().find(|(n, _)| *n == name);
                filled.push_str(value.map_or("", |(_, v)| v));
                rest = tail;
            }
            _ => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key that the sources of this program ask for.
    fn used() -> Vec<String> {
        let mut keys = Vec::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src"
        ))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let source = std::fs::read_to_string(&path).unwrap();
                for piece in source.split('"') {
                    let word = piece.starts_with("tray.") || piece.starts_with("notice.");
                    let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '-');
                    if word && piece.len() > 7 && piece.chars().all(plain) {
                        keys.push(piece.to_owned());
                    }
                }
            }
        }
        keys
    }

    #[test]
    fn every_text_that_is_asked_for_is_there() {
        let texts: BTreeMap<String, String> = serde_json::from_str(EN).unwrap();
        let keys = used();
        assert!(keys.len() > 20, "{keys:?}");
        let missing: Vec<_> = keys.iter().filter(|k| !texts.contains_key(*k)).collect();
        assert!(missing.is_empty(), "no text for {missing:?}");
    }

    #[test]
    fn a_value_is_never_read_as_a_placeholder() {
        let filled = fill("tray.account", &[("email", "{state}"), ("state", "ok")]);
        assert_eq!(filled, "{state}: ok");
    }
}
