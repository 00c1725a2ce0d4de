//! Reading cells for people: follows links from a charm's result document.
//!
//! Owns the walk and its limits. Never writes, never runs a charm: derived
//! outputs, which are not stored, are not there.

use std::collections::{BTreeSet, HashMap};

use charmkeeper_base::cell::link::{Link, is_link};
use charmkeeper_base::cell::{DocRef, document};
use charmkeeper_store::{Store, StoreError};
use serde_json::{Map, Value};

/// Links that one path may take before it counts as a circle.
const MAX_HOPS: usize = 64;
/// How deep the answer may be nested.
const MAX_DEPTH: usize = 64;

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) doc: DocRef,
    pub(crate) path: Vec<String>,
}

/// A walk over documents, each read once.
pub(crate) struct Reader<'s> {
    store: &'s Store,
    docs: HashMap<DocRef, Option<Value>>,
}

impl<'s> Reader<'s> {
    pub(crate) fn new(store: &'s Store) -> Self {
        Self {
            store,
            docs: HashMap::new(),
        }
    }

    /// What `path` below the document means, with every link followed.
    pub(crate) fn show(&mut self, doc: &DocRef, path: &[String]) -> Result<Value, StoreError> {
        let place = Place {
            doc: doc.clone(),
            path: path.to_vec(),
        };
        match self.follow(place)? {
            Some((place, value)) => self.expand(&value, &place.doc, &mut BTreeSet::new(), 0),
            None => Ok(Value::Null),
        }
    }

    /// The place that `path` below the document leads to, with its value there.
    /// Nothing when it leads nowhere or in a circle.
    pub(crate) fn follow(
        &mut self,
        mut place: Place,
    ) -> Result<Option<(Place, Value)>, StoreError> {
        for _ in 0..MAX_HOPS {
            let Some(doc) = self.doc(&place.doc)? else {
                return Ok(None);
            };
            let Some(mut here) = document::value(&doc).cloned() else {
                return Ok(None);
            };
            let mut taken = 0;
            while taken < place.path.len() && !is_link(&here) {
                let Some(next) = child(&here, &place.path[taken]) else {
                    return Ok(None);
                };
                here = next;
                taken += 1;
            }
            let Some(link) = Link::from_value(&here) else {
                return Ok(Some((place, here)));
            };
            let mut path = link.path.clone();
            path.extend(place.path.drain(taken..));
            place = Place {
                doc: link.target(&place.doc),
                path,
            };
        }
        Ok(None)
    }

    fn expand(
        &mut self,
        value: &Value,
        home: &DocRef,
        above: &mut BTreeSet<(DocRef, Vec<String>)>,
        depth: usize,
    ) -> Result<Value, StoreError> {
        if depth > MAX_DEPTH {
            return Ok(Value::Null);
        }
        if let Some(link) = Link::from_value(value) {
            let key = (link.target(home), link.path);
            if !above.insert(key.clone()) {
                // A circle: show the link itself.
                return Ok(value.clone());
            }
            let target = Place {
                doc: key.0.clone(),
                path: key.1.clone(),
            };
            let shown = match self.follow(target)? {
                Some((place, found)) => self.expand(&found, &place.doc, above, depth + 1)?,
                None => Value::Null,
            };
            above.remove(&key);
            return Ok(shown);
        }
        match value {
            Value::Array(items) => {
                self.load_ahead(items, home)?;
                let items: Result<_, _> = items
                    .iter()
                    .map(|v| self.expand(v, home, above, depth + 1))
                    .collect();
                Ok(Value::Array(items?))
            }
            Value::Object(members) => {
                let mut shown = Map::new();
                for (name, member) in members {
                    shown.insert(name.clone(), self.expand(member, home, above, depth + 1)?);
                }
                Ok(Value::Object(shown))
            }
            other => Ok(other.clone()),
        }
    }

