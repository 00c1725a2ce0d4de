//! The space server against what was recorded from the real one.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]
// Values are written where they are used, with `json!`.
#![allow(clippy::needless_pass_by_value)]

mod access;
mod commits;
mod faults;
mod process;
mod recorded;
mod seed;
mod sessions;
mod socket;
mod support;
