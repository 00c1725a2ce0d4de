//! The engine that composes the rest: registry of charms, scheduler, the life
//! of a run, health, and the one interface that every shell uses.
//!
//! Owns: which charms exist and when they run; it is the only writer of the
//! store. Never draws anything, never prints, never sees a window library.
//!
//! A shell opens a [`Keeper`] and sends it [`api::Request`]s; another process
//! sends the same requests over the local socket ([`control`]).

pub mod api;
mod background;
mod batch;
mod builtin;
mod cells;
mod config;
mod connect;
mod connecting;
pub mod control;
mod core;
mod doctor;
mod engine;
pub mod export;
mod google;
mod handles;
pub mod home;
mod host;
mod ids;
mod inspect;
mod keeper;
mod memory;
mod notices;
mod plan;
pub mod power;
mod preferences;
mod preview;
mod programs;
mod progress;
mod redact;
mod registry;
mod report;
mod requests;
pub mod scheduler;
mod send;
mod source;
mod spaces;
mod summary;
mod tidy;
mod updater;
mod verdict;
mod views;
mod wish;
mod wish_places;

pub use config::{KeeperConfig, VaultChoice};
pub use keeper::Keeper;
pub use memory::few_heaps;
pub use spaces::keys::{KeyForm, keep_identity};
pub use spaces::lease::Computer;
