//! A piece of a local space as it will be in another space.
//!
//! In: the documents of one local piece and the space it is to be in. Out: the
//! documents that are created there, those that stay on this computer, and which
//! id became which. The same input gives the same output, so that asking twice
//! creates nothing twice.
//!
//! * The result document keeps its id, which comes from the charm alone. The
//!   argument document, counted cells that are outputs and list elements get the
//!   ids that a client would give them there.
//! * Links to the piece's own documents lead to those in the new space. A link to
//!   a document of another charm still leads to this computer, where nobody else
//!   can follow it, and is reported.
//! * Cells that no output leads to stay on this computer.
//! * So do the markers of streams: the link of the output says that it is one. The
//!   reference's client makes the documents of a piece that only its compiler knows
//!   of (`$UI`, derived values) when it starts a piece whose markers are missing,
//!   and never when it finds them (`instantiateInitialPattern` in
//!   `packages/runner/src/runner.ts` at 0c0261df).
//!
//! Owns no state, does no I/O: whether a document of the new space is there
//! already is seen by whoever writes it.

mod ids;
mod links;

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::document;
use charmkeeper_base::cell::id::internal;
use charmkeeper_base::cell::link::Link;
use serde_json::{Map, Value, json};

use super::piece::{is_stream, stream_link};
use super::source_id;
use ids::Ids;
use links::{Rewriter, own_targets};

/// A piece of a local space.
#[derive(Clone, Debug)]
pub struct LocalPiece<'p> {
    /// Its space.
    pub space: &'p str,
    /// Its result document.
    pub piece: &'p str,
    /// Its argument document.
    pub argument: &'p str,
    /// What it calls itself.
    pub name: &'p str,
    /// All documents of its own, those two included.
    pub documents: BTreeMap<String, Value>,
}

/// Where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'d> {
    /// The space.
    pub space: &'d str,
    /// Identity of its program.
    pub pattern: &'d str,
    /// Names the making of the piece for good.
    pub revision: &'d str,
    /// When the piece was made, in milliseconds since 1970.
    pub made_at: i64,
}

/// What a planner asks about things outside the piece.
pub struct Outside<'o> {
    /// Whether the piece's space has a document of somebody else under this id.
    pub taken: &'o dyn Fn(&str) -> bool,
    /// Whether a text must not leave this computer.
    pub secret: &'o dyn Fn(&str) -> bool,
}

/// Something that others will not see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// A link to a cell of another charm on this computer, below this output or
    /// input.
    Link(String),
    /// A placeholder of an account.
    Secret(String),
}

/// The plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The result document.
    pub piece: String,
    /// The argument document.
    pub argument: String,
    /// Created in the new space, in this order: what a link leads to comes before
    /// the link, as far as links are no circle. The result document is the last.
    pub told: Vec<(String, Value)>,
    /// Kept under the new space's name on this computer alone.
    pub kept: Vec<(String, Value)>,
    /// New id by old id, of every document of the piece.
    pub ids: BTreeMap<String, String>,
    /// What others will not see, each once.
    pub left_out: BTreeSet<LeftOut>,
}

/// Plans.
#[must_use]
pub fn publish(local: &LocalPiece<'_>, to: &Destination<'_>, outside: &Outside<'_>) -> Published {
    let outputs = outputs(local, outside.taken);
    let ids = Ids::new(local, to.space, &outputs, outside.taken);
    let mut rewriter = Rewriter::new(local, to.space, &ids, outside);
    let result = result_document(local, to, &outputs, &ids, &mut rewriter);
    let order = order(local, &outputs);
    let back = redirect(to.space, local.piece, &[]);
    let parts = ids.part_of_piece(local, &outputs);
    let mut told = Vec::with_capacity(order.len());
    for id in &order {
        if id == local.piece || marks_stream(local, id) {
            continue;
        }
        let doc = rewritten(local, id, &mut rewriter);
        let doc = if parts.contains(id) {
            with(doc, "result", back.clone())
        } else {
            doc
        };
        told.push((ids.of(id).to_owned(), doc));
    }
    told.push((local.piece.to_owned(), result));
    // What stays here is no secret to this computer and nothing to report.
    let mut quiet = Rewriter::new(local, to.space, &ids, outside).quiet();
    let stays = |id: &&String| !order.contains(*id) || marks_stream(local, id);
    let rest = local.documents.keys().filter(stays);
    let kept = rest
        .map(|id| (ids.of(id).to_owned(), rewritten(local, id, &mut quiet)))
        .collect();
    let all = local.documents.keys().chain(&order);
    Published {
        piece: local.piece.to_owned(),
        argument: ids.of(local.argument).to_owned(),
        told,
        kept,
        ids: all.map(|id| (id.clone(), ids.of(id).to_owned())).collect(),
        left_out: rewriter.left_out,
    }
}

