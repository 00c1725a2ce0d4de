//! The charm API's cells in the real engine: reading, writing, links, lists.
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
fn cells() {
    run(include_str!("js/cells.js"), FakeHost::default());
}
