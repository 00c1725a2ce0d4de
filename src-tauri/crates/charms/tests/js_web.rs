//! The Web's objects in the real engine: URL, text, events, fetch, console.
//!
//! Each file of `tests/js` is a charm whose `bgUpdater` runs its assertions.

mod js_support;

use charmkeeper_charms::testing::FakeHost;
use js_support::run;

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
