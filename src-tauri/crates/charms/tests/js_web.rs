//! The Web's objects in the real engine: URL, text, events, fetch, console.
//!
//! Each file of `tests/js` is a charm whose `bgUpdater` runs its assertions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

use charmkeeper_charms::testing::{Evaluated, FakeHost, eval_in_engine};

const ASSERT: &str = include_str!("js/assert.js");

fn run(code: &str, host: FakeHost) -> Evaluated {
    let seen = eval_in_engine(
        &[("charm:///main.js", code), ("charm:///assert.js", ASSERT)],
        host,
    );
    let report = seen.report();
    assert_eq!(
        report["ending"],
        "ok",
        "{}",
        report["error"]["message"].as_str().unwrap_or("")
    );
    seen
}

#[test]
fn url_and_search_params() {
    run(include_str!("js/url.js"), FakeHost::default());
}

#[test]
fn text_and_base64() {
    run(include_str!("js/text.js"), FakeHost::default());
}

#[test]
fn events_and_abort_signals() {
    run(include_str!("js/events.js"), FakeHost::default());
}

#[test]
fn structured_clone() {
    run(include_str!("js/clone.js"), FakeHost::default());
}

#[test]
fn timers_crypto_and_the_global_object() {
    run(include_str!("js/globals.js"), FakeHost::default());
}
