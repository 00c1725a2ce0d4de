//! What a run wants of the documents of one remote space.

use std::collections::BTreeMap;

use charmkeeper_base::cell::document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::merge::{Intent, between, carry_out};

use super::Changed;

/// What one change wants, document by document; as text, it is what the outbox
/// keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entry {
    /// By document id.
    pub documents: BTreeMap<String, Wanted>,
}

/// What is wanted of one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// What stands beside the value when the document has to be created.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub beside: Map<String, Value>,
    /// What its value is to become.
    pub intents: Vec<Intent>,
    /// Only where there is no such document: one that is there stays as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_new: bool,
}

impl Wanted {
    /// What makes `after` of `before`.
    #[must_use]
    pub fn of(before: Option<&Value>, after: &Value) -> Self {
        let beside = match (before, after) {
            (None, Value::Object(members)) => {
                let beside = members.iter().filter(|(key, _)| *key != "value");
                beside.map(|(k, v)| (k.clone(), v.clone())).collect()
            }
            _ => Map::new(),
        };
        Self {
            beside,
            intents: between(before.and_then(document::value), document::value(after)),
            only_new: false,
        }
    }

    /// What makes a document where there is none, and leaves one that is there.
    #[must_use]
    pub fn created(doc: &Value) -> Self {
        Self {
            only_new: true,
            ..Self::of(None, doc)
        }
    }

    /// The document with this carried out; nothing stands for no document. Also
    /// how many intents have no place any more.
    #[must_use]
    pub fn carried_out(&self, before: Option<&Value>) -> (Option<Value>, usize) {
        if self.only_new && before.is_some() {
            return (before.cloned(), 0);
        }
        let mut value = before.and_then(document::value).cloned();
        let outcome = carry_out(&self.intents, &mut value);
        let mut doc = match before {
            Some(Value::Object(members)) => members.clone(),
            _ => self.beside.clone(),
        };
        match value {
            Some(value) => doc.insert("value".to_owned(), value),
            None => doc.shift_remove("value"),
        };
        let nothing = before.is_none() && doc.is_empty();
        let doc = (!nothing).then_some(Value::Object(doc));
        (doc, outcome.without_place)
    }
}

impl Entry {
    /// What the changes want; changes that change nothing are left out.
    #[must_use]
    pub fn of(changes: &[Changed]) -> Self {
        let wanted = changes.iter().filter_map(|change| {
            let wanted = Wanted::of(change.before.as_ref(), &change.after);
            let new = change.before.is_none();
            (new || !wanted.intents.is_empty()).then(|| (change.id.clone(), wanted))
        });
        Self {
            documents: wanted.collect(),
        }
    }

    /// Its text for the outbox.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Maps with text keys and plain values cannot fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Entry::to_text`] wrote; nothing when it is not that.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.disable_recursion_limit();
        let entry = Self::deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(entry)
    }
}

/// What a charm sees of one document: the confirmed state with the entries that
/// wait on top, in order.
#[must_use]
pub fn see(id: &str, confirmed: Option<&Value>, entries: &[Entry]) -> Option<Value> {
    let mut doc = confirmed.cloned();
    for wanted in entries.iter().filter_map(|entry| entry.documents.get(id)) {
        doc = wanted.carried_out(doc.as_ref()).0;
    }
    doc
}
