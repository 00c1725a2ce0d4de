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

/// What is at the last place of a path that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum There {
    /// Members with these names.
    Names(String, Vec<String>),
    /// A list of this length.
    List(String, usize),
    /// A value that has no parts, or none at all.
    Leaf(String),
}

impl There {
    /// What there is, in one sentence.
    pub(crate) fn sentence(&self, most: usize) -> String {
        match self {
            Self::Names(above, names) if names.is_empty() && above.is_empty() => {
                "It has no outputs.".to_owned()
            }
            Self::Names(above, names) => {
                let shown: Vec<_> = names.iter().take(most).map(String::as_str).collect();
                let more = if names.len() > most { ", and more" } else { "" };
                let what = if above.is_empty() {
                    "Its outputs are".to_owned()
                } else {
                    format!("\"{above}\" has")
                };
                format!("{what} {}{more}.", shown.join(", "))
            }
            Self::List(above, 0) => format!("\"{above}\" is an empty list."),
            Self::List(above, length) => {
                format!(
                    "\"{above}\" is a list; use a number from 0 to {}.",
                    length - 1
                )
            }
            Self::Leaf(above) if above.is_empty() => "It has no outputs.".to_owned(),
            Self::Leaf(above) => format!("\"{above}\" has no parts."),
        }
    }
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

    /// Where `path` below the document leads nowhere: what there is instead at
    /// the last place that exists. Nothing when the path is there. An output
    /// without a value yet counts as there.
    pub(crate) fn missing(
        &mut self,
        doc: &DocRef,
        path: &[String],
    ) -> Result<Option<There>, StoreError> {
        for taken in 0..path.len() {
            let place = Place {
                doc: doc.clone(),
                path: path[..taken].to_vec(),
            };
            let here = self.follow(place)?.map(|(_, value)| value);
            let above = path[..taken].join("/");
            let there = match here {
                Some(Value::Object(members)) if !members.contains_key(&path[taken]) => {
                    There::Names(above, members.keys().cloned().collect())
                }
                Some(Value::Array(items))
                    if path[taken].parse().is_ok_and(|n: usize| n < items.len()) =>
                {
                    continue;
                }
                Some(Value::Object(_)) => continue,
                Some(Value::Array(items)) => There::List(above, items.len()),
                Some(_) | None => There::Leaf(above),
            };
            return Ok(Some(there));
        }
        Ok(None)
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
    fn a_path_that_leads_nowhere_says_what_there_is() {
        let (_dir, store) = store_with(&[
            (
                "of:piece",
                json!({"value": {"emails": link("of:arg", &["emails"]), "none": link("of:x", &[])}}),
            ),
            ("of:arg", json!({"value": {"emails": [link("of:e1", &[])]}})),
            ("of:e1", json!({"value": {"id": "1", "from": null}})),
        ]);
        let mut reader = Reader::new(&store);
        let mut missing = |path: &str| {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            let there = reader.missing(&doc("of:piece"), &path).unwrap();
            there.map(|t| t.sentence(30))
        };
        for there in ["emails", "none", "emails/0", "emails/0/id", "emails/0/from"] {
            assert_eq!(missing(there), None, "{there}");
        }
        let says = |text: &str| Some(text.to_owned());
        assert_eq!(missing("typo"), says("Its outputs are emails, none."));
        assert_eq!(
            missing("emails/7"),
            says("\"emails\" is a list; use a number from 0 to 0.")
        );
        assert_eq!(missing("emails/0/x"), says("\"emails/0\" has id, from."));
        assert_eq!(
            missing("emails/0/id/x"),
            says("\"emails/0/id\" has no parts.")
        );
        assert_eq!(missing("none/x"), says("\"none\" has no parts."));
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
