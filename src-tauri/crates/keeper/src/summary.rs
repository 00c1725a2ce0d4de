//! The tray's line and icon for everything together.
//!
//! Pure. What needs the person comes first, then what is going on, then what
//! is waited for, then that all is well.

use charmkeeper_base::UnixMs;

use crate::api::{AccountView, CharmView, Pause, SpaceView, all_synced};
use crate::builtin::Builtin;
use crate::views::clock;

/// What it is made of.
pub(crate) struct Facts<'a> {
    pub(crate) charms: &'a [CharmView],
    pub(crate) accounts: &'a [AccountView],
    pub(crate) spaces: &'a [SpaceView],
    pub(crate) online: bool,
    pub(crate) serving: bool,
    pub(crate) paused: Option<&'a Pause>,
    pub(crate) now: UnixMs,
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// One sentence without a full stop.
    pub(crate) sentence: String,
    /// One of the four icons.
    pub(crate) icon: &'static str,
    /// When the last charm ran, where the sentence says how long ago that is.
    pub(crate) synced_at: Option<UnixMs>,
}

pub(crate) fn of(facts: &Facts<'_>) -> Summary {
    match last_sync(facts) {
        Ok(last) => Summary {
            sentence: all_synced(last, facts.now),
            icon: "ok",
            synced_at: Some(last),
        },
        Err((sentence, icon)) => Summary {
            sentence,
            icon,
            synced_at: None,
        },
    }
}

/// When all is well: the last run. Otherwise what there is to say instead.
fn last_sync(facts: &Facts<'_>) -> Result<UnixMs, (String, &'static str)> {
    if let Some(wanted) = needs_the_person(facts) {
        return Err((wanted, "attention"));
    }
    if facts.charms.iter().any(|c| c.state == "running") {
        return Err(("Syncing".to_owned(), "running"));
    }
    if let Some(waited) = waits(facts) {
        return Err((waited, "paused"));
    }
    let on: Vec<_> = on(facts.charms).collect();
    if on.is_empty() {
        return Err(("Nothing to do yet".to_owned(), "ok"));
    }
    // What holds back all of them is the state of everything.
    if let Some(held) = on.iter().find(|c| c.state == "quota")
        && on
            .iter()
            .all(|c| matches!(c.state.as_str(), "quota" | "paused"))
    {
        let detail = held.detail.trim_end_matches('.');
        return Err((detail.to_owned(), "paused"));
    }
    // Those that keep a sign-in have no work of their own: their runs sync nothing.
    let working: Vec<_> = on.iter().filter(|c| !keeps_a_sign_in(c)).collect();
    let last = working.iter().filter_map(|c| c.last_run_at).max();
    let new = working.iter().filter(|c| c.last_run_at.is_none()).count();
    match (last, new) {
        (None, 0) => Err(("Nothing to do yet".to_owned(), "ok")),
        (None, _) => Err(("Not synced yet".to_owned(), "ok")),
        (Some(_), 1) => Err(("1 charm has not run yet".to_owned(), "ok")),
        (Some(_), 2..) => Err((format!("{new} charms have not run yet"), "ok")),
        (Some(last), 0) => Ok(last),
    }
}

fn keeps_a_sign_in(charm: &CharmView) -> bool {
    charm.source == Builtin::GoogleAuth.source()
}

fn on(charms: &[CharmView]) -> impl Iterator<Item = &CharmView> {
    charms.iter().filter(|c| c.enabled || c.state == "paused")
}

fn needs_the_person(facts: &Facts<'_>) -> Option<String> {
    let account = |state: &str| facts.accounts.iter().find(|a| a.state == state);
    if let Some(account) = account("needs-sign-in") {
        return Some(format!("{} needs to sign in again", account.email));
    }
    if account("keychain").is_some() {
        return Some("Unlock your keychain".to_owned());
    }
    let wants =
        |c: &&CharmView| matches!(c.state.as_str(), "failed" | "overdue" | "scope" | "sign-in");
    if let Some(charm) = facts.charms.iter().find(wants) {
        return Some(format!("{} needs attention", charm.name));
    }
    let wants = |s: &&SpaceView| matches!(s.state.as_str(), "refused" | "stuck");
    let space = facts.spaces.iter().find(wants)?;
    Some(format!("The space {} needs attention", space.name))
}

