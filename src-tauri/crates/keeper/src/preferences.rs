//! What the person chose, apart from charms and accounts.
//!
//! Owns the stored form, its defaults and its limits. Applying a choice is the
//! business of whoever it concerns: the scheduler, pruning, the shells.

use charmkeeper_base::ErrorKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{ApiError, SettingsChange};
use crate::scheduler::PowerPolicy;

/// Settings key.
pub(crate) const SETTING: &str = "preferences";
/// Days that runs are kept when nothing else was chosen.
const KEEP_DAYS: u32 = 400;
/// The most that can be chosen: ten years.
const MAX_KEEP_DAYS: u32 = 3650;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const THEMES: [&str; 3] = ["system", "light", "dark"];

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Preferences {
    pub(crate) notifications: bool,
    pub(crate) theme: String,
    pub(crate) pause_on_metered: bool,
    pub(crate) pause_on_battery: bool,
    pub(crate) introduced: bool,
    pub(crate) keep_days: u32,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            notifications: true,
            theme: THEMES[0].to_owned(),
            pause_on_metered: false,
            pause_on_battery: false,
            introduced: false,
            keep_days: KEEP_DAYS,
        }
    }
}

impl Preferences {
    /// From the store. What cannot be read is as if it had not been chosen.
    pub(crate) fn from_setting(setting: Option<Value>) -> Self {
        let read = setting.and_then(|value| serde_json::from_value(value).ok());
        let mut read: Self = read.unwrap_or_default();
        read.keep_days = read.keep_days.clamp(1, MAX_KEEP_DAYS);
        read
    }

    /// With the change made.
    ///
    /// # Errors
    /// When a value is out of its range; then nothing is changed.
    pub(crate) fn changed(&self, change: &SettingsChange) -> Result<Self, ApiError> {
        let wrong = |what: String| Err(ApiError::new(ErrorKind::Usage, what));
        if let Some(theme) = &change.theme
            && !THEMES.contains(&theme.as_str())
        {
            return wrong(format!("The theme is one of {}.", THEMES.join(", ")));
        }
        if let Some(days) = change.keep_days
            && !(1..=MAX_KEEP_DAYS).contains(&days)
        {
            return wrong(format!("Runs are kept for 1 to {MAX_KEEP_DAYS} days."));
        }
        Ok(Self {
            notifications: change.notifications.unwrap_or(self.notifications),
            theme: change.theme.clone().unwrap_or_else(|| self.theme.clone()),
            pause_on_metered: change.pause_on_metered.unwrap_or(self.pause_on_metered),
            pause_on_battery: change.pause_on_battery.unwrap_or(self.pause_on_battery),
            introduced: change.introduced.unwrap_or(self.introduced),
            keep_days: change.keep_days.unwrap_or(self.keep_days),
        })
    }

    /// As the scheduler wants to know it. Who waits on battery waits in the
    /// battery saver too, which laptops also switch on while they charge.
    pub(crate) fn power(&self) -> PowerPolicy {
        PowerPolicy {
            pause_on_battery: self.pause_on_battery,
            pause_on_saver: self.pause_on_battery,
            pause_on_metered: self.pause_on_metered,
        }
    }

    /// How long runs are kept, in milliseconds.
    pub(crate) fn keep_for_ms(&self) -> i64 {
        i64::from(self.keep_days) * DAY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_what_it_names_and_refuses_what_is_out_of_range() {
        let before = Preferences::default();
        let change = SettingsChange {
            theme: Some("dark".into()),
            pause_on_battery: Some(true),
            ..SettingsChange::default()
        };
        let after = before.changed(&change).unwrap();
        assert_eq!(after.theme, "dark");
        assert!(after.power().pause_on_battery && !after.power().pause_on_metered);
        assert_eq!((after.notifications, after.keep_days), (true, KEEP_DAYS));
        for wrong in [
            SettingsChange {
                theme: Some("pink".into()),
                ..SettingsChange::default()
            },
            SettingsChange {
                keep_days: Some(0),
                ..SettingsChange::default()
            },
            SettingsChange {
                keep_days: Some(3651),
                ..SettingsChange::default()
            },
        ] {
            assert_eq!(before.changed(&wrong).unwrap_err().kind, ErrorKind::Usage);
        }
    }

    #[test]
    fn what_is_stored_is_read_back_and_nonsense_is_the_default() {
        let one = Preferences {
            introduced: true,
            ..Preferences::default()
        };
        let stored = serde_json::to_value(&one).unwrap();
        assert_eq!(Preferences::from_setting(Some(stored)), one);
        assert_eq!(Preferences::from_setting(None), Preferences::default());
        let odd = serde_json::json!({"keep_days": 0, "unknown": 1});
        assert_eq!(Preferences::from_setting(Some(odd)).keep_days, 1);
        let nonsense = Preferences::from_setting(Some(serde_json::json!("x")));
        assert_eq!(nonsense, Preferences::default());
    }
}
