//! What is done now and then while the keeper runs: old runs, charms removed a
//! while ago, documents that nothing links any more, revocations still owed.
//!
//! Never in the way of a run: each part is done in small steps or not at all
//! while one is going on.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use charmkeeper_base::UnixMs;

use crate::core::Core;

/// Most rows of the history that are kept.
const KEEP_RUNS: u64 = 1_000_000;
/// How long a removed charm can be brought back.
const KEEP_REMOVED_MS: i64 = 24 * 60 * 60 * 1000;
/// How often to tidy up.
const EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// Tidies up at the start and from then on, for as long as the keeper lives.
pub(crate) async fn watch(core: Weak<Core>) {
    loop {
        match core.upgrade() {
            Some(core) => once(&core).await,
            None => return,
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Tidies up. What fails is tried again the next time.
pub(crate) async fn once(core: &Arc<Core>) {
    let now = core.now();
    let keep_for = core
        .preferences
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .keep_for_ms();
    let older = UnixMs(now.0.saturating_sub(keep_for));
    let removed = UnixMs(now.0.saturating_sub(KEEP_REMOVED_MS));
    let done = core
        .store(move |store| {
            store.purge_hidden(removed)?;
            store.prune(KEEP_RUNS, older)?;
            store.collect_elements()
        })
        .await;
    if let Err(e) = done {
        tracing::warn!("old things could not be removed: {e}");
    }
    if let Err(e) = core.accounts.retry_revocations().await {
        tracing::debug!("revocations are still owed: {e}");
    }
}
