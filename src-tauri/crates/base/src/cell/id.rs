//! Entity ids: the names of documents in a space.
//!
//! An id is derived from what caused the document, so that the same cause gives
//! the same document on every machine. The preimages are those of the reference
//! server; recorded ids are in `tests/data/cell-vectors.json`.
//!
//! Owns the derivations. Never checks whether a document exists.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::hash::fid;

/// The id of a document, such as `of:fid1:T7EU7BUSvC9LsGazFBqexYu2xpq7RUIlm9bGRsoz5wQ`.
///
/// Servers accept any string as an id, so this type does not check its form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(pub String);

impl EntityId {
    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id without its `of:`, as piece ids are written. Ids of another
    /// scheme name other entities and are returned unchanged.
    #[must_use]
    pub fn fid(&self) -> &str {
        strip(&self.0)
    }
}

impl std::fmt::Display for EntityId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl From<EntityId> for String {
    fn from(id: EntityId) -> Self {
        id.0
    }
}

fn strip(id: &str) -> &str {
    id.strip_prefix("of:").unwrap_or(id)
}

fn of_preimage(preimage: &Value) -> EntityId {
    EntityId(format!("of:{}", fid(preimage)))
}

/// The document that `cause` names in any space.
#[must_use]
pub fn by_cause(cause: &Value) -> EntityId {
    of_preimage(&json!({ "causal": cause }))
}

/// The result document of the charm instance with this UUID.
#[must_use]
pub fn piece(charm_uuid: &str) -> EntityId {
    by_cause(&json!({ "charm": charm_uuid }))
}

/// A cell that belongs to a piece. `piece` is the id of its result document,
/// with or without `of:`; `partial_cause` tells the piece's cells apart.
#[must_use]
pub fn internal(piece: &str, partial_cause: &Value) -> EntityId {
    by_cause(&json!({
        "parent": { "/": strip(piece) },
        "type": "internal",
        "cause": partial_cause,
    }))
}

/// The argument document of a piece in `space`. `piece` is the id of its result
/// document, with or without `of:`.
#[must_use]
pub fn argument_of(piece: &str, space: &str) -> EntityId {
    let id = if piece.starts_with("fid1:") {
        format!("of:{piece}")
    } else {
        piece.to_owned()
    };
    let parent = json!({ "/": { "link@1": {
        "id": id, "path": [], "space": space, "scope": "space",
    } } });
    by_cause(&json!({ "type": "argument", "parent": parent }))
}

/// The document of one element of a keyed list: the list is the array at `path`
/// (below the document's value) of document `list` in `space`.
#[must_use]
pub fn keyed_element(list: &str, space: &str, path: &[String], key: &str) -> EntityId {
    of_preimage(&json!({
        "id": key,
        "causal": { "parent": { "id": list, "space": space }, "path": path },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/data/cell-vectors.json")).unwrap()
    }

    fn recorded(label: &str) -> String {
        let vectors = vectors();
        let rows = vectors["entityIds"].as_array().unwrap();
        let row = rows.iter().find(|r| r["label"] == label).unwrap();
        row["id"].as_str().unwrap().to_owned()
    }

    #[test]
    fn every_recorded_id_without_a_source_follows_from_its_cause() {
        let vectors = vectors();
        let mut checked = 0;
        for row in vectors["entityIds"].as_array().unwrap() {
            if row["source"] == json!({}) {
                assert_eq!(by_cause(&row["cause"]).0, row["id"], "{}", row["label"]);
                checked += 1;
            }
        }
        assert_eq!(checked, 13);
    }

    #[test]
    fn internal_cells_are_named_by_their_piece_with_or_without_scheme() {
        let root = by_cause(&json!("home-pattern"));
        let expected = recorded("internal cell favorites of home root");
        assert_eq!(internal(root.as_str(), &json!("favorites")).0, expected);
        assert_eq!(internal(root.fid(), &json!("favorites")).0, expected);
        assert_eq!(
            internal(
                "fid1:81uPP58GI_o7ALCJAk5VAv0jCZ5pBPu3DC_-ld6BH6E",
                &json!({ "stream": ["__patternResult", "bgUpdater"] }),
            )
            .0,
            recorded("bgUpdater stream doc of a piece"),
        );
    }

    #[test]
    fn the_argument_document_is_the_one_the_server_recorded() {
        let id = argument_of(
            "fid1:81uPP58GI_o7ALCJAk5VAv0jCZ5pBPu3DC_-ld6BH6E",
            "did:key:z6MkvhjgoL5mvm4xCvc5BG8yrzXyjUxnWgX14EQhAyeJiYZv",
        );
        assert_eq!(id.0, "of:fid1:SqXHv_lvIsKYG3md7zpz0myNd33A6zP4CQociuBLRDI");
    }

    #[test]
    fn a_list_element_is_named_by_list_path_and_key() {
        let vectors = vectors();
        let rows = vectors["entityIds"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|r| r["label"] == "favorite entry (elementById)")
            .unwrap();
        let parent = &row["cause"]["parent"];
        let id = keyed_element(
            parent["id"].as_str().unwrap(),
            parent["space"].as_str().unwrap(),
            &[],
            row["source"]["id"].as_str().unwrap(),
        );
        assert_eq!(id.0, row["id"]);
    }
}