/// The outputs that are cells of the piece: name and document. One that no run
/// has written yet has no document, and counts.
fn outputs(local: &LocalPiece<'_>, taken: &dyn Fn(&str) -> bool) -> BTreeMap<String, String> {
    let value = local.documents.get(local.piece).and_then(document::value);
    let Some(Value::Object(outputs)) = value else {
        return BTreeMap::new();
    };
    let home = links::at(local.space, local.piece);
    let cell = |(name, value): (&String, &Value)| {
        let link = Link::from_value(value)?;
        let target = link.target(&home);
        let own = link.path.is_empty() && target.space == local.space && target.id != local.piece;
        let own = own && (local.documents.contains_key(&target.id) || !taken(&target.id));
        own.then(|| (name.clone(), target.id))
    };
    outputs.iter().filter_map(cell).collect()
}

/// The documents that are told, what is linked first; the result document last.
fn order(local: &LocalPiece<'_>, outputs: &BTreeMap<String, String>) -> Vec<String> {
    let mut order = Vec::new();
    let mut begun = BTreeSet::new();
    let mut open: Vec<(String, bool)> = vec![(local.piece.to_owned(), false)];
    while let Some((id, ended)) = open.pop() {
        if ended {
            order.push(id);
            continue;
        }
        if !begun.insert(id.clone()) {
            continue;
        }
        let mut next: Vec<String> = own_targets(local, &id).into_iter().collect();
        if id == local.piece {
            next.push(local.argument.to_owned());
            next.extend(outputs.values().cloned());
        }
        open.push((id, true));
        let known = |id: &String| {
            local.documents.contains_key(id) || outputs.values().any(|cell| cell == id)
        };
        open.extend(next.into_iter().filter(known).map(|id| (id, false)));
    }
    order
}

/// Whether a document is nothing but the marker of a stream.
fn marks_stream(local: &LocalPiece<'_>, id: &str) -> bool {
    id != local.piece
        && local
            .documents
            .get(id)
            .and_then(document::value)
            .is_some_and(is_stream)
}

/// A document with its links rewritten; without a value when it has none yet.
fn rewritten(local: &LocalPiece<'_>, id: &str, rewriter: &mut Rewriter<'_>) -> Value {
    let value = local.documents.get(id).and_then(document::value);
    match value {
        Some(value) => json!({ "value": rewriter.value(id, value) }),
        None => Value::Object(Map::new()),
    }
}

fn result_document(
    local: &LocalPiece<'_>,
    to: &Destination<'_>,
    outputs: &BTreeMap<String, String>,
    ids: &Ids,
    rewriter: &mut Rewriter<'_>,
) -> Value {
    let mut doc = rewritten(local, local.piece, rewriter);
    if !doc.get("value").is_some_and(Value::is_object) {
        doc = json!({ "value": {} });
    }
    doc["value"]["$NAME"] = json!(local.name);
    for (name, cell) in outputs {
        if marks_stream(local, cell)
            && let Some(link) = Link::from_value(&doc["value"][name])
        {
            doc["value"][name] = stream_link(link).to_value();
        }
    }
    let manifest: Vec<Value> = outputs
        .iter()
        .filter_map(|(name, cell)| {
            let id = ids.of(cell);
            // A stream is not listed: what is listed counts as made.
            if internal(local.piece, &json!(name)).0 != id || marks_stream(local, cell) {
                return None;
            }
            let link = Link::to(id).redirect().to_value();
            Some(json!({ "partialCause": name, "link": link }))
        })
        .collect();
    let pattern = json!({ "identity": to.pattern, "symbol": "default" });
    let source = absolute(to.space, &source_id(to.space, to.pattern).id, &[]).to_value();
    let argument = Link::to(ids.of(local.argument)).redirect().to_value();
    for (key, value) in [
        ("argument", argument),
        ("internal", Value::Array(manifest)),
        ("patternIdentity", pattern.clone()),
        (
            "pieceSourceHistory",
            json!([{
                "operation": "create", "pattern": pattern, "revisionId": to.revision,
                "source": source, "timestamp": to.made_at,
            }]),
        ),
        ("schema", Value::Bool(true)),
    ] {
        doc = with(doc, key, value);
    }
    doc
}

fn with(mut doc: Value, key: &str, value: Value) -> Value {
    if let Value::Object(members) = &mut doc {
        members.insert(key.to_owned(), value);
    }
    doc
}

/// A link with everything said that may be left out.
fn absolute(space: &str, id: &str, path: &[&str]) -> Link {
    Link {
        scope: Some("space".to_owned()),
        ..Link::to(id).at(path.iter().copied()).within(space)
    }
}

fn redirect(space: &str, id: &str, path: &[&str]) -> Value {
    absolute(space, id, path).redirect().to_value()
}
