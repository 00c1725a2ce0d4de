//! Values of a piece with their links rewritten for the new space.
//!
//! Documents are at most as deep as the store allows, so walking them may use the
//! stack.

use std::collections::BTreeSet;

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::document;
use charmkeeper_base::cell::link::{Link, is_leaf, targets};
use serde_json::Value;

use super::ids::Ids;
use super::{LeftOut, LocalPiece, Outside};

pub(super) fn at(space: &str, id: &str) -> DocRef {
    DocRef {
        space: space.to_owned(),
        id: id.to_owned(),
    }
}

/// The documents of its own space that a document links to.
pub(super) fn own_targets(local: &LocalPiece<'_>, id: &str) -> BTreeSet<String> {
    let home = at(local.space, id);
    let value = local.documents.get(id).and_then(document::value);
    let all = value.map_or_else(Vec::new, |value| targets(value, &home));
    let own = all.into_iter().filter(|target| target.space == local.space);
    own.map(|target| target.id).collect()
}

/// See the module.
pub(super) struct Rewriter<'r> {
    local: &'r LocalPiece<'r>,
    space: &'r str,
    ids: &'r Ids,
    outside: &'r Outside<'r>,
    /// Whether secrets are taken out and things are reported.
    strict: bool,
    pub(super) left_out: BTreeSet<LeftOut>,
}

impl<'r> Rewriter<'r> {
    pub(super) fn new(
        local: &'r LocalPiece<'r>,
        space: &'r str,
        ids: &'r Ids,
        outside: &'r Outside<'r>,
    ) -> Self {
        Self {
            local,
            space,
            ids,
            outside,
            strict: true,
            left_out: BTreeSet::new(),
        }
    }

    /// For documents that stay on this computer.
    pub(super) fn quiet(mut self) -> Self {
        self.strict = false;
        self
    }

    /// The value of document `id`.
    pub(super) fn value(&mut self, id: &str, value: &Value) -> Value {
        self.at(id, value, "")
    }

    /// `name` is the first step on the way to it, for reports.
    fn at(&mut self, id: &str, value: &Value, name: &str) -> Value {
        if let Some(link) = Link::from_value(value) {
            return self.link(id, link, name).to_value();
        }
        match value {
            Value::String(text) if self.strict && (self.outside.secret)(text) => {
                self.left_out.insert(LeftOut::Secret(name.to_owned()));
                Value::String(String::new())
            }
            Value::Array(items) => items.iter().map(|item| self.at(id, item, name)).collect(),
            Value::Object(members) if !is_leaf(value) => {
                let member = |(key, value): (&String, &Value)| {
                    let name = if name.is_empty() { key } else { name };
                    (key.clone(), self.at(id, value, name))
                };
                Value::Object(members.iter().map(member).collect())
            }
            other => other.clone(),
        }
    }

    fn link(&mut self, home: &str, mut link: Link, name: &str) -> Link {
        let target = link.target(&at(self.local.space, home));
        if names_schema_document(link.schema.as_ref()) {
            // The document of the schema is in the space that the link came from.
            link.schema = None;
        }
        if target.space != self.local.space {
            return link;
        }
        let own = self.local.documents.contains_key(&target.id);
        if !own && (self.outside.taken)(&target.id) {
            if self.strict {
                self.left_out.insert(LeftOut::Link(name.to_owned()));
            }
            link.id = Some(target.id);
            link.space = Some(target.space);
            return link;
        }
        link.id = link.id.map(|id| self.ids.of(&id).to_owned());
        if link.space.is_some() {
            link.space = Some(self.space.to_owned());
        }
        link
    }
}

fn names_schema_document(schema: Option<&Value>) -> bool {
    let reference = schema.and_then(|schema| schema.get("$ref"));
    reference
        .and_then(Value::as_str)
        .is_some_and(|to| to.starts_with("cid:"))
}
