//! What is written at the end of a run, and what is said when that fails.
//!
//! In: what the run left. Out: one transaction of the store, or the error that
//! the run is reported with. Owns nothing.

use charmkeeper_base::{ErrorKind, Explain as _, Outcome, UnixMs};
use charmkeeper_charms::runner::Ending;
use charmkeeper_store::{AccountUpdate, Charm, FinishRun, RunError, StoreError};

use crate::api::ApiError;
use crate::core::Core;
use crate::scheduler::RunEnd;
use crate::spaces::finish::{Remote, finish_run};

/// Writes the end; when the changes cannot be taken, writes it as a failure of
/// the charm without them, and returns the kind of that failure.
/// Answers as well the spaces whose outbox has something new.
pub(super) fn store_end(
    store: &charmkeeper_store::Store,
    mut finish: FinishRun,
    remote: &Remote,
) -> Result<(Option<ErrorKind>, Vec<String>), StoreError> {
    let first = match finish_run(store, &mut finish, remote) {
        Ok(told) => return Ok((None, told)),
        Err(StoreError::Conflict { .. }) => {
            // The keeper itself wrote meanwhile (a refreshed sign-in, say). The
            // patches name their places, so they are laid over what is there now.
            for change in &mut finish.changes {
                change.base_version = None;
            }
            match store.finish_run(&finish) {
                Ok(_) => return Ok((None, Vec::new())),
                Err(e) => e,
            }
        }
        Err(e) => e,
    };
    if first.kind() == ErrorKind::Local || finish.changes.is_empty() {
        return Err(first);
    }
    finish.changes.clear();
    finish.outcome = Outcome::Failed;
    let message = format!(
        "Nothing was stored: {}.",
        first.to_string().trim_end_matches('.')
    );
    finish.error = Some(RunError {
        kind: first.kind(),
        message,
        stack: None,
    });
    store.finish_run(&finish)?;
    Ok((Some(first.kind()), Vec::new()))
}

/// A run of which nothing was kept, for no reason that is known.
pub(crate) fn not_stored() -> ApiError {
    ApiError::new(
        ErrorKind::Local,
        "The run could not be stored, so nothing of it was kept.",
    )
    .with_hint("Look at `charmkeeper doctor`: the disk may be full.")
}

pub(super) fn local_trouble() -> RunEnd {
    RunEnd {
        outcome: Outcome::Failed,
        kind: Some(ErrorKind::Local),
        retry_at: None,
    }
}

pub(super) fn used_accounts(
    calls: &[charmkeeper_base::http::CallRecord],
    now: UnixMs,
) -> Vec<AccountUpdate> {
    let ids: std::collections::BTreeSet<&String> =
        calls.iter().filter_map(|c| c.account.as_ref()).collect();
    ids.into_iter()
        .map(|id| AccountUpdate {
            id: id.clone(),
            state: None,
            expires_at: None,
            last_used_at: Some(now),
        })
        .collect()
}

pub(super) fn pauses(core: &Core, accounts: &[String]) -> Vec<charmkeeper_store::Pause> {
    core.broker
        .pauses()
        .into_iter()
        .filter(|p| accounts.contains(&p.account))
        .map(|p| charmkeeper_store::Pause {
            account: p.account,
            until: p.until,
            reason: p.reason,
        })
        .collect()
}

pub(super) fn new_name(charm: &Charm, ending: &Ending) -> Option<String> {
    let Ending::Finished(report) = ending else {
        return None;
    };
    let name = report.inspection.as_ref()?.name.as_ref()?;
    (*name != charm.name).then(|| name.clone())
}
