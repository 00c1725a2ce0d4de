//! A space server for tests: speaks the memory protocol on this computer and goes
//! wrong when it is told to.
//!
//! Owns what it was told and its journal. Never a product.

mod apply;
mod connection;
mod faults;
mod journal;
mod seed;
mod server;
mod state;

pub use faults::{Fault, Faults};
pub use seed::{PieceSeed, seed_favorites};
pub use server::SpaceServer;
