//! The client against a scripted peer: the test plays the server, frame by frame,
//! over a pipe in memory, with time standing still.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod authorization;
mod network;
mod reconnect;
mod recorded;
mod requests;
mod support;
