//! The broker over real sockets: a scripted server stands in for Google.

// clippy.toml allows these in functions marked as tests; here the helpers are tests too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod budget;
mod failures;
mod permission;
mod quota;
mod redirects;
mod refresh;
mod support;
mod tls;
mod tokens;
