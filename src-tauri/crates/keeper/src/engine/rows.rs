//! What the engine itself writes: schedules, and runs that did not take place.

use std::sync::Arc;

use charmkeeper_base::{Outcome, SyncState, Trigger, UnixMs};
use charmkeeper_store::{CharmUpdate, FinishRun, NewRun};

use super::Engine;
use crate::api::Event;
use crate::scheduler::{Reason, Saved};
use crate::{plan, views};

impl Engine {
    /// What the scheduler remembers of a charm goes into its row.
    pub(super) fn persist(&mut self, charm: String, saved: Saved) {
        let serving = self.core.serving;
        self.core.background.write("a schedule", move |store| {
            let Some(row) = store.charm(&charm)? else {
                return Ok(());
            };
            let schedule = plan::schedule(&row, &saved, serving);
            let update = CharmUpdate {
                schedule: Some(schedule),
                paused_reason: Some(plan::paused_reason(&saved)),
                ..CharmUpdate::default()
            };
            store.update_charm(&charm, &update)
        });
    }

    /// Runs that did not take place get a row of the history, together.
    pub(super) fn record(
        &self,
        charm: &str,
        outcome: Outcome,
        reason: Reason,
        count: u64,
        since: UnixMs,
    ) {
        let new = NewRun {
            id: crate::ids::uuid(&self.core),
            charm: charm.to_owned(),
            trigger: Trigger::Timer,
            started_at: since,
        };
        let mut finish = FinishRun::new(&new.id, outcome, 0);
        finish.sync = SyncState::Local;
        finish.note = Some(format!("{}: {count}", reason.as_str()));
        let core = Arc::clone(&self.core);
        tokio::spawn(async move {
            let stored = core
                .store(move |store| {
                    store.record_run(&new, &finish)?;
                    store.run_row(&new.id)
                })
                .await;
            match stored {
                Ok(Some(row)) => core.tell(Event::RunEnded {
                    run: views::run(&row),
                }),
                Ok(None) => {}
                Err(e) => tracing::error!("missed runs could not be recorded: {e}"),
            }
        });
    }
}
