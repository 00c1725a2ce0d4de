//! The keeper's side of the workers: starts them, answers their calls, ends
//! them.
//!
//! Owns the processes, the hard clock, the watch on memory, and the verdict on
//! how a run ended. Never runs a charm's code in this process, and never decides
//! what a charm may reach: that is the [`Host`]'s.

mod account;
mod batch;
mod calls;
mod changes;
mod child;
mod end;
mod fetch;
mod host;
mod job;
mod lane;
mod pipe;
mod probe;
mod sample;
mod verdict;

pub use batch::{BatchOptions, run_batch, run_batch_with};
pub use end::{Ending, Inspection, JobEnd, NewDocument, Report, Usage};
pub use host::{Candidate, Host, HostError, SendAnswer, SendRequest, WishAnswer, WishQuery};
pub use job::{Action, CancelToken, Job, Limits, WorkerCommand};
pub use probe::{ProbeError, probe};

pub use crate::frames::{Attempt, LogLine, ProbeReport};
pub use crate::worker::{Failure, Isolation};
