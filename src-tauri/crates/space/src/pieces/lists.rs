//! The lists in which others look: a space's list of pieces and a person's list of
//! favorites, and the documents that hold them in a space where nobody made any.
//!
//! In: the documents as they are. Out: the documents with one link more. An entry
//! that is there already is not added again.
//!
//! A root that is made here has a small program of ours (`patterns/roots`), whose
//! source goes with it: the reference's client starts the root of a space before
//! anything else in it, and opens no space whose root it cannot load. Its
//! `patternSource` is the one that a browser brings such a root up to date with
//! when it opens the space. The lists have the ids which both programs give them, so
//! they stay.

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::id::{argument_of, by_cause, internal, keyed_element};
use charmkeeper_base::cell::link::Link;
use charmkeeper_base::cell::{DocRef, pointer};
use serde_json::{Value, json};

use super::modules::{Module, SourceDocuments, source_documents};
use super::{Place, home_cell};

/// Whose root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKind {
    /// A person's home space.
    Home,
    /// Any other space.
    Space,
}

/// The documents of a new root.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// Its list: of favorites, or of pieces.
    pub list: Place,
    /// The root's source, its parts, and the root itself as the last; to be created where they are not there.
    pub documents: Vec<(String, Value)>,
    /// Where the space says which root it has.
    pub cell: DocRef,
    /// What it says.
    pub link: Value,
}

/// One entry of the list of a piece's own documents.
fn part(cause: &Value, id: &str) -> Value {
    json!({ "partialCause": cause, "link": Link::to(id).redirect().to_value() })
}

/// The programs of roots; each is one file and imports the charm API alone.
const HOME: &str = include_str!("../../../../../patterns/roots/home.tsx");
const SPACE: &str = include_str!("../../../../../patterns/roots/space.tsx");

fn program(space: &str, path: &str, code: &str) -> SourceDocuments {
    let module = Module {
        code: code.to_owned(),
        imports: BTreeSet::from(["commonfabric".to_owned()]),
    };
    let files = BTreeMap::from([(path.to_owned(), module)]);
    source_documents(space, path, &files).unwrap_or_default()
}

/// Plans the root of a space that has none.
#[must_use]
pub fn new_root(space: &str, kind: RootKind) -> Root {
    let (cause, name, streams, kept_by, path, code) = match kind {
        RootKind::Home => (
            "home-pattern",
            "favorites",
            ["addFavorite", "removeFavorite"],
            "system:system/home.tsx",
            "/charmkeeper-home.tsx",
            HOME,
        ),
        RootKind::Space => (
            "space-root",
            "pieceRegistry",
            ["addPiece", "removePiece"],
            "system:system/default-app.tsx",
            "/charmkeeper-space.tsx",
            SPACE,
        ),
    };
    let program = program(space, path, code);
    let root = by_cause(&json!(cause)).0;
    let list = internal(&root, &json!(name)).0;
    let own = |id: &str| {
        let link = Link {
            scope: Some("space".to_owned()),
            ..Link::to(id).within(space)
        };
        link.redirect().to_value()
    };
    let argument = argument_of(&root, space).0;
    let mut documents: Vec<(String, Value)> = program.documents.into_iter().collect();
    let mut value = json!({ name: own(&list) });
    let mut manifest = vec![part(&json!(name), &list)];
    for stream in streams {
        let cause = json!({ "stream": ["__patternResult", stream] });
        let id = internal(&root, &cause).0;
        value[stream] = own(&id);
        manifest.push(part(&cause, &id));
        let marker = json!({ "value": { "$stream": true }, "result": own(&root) });
        documents.push((id, marker));
    }
    documents.extend([
        (list.clone(), json!({ "value": [], "result": own(&root) })),
        (
            argument.clone(),
            json!({ "value": {}, "result": own(&root) }),
        ),
        (
            root.clone(),
            json!({
                "value": value,
                "argument": Link::to(argument).redirect().to_value(),
                "internal": manifest,
                "patternIdentity": { "identity": program.identity, "symbol": "default" },
                "patternSource": kept_by,
                "schema": true,
            }),
        ),
    ]);
    Root {
        list: Place {
            doc: DocRef {
                space: space.to_owned(),
                id: list,
            },
            path: Vec::new(),
        },
        documents,
        cell: home_cell(space),
        link: Link::to(root).to_value(),
    }
}

/// The space's own cell with a root; nothing when it has one.
#[must_use]
pub fn with_root(cell: Option<&Value>, root: &Root) -> Option<Value> {
    let mut doc = cell.cloned().unwrap_or_else(|| json!({ "value": {} }));
    if !doc.get("value").is_some_and(Value::is_object) {
        doc["value"] = json!({});
    }
    let value = &mut doc["value"];
    let known = value.get("defaultPattern").filter(|link| !link.is_null());
    if known.is_some() {
        return None;
    }
    value["defaultPattern"] = root.link.clone();
    Some(doc)
}

/// A document with a link to `id` of the same space at the end of the list at
/// `path`; nothing when it is in the list, or no list is there.
#[must_use]
pub fn with_link(doc: &Value, at: &Place, id: &str) -> Option<Value> {
    let mut doc = doc.clone();
    let mut steps = vec!["value".to_owned()];
    steps.extend(at.path.iter().cloned());
    let Value::Array(items) = doc.pointer_mut(&pointer::join(&steps))? else {
        return None;
    };
    let leads_there = |item: &Value| {
        Link::from_value(item).is_some_and(|link| {
            let target = link.target(&at.doc);
            link.path.is_empty() && target.space == at.doc.space && target.id == id
        })
    };
    if items.iter().any(leads_there) {
        return None;
    }
    items.push(Link::to(id).to_value());
    Some(doc)
}

/// The entry of a piece in the list of favorites: its document, and its value.
#[must_use]
pub fn favorite_entry(
    list: &Place,
    piece: &DocRef,
    space_name: Option<&str>,
    tags: &[String],
) -> (String, Value) {
    let key = json!([piece.space, piece.id, []]).to_string();
    let id = keyed_element(&list.doc.id, &list.doc.space, &list.path, &key).0;
    let cell = Link::to(&piece.id).within(&piece.space).to_value();
    let mut value = json!({ "cell": cell, "id": key, "tags": tags, "userTags": [] });
    if let Some(name) = space_name {
        value["spaceName"] = json!(name);
    }
    (id, value)
}
