//! The icon and the window: measured by a program of their own, on a display of
//! their own (`tests/desktop/src/bin/bench-desktop`).
//!
//! Owns starting it. Where it cannot be started the budgets count as missed: a
//! figure that nobody took is not a figure that fits.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::Bench;

/// Measures with the million runs of this home.
pub(crate) fn measure(bench: &mut Bench, history: &TempDir) {
    println!("desktop, on the release build:");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = std::env::current_exe().expect("the program knows its file");
    let program = own.with_file_name("bench-desktop");
    let ended = Command::new(root.join("tests/harness/desk.sh"))
        .arg(&program)
        .arg(history.path())
        .env("CHARMKEEPER_TEST_BUILD", "release")
        .status();
    match ended.map(|status| status.code()) {
        Ok(Some(0)) => {}
        Ok(Some(1)) => bench.missed = true,
        other => {
            bench.missed = true;
            println!(
                "MISS  the icon and the window could not be measured ({}, {other:?}): this takes \
                 Xvfb, openbox, wmctrl, WebKitWebDriver and the release build (`make bench`)",
                program.display()
            );
        }
    }
}
