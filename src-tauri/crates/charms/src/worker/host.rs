//! The engine's only door to the outside: what an op may ask for.
//!
//! Owns the trait and its failure. Never does anything itself: in the worker it
//! is implemented over frames to the parent, in tests by a fake.

use std::{future::Future, pin::Pin};

/// A future that stays on the JavaScript thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Why the host gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostFailure {
    /// The run is being stopped; the charm will not see this.
    #[error("the run was stopped")]
    Stopped,
    /// The host refused or failed; the charm sees an `Error` with this text.
    #[error("{0}")]
    Refused(String),
}

/// What the ops of one run call. All of it runs on the JavaScript thread.
pub trait OpsHost {
    /// `op_ck_read`: JSON of document references in, JSON of snapshots out.
    /// Blocks the JavaScript thread.
    ///
    /// # Errors
    /// [`HostFailure`] when there is no answer.
    fn read(&self, ids: String) -> Result<String, HostFailure>;

    /// `op_ck_wish`: a query in, candidates out, both JSON. Blocks.
    ///
    /// # Errors
    /// [`HostFailure`] when there is no answer.
    fn wish(&self, query: String) -> Result<String, HostFailure>;

    /// `op_ck_fetch`: the head as JSON and the body; the answer is
    /// `u32 LE length | head JSON | body`, failures included.
    fn fetch(&self, head: String, body: Vec<u8>) -> LocalFuture<Vec<u8>>;

    /// `op_ck_send`: an event for another charm's stream, and how it went, both
    /// JSON.
    fn send(&self, event: String) -> LocalFuture<Result<String, HostFailure>>;

    /// `op_ck_change`: one change of one document, as JSON on one line. They
    /// come at the end of a run, before its report, and count only if that says
    /// that the run went well.
    ///
    /// # Errors
    /// [`HostFailure`] when they are too large together.
    fn change(&self, json: &[u8]) -> Result<(), HostFailure>;

    /// `op_ck_fetch_abort`: the charm no longer wants the fetch whose head had
    /// this `id`.
    fn fetch_abort(&self, id: u32);

    /// Asked before [`log`](Self::log): false when the next line would be
    /// dropped, which then counts as dropped.
    fn wants_log(&self) -> bool {
        true
    }

    /// `op_ck_log`: one line of console output.
    fn log(&self, level: &str, text: &str);

    /// Fills `bytes` with random data for `crypto`.
    fn random(&self, bytes: &mut [u8]);
}