fn waits(facts: &Facts<'_>) -> Option<String> {
    if !facts.serving {
        return Some("Not running".to_owned());
    }
    match facts.paused {
        Some(Pause { until: Some(until) }) => {
            return Some(format!("Paused until {}", clock(*until)));
        }
        Some(Pause { until: None }) => return Some("Paused until resumed".to_owned()),
        None => {}
    }
    if !facts.online {
        return Some("Waiting for the network".to_owned());
    }
    // What charms wrote is safe here, but nobody else sees it yet.
    let kept = |s: &&SpaceView| s.state == "offline" && s.queued > 0;
    if let Some(space) = facts.spaces.iter().find(kept) {
        return Some(match space.queued {
            1 => format!("1 change waits for the space {}", space.name),
            n => format!("{n} changes wait for the space {}", space.name),
        });
    }
    let all = |state: &str| {
        on(facts.charms).next().is_some() && on(facts.charms).all(|c| c.state == state)
    };
    if all("paused") {
        return Some("Paused".to_owned());
    }
    all("power").then(|| "Waiting to save power".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(state: &str, enabled: bool) -> CharmView {
        CharmView {
            charm: "c".into(),
            id: "c".into(),
            name: "Mail".into(),
            description: None,
            space: String::new(),
            space_name: String::new(),
            tags: vec![],
            hosts: vec![],
            account: None,
            source: String::new(),
            warnings: vec![],
            state: state.into(),
            detail: String::new(),
            interval_seconds: 60,
            enabled,
            next_run_at: None,
            last_run_at: Some(UnixMs(0)),
            last_outcome: None,
            failures: 0,
        }
    }

    fn facts(charms: &[CharmView]) -> Facts<'_> {
        Facts {
            charms,
            accounts: &[],
            spaces: &[],
            online: true,
            serving: true,
            paused: None,
            now: UnixMs(120_000),
        }
    }

    fn said(facts: &Facts<'_>) -> (String, &'static str) {
        let summary = of(facts);
        (summary.sentence, summary.icon)
    }

    #[test]
    fn only_an_age_in_the_sentence_has_a_time_beside_it() {
        let of = |charms: &[CharmView]| of(&facts(charms)).synced_at;
        assert_eq!(of(&[view("waiting", true)]), Some(UnixMs(0)));
        assert_eq!(of(&[view("running", true)]), None);
        assert_eq!(of(&[view("failed", true)]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn the_summary_says_what_matters_most() {
        let of = |charms: &[CharmView]| said(&facts(charms));
        assert_eq!(
            of(&[view("waiting", true)]),
            ("All synced \u{b7} 2 min ago".into(), "ok")
        );
        assert_eq!(
            of(&[view("failed", true), view("running", true)]).1,
            "attention"
        );
        assert_eq!(of(&[view("running", true)]).1, "running");
        assert_eq!(of(&[view("paused", false)]), ("Paused".into(), "paused"));
        assert_eq!(of(&[view("power", true)]).1, "paused");
        assert_eq!(of(&[]).0, "Nothing to do yet");
        let offline = [view("offline", true)];
        let offline = said(&Facts {
            online: false,
            ..facts(&offline)
        });
        assert_eq!(offline, ("Waiting for the network".into(), "paused"));
    }

    #[test]
    fn nothing_is_called_synced_while_a_space_waits_for_its_server() {
        let charms = [view("waiting", true)];
        let of = |state: &str, queued: u64| {
            let space = SpaceView {
                space: "did:key:z".into(),
                name: "Home".into(),
                kind: "home".into(),
                url: None,
                identity: None,
                state: state.into(),
                detail: String::new(),
                queued,
                merged: 0,
                stuck: vec![],
                synced_at: None,
            };
            said(&Facts {
                spaces: &[space],
                ..facts(&charms)
            })
        };
        assert_eq!(of("synced", 0).1, "ok");
        assert_eq!(of("offline", 0).1, "ok");
        assert_eq!(
            of("offline", 1),
            ("1 change waits for the space Home".into(), "paused")
        );
        assert_eq!(of("offline", 3).0, "3 changes wait for the space Home");
        let asks = ("The space Home needs attention".into(), "attention");
        assert_eq!(of("stuck", 0), asks);
        assert_eq!(of("refused", 0), asks);
    }

    #[test]
    fn nothing_is_called_synced_before_it_ran() {
        let fresh = || CharmView {
            last_run_at: None,
            ..view("waiting", true)
        };
        let auth = || CharmView {
            source: Builtin::GoogleAuth.source(),
            ..view("waiting", true)
        };
        let of = |charms: &[CharmView]| said(&facts(charms)).0;
        assert_eq!(of(&[auth(), fresh(), fresh()]), "Not synced yet");
        assert_eq!(of(&[auth()]), "Nothing to do yet");
        let ran = || view("waiting", true);
        assert_eq!(of(&[ran(), fresh()]), "1 charm has not run yet");
        assert_eq!(of(&[ran(), fresh(), fresh()]), "2 charms have not run yet");
        assert_eq!(of(&[auth(), ran()]), "All synced \u{b7} 2 min ago");
        // One that is off is nobody's business.
        let off = CharmView {
            enabled: false,
            state: "off".into(),
            ..fresh()
        };
        assert_eq!(of(&[ran(), off]), "All synced \u{b7} 2 min ago");
    }

    #[test]
    fn a_pause_of_everything_says_until_when() {
        let charms = [view("paused", true)];
        let pause = Pause { until: None };
        let of = |paused| {
            said(&Facts {
                paused,
                ..facts(&charms)
            })
        };
        assert_eq!(of(Some(&pause)).0, "Paused until resumed");
        let pause = Pause {
            until: Some(UnixMs(0)),
        };
        assert!(of(Some(&pause)).0.starts_with("Paused until "));
    }
}
