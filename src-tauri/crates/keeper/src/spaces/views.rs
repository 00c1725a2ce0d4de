//! Spaces as the window and the command line show them.

use charmkeeper_store::{OutboxCounts, RemoteSpace, Space, Store, StoreError, StuckChange};

use super::connect::HOME_NAME;
use super::desk::{Desk, Live};
use crate::api::{SpaceView, StuckView};

/// Everything that the store knows of one space.
pub(crate) struct Known {
    space: Space,
    remote: Option<RemoteSpace>,
    counts: OutboxCounts,
    stuck: Vec<StuckChange>,
}

/// Reads all spaces.
pub(crate) fn all(store: &Store) -> Result<Vec<Known>, StoreError> {
    let spaces = store.spaces()?;
    let one = |space: Space| {
        let remote = store.remote_space(&space.did)?;
        let (counts, stuck) = match &remote {
            Some(_) => (
                store.outbox_counts(&space.did)?,
                store.stuck_changes(Some(&space.did))?,
            ),
            None => (OutboxCounts::default(), Vec::new()),
        };
        Ok(Known {
            space,
            remote,
            counts,
            stuck,
        })
    };
    spaces.into_iter().map(one).collect()
}

/// One space as it is shown.
pub(crate) fn view(known: Known, desk: &Desk, serving: bool) -> SpaceView {
    let Known {
        space,
        remote,
        counts,
        stuck,
    } = known;
    let Some(remote) = remote else {
        return SpaceView {
            space: space.did,
            name: space.name,
            kind: "local".to_owned(),
            url: None,
            identity: None,
            state: "local".to_owned(),
            detail: "Kept on this computer.".to_owned(),
            queued: 0,
            merged: 0,
            stuck: Vec::new(),
            synced_at: None,
        };
    };
    let live = desk.live(&space.did);
    let (state, detail) = state(&remote, counts, live.as_ref(), serving);
    SpaceView {
        kind: if space.name == HOME_NAME {
            "home"
        } else {
            "remote"
        }
        .to_owned(),
        space: space.did,
        name: space.name,
        url: Some(remote.url),
        identity: Some(remote.identity),
        state: state.to_owned(),
        detail,
        queued: counts.queued,
        merged: remote.merged,
        stuck: stuck.into_iter().map(stuck_view).collect(),
        synced_at: remote.synced_at,
    }
}

fn state(
    remote: &RemoteSpace,
    counts: OutboxCounts,
    live: Option<&Live>,
    serving: bool,
) -> (&'static str, String) {
    let changes = |n: u64| {
        if n == 1 {
            "1 change".to_owned()
        } else {
            format!("{n} changes")
        }
    };
    if !remote.enabled {
        return ("off", "Not synced: disconnected.".to_owned());
    }
    if let Some(reason) = &remote.refused {
        return ("refused", reason.clone());
    }
    if counts.stuck > 0 {
        return ("stuck", format!("{} stuck.", changes(counts.stuck)));
    }
    match live {
        Some(Live { open: true, .. }) if counts.queued > 0 => {
            ("syncing", format!("{} on the way.", changes(counts.queued)))
        }
        Some(Live { open: true, .. }) => ("synced", "All synced.".to_owned()),
        _ if !serving => (
            "offline",
            "No keeper is running, so it is not synced.".to_owned(),
        ),
        _ if counts.queued > 0 => (
            "offline",
            format!(
                "Waiting for the server; {} kept until then.",
                changes(counts.queued)
            ),
        ),
        _ => ("offline", "Waiting for the server.".to_owned()),
    }
}

fn stuck_view(change: StuckChange) -> StuckView {
    StuckView {
        change: change.id,
        run: change.run,
        charm: change.charm,
        documents: change.documents,
        reason: change.reason,
        at: change.made_at,
    }
}
