//! Reactive code as a runtime without a type checker can run it.
//!
//! In a pattern's body names stand for cells and derived values, and the
//! framework's own compiler lets them be used as if they were plain values:
//! `ready ? a : b`, `!auth`, `emails.length`. Here such expressions become calls
//! of a few helpers ([`HELPERS`]), which decide at run time whether a name holds
//! a cell: what a name *may* hold is all that has to be known beforehand, and a
//! plain value passes through them unchanged.
//!
//! * [`class`]: what a name or an expression may hold.
//! * [`analysis`]: which functions build (pattern bodies) and which compute
//!   (callbacks of `computed`, handlers), with [`names`] and [`results`] for what
//!   names hold and calls give, and [`plan`] for the outcome.
//! * [`building`]: the program's own functions that make cells or derived values;
//!   [`acting`]: those that write, or make derived values that do.
//! * [`rewrite`]: the change of the tree, with [`site`] for code that builds,
//!   [`value`] for code that computes, [`path`] and [`make`] for its parts.
//!
//! Never changes code that touches nothing reactive, and never the places that
//! code is said to stand at: helpers take over the span of what they replace.

mod acting;
mod analysis;
mod building;
mod class;
mod make;
mod methods;
mod names;
mod path;
mod plan;
mod results;
mod rewrite;
mod site;
mod value;

pub(super) use building::Building;
pub(super) use make::Make;
pub(super) use plan::{Plan, plan};
pub(super) use rewrite::rewrite;

/// The module with the helpers. Charms cannot import it by name.
pub(super) const HELPERS: &str = "charmkeeper/reactive";
