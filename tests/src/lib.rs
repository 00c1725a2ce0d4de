//! What the end-to-end tests share: the real program, a stand-in for Google, a
//! private keychain, and the truth to compare with.
//!
//! Owns no test. Nothing here touches the home, the keychain or the session bus
//! of the person who runs the tests.

// Failing loudly is what a test's helper is for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod bench;
pub mod computers;
pub mod database;
pub mod day;
pub mod expected;
pub mod keyring;
pub mod needle;
pub mod processes;
pub mod program;
pub mod remote_stage;
pub mod snoop;
pub mod space_server;
pub mod stage;
pub mod tap;

use std::time::Duration;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Looks again and again until `holds`, and fails with `what` when it never does.
///
/// # Panics
/// After [`PATIENCE`].
pub async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let looked = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            pace.tick().await;
        }
    });
    assert!(looked.await.is_ok(), "gave up waiting: {what}");
}
