//! Writes to the store that nobody waits for, one after another.
//!
//! In order, because a later state of a charm must not be overwritten by an
//! earlier one. A failure is logged: what is written here is a memory of what
//! the scheduler knows anyway and says again with the next change.

use std::sync::Arc;

use charmkeeper_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

type Work = Box<dyn FnOnce(&Store) -> Result<(), StoreError> + Send>;

enum Job {
    Write(&'static str, Work),
    Settle(oneshot::Sender<()>),
}

/// See the module. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Background {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Background {
    /// Starts the writer.
    pub(crate) fn start(store: Arc<Store>) -> Self {
        let (jobs, mut inbox) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(job) = inbox.recv().await {
                match job {
                    Job::Settle(done) => {
                        // Whoever waited may have given up.
                        let _ = done.send(());
                    }
                    Job::Write(what, work) => {
                        let store = Arc::clone(&store);
                        match tokio::task::spawn_blocking(move || work(&store)).await {
                            Ok(Ok(())) => {}
                            Ok(Err(e)) => tracing::error!("{what} could not be stored: {e}"),
                            Err(e) => tracing::error!("{what} could not be stored: {e}"),
                        }
                    }
                }
            }
        });
        Self { jobs }
    }

    /// Writes something after everything that was given before.
    pub(crate) fn write(
        &self,
        what: &'static str,
        work: impl FnOnce(&Store) -> Result<(), StoreError> + Send + 'static,
    ) {
        // The writer is gone only when the program ends.
        let _ = self.jobs.send(Job::Write(what, Box::new(work)));
    }

    /// Waits until everything that was given before is written.
    pub(crate) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.jobs.send(Job::Settle(done)).is_ok() {
            let _ = settled.await;
        }
    }
}
