//! Budgets of the icon and the window, measured on the release build. Started by
//! the bench (`make bench`, or `bench desktop`) under `tests/harness/desk.sh`,
//! with the home that has a million runs as its argument.
//!
//! Prints one line for each figure and ends with 1 when a budget is missed.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic
)]

mod gaps;
mod idle;
mod start;
mod sync;
mod window;

use std::path::Path;
use std::process::ExitCode;

use charmkeeper_tests::bench::Bench;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let history = std::env::args_os().nth(1).expect("a home with a history");
    // For looking into one of them by hand.
    let only = std::env::args().nth(2);
    let asked = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut bench = Bench::default();
    if asked("start") {
        start::measure(&mut bench).await;
    }
    if asked("idle") {
        idle::measure(&mut bench).await;
    }
    if asked("window") {
        window::clicks(&mut bench).await;
    }
    if asked("history") {
        window::history(&mut bench, Path::new(&history)).await;
    }
    if asked("sync") {
        sync::measure(&mut bench).await;
    }
    bench.end()
}
