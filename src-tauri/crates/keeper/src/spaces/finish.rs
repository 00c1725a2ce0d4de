//! The end of a run whose changes belong in a remote space.
//!
//! Owns the loop that fits the changes to what is stored at the moment of
//! writing: the server may tell news between fitting and writing.

use std::collections::HashSet;

use charmkeeper_base::{SyncState, UnixMs};
use charmkeeper_store::{FinishRun, Store, StoreError};

use super::outgoing::{Maker, Served, outgoing};

/// How often news may come in between before the run is given up.
const MAX_TRIES: u32 = 10;

/// What the end of a run has to know of remote spaces.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    /// All connected spaces.
    pub(crate) spaces: HashSet<String>,
    /// Documents as the run was given them.
    pub(crate) served: Served,
    /// Name of the charm.
    pub(crate) charm: String,
    /// When the run ended.
    pub(crate) at: UnixMs,
}

impl Remote {
    /// True when none of the changes is in a remote space.
    fn has_no_part_in(&self, finish: &FinishRun) -> bool {
        finish
            .changes
            .iter()
            .all(|change| !self.spaces.contains(&change.space))
    }
}

/// Ends a run; answers the spaces whose outbox has something new.
///
/// # Errors
/// Those of [`Store::finish_run`].
pub(crate) fn finish_run(
    store: &Store,
    finish: &mut FinishRun,
    remote: &Remote,
) -> Result<Vec<String>, StoreError> {
    if remote.has_no_part_in(finish) {
        return store.finish_run(finish).map(|_| Vec::new());
    }
    let changes = finish.changes.clone();
    let run = finish.run.clone();
    let maker = Maker {
        run: Some(&run),
        charm: &remote.charm,
        at: remote.at,
    };
    let mut tries = 0;
    loop {
        let out = outgoing(store, &maker, &remote.served, changes.clone())?;
        finish.changes = out.changes;
        finish.outbox = out.outbox;
        finish.sync = if finish.outbox.is_empty() {
            SyncState::Local
        } else {
            SyncState::Queued
        };
        match store.finish_run(finish) {
            Err(StoreError::Conflict { .. }) if tries < MAX_TRIES => tries += 1,
            Err(error) => {
                finish.outbox.clear();
                finish.sync = SyncState::Local;
                return Err(error);
            }
            Ok(_) => break,
        }
    }
    let spaces: HashSet<&String> = finish.outbox.iter().map(|change| &change.space).collect();
    Ok(spaces.into_iter().cloned().collect())
}
