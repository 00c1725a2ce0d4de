//! Which id each document of a piece has in the new space.
//!
//! A client that finds the piece there computes the same ids: the argument's and a
//! list element's come from the space, and a cell that is an output is called like
//! the output. Ids that come from nothing but the charm stay.

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::document;
use charmkeeper_base::cell::id::{argument_of, internal, keyed_element};
use charmkeeper_base::cell::link::{Link, is_leaf};
use serde_json::{Value, json};

use super::LocalPiece;
use super::links::at;

/// Cells that a pattern's body makes without a name are counted; more than this
/// are not looked for.
const MAX_COUNTED: usize = 256;
/// The second element of one key has `:2` behind it, and so on.
const MAX_SAME_KEY: usize = 9;
/// Lists within elements of lists.
const MAX_NESTING: usize = 64;

/// The list that an element is in, and the key it has there.
struct Element {
    list: String,
    path: Vec<String>,
    key: String,
}

/// New ids by old ones; what is not in here stays.
pub(super) struct Ids(BTreeMap<String, String>);

impl Ids {
    pub(super) fn new(
        local: &LocalPiece<'_>,
        space: &str,
        outputs: &BTreeMap<String, String>,
        taken: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut ids = BTreeMap::new();
        let argument = argument_of(local.piece, space).0;
        ids.insert(local.argument.to_owned(), argument);
        named_outputs(local, outputs, taken, &mut ids);
        let elements = elements(local);
        for id in elements.keys() {
            if let Some(new) = of_element(space, id, &elements, &ids) {
                ids.insert(id.clone(), new);
            }
        }
        // Two documents under one id would lose one of them.
        let mut used = BTreeSet::new();
        let stays = |id: &String| !ids.contains_key(id);
        used.extend(local.documents.keys().filter(|id| stays(id)).cloned());
        ids.retain(|_, new| used.insert(new.clone()));
        Self(ids)
    }

    pub(super) fn of<'i>(&'i self, id: &'i str) -> &'i str {
        self.0.get(id).map_or(id, String::as_str)
    }

    /// The documents that the piece itself consists of, as opposed to elements.
    pub(super) fn part_of_piece(
        &self,
        local: &LocalPiece<'_>,
        outputs: &BTreeMap<String, String>,
    ) -> BTreeSet<String> {
        let cells = outputs.values().cloned();
        cells.chain([local.argument.to_owned()]).collect()
    }
}

/// Counted cells that are outputs get the name of the output, which is what the
/// reference calls a cell that a variable of that name holds.
fn named_outputs(
    local: &LocalPiece<'_>,
    outputs: &BTreeMap<String, String>,
    taken: &dyn Fn(&str) -> bool,
    ids: &mut BTreeMap<String, String>,
) {
    let counted: BTreeSet<String> = (0..MAX_COUNTED)
        .map(|n| internal(local.piece, &json!(n)).0)
        .collect();
    for (name, cell) in outputs {
        let new = internal(local.piece, &json!(name)).0;
        let free = !local.documents.contains_key(&new) && !taken(&new);
        if counted.contains(cell) && free && !ids.contains_key(cell) {
            ids.insert(cell.clone(), new);
        }
    }
}

/// The documents whose ids come from a list that they are in.
fn elements(local: &LocalPiece<'_>) -> BTreeMap<String, Element> {
    let mut found: BTreeMap<String, Element> = BTreeMap::new();
    for (list, doc) in &local.documents {
        let mut rest: Vec<(Vec<String>, &Value)> = document::value(doc)
            .map(|value| (Vec::new(), value))
            .into_iter()
            .collect();
        while let Some((path, value)) = rest.pop() {
            let below = |step: String| {
                let mut below = path.clone();
                below.push(step);
                below
            };
            match value {
                Value::Array(items) => {
                    for (n, item) in items.iter().enumerate() {
                        if let Some(id) = linked(local, list, item) {
                            if let Some(key) = key_of(local, list, &path, &id)
                                && !found.contains_key(&id)
                            {
                                let (list, path) = (list.clone(), path.clone());
                                found.insert(id, Element { list, path, key });
                            }
                        } else {
                            rest.push((below(n.to_string()), item));
                        }
                    }
                }
                Value::Object(members) if !is_leaf(value) => {
                    rest.extend(members.iter().map(|(k, v)| (below(k.clone()), v)));
                }
                _ => {}
            }
        }
    }
    found
}

/// The document of the piece that an item of a list is a link to.
fn linked(local: &LocalPiece<'_>, list: &str, item: &Value) -> Option<String> {
    let link = Link::from_value(item).filter(|link| link.path.is_empty())?;
    let target = link.target(&at(local.space, list));
    let own = target.space == local.space && local.documents.contains_key(&target.id);
    (own && target.id != list).then_some(target.id)
}

/// The key from which the id of an element of this list was made.
fn key_of(local: &LocalPiece<'_>, list: &str, path: &[String], id: &str) -> Option<String> {
    let value = local.documents.get(id).and_then(document::value)?;
    let name = value.get("id").and_then(Value::as_str)?;
    let again = (2..=MAX_SAME_KEY).map(|n| format!("{name}:{n}"));
    let mut keys = std::iter::once(name.to_owned()).chain(again);
    keys.find(|key| keyed_element(list, local.space, path, key).0 == id)
}

/// The new id of an element: its list may be in an element itself.
fn of_element(
    space: &str,
    id: &str,
    elements: &BTreeMap<String, Element>,
    ids: &BTreeMap<String, String>,
) -> Option<String> {
    let mut way = Vec::new();
    let mut here = id;
    while let Some(element) = elements.get(here) {
        if way.len() == MAX_NESTING {
            return None;
        }
        way.push(element);
        here = &element.list;
    }
    let mut list = ids.get(here).map_or(here, String::as_str).to_owned();
    for element in way.iter().rev() {
        list = keyed_element(&list, space, &element.path, &element.key).0;
    }
    Some(list)
}
