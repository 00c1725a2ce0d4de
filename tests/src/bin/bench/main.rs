//! The budgets of ARCHITECTURE.md, measured on the release build.
//!
//! In: nothing but the built `charmkeeper`. Out: one line for each figure with
//! its budget. Ends with 1 when a budget is missed. Figures on a shared machine
//! are noisy: run it twice before believing a miss. `bench quick` leaves out the
//! three minutes of the thousand charms; `bench history` is the history alone,
//! which needs no built program; `bench node` compares an importer with Node;
//! `bench desktop` is the icon and the window alone; `bench space` remote spaces.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic
)]

mod desktop;
mod history;
mod node;
mod serve;
mod space;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use charmkeeper_tests::bench::{Bench, Process, median};
use serve::Serve;

/// A charm that does nothing, and says so to nobody.
const NOOP: &str = r#"
import { handler, NAME, pattern, Stream } from "commonfabric";
interface Output { [NAME]: string; bgUpdater: Stream<void> }
const update = handler<void, Record<string, never>>(() => {});
export default pattern<Record<string, never>, Output>(() => ({ [NAME]: "Nothing", bgUpdater: update({}) }));
"#;

fn main() -> ExitCode {
    let what = std::env::args().nth(1).unwrap_or_default();
    let quick = what == "quick";
    let mut bench = Bench::default();
    if what == "history" {
        history::measure(&mut bench, &history::home());
        return bench.end();
    }
    if what == "desktop" {
        desktop::measure(&mut bench, &history::home());
        return bench.end();
    }
    if what == "space" {
        let part = std::env::args().nth(2).unwrap_or_default();
        space::measure(&mut bench, &part);
        return bench.end();
    }
    let binary = binary();
    if what == "node" {
        node::measure(&mut bench, &binary);
        return bench.end();
    }
    first_run(&mut bench, &binary);
    noop(&mut bench, &binary);
    idle(&mut bench, &binary);
    if !quick {
        thousand(&mut bench, &binary);
    }
    let home = history::home();
    history::measure(&mut bench, &home);
    node::measure(&mut bench, &binary);
    space::measure(&mut bench, "");
    desktop::measure(&mut bench, &home);
    bench.end()
}

fn binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let binary = target.join("release/charmkeeper");
    assert!(
        binary.is_file(),
        "{} is missing: run `make bench`",
        binary.display()
    );
    binary
}

/// Adds the charm with the command line, without a keeper.
fn add(binary: &Path, home: &Path, file: &Path) {
    let done = Command::new(binary)
        .args([
            "add",
            &file.to_string_lossy(),
            "--home",
            &home.to_string_lossy(),
        ])
        .output()
        .expect("charmkeeper starts");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn charm_file(dir: &Path) -> PathBuf {
    let file = dir.join("nothing.tsx");
    std::fs::write(&file, NOOP).expect("the charm is written");
    file
}

/// From the start of `serve` to the end of the first successful run.
fn first_run(bench: &mut Bench, binary: &Path) {
    let mut times = Vec::new();
    for _ in 0..5 {
        let dir = tempfile::tempdir().expect("a folder");
        let home = dir.path().join("home");
        add(binary, &home, &charm_file(dir.path()));
        let begun = Instant::now();
        let serve = Serve::start(binary, &home);
        let run = serve.next_run();
        assert!(
            run["outcome"].as_str().is_some_and(|o| o.starts_with("ok")),
            "{run}"
        );
        times.push(begun.elapsed().as_secs_f64());
    }
    bench.figure(
        "start of serve to the end of the first run, median of 5",
        median(times),
        "s",
        0.6,
    );
}

/// A run that does nothing, from being asked for to being stored.
fn noop(bench: &mut Bench, binary: &Path) {
    let dir = tempfile::tempdir().expect("a folder");
    let home = dir.path().join("home");
    add(binary, &home, &charm_file(dir.path()));
    let serve = Serve::start(binary, &home);
    serve.next_run();
    let times: Vec<f64> = (0..40)
        .map(|_| {
            let begun = Instant::now();
            serve.run("nothing");
            begun.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    bench.figure(
        "a run that does nothing, due to durable, median of 40",
        median(times),
        "ms",
        60.0,
    );
}

/// A keeper with nothing to do.
fn idle(bench: &mut Bench, binary: &Path) {
    let dir = tempfile::tempdir().expect("a folder");
    let home = dir.path().join("home");
    add(binary, &home, &charm_file(dir.path()));
    let serve = Serve::start(binary, &home);
    serve.next_run();
    serve.set_interval("nothing", 86_400);
    let process = Process(serve.pid());
    std::thread::sleep(Duration::from_secs(3));
    let before = process.wakeups();
    std::thread::sleep(Duration::from_secs(20));
    let wakeups = process.wakeups_since(&before);
    bench.figure(
        "idle serve, private memory",
        process.private_mib(),
        "MiB",
        20.0,
    );
    #[allow(clippy::cast_precision_loss)]
    bench.figure(
        "idle serve, wake-ups in 10 s",
        wakeups as f64 / 2.0,
        "",
        1.0,
    );
    let workers = process.children().len();
    #[allow(clippy::cast_precision_loss)]
    bench.figure("idle serve, workers alive", workers as f64, "", 0.0);
}

/// 50 spaces with 20 charms each, every minute.
fn thousand(bench: &mut Bench, binary: &Path) {
    let dir = tempfile::tempdir().expect("a folder");
    let home = dir.path().join("home");
    let file = charm_file(dir.path());
    let serve = Serve::start(binary, &home);
    println!("      adding 1,000 charms");
    for space in 0..50 {
        for _ in 0..20 {
            serve.add(&file, &format!("space-{space}"));
        }
    }
    // Until every charm has had its turn after the last one was added.
    std::thread::sleep(Duration::from_secs(75));
    let process = Process(serve.pid());
    let planned = serve.planned();
    let since = serve.now();
    let cpu = process.cpu_seconds();
    std::thread::sleep(Duration::from_secs(60));
    let cpu = process.cpu_seconds() - cpu;
    bench.figure(
        "1,000 charms a minute, share of one core",
        cpu / 60.0 * 100.0,
        "%",
        10.0,
    );
    std::thread::sleep(Duration::from_secs(15));
    let mut late = serve.lateness(&planned, &since);
    late.sort_by(f64::total_cmp);
    assert!(late.len() > 900, "only {} of 1,000 charms ran", late.len());
    bench.figure(
        "1,000 charms a minute, lateness p99",
        late[late.len() * 99 / 100],
        "s",
        2.0,
    );
}
