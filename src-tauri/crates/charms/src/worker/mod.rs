//! The child side: what happens in a worker process.
//!
//! Owns the engine, its ops and the sandbox. Never holds a token, a key, a
//! socket or a file; the parent process decides everything that leaves it.

#[cfg(all(target_os = "linux", feature = "quickjs"))]
mod copies;
pub mod engine;
mod failure;
pub mod host;
mod job;
mod job_host;
mod js_sources;
mod link;
mod loader;
pub(crate) mod log_cap;
mod ops;
mod patterns;
mod probe;
mod process;
mod pump;
mod sandbox;
mod serial;
mod usage;
mod watchdog;

pub use failure::Failure;
pub use process::{Isolation, worker_main};
