//! Following links over documents that may not be at hand yet.

use std::collections::{BTreeSet, HashMap};

use charmkeeper_base::cell::link::Link;
use charmkeeper_base::cell::{DocRef, document};
use serde_json::Value;

/// Links that one path may take before it counts as a circle.
const MAX_HOPS: usize = 64;

/// Documents at hand; nothing stands for a document that is not there.
pub type Shelf = HashMap<DocRef, Option<Value>>;

/// An answer, or what it takes to find it.
#[derive(Clone, Debug, PartialEq)]
pub enum Walk<T> {
    /// The whole answer.
    Done(T),
    /// Get these documents and ask again.
    Needs(BTreeSet<DocRef>),
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The document.
    pub doc: DocRef,
    /// Steps below its value.
    pub path: Vec<String>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'s> {
    /// This value, which is no link, at this place.
    Value(Place, &'s Value),
    /// Nothing, or a circle.
    Nothing,
    /// A document on the way is not at hand; it is noted.
    Unknown,
}

impl<'s> Found<'s> {
    /// The value, where there is one.
    #[must_use]
    pub fn value(&self) -> Option<&'s Value> {
        match self {
            Self::Value(_, value) => Some(value),
            _ => None,
        }
    }
}

/// A walk over a shelf that notes what is missing.
#[derive(Debug)]
pub struct Walker<'s> {
    shelf: &'s Shelf,
    needs: BTreeSet<DocRef>,
}

impl<'s> Walker<'s> {
    /// A walk that has not begun.
    #[must_use]
    pub fn new(shelf: &'s Shelf) -> Self {
        Self {
            shelf,
            needs: BTreeSet::new(),
        }
    }

    /// The answer, unless something was missing on the way to it.
    #[must_use]
    pub fn end<T>(self, answer: T) -> Walk<T> {
        if self.needs.is_empty() {
            Walk::Done(answer)
        } else {
            Walk::Needs(self.needs)
        }
    }

    /// A whole document; `None` when it is not there or not at hand.
    pub fn document(&mut self, doc: &DocRef) -> Option<&'s Value> {
        match self.shelf.get(doc) {
            Some(found) => found.as_ref(),
            None => {
                self.needs.insert(doc.clone());
                None
            }
        }
    }

    /// What the steps below a document's value lead to.
    pub fn follow<S: AsRef<str>>(&mut self, doc: &DocRef, path: &[S]) -> Found<'s> {
        let path = path.iter().map(|step| step.as_ref().to_owned()).collect();
        self.follow_place(Place {
            doc: doc.clone(),
            path,
        })
    }

    /// What a value that stands in `home` is, with a link followed.
    pub fn resolve(&mut self, value: &'s Value, home: &DocRef) -> Found<'s> {
        match Link::from_value(value) {
            Some(link) => self.follow_place(target(&link, home)),
            None => Found::Value(
                Place {
                    doc: home.clone(),
                    path: Vec::new(),
                },
                value,
            ),
        }
    }

    /// The member of a value that stands in `home`, with links followed.
    pub fn member(&mut self, value: &'s Value, key: &str, home: &DocRef) -> Found<'s> {
        match value.get(key) {
            Some(member) => self.resolve(member, home),
            None => Found::Nothing,
        }
    }

    fn follow_place(&mut self, mut place: Place) -> Found<'s> {
        for _ in 0..MAX_HOPS {
            if !self.shelf.contains_key(&place.doc) {
                self.needs.insert(place.doc);
                return Found::Unknown;
            }
            let doc = self.shelf.get(&place.doc).and_then(Option::as_ref);
            let Some(mut here) = doc.and_then(document::value) else {
                return Found::Nothing;
            };
            let mut taken = 0;
            let link = loop {
                if let Some(link) = Link::from_value(here) {
                    break link;
                }
                let Some(step) = place.path.get(taken) else {
                    return Found::Value(place, here);
                };
                let next = match here {
                    Value::Array(items) => step.parse().ok().and_then(|n: usize| items.get(n)),
                    Value::Object(members) => members.get(step),
                    _ => None,
                };
                let Some(next) = next else {
                    return Found::Nothing;
                };
                here = next;
                taken += 1;
            };
            let mut next = target(&link, &place.doc);
            next.path.extend(place.path.drain(taken..));
            place = next;
        }
        Found::Nothing
    }
}

/// Where a link in `home` leads.
pub(super) fn target(link: &Link, home: &DocRef) -> Place {
    Place {
        doc: link.target(home),
        path: link.path.clone(),
    }
}
