//! One piece: a result document with its argument, its outputs and its pattern.

use std::collections::BTreeMap;

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::link::Link;
use serde_json::{Value, json};

use super::walk::{Found, Place, Shelf, Walk, Walker, target};

/// Which program a piece is an instance of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternRef {
    /// Names the source document, `pattern:<identity>`.
    pub identity: String,
    /// The export, most often `default`.
    pub symbol: String,
}

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its result document.
    pub doc: DocRef,
    /// What it calls itself, where that is stored.
    pub name: Option<String>,
    /// Its argument document.
    pub argument: Option<DocRef>,
    /// Its program.
    pub pattern: Option<PatternRef>,
    /// Outputs that are streams.
    pub streams: Vec<String>,
    /// Where each output leads that is a link: what a handler's cell of that name
    /// must be, so that the browser sees what it writes.
    pub outputs: BTreeMap<String, Place>,
}

impl Piece {
    /// Whether it can work in the background.
    #[must_use]
    pub fn background(&self) -> bool {
        self.streams.iter().any(|name| name == "bgUpdater")
    }
}

/// Reads a piece; nothing when its document is not there or is no piece.
#[must_use]
pub fn piece(shelf: &Shelf, doc: &DocRef) -> Walk<Option<Piece>> {
    let mut walker = Walker::new(shelf);
    let Some(whole) = walker.document(doc) else {
        return walker.end(None);
    };
    let Some(Value::Object(outputs)) = whole.get("value") else {
        return walker.end(None);
    };
    let mut piece = Piece {
        doc: doc.clone(),
        name: None,
        argument: whole
            .get("argument")
            .and_then(Link::from_value)
            .map(|link| target(&link, doc).doc),
        pattern: pattern(whole),
        streams: Vec::new(),
        outputs: BTreeMap::new(),
    };
    if let Some(argument) = &piece.argument {
        walker.document(argument);
    }
    for (name, output) in outputs {
        match name.as_str() {
            "$NAME" => {
                let found = walker.resolve(output, doc);
                piece.name = found.value().and_then(Value::as_str).map(str::to_owned);
            }
            "$UI" | "$TILE_UI" => {}
            _ => {
                let Some(link) = Link::from_value(output) else {
                    continue;
                };
                let found = walker.resolve(output, doc);
                if found.value().is_some_and(is_stream) || says_stream(&link) {
                    piece.streams.push(name.clone());
                }
                let place = match found {
                    Found::Value(place, _) => place,
                    _ => target(&link, doc),
                };
                piece.outputs.insert(name.clone(), place);
            }
        }
    }
    walker.end(Some(piece))
}

fn pattern(doc: &Value) -> Option<PatternRef> {
    let pattern = doc.get("patternIdentity")?;
    let text = |key| pattern.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(PatternRef {
        identity: text("identity")?,
        symbol: text("symbol").unwrap_or_else(|| "default".to_owned()),
    })
}

/// Whether a value is the marker of a stream.
#[must_use]
pub fn is_stream(value: &Value) -> bool {
    value.get("$stream").and_then(Value::as_bool) == Some(true)
}

/// The link with the word that it leads to a stream, which holds also while the
/// stream's own document is not there.
pub(super) fn stream_link(link: Link) -> Link {
    Link {
        schema: Some(json!({ "asCell": ["stream"] })),
        ..link
    }
}

/// Whether the schema written into a link makes a stream of what it leads to.
#[must_use]
pub fn says_stream(link: &Link) -> bool {
    let kinds = link.schema.as_ref().and_then(|schema| schema.get("asCell"));
    kinds
        .and_then(Value::as_array)
        .is_some_and(|kinds| kinds.iter().any(|kind| kind == "stream"))
}
