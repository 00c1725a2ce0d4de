//! What a test asks for, and what it gets.

use std::collections::BTreeMap;

use charmkeeper_base::cell::DocRef;
use serde_json::{Map, Value};

/// One file of a charm's source.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Such as `/main.tsx`.
    pub name: String,
    /// Its text.
    pub code: String,
    /// What it imports of the other files: the word in the import, and the file.
    pub imports: Vec<(String, String)>,
}

/// One output of a piece.
#[derive(Clone, Debug)]
pub enum Output {
    /// A part of the argument document, of the same name.
    Argument(String),
    /// A cell of the piece's own.
    Internal(String, Value),
    /// A stream, such as `bgUpdater`.
    Stream(String),
}

/// A piece to be made.
#[derive(Clone, Debug)]
pub struct PieceSeed {
    /// Name of its space.
    pub space_name: String,
    /// What it calls itself.
    pub name: String,
    /// Its source; the first file is the program.
    pub files: Vec<SourceFile>,
    /// The value of its argument document.
    pub argument: Value,
    /// What it exports.
    pub outputs: Vec<Output>,
    /// Tags of the favorite; `None` makes no favorite of it.
    pub tags: Option<Vec<String>>,
    /// Its entry in the list of background work, when it has one.
    pub integration: Option<String>,
}

impl PieceSeed {
    /// A favorite of one file whose outputs are the parts of its argument and the
    /// stream `bgUpdater`.
    #[must_use]
    pub fn simple(space_name: &str, name: &str, code: &str, argument: Value) -> Self {
        let parts = argument
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .cloned();
        let mut outputs: Vec<Output> = parts.map(Output::Argument).collect();
        outputs.push(Output::Stream("bgUpdater".to_owned()));
        let file = SourceFile {
            name: "/main.tsx".to_owned(),
            code: code.to_owned(),
            imports: Vec::new(),
        };
        Self {
            space_name: space_name.to_owned(),
            name: name.to_owned(),
            files: vec![file],
            argument,
            outputs,
            tags: Some(vec![name.to_lowercase()]),
            integration: None,
        }
    }
}

/// A piece that was made.
#[derive(Clone, Debug)]
pub struct SeededPiece {
    /// Its result document.
    pub piece: DocRef,
    /// Its argument document.
    pub argument: DocRef,
    /// Names its source documents.
    pub identity: String,
    /// The documents of its own cells and streams, by output.
    pub cells: BTreeMap<String, DocRef>,
    /// Its entry in the list of background work.
    pub registration: Option<DocRef>,
}

/// Everything that was made.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The home space.
    pub home: String,
    /// The document that holds the list of favorites.
    pub favorites: DocRef,
    /// One for each seed, in order.
    pub pieces: Vec<SeededPiece>,
}
