//! Which documents a query means: its roots, and what comes with them.
//!
//! Owns following links. Never sends anything.

use std::collections::BTreeMap;

use charmkeeper_base::cell::Link;
use charmkeeper_space::messages::{QueryRoot, WireError, error_name};
use serde_json::Value;

use crate::commit::Failure;
use crate::schema::{refs_in_schema, schema_refs};
use crate::scope::{self, Asker};
use crate::store::{Head, SPACE, View};

/// A document in a space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) scope: String,
    pub(crate) id: String,
}

/// What a session knows of a document that it watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracked {
    pub(crate) seq: u64,
    /// It exists.
    pub(crate) present: bool,
    /// Asked for by itself, so that its absence is told too.
    pub(crate) root: bool,
    /// All its links are followed.
    pub(crate) deep: bool,
}

impl Tracked {
    /// True when a client is told of it.
    pub(crate) fn told(&self) -> bool {
        self.root || self.present
    }
}

/// Documents by key; those without a document are watched for their coming.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) tracked: BTreeMap<Key, Tracked>,
    pub(crate) documents: BTreeMap<Key, Value>,
}

/// Follows links from one space's documents.
pub(crate) struct Follow<'c> {
    pub(crate) view: View<'c>,
    pub(crate) space: &'c str,
    pub(crate) asker: &'c Asker,
}

impl Follow<'_> {
    /// Everything that the roots mean.
    pub(crate) fn roots<'r>(
        &self,
        roots: impl IntoIterator<Item = &'r QueryRoot>,
    ) -> Result<Graph, Failure> {
        let mut graph = Graph::default();
        for root in roots {
            let scope = self.asker.key(root.scope.as_deref())?;
            let mut refs = Vec::new();
            refs_in_schema(&root.schema, &mut refs);
            for id in refs {
                if self.view.head(self.space, SPACE, &id)?.document.is_none() {
                    let words = format!(
                        "Selector references schema document {id}, which is not stored in this space."
                    );
                    return Err(WireError::new(error_name::QUERY, words).into());
                }
            }
            let key = Key {
                scope,
                id: root.id.clone(),
            };
            // A schema of its own is taken as "everything": more than the real
            // server sends, never less.
            let deep = root.schema != Value::Bool(false);
            self.visit(&mut graph, key, deep, true)?;
        }
        Ok(graph)
    }

    /// Adds a document, and what its links lead to.
    pub(crate) fn visit(
        &self,
        graph: &mut Graph,
        key: Key,
        deep: bool,
        root: bool,
    ) -> Result<(), Failure> {
        let mut rest = vec![(key, deep, root)];
        while let Some((key, deep, root)) = rest.pop() {
            if let Some(known) = graph.tracked.get_mut(&key) {
                known.root |= root;
                if known.deep || !deep {
                    continue;
                }
            }
            let Head { seq, document } = self.view.head(self.space, &key.scope, &key.id)?;
            let root = root || graph.tracked.get(&key).is_some_and(|known| known.root);
            let tracked = Tracked {
                seq,
                present: document.is_some(),
                root,
                deep,
            };
            graph.tracked.insert(key.clone(), tracked);
            let Some(document) = document else { continue };
            for id in linked(&document, &key.id, self.space, deep) {
                let scope = if id.starts_with("cid:") {
                    SPACE.to_owned()
                } else {
                    key.scope.clone()
                };
                rest.push((Key { scope, id }, deep, false));
            }
            graph.documents.insert(key, document);
        }
        Ok(())
    }
}

/// Documents of the same space that come with this one.
fn linked(document: &Value, own: &str, space: &str, deep: bool) -> Vec<String> {
    let mut ids = Vec::new();
    if own.starts_with("cid:") {
        refs_in_schema(document, &mut ids);
        return ids;
    }
    schema_refs(document, &mut ids);
    let starts: Vec<&Value> = if deep {
        vec![document]
    } else {
        ["argument", "internal", "result"]
            .into_iter()
            .filter_map(|member| document.get(member))
            .collect()
    };
    let mut rest = starts;
    while let Some(value) = rest.pop() {
        if let Some(link) = Link::from_value(value) {
            let here = link.space.as_deref().is_none_or(|other| other == space);
            let id = link
                .id
                .filter(|id| here && !id.starts_with("data:") && id != own);
            ids.extend(id);
            continue;
        }
        match value {
            Value::Object(members) => rest.extend(members.values()),
            Value::Array(items) => rest.extend(items),
            _ => {}
        }
    }
    ids
}

/// The order in which documents are told: without regard to case first.
pub(crate) fn order(a: &Key, b: &Key) -> std::cmp::Ordering {
    let fold = |key: &Key| {
        (
            scope::name(&key.scope).to_owned(),
            key.id.to_lowercase(),
            key.id.clone(),
        )
    };
    fold(a).cmp(&fold(b))
}
