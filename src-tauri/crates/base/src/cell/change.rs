//! What one commit does to one document.
//!
//! Owns the form that a worker reports and the store applies. Never decides
//! whether the change is allowed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DocRef, Patch};

/// A change of one document: created whole, patched, or both (in that order).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// `did:key` of the space.
    pub space: String,
    /// Id of the document.
    pub id: String,
    /// The version that the change was computed from; 0 when there was no
    /// document. Absent: the last writer wins, whatever the version is.
    #[serde(default)]
    pub base_version: Option<u64>,
    /// The whole document `{"value": ...}`, which replaces what was there.
    #[serde(default)]
    pub create: Option<Value>,
    /// Patches, applied one after another, after `create`.
    #[serde(default)]
    pub patches: Vec<Patch>,
}

impl Change {
    /// A change that writes the whole document; `base_version` 0 demands that
    /// there is none yet.
    #[must_use]
    pub fn create(target: DocRef, base_version: Option<u64>, doc: Value) -> Self {
        Self {
            space: target.space,
            id: target.id,
            base_version,
            create: Some(doc),
            patches: Vec::new(),
        }
    }

    /// A change that patches a document of this version.
    #[must_use]
    pub fn patch(target: DocRef, base_version: Option<u64>, patches: Vec<Patch>) -> Self {
        Self {
            space: target.space,
            id: target.id,
            base_version,
            create: None,
            patches,
        }
    }

    /// The document that is changed.
    #[must_use]
    pub fn target(&self) -> DocRef {
        DocRef {
            space: self.space.clone(),
            id: self.id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_worker_report_form_is_read() {
        let change: Change = serde_json::from_value(json!({
            "id": "of:a", "space": "did:key:z", "base_version": 3, "create": null,
            "patches": [{ "op": "replace", "path": "/value/n", "value": 2 }],
        }))
        .unwrap();
        let target = DocRef {
            space: "did:key:z".into(),
            id: "of:a".into(),
        };
        let patch = Patch::Replace {
            path: "/value/n".into(),
            value: json!(2),
        };
        assert_eq!(change, Change::patch(target.clone(), Some(3), vec![patch]));
        assert_eq!(change.target(), target);
        let short: Change = serde_json::from_value(json!({ "id": "of:a", "space": "s" })).unwrap();
        assert_eq!((short.base_version, short.create), (None, None));
    }
}