    /// Reads the documents that a list links to in one go.
    fn load_ahead(&mut self, items: &[Value], home: &DocRef) -> Result<(), StoreError> {
        let wanted: Vec<DocRef> = items
            .iter()
            .filter_map(Link::from_value)
            .map(|link| link.target(home))
            .filter(|doc| !self.docs.contains_key(doc))
            .collect();
        for snapshot in self.store.documents(&wanted)? {
            let key = DocRef {
                space: snapshot.space,
                id: snapshot.id,
            };
            self.docs.insert(key, snapshot.doc);
        }
        Ok(())
    }

    fn doc(&mut self, doc: &DocRef) -> Result<Option<Value>, StoreError> {
        if let Some(known) = self.docs.get(doc) {
            return Ok(known.clone());
        }
        let found = self
            .store
            .documents(std::slice::from_ref(doc))?
            .pop()
            .and_then(|s| s.doc);
        self.docs.insert(doc.clone(), found.clone());
        Ok(found)
    }
}

fn child(value: &Value, step: &str) -> Option<Value> {
    match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?).cloned(),
        Value::Object(members) => members.get(step).cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_base::UnixMs;
    use charmkeeper_base::cell::Change;
    use charmkeeper_store::{Space, SpaceKind, Writer};
    use serde_json::json;

    const SPACE: &str = "did:key:zTest";

    fn doc(id: &str) -> DocRef {
        DocRef {
            space: SPACE.into(),
            id: id.into(),
        }
    }

    fn store_with(docs: &[(&str, Value)]) -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("db"), UnixMs(0))
            .unwrap()
            .store;
        let space = Space {
            did: SPACE.into(),
            name: "t".into(),
            kind: SpaceKind::Local,
            created_at: UnixMs(0),
        };
        store.add_space(&space).unwrap();
        let changes: Vec<_> = docs
            .iter()
            .map(|(id, v)| Change::create(doc(id), None, v.clone()))
            .collect();
        store
            .write_documents(&Writer::Keeper { owner: None }, &changes)
            .unwrap();
        (dir, store)
    }

    fn link(id: &str, path: &[&str]) -> Value {
        Link::to(id).at(path.iter().copied()).to_value()
    }

    #[test]
    fn links_are_followed_at_every_step_and_at_the_leaf() {
        let (_dir, store) = store_with(&[
            (
                "of:piece",
                json!({"value": {"emails": link("of:arg", &["emails"])}}),
            ),
            (
                "of:arg",
                json!({"value": {"emails": [link("of:e1", &[]), {"id": "inline"}]}}),
            ),
            ("of:e1", json!({"value": {"id": "1", "subject": "hi"}})),
        ]);
        let mut reader = Reader::new(&store);
        let all = reader.show(&doc("of:piece"), &[]).unwrap();
        assert_eq!(
            all,
            json!({"emails": [{"id": "1", "subject": "hi"}, {"id": "inline"}]})
        );
        let path = ["emails".to_owned(), "0".to_owned(), "subject".to_owned()];
        assert_eq!(reader.show(&doc("of:piece"), &path).unwrap(), json!("hi"));
        let (place, _) = reader
            .follow(Place {
                doc: doc("of:piece"),
                path: path.to_vec(),
            })
            .unwrap()
            .unwrap();
        assert_eq!(
            place,
            Place {
                doc: doc("of:e1"),
                path: vec!["subject".into()]
            }
        );
    }

    #[test]
    fn circles_and_missing_documents_end() {
        let (_dir, store) = store_with(&[
            (
                "of:a",
                json!({"value": {"b": link("of:b", &[]), "gone": link("of:none", &[])}}),
            ),
            ("of:b", json!({"value": {"a": link("of:a", &[])}})),
            ("of:loop", json!({"value": link("of:loop", &[])})),
        ]);
        let mut reader = Reader::new(&store);
        let shown = reader.show(&doc("of:a"), &[]).unwrap();
        assert_eq!(shown["gone"], Value::Null);
        assert!(shown["b"]["a"]["b"].is_object());
        assert_eq!(reader.show(&doc("of:loop"), &[]).unwrap(), Value::Null);
        assert_eq!(
            reader.show(&doc("of:a"), &["x".into()]).unwrap(),
            Value::Null
        );
    }
}
