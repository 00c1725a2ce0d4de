//! Between a charm's row and what the scheduler knows of it.
//!
//! Pure translation in both directions.

use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_store::{Charm, Schedule};

use crate::scheduler::{CharmPlan, Pause, Priority, Saved, Star};
use crate::{updater, wish};

/// What the scheduler is to know. Without timers (`serving` false) every charm
/// counts as switched off, so that only what a person asks for is run.
pub(crate) fn of(charm: &Charm, serving: bool) -> CharmPlan {
    let auth = wish::auth_account(charm).is_some();
    CharmPlan {
        id: charm.id.clone(),
        space: charm.space.clone(),
        accounts: charm.account.iter().cloned().collect(),
        interval: Duration::from_millis(charm.interval_ms),
        enabled: charm.enabled && serving && updater::works(charm),
        priority: if auth {
            Priority::Auth
        } else {
            Priority::Normal
        },
        power: None,
    }
}

/// What the scheduler said last time; nothing for a charm that never ran.
pub(crate) fn saved(charm: &Charm) -> Option<Saved> {
    let memory = &charm.schedule.memory;
    if memory.is_null() {
        return None;
    }
    // Rows of another version are read as far as they can be.
    serde_json::from_value(memory.clone()).ok().or_else(|| {
        Some(Saved {
            next_due: charm.schedule.next_due_at,
            last_end: charm.schedule.last_run_at,
            last_outcome: charm.schedule.last_outcome,
            failures: charm.schedule.failures,
            ..Saved::default()
        })
    })
}

/// What is stored. A keeper without timers keeps the planned time of the one
/// that had them.
pub(crate) fn schedule(row: &Charm, saved: &Saved, serving: bool) -> Schedule {
    let mut saved = saved.clone();
    if !serving {
        saved.next_due = row.schedule.next_due_at;
    }
    let good = saved
        .last_outcome
        .is_some_and(charmkeeper_base::Outcome::is_good);
    Schedule {
        next_due_at: saved.next_due,
        failures: saved.failures,
        last_outcome: saved.last_outcome,
        last_run_at: saved.last_end,
        last_ok_at: if good {
            saved.last_end
        } else {
            row.schedule.last_ok_at
        },
        memory: serde_json::to_value(&saved).unwrap_or_default(),
    }
}

/// How a person stopped a charm, as the end of a sentence about it; nothing when
/// they did not. `everything` is a pause of all charms.
pub(crate) fn stopped(
    charm: &Charm,
    everything: Option<Pause>,
    now: UnixMs,
) -> Option<&'static str> {
    let saved = saved(charm).unwrap_or_default();
    let lasts = |pause: Pause| match pause {
        Pause::UntilResumed => true,
        Pause::Until(at) => at > now,
    };
    if !charm.enabled {
        Some("is switched off")
    } else if saved.star == Star::Gone {
        Some("is no longer a favorite")
    } else if [saved.pause, everything].into_iter().flatten().any(lasts) {
        Some("is paused")
    } else {
        None
    }
}

/// What a person reads of a charm that was made for a favorite that is gone.
pub(crate) const NO_FAVORITE: &str = "No longer a favorite, so it does not run.";

/// Why a charm does not run, for its row.
pub(crate) fn paused_reason(saved: &Saved) -> Option<String> {
    if saved.star == Star::Gone {
        return Some(NO_FAVORITE.to_owned());
    }
    match saved.pause {
        Some(Pause::UntilResumed) => Some("Paused until resumed.".to_owned()),
        Some(Pause::Until(at)) => Some(format!("Paused until {}.", at.to_rfc3339())),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use charmkeeper_store::Schedule;

    use super::*;

    fn charm(enabled: bool, saved: &Saved) -> Charm {
        Charm {
            id: "a".into(),
            handle: "a".into(),
            name: "A".into(),
            space: "s".into(),
            piece: "of:p".into(),
            argument: "of:a".into(),
            source: "a.tsx".into(),
            program_hash: String::new(),
            facts: serde_json::Value::Null,
            tags: Vec::new(),
            hosts: Vec::new(),
            account: None,
            enabled,
            paused_reason: None,
            interval_ms: 60_000,
            created_at: UnixMs(0),
            position: 0,
            schedule: Schedule {
                memory: serde_json::to_value(saved).unwrap(),
                ..Schedule::default()
            },
        }
    }

    #[test]
    fn a_charm_is_stopped_by_a_person_and_as_long_as_they_said() {
        let now = UnixMs(1000);
        let free = charm(true, &Saved::default());
        assert_eq!(stopped(&free, None, now), None);
        let off = charm(false, &Saved::default());
        assert_eq!(stopped(&off, None, now), Some("is switched off"));
        let gone = Saved {
            star: Star::Gone,
            ..Saved::default()
        };
        let no_favorite = Some("is no longer a favorite");
        assert_eq!(stopped(&charm(true, &gone), None, now), no_favorite);
        let table = [
            (Pause::UntilResumed, Some("is paused")),
            (Pause::Until(UnixMs(1001)), Some("is paused")),
            (Pause::Until(UnixMs(1000)), None),
        ];
        for (pause, expected) in table {
            let saved = Saved {
                pause: Some(pause),
                ..Saved::default()
            };
            assert_eq!(stopped(&charm(true, &saved), None, now), expected);
            assert_eq!(stopped(&free, Some(pause), now), expected, "everything");
        }
        // What failed too often still gets its chance.
        let failed = Saved {
            failures: 9,
            ..Saved::default()
        };
        assert_eq!(stopped(&charm(true, &failed), None, now), None);
    }
}
