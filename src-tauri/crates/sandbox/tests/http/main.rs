//! The sandbox over real HTTP: every rule that a client relies on.

// The helpers of the tests are not inside test functions, where these are allowed.
#![allow(clippy::expect_used, clippy::panic)]

mod calendar;
mod calendar_sync;
mod common;
mod control;
mod faults;
mod gmail;
mod gmail_access;
mod gmail_changes;
mod oauth;
mod tokens;
