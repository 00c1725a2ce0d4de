//! Documents that walks over pieces find.

use charmkeeper_base::cell::DocRef;
use charmkeeper_space::pieces::Shelf;
use serde_json::Value;

/// These documents, all in one space.
pub(crate) fn shelf(space: &str, documents: impl IntoIterator<Item = (String, Value)>) -> Shelf {
    let at = |id| DocRef {
        space: space.to_owned(),
        id,
    };
    documents
        .into_iter()
        .map(|(id, doc)| (at(id), Some(doc)))
        .collect()
}
