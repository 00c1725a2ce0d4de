//! Charms: from their source to the end of a run.
//!
//! Owns the compiler ([`compile`]), the charm API in JavaScript (`js/`), the
//! worker process with its limits and its sandbox ([`worker`]), and the runner
//! that starts workers and speaks frames with them ([`runner`]).
//!
//! Never opens a socket or a database: what a charm asks for goes through the
//! runner's [`runner::Host`], which the keeper implements.

pub mod compile;
pub mod frames;
#[cfg(feature = "quickjs")]
mod no_wasm;
pub mod runner;
#[doc(hidden)]
pub mod testing;
pub mod worker;
