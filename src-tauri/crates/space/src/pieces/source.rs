//! The source of a pattern: one document per file, linked by their imports.

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::by_cause;
use serde_json::{Value, json};

use super::walk::{Found, Shelf, Walk, Walker};

/// Files that one pattern may consist of.
const MAX_FILES: usize = 500;

/// The files of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFiles {
    /// Name of the first file, `/main.tsx`.
    pub entry: String,
    /// Text by file name.
    pub files: BTreeMap<String, String>,
}

/// The document with the source of a pattern.
#[must_use]
pub fn source_id(space: &str, identity: &str) -> DocRef {
    DocRef {
        space: space.to_owned(),
        id: by_cause(&json!(format!("pattern:{identity}"))).0,
    }
}

/// Reads a program and all its own files; nothing when the space has no source
/// for it, or only a part.
#[must_use]
pub fn source(shelf: &Shelf, space: &str, identity: &str) -> Walk<Option<SourceFiles>> {
    let mut walker = Walker::new(shelf);
    let first = source_id(space, identity);
    let mut files = BTreeMap::new();
    let mut seen = BTreeSet::from([first.clone()]);
    let mut rest = vec![first.clone()];
    let mut entry = None;
    let mut complete = true;
    while let Some(doc) = rest.pop() {
        let found = walker.follow::<&str>(&doc, &[]);
        let Found::Value(at, value) = found else {
            complete &= found == Found::Unknown;
            continue;
        };
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let (Some(name), Some(code)) = (text("filename"), text("code")) else {
            // What is imported from the platform has no text here.
            complete &= doc != first;
            continue;
        };
        if doc == first {
            entry = Some(name.to_owned());
        }
        files.insert(name.to_owned(), code.to_owned());
        for import in imports(&mut walker, value, &at.doc) {
            if seen.len() < MAX_FILES && seen.insert(import.clone()) {
                rest.push(import);
            }
        }
    }
    let program = entry
        .filter(|_| complete)
        .map(|entry| SourceFiles { entry, files });
    walker.end(program)
}

/// Documents that a file's imports lead to.
fn imports<'s>(walker: &mut Walker<'s>, value: &'s Value, home: &DocRef) -> Vec<DocRef> {
    let Found::Value(at, Value::Array(imports)) = walker.member(value, "imports", home) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for import in imports {
        let Found::Value(at, import) = walker.resolve(import, &at.doc) else {
            continue;
        };
        let link = import
            .get("link")
            .and_then(charmkeeper_base::cell::link::Link::from_value);
        if let Some(link) = link {
            found.push(link.target(&at.doc));
        }
    }
    found
}
