//! Spaces, changes that wait, and favorites.

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::CharmView;

/// One space.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct SpaceView {
    /// `did:key`.
    pub space: String,
    /// Its name, or "Home".
    pub name: String,
    /// `local`, `home` or `remote`.
    pub kind: String,
    /// Address of its server.
    pub url: Option<String>,
    /// DID that signs for the person.
    pub identity: Option<String>,
    /// `local`, `synced`, `syncing`, `offline`, `stuck`, `refused`, `off`: one
    /// word.
    pub state: String,
    /// The state in one sentence.
    pub detail: String,
    /// Changes that wait for the server.
    pub queued: u64,
    /// Changes that were merged after a conflict.
    pub merged: u64,
    /// Changes that the server refused.
    pub stuck: Vec<StuckView>,
    /// When the server last confirmed something.
    pub synced_at: Option<UnixMs>,
}

/// A change that the server refused.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct StuckView {
    /// Id of the change.
    pub change: u64,
    /// Run that made it.
    pub run: Option<String>,
    /// Name of the charm that made it.
    pub charm: String,
    /// Number of documents in it.
    pub documents: u64,
    /// Why the server refused it, in one sentence.
    pub reason: String,
    /// When it was made.
    pub at: UnixMs,
}

/// Something the person starred in their home space.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct FavoriteView {
    /// Stable id: space and piece.
    pub id: String,
    /// What the piece calls itself.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// DID of its space.
    pub space: String,
    /// Name of its space, where it is known.
    pub space_name: Option<String>,
    /// `fid1:...`
    pub piece: String,
    /// Whether it can work in the background.
    pub background: bool,
    /// Whether it runs on this computer.
    pub on: bool,
    /// Handle of the charm it became here.
    pub charm: Option<String>,
    /// Who runs it now: `here`, `server`, `other` (another computer), `nobody`.
    pub runner: String,
    /// Name of the other computer, where there is one.
    pub other: Option<String>,
    /// The state in one sentence.
    pub detail: String,
}

/// What came of placing a charm in a remote space.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct PublishView {
    /// The charm as it is now.
    pub charm: CharmView,
    /// Its piece in the space, `fid1:...`.
    pub piece: String,
    /// `placed`, `already` (nothing was changed) or `waiting` (for the server; it
    /// goes on by itself).
    pub state: String,
    /// The state in one sentence.
    pub detail: String,
    /// What others will not see, a sentence each.
    pub warnings: Vec<String>,
}
