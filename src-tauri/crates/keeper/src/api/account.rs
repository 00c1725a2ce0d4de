//! Accounts and what signing in and out comes to. Never a secret.

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One account. Holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct AccountView {
    /// Lasting id.
    pub account: String,
    /// Address, as Google gave it.
    pub email: String,
    /// Name, as Google gave it.
    pub name: String,
    /// `gmail`, `calendar`: what was granted.
    pub services: Vec<String>,
    /// Granted scopes as full URLs.
    pub scopes: Vec<String>,
    /// `ready`, `needs-sign-in`, `waiting`, `keychain`: one word.
    pub state: String,
    /// The state in one sentence.
    pub detail: String,
    /// When it was connected.
    pub connected_at: UnixMs,
}

/// The result of signing in.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ConnectView {
    /// The account.
    pub account: AccountView,
    /// Services that were granted.
    pub granted: Vec<String>,
    /// Services that were asked for and not granted.
    pub missing: Vec<String>,
    /// Handles of the charms that were added for it.
    pub charms: Vec<String>,
}

/// The result of disconnecting.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DisconnectView {
    /// Account id.
    pub account: String,
    /// Address.
    pub email: String,
    /// True when Google confirmed; false when it will be tried again later.
    pub revoked: bool,
    /// Handles of charms that can no longer run.
    pub stopped: Vec<String>,
}
