//! What the person chose. Never a secret.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the person chose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SettingsView {
    /// Whether notifications are shown.
    pub notifications: bool,
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// Whether charms wait on a metered connection.
    pub pause_on_metered: bool,
    /// Whether charms wait on battery.
    pub pause_on_battery: bool,
    /// Whether the first-run page was finished or left.
    pub introduced: bool,
    /// Days that runs are kept.
    pub keep_days: u32,
    /// Which Google client signs in.
    pub client: ClientView,
}

/// Which Google client signs in. Never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClientView {
    /// `none`, `built-in` or `own`.
    pub source: String,
    /// The client id, where there is one.
    pub client_id: Option<String>,
}

/// Settings to change; what is missing stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(optional_fields = nullable)]
pub struct SettingsChange {
    /// Whether notifications are shown.
    pub notifications: Option<bool>,
    /// `system`, `light` or `dark`.
    pub theme: Option<String>,
    /// Whether charms wait on a metered connection.
    pub pause_on_metered: Option<bool>,
    /// Whether charms wait on battery.
    pub pause_on_battery: Option<bool>,
    /// Whether the first-run page was finished or left.
    pub introduced: Option<bool>,
    /// Days that runs are kept, 1 to 3,650.
    pub keep_days: Option<u32>,
}
