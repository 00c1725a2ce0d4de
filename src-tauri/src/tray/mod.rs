//! The icon in the panel and its menu.
//!
//! Owns: what it shows ([`model`], pure), the pictures, and applying the
//! differences to the real thing. Never asks the keeper anything itself.

mod icons;
pub mod model;
mod shell;

pub(crate) use shell::Tray;
