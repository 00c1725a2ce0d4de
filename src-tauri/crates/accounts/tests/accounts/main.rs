//! Accounts against a small server that speaks Google's OAuth paths, over real
//! sockets and with a clock that stands still.

// Helpers outside #[test] functions count as ordinary code for the lints.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub
)]

mod connect;
mod disconnect;
mod google;
mod refused;
mod setup;
mod tokens;
mod trouble;
