//! The plan for a charm's documents as they are now.
//!
//! Reads the store, writes nothing. Asked twice, it gives the same for the same
//! documents, so the second plan shows what changed since the first.

use std::collections::BTreeMap;

use charmkeeper_base::cell::{DocRef, Link, document};
use charmkeeper_space::pieces::publish::{
    Destination, LeftOut, LocalPiece, Outside, Published, publish,
};
use charmkeeper_space::pieces::{is_stream, says_stream};
use charmkeeper_store::{Charm, Store, StoreError};
use serde_json::Value;

/// A charm's documents and what they are in the other space.
pub(super) struct Planned {
    /// Every document that it owns in its local space, with its version.
    pub(super) seen: Vec<(DocRef, u64)>,
    pub(super) published: Published,
}

/// Plans. `accounts` are the ids whose placeholders stay here.
pub(super) fn plan(
    store: &Store,
    charm: &Charm,
    space: &str,
    pattern: &str,
    accounts: &[String],
) -> Result<Planned, StoreError> {
    let owned = store.owned_documents(&charm.id)?;
    let own: Vec<DocRef> = owned
        .into_iter()
        .map(|owned| owned.target)
        .filter(|target| target.space == charm.space)
        .collect();
    let mut seen = Vec::with_capacity(own.len());
    let mut documents = BTreeMap::new();
    for snapshot in store.documents(&own)? {
        let target = DocRef {
            space: snapshot.space,
            id: snapshot.id.clone(),
        };
        seen.push((target, snapshot.version));
        documents.extend(snapshot.doc.map(|doc| (snapshot.id, doc)));
    }
    let placeholders: Vec<String> = accounts.iter().map(|id| format!("kc:{id}")).collect();
    let taken = |id: &str| {
        let target = DocRef {
            space: charm.space.clone(),
            id: id.to_owned(),
        };
        let found = store.documents(&[target]).ok();
        found.is_some_and(|found| found.iter().any(|snapshot| snapshot.doc.is_some()))
    };
    let secret = |text: &str| placeholders.iter().any(|known| text.contains(known));
    let local = LocalPiece {
        space: &charm.space,
        piece: &charm.piece,
        argument: &charm.argument,
        name: &charm.name,
        documents,
    };
    let to = Destination {
        space,
        pattern,
        revision: &charm.id,
        made_at: charm.created_at.0,
    };
    let outside = Outside {
        taken: &taken,
        secret: &secret,
    };
    let published = publish(&local, &to, &outside);
    Ok(Planned { seen, published })
}

/// What the person should know of a plan, a sentence each.
pub(super) fn warnings(published: &Published) -> Vec<String> {
    let mut all: Vec<String> = published
        .left_out
        .iter()
        .map(|left| match left {
            LeftOut::Link(name) => format!(
                "\"{name}\" leads to a charm that is only on this computer: others cannot follow it."
            ),
            LeftOut::Secret(name) => {
                format!("\"{name}\" holds the sign-in of an account, which was left out.")
            }
        })
        .collect();
    // The argument and the result are always there.
    if !exports(published) {
        all.push(
            "It has no outputs that are cells, so others see what it is but nothing it holds."
                .to_owned(),
        );
    }
    let cell = |(_, doc): &&(String, Value)| !document::value(doc).is_some_and(is_stream);
    match published.kept.iter().filter(cell).count() {
        0 => {}
        1 => all.push("1 cell that it does not show stays on this computer.".to_owned()),
        n => all.push(format!(
            "{n} cells that it does not show stay on this computer."
        )),
    }
    all
}

/// Whether any output is a cell, as opposed to a stream.
fn exports(published: &Published) -> bool {
    let piece = published.told.iter().find(|(id, _)| *id == published.piece);
    let Some(Value::Object(outputs)) = piece.and_then(|(_, doc)| document::value(doc)) else {
        return false;
    };
    let mut links = outputs.values().filter_map(Link::from_value);
    links.any(|link| !says_stream(&link))
}
