//! Processes that die at the wrong moment, and what is left of them: nothing.
//!
//! These tests look at all children of this process, so they run one at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]
#![cfg(target_os = "linux")]

mod support;

use std::{
    future::Future,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use charmkeeper_base::Outcome;
use charmkeeper_charms::{
    frames::{self, Kind},
    runner::{Ending, WorkerCommand, run_batch},
};
use support::{NO_OP, job, run, worker};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test's future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Children of this process, zombies included.
fn children() -> Vec<u32> {
    children_of(std::process::id())
}

fn children_of(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .flatten()
    {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(
            text.split_ascii_whitespace()
                .map(|pid| pid.parse::<u32>().unwrap()),
        );
    }
    all
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Its memory has a size as long as a process is neither dead nor a zombie.
fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/statm")).is_ok_and(|s| !s.starts_with('0'))
}

/// Waits until something is so; fails when it does not become so within 20 s.
async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}

fn kill(pid: u32) {
    assert!(
        Command::new("/bin/kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// Kills what `victim` picks when the charm has begun, and sees who suffers.
async fn murder(victim: impl Fn(u32) -> u32) {
    let (charm, host) = job("victim", "console.log('began'); for (;;) {}");
    let (after, after_host) = job("after", NO_OP);
    let murder = async {
        host.logged("began").await;
        let running = children();
        assert_eq!(running.len(), 1);
        kill(victim(running[0]));
    };
    let (ends, ()) = tokio::join!(run(vec![charm, after]), murder);
    assert!(
        matches!(
            &ends[0].ending,
            Ending::Crashed {
                signal: Some(9),
                ..
            }
        ),
        "{:?}",
        ends[0]
    );
    assert_eq!(
        host.log(),
        ["began"],
        "a run that has begun is never begun again"
    );
    assert_eq!(ends[1].ending.outcome(), Outcome::Ok);
    assert_ne!(ends[1].worker, ends[0].worker);
    assert_eq!(after_host.log(), ["ran"]);
    assert_eq!(children(), [] as [u32; 0]);
}

#[test]
fn a_killed_worker_costs_its_own_run_and_no_other() {
    let _alone = alone();
    block_on(murder(|worker| worker));
}

#[test]
fn a_killed_copy_of_a_worker_costs_its_own_run_and_no_other() {
    let _alone = alone();
    block_on(murder(|worker| {
        let copies = children_of(worker);
        assert_eq!(copies.len(), 1);
        copies[0]
    }));
}

#[test]
fn a_run_dies_with_the_worker_that_made_its_process() {
    let _alone = alone();
    block_on(async {
        let (endless, host) = job("endless", "console.log('began'); for (;;) {}");
        let mut copy = 0;
        let murder = async {
            host.logged("began").await;
            let worker = children()[0];
            copy = children_of(worker)[0];
            kill(worker);
        };
        tokio::join!(run(vec![endless]), murder);
        until("the copy outlived its worker", || !alive(copy)).await;
    });
}

#[test]
fn dropping_a_batch_kills_its_worker() {
    let _alone = alone();
    block_on(async {
        let (job, host) = job("endless", "console.log('began'); for (;;) {}");
        let cmd = worker();
        let mut ends = 0;
        tokio::select! {
            () = Box::pin(run_batch(&cmd, vec![job], |_| ends += 1)) => panic!("it has no end"),
            () = host.logged("began") => {}
        }
        assert_eq!(ends, 0);
        until("the worker is alive, or a zombie", || children().is_empty()).await;
    });
}

#[test]
fn a_worker_that_does_not_listen_is_killed_too() {
    let _alone = alone();
    block_on(async {
        let deaf = WorkerCommand {
            program: "/bin/sh".into(),
            args: ["-c", "exec sleep 1000"].map(Into::into).into(),
        };
        let (job, _) = job("a", NO_OP);
        tokio::select! {
            () = Box::pin(run_batch(&deaf, vec![job], |_| {})) => panic!("it says nothing"),
            () = until("it does not start", || !children().is_empty()) => {}
        }
        until("it is alive, or a zombie", || children().is_empty()).await;
    });
}

#[test]
fn a_batch_dropped_while_its_worker_starts_leaves_none() {
    let _alone = alone();
    block_on(async {
        for _ in 0..20 {
            let cmd = worker();
            tokio::select! {
                biased;
                () = tokio::task::yield_now() => {}
                () = Box::pin(run_batch(&cmd, vec![job("a", NO_OP).0], |_| {})) => {}
            }
        }
        until("a worker is alive, or a zombie", || children().is_empty()).await;
    });
}

#[test]
fn many_batches_leave_no_process_and_no_pipe_behind() {
    let _alone = alone();
    block_on(async {
        let batch = || vec![job("a", NO_OP).0, job("b", "throw 1").0, job("c", NO_OP).0];
        run(batch()).await;
        let before = open_files();
        for _ in 0..10 {
            let ends = run(batch()).await;
            assert_eq!(ends.len(), 3);
            assert_eq!(children(), [] as [u32; 0], "alive after the batch");
        }
        assert_eq!(open_files(), before);
    });
}

#[test]
fn a_worker_dies_with_the_process_that_started_it() {
    let _alone = alone();
    block_on(async {
        // A shell in the place of the keeper. The worker's stdin stays open
        // when it dies, so only the death signal can end the worker.
        let text = "\"$1\" worker --heap-bytes 200000000 --cpu-seconds 30 --parent $$ --isolation process \
            < \"$2\" & echo $! > \"$3\"; wait";
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let fifo = path("stdin");
        assert!(
            Command::new("/usr/bin/mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let mut shell = Command::new("/bin/sh")
            .args(["-c", text, "sh"])
            .arg(worker().program)
            .args([fifo.clone(), path("pid")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let held_open = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        let ready = frames::read(&mut shell.stdout.take().unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(ready.kind, Kind::Ready);
        let pid: u32 = std::fs::read_to_string(path("pid"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert!(alive(pid));
        shell.kill().unwrap();
        shell.wait().unwrap();
        until("the worker outlived its keeper", || !alive(pid)).await;
        drop(held_open);
    });
}
