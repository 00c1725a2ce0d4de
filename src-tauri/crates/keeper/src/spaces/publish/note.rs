//! The note of a charm that is being placed in a space: which step is next.
//!
//! Kept among the settings, one for each charm, until nothing is left to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::ApiError;
use crate::core::Core;

/// What the keys of notes begin with; the charm's id follows.
const PREFIX: &str = "publish.";

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The remote space.
    pub(super) space: String,
    /// Whether the person stars it.
    pub(super) favorite: bool,
    pub(super) phase: Phase,
}

/// Which step is next.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub(super) enum Phase {
    /// The server is told; then the charm moves.
    Sending {
        /// Changes in the outbox.
        changes: Vec<u64>,
        /// The documents as they were told.
        told: BTreeMap<String, Value>,
        /// Identity of the program.
        pattern: String,
    },
    /// The charm moved; the star is to be written.
    Starring,
    /// The home space is told of the star.
    Starred {
        /// Changes in the outbox.
        changes: Vec<u64>,
    },
    /// The server refused, for this reason.
    Refused { reason: String },
}

/// The key of a charm's note.
pub(super) fn key(charm: &str) -> String {
    format!("{PREFIX}{charm}")
}

impl Note {
    /// As the settings keep it.
    pub(super) fn to_value(&self) -> Value {
        // Text keys and plain values cannot fail to be written.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The note of a charm; nothing when it is not being placed anywhere.
    pub(super) async fn load(core: &Core, charm: &str) -> Result<Option<Self>, ApiError> {
        let key = key(charm);
        let kept = core.store(move |store| store.setting(&key)).await?;
        Ok(kept.and_then(|value| serde_json::from_value(value).ok()))
    }

    pub(super) async fn store(&self, core: &Core, charm: &str) -> Result<(), ApiError> {
        let (key, value) = (key(charm), self.to_value());
        core.store(move |store| store.set_setting(&key, Some(&value)))
            .await
    }

    /// The charms that have a note with something left to do.
    pub(super) async fn all(core: &Core) -> Result<Vec<String>, ApiError> {
        let kept = core.store(|store| store.settings_below(PREFIX)).await?;
        let open = kept.into_iter().filter(|(_, value)| {
            serde_json::from_value(value.clone())
                .is_ok_and(|note: Self| !matches!(note.phase, Phase::Refused { .. }))
        });
        Ok(open
            .filter_map(|(key, _)| key.strip_prefix(PREFIX).map(str::to_owned))
            .collect())
    }
}
