//! charms

pub mod compile;
pub mod frames;
#[cfg(feature = "quickjs")]
mod no_wasm;
pub mod runner;
#[doc(hidden)]
pub mod testing;
pub mod worker;
