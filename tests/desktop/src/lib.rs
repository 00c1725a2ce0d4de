//! What the desktop tests share: the real program on a virtual display, a panel
//! of the test's own, its windows, and a driver for its page.
//!
//! Owns no test. Runs only on the display that `tests/harness/desk.sh` made.

// Failing loudly is what a test's helper is for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod desk;
pub mod driver;
pub mod panel;
pub mod portal;
pub mod toast;
