//! The state of everything, and the doctor's report.

use std::path::PathBuf;
use std::time::Duration;

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AccountView, CharmView, RunView};

/// The state of everything, in short.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct StatusView {
    /// One sentence, as the tray shows it.
    pub summary: String,
    /// When the last charm ran, where the sentence says how long ago that is:
    /// who shows it for longer says it anew ([`all_synced`]).
    #[serde(default)]
    pub synced_at: Option<UnixMs>,
    /// `ok`, `running`, `attention` or `paused`: the tray's four icons.
    pub icon: String,
    /// True when a keeper with timers is running on this home.
    pub serving: bool,
    /// Process id of that keeper.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Data folder.
    pub home: PathBuf,
    /// Whether the network is there, as far as is known.
    pub online: bool,
    /// Something the person must know of the data folder: a database that was
    /// damaged and set aside, say.
    #[serde(default)]
    pub warning: Option<String>,
    /// All timers stopped until then.
    pub paused: Option<Pause>,
    /// Runs going on now.
    pub running: Vec<RunView>,
    /// Every charm.
    pub charms: Vec<CharmView>,
    /// Every account.
    pub accounts: Vec<AccountView>,
}

/// The sentence when everything is well and the last charm ran at `last`.
#[must_use]
pub fn all_synced(last: UnixMs, now: UnixMs) -> String {
    let seconds = now.since(last).as_secs();
    let age = match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", seconds / 86_400),
    };
    format!("All synced \u{b7} {age}")
}

/// How long [`all_synced`] stays as it is at `now`; more than nothing.
#[must_use]
pub fn all_synced_for(last: UnixMs, now: UnixMs) -> Duration {
    let gone = now.since(last);
    let step = match gone.as_secs() {
        0..3600 => 60,
        3600..86_400 => 3600,
        _ => 86_400,
    };
    let next = Duration::from_secs((gone.as_secs() / step + 1) * step);
    next.saturating_sub(gone)
}

/// A pause of all timers.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Pause {
    /// The end, or nothing for "until resumed".
    pub until: Option<UnixMs>,
}

/// One line of the doctor's report.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct CheckView {
    /// What was looked at.
    pub name: String,
    /// `ok`, `warning` or `problem`.
    pub state: String,
    /// What was found, in one sentence.
    pub detail: String,
    /// What to do, where something can be done.
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_as_exact_as_a_person_says_it() {
        let said = |seconds: i64| all_synced(UnixMs(0), UnixMs(seconds * 1000));
        assert_eq!(said(-5), "All synced \u{b7} just now");
        assert_eq!(said(59), "All synced \u{b7} just now");
        assert_eq!(said(60), "All synced \u{b7} 1 min ago");
        assert_eq!(said(3599), "All synced \u{b7} 59 min ago");
        assert_eq!(said(7200), "All synced \u{b7} 2 h ago");
        assert_eq!(said(86_400), "All synced \u{b7} 1 day ago");
        assert_eq!(said(3 * 86_400), "All synced \u{b7} 3 days ago");
    }

    #[test]
    fn the_words_change_when_they_are_said_to_and_not_before() {
        let last = UnixMs(0);
        for now in [
            0,
            1,
            59_999,
            60_000,
            3_599_999,
            3_600_000,
            5_000_000,
            90_000_000,
            172_799_999,
        ] {
            let now = UnixMs(now);
            let holds = i64::try_from(all_synced_for(last, now).as_millis()).unwrap();
            assert!(holds > 0, "{now:?}");
            let at = |ms: i64| all_synced(last, UnixMs(ms));
            assert_eq!(at(now.0), at(now.0 + holds - 1), "{now:?}");
            assert_ne!(at(now.0), at(now.0 + holds), "{now:?}");
        }
        // A clock that was set back: looked at again soon enough.
        assert!(all_synced_for(UnixMs(100_000), UnixMs(0)) <= Duration::from_secs(60));
    }
}
