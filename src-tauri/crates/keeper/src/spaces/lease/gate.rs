//! May a run start? Answered from what is known here, without waiting for a server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{Trigger, UnixMs};
use charmkeeper_space::pieces::{Lease, lease_id};
use charmkeeper_store::Charm;

use super::{ASK_AGAIN, lease_of, piece_of};
use crate::batch::Planned;
use crate::core::Core;
use crate::scheduler::Elsewhere;

/// May a charm start?
#[derive(Clone, Debug, PartialEq, Eq)]
enum Gate {
    /// It may.
    Go,
    /// The lease has to be claimed first.
    Ask,
    /// Another computer runs it.
    Other(Lease),
}

/// Decides from what is known of the lease here. `waited`: how long the charm has
/// asked without an answer.
fn gate(
    lease: Option<&Lease>,
    me: &str,
    now: UnixMs,
    open: bool,
    waited: Option<Duration>,
) -> Gate {
    match lease {
        Some(lease) if lease.holder == me => {
            let alone = !open && waited.is_some_and(|waited| waited >= ASK_AGAIN);
            if lease.holds(now) || alone {
                Gate::Go
            } else {
                Gate::Ask
            }
        }
        Some(lease) if lease.holds(now) => Gate::Other(lease.clone()),
        _ => Gate::Ask,
    }
}

/// The runs that may start, and the charms of those that may not.
pub(crate) async fn admit(
    core: &Arc<Core>,
    runs: Vec<Planned>,
) -> (Vec<Planned>, Vec<(String, Elsewhere)>) {
    let remote = core.desk.spaces();
    let waits = |run: &Planned| !matches!(run.trigger, Trigger::Manual | Trigger::Event);
    if !core.serving || remote.is_empty() || !runs.iter().any(waits) {
        return (runs, Vec::new());
    }
    let ids: Vec<String> = runs
        .iter()
        .filter(|r| waits(r))
        .map(|r| r.charm.clone())
        .collect();
    let standing = core.store(move |store| {
        let mut standing = HashMap::new();
        for id in ids {
            if let Some(charm) = store.charm(&id)?
                && remote.contains(&charm.space)
            {
                let lease = lease_of(store, &piece_of(&charm))?;
                standing.insert(id, (charm, lease));
            }
        }
        Ok(standing)
    });
    let standing = standing.await.unwrap_or_else(|e| {
        // The run itself will say that the database cannot be read.
        tracing::warn!("leases could not be read: {e}");
        HashMap::new()
    });
    let (mut admitted, mut withheld) = (Vec::new(), Vec::new());
    for run in runs {
        match standing
            .get(&run.charm)
            .and_then(|(charm, lease)| away(core, charm, lease.as_ref()))
        {
            Some(elsewhere) => withheld.push((run.charm, elsewhere)),
            None => admitted.push(run),
        }
    }
    (admitted, withheld)
}

/// Why a charm may not start; asks for its lease where that is the reason.
fn away(core: &Core, charm: &Charm, lease: Option<&Lease>) -> Option<Elsewhere> {
    let leases = &core.leases;
    leases.know(&lease_id(&piece_of(charm)));
    let open = core.desk.live(&charm.space).is_some_and(|live| live.open);
    let (now, monotonic) = (core.now(), core.clock.monotonic());
    let waited = {
        let inner = leases.inner();
        if inner.refused.contains(&charm.space) {
            return None;
        }
        inner
            .asking
            .get(&charm.id)
            .map(|since| monotonic.saturating_sub(*since))
    };
    match gate(lease, &leases.me.holder, now, open, waited) {
        Gate::Go => None,
        Gate::Other(lease) => Some(Elsewhere {
            name: Some(lease.name),
            until: lease.until,
        }),
        Gate::Ask => {
            leases
                .inner()
                .asking
                .entry(charm.id.clone())
                .or_insert(monotonic);
            Some(Elsewhere {
                name: None,
                until: now.plus(ASK_AGAIN),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: &str, until: i64) -> Lease {
        Lease {
            holder: holder.to_owned(),
            name: "Laptop".to_owned(),
            until: UnixMs(until),
        }
    }

    #[test]
    fn a_run_starts_with_a_lease_and_without_one_only_where_nobody_could_be_seen() {
        let now = UnixMs(1_000_000);
        let (mine, theirs) = (lease("me", 1_000_001), lease("you", 1_000_001));
        let (my_old, their_old) = (lease("me", 999_999), lease("you", 999_999));
        let long = Some(ASK_AGAIN);
        let short = Some(ASK_AGAIN / 2);
        let gate = |lease, open, waited| gate(lease, "me", now, open, waited);
        for open in [true, false] {
            assert_eq!(gate(Some(&mine), open, None), Gate::Go);
            assert_eq!(gate(Some(&theirs), open, long), Gate::Other(theirs.clone()));
            assert_eq!(gate(Some(&their_old), open, long), Gate::Ask);
            assert_eq!(gate(None, open, long), Gate::Ask);
            assert_eq!(gate(Some(&my_old), open, short), Gate::Ask);
            assert_eq!(gate(Some(&my_old), open, None), Gate::Ask);
        }
        assert_eq!(
            gate(Some(&my_old), true, long),
            Gate::Ask,
            "the server can say"
        );
        assert_eq!(gate(Some(&my_old), false, long), Gate::Go, "nobody can");
    }
}
