//! The desktop program: tray, window, notifications and start at login around
//! the keeper's one interface.
//!
//! Owns: what a desktop shows and what a click asks for. Never decides when a
//! charm runs, never holds a token, and shows nothing that it did not get from
//! the keeper.

pub mod app;
pub mod args;
pub mod autostart;
pub mod backend;
pub mod commands;
pub mod display;
mod follow;
mod menu;
mod notify;
mod panel;
mod remote;
mod revive;
mod sandbox;
mod scheme;
pub mod setup;
pub mod signals;
pub mod texts;
pub mod tray;
pub mod window;
