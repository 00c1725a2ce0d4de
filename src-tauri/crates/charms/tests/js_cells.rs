//! The charm API's cells in the real engine: reading, writing, links, lists.

mod js_support;

use charmkeeper_charms::testing::FakeHost;
use js_support::run;

#[test]
fn cells() {
    run(include_str!("js/cells.js"), FakeHost::default());
}
