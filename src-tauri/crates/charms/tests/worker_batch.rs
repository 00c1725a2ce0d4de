//! Batches in real workers: who is blamed, who runs on, and in which worker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use charmkeeper_base::{ErrorKind, Outcome};
use charmkeeper_charms::runner::{
    Action, BatchOptions, Ending, Isolation, Job, JobEnd, Limits, WorkerCommand, run_batch_with,
};
use support::{NO_OP, Network, Recorder, job, job_with, run, run_one, short, worker};

fn names(ends: &[JobEnd]) -> Vec<&str> {
    ends.iter().map(|e| e.charm.as_str()).collect()
}

fn workers(ends: &[JobEnd]) -> usize {
    ends.iter()
        .filter_map(|e| e.worker)
        .collect::<BTreeSet<_>>()
        .len()
}

const BOTH: [Isolation; 2] = [Isolation::Process, Isolation::Runtime];

/// Without the rule about slow charms, for tests that count workers.
fn patient(isolation: Isolation) -> BatchOptions {
    BatchOptions {
        slow_after: Duration::from_secs(3600),
        max_workers: 8,
        isolation,
    }
}

async fn run_in(isolation: Isolation, jobs: Vec<Job>) -> Vec<JobEnd> {
    let (cmd, mut ends) = (worker(), Vec::new());
    let run = run_batch_with(&cmd, patient(isolation), jobs, |end| ends.push(end));
    Box::pin(run).await;
    ends
}

#[tokio::test]
async fn a_batch_shares_one_worker_and_keeps_its_order() {
    for isolation in BOTH {
        let jobs: Vec<_> = ["a", "b", "c"].map(|n| job(n, NO_OP)).into();
        let hosts: Vec<_> = jobs.iter().map(|(_, host)| Arc::clone(host)).collect();
        let ends = run_in(isolation, jobs.into_iter().map(|(job, _)| job).collect()).await;
        assert_eq!(names(&ends), ["a", "b", "c"]);
        assert_eq!(workers(&ends), 1);
        for (end, host) in ends.iter().zip(&hosts) {
            assert_eq!(end.ending.outcome(), Outcome::Ok, "{end:?}");
            assert_eq!(end.run, format!("run-{}", end.charm));
            assert_eq!(host.log(), ["ran"]);
            assert!(end.usage.peak_rss > 0 && !end.sandbox.is_empty(), "{end:?}");
        }
    }
}

#[tokio::test]
async fn a_process_that_makes_its_runtimes_itself_is_replaced_after_32_jobs() {
    let jobs = || (0..33).map(|i| job(&format!("{i}"), NO_OP).0).collect();
    let ends = run_in(Isolation::Runtime, jobs()).await;
    assert_eq!(ends.len(), 33);
    assert!(ends.iter().all(|e| e.ending.outcome() == Outcome::Ok));
    assert_eq!(workers(&ends), 2);
    assert_eq!(workers(&ends[..32]), 1);
    let ends = run_in(Isolation::Process, jobs()).await;
    assert_eq!((ends.len(), workers(&ends)), (33, 1));
}

#[tokio::test]
async fn jobs_with_other_heap_limits_get_a_worker_of_their_own() {
    let sizes = [64, 64, 96];
    let jobs = sizes.map(|mib| Job {
        limits: Limits {
            heap_bytes: mib << 20,
            ..Limits::default()
        },
        ..job("a", NO_OP).0
    });
    let ends = run_in(Isolation::Process, jobs.into()).await;
    assert_eq!(ends[0].worker, ends[1].worker);
    assert_ne!(ends[1].worker, ends[2].worker);
}

/// A thrown value whose every inspection throws makes the engine's binding
/// panic; the built-in never looks at the clock; the bomb fills the heap.
const HOSTILE: [(&str, &str, Outcome); 4] = [
    (
        "proxy",
        "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } });",
        Outcome::Crashed,
    ),
    ("native", "new Array(1e9).indexOf(5);", Outcome::TimedOut),
    ("loop", "for (;;) {}", Outcome::TimedOut),
    (
        "bomb",
        "const a = []; for (;;) a.push(new Array(1000).fill({}));",
        Outcome::OutOfMemory,
    ),
];

#[tokio::test]
async fn a_hostile_charm_is_blamed_alone_and_nothing_runs_twice() {
    for isolation in BOTH {
        for (name, code, wanted) in HOSTILE {
            let (hostile, host) = job(name, &format!("console.log('began');{code}"));
            let (neighbour, neighbours_host) = job("neighbour", NO_OP);
            let limits = if name == "bomb" {
                Limits::default()
            } else {
                short()
            };
            let heap = |limits| Limits {
                heap_bytes: 64 << 20,
                ..limits
            };
            let jobs = vec![
                Job {
                    limits: heap(limits),
                    ..hostile
                },
                Job {
                    limits: heap(Limits::default()),
                    ..neighbour
                },
            ];
            let ends = run_in(isolation, jobs).await;
            assert_eq!(ends.len(), 2);
            assert_eq!(ends[0].ending.outcome(), wanted, "{:?}", ends[0]);
            assert_eq!(ends[0].ending.kind(), Some(ErrorKind::Charm));
            assert_eq!(host.log(), ["began"], "{name}");
            assert_eq!(ends[1].ending.outcome(), Outcome::Ok, "after {name}");
            assert_eq!(neighbours_host.log(), ["ran"], "after {name}");
            // The one that made the copies has not seen the charm.
            let same = ends[0].worker == ends[1].worker;
            let stopped = ["loop", "bomb"].contains(&name);
            assert_eq!(same, stopped && isolation == Isolation::Process, "{name}");
        }
    }
}

#[tokio::test]
async fn the_words_of_a_crash_name_its_place() {
    let code = "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } });";
    let end = run_one(job("proxy", code).0).await;
    let Ending::Crashed { signal, detail, .. } = &end.ending else {
        panic!("{end:?}")
    };
    assert_eq!(*signal, Some(6));
    assert!(detail.contains("panicked at"), "{detail}");
}

#[tokio::test]
async fn a_charm_cannot_touch_its_neighbour() {
    for isolation in BOTH {
        let (first, _) = job(
            "first",
            "Object.prototype.stolen = 1; Array.prototype.push = () => { throw 1; };
             JSON.stringify = () => 'forged'; Promise.prototype.then = null; globalThis.leak = 42;
             delete globalThis.Map;",
        );
        let look = "console.log([({}).stolen, typeof leak, typeof Map, [].push(1)].join());";
        let (second, host) = job("second", &format!("{look}{NO_OP}"));
        let ends = run_in(isolation, vec![first, second]).await;
        assert_eq!(workers(&ends), 1, "the test is about one worker");
        assert_eq!(ends[1].ending.outcome(), Outcome::Ok, "{:?}", ends[1]);
        assert_eq!(host.log(), [",undefined,function,1", "ran"]);
    }
}

#[tokio::test]
async fn chance_is_not_shared_between_the_charms_of_a_batch() {
    let draw = "console.log([Math.random(), Math.random()].join());
        let low = 0; for (let i = 0; i < 10000; i++) {
            const x = Math.random(); if (!(x >= 0 && x < 1)) throw x; if (x < 0.5) low++;
        }
        if (low < 4500 || low > 5500) throw low;";
    for isolation in BOTH {
        let drawn = [0, 1, 2].map(|_| job("draws", &format!("{draw}{NO_OP}")));
        let hosts: Vec<_> = drawn.iter().map(|(_, host)| Arc::clone(host)).collect();
        let ends = run_in(isolation, drawn.map(|(job, _)| job).into()).await;
        assert!(
            ends.iter().all(|e| e.ending.outcome() == Outcome::Ok),
            "{ends:?}"
        );
        let all: BTreeSet<_> = hosts.iter().map(|h| h.log()[0].clone()).collect();
        assert_eq!(all.len(), 3, "{all:?}");
    }
}

#[tokio::test]
async fn answers_that_come_too_late_do_not_disturb_the_next_run() {
    let code = "for (let i = 0; i < 300; i++) {
            fetch('https://a.test/', { method: 'POST', body: new Uint8Array(40000) });
        }
        await fetch('https://a.test/');
        throw new Error('over');";
    for isolation in BOTH {
        let jobs = [code, NO_OP, code, NO_OP, code, NO_OP].map(|code| job("a", code).0);
        let ends = run_in(isolation, jobs.into()).await;
        let outcomes: Vec<_> = ends.iter().map(|e| e.ending.outcome()).collect();
        let pair = [Outcome::Failed, Outcome::Ok];
        assert_eq!(outcomes, pair.repeat(3), "{ends:?}");
        assert_eq!(workers(&ends), 1);
    }
}

#[tokio::test]
async fn the_rest_of_a_batch_does_not_wait_for_a_slow_charm() {
    let hangs = Recorder {
        network: Network::Hangs,
        ..Recorder::default()
    };
    let (slow, slow_host) = job_with("slow", "await fetch('https://slow.test/');", hangs);
    let slow_cancel = slow.cancel.clone();
    let jobs = vec![slow, job("b", NO_OP).0, job("c", NO_OP).0];
    let options = BatchOptions {
        slow_after: Duration::from_millis(300),
        ..BatchOptions::default()
    };
    let mut ends = Vec::new();
    Box::pin(run_batch_with(&worker(), options, jobs, |end| {
        ends.push(end);
        if ends.len() == 2 {
            // The slow one is still at it, and only this lets it go.
            assert_eq!(slow_host.open.load(std::sync::atomic::Ordering::SeqCst), 1);
            slow_cancel.cancel();
        }
    }))
    .await;
    assert_eq!(names(&ends), ["b", "c", "slow"]);
    assert_eq!(ends[2].ending, Ending::Cancelled);
    assert_ne!(ends[0].worker, ends[2].worker);
}

#[tokio::test]
async fn at_most_so_many_workers_run_at_once() {
    let jobs = ["a", "b", "c"].map(|n| Job {
        limits: short(),
        ..job(n, "for (;;) {}").0
    });
    let options = BatchOptions {
        slow_after: Duration::ZERO,
        max_workers: 2,
        ..BatchOptions::default()
    };
    let mut ends = Vec::new();
    Box::pin(run_batch_with(&worker(), options, jobs.into(), |end| {
        ends.push(end);
    }))
    .await;
    // The third had to wait until one of the first two was over.
    assert_eq!(ends.len(), 3);
    assert_eq!(ends[2].charm, "c");
    assert_eq!(workers(&ends), 3);
}

#[tokio::test]
async fn a_cancelled_run_ends_and_a_waiting_one_never_starts() {
    for code in [
        "for (;;) {}",
        "await new Promise((d) => setTimeout(d, 1e8));",
    ] {
        let (running, host) = job("running", &format!("console.log('began');{code}"));
        let running = Job {
            limits: Limits {
                grace: Duration::from_secs(30),
                ..Limits::default()
            },
            ..running
        };
        let (waiting, waiting_host) = job("waiting", NO_OP);
        waiting.cancel.cancel();
        let cancel = running.cancel.clone();
        let watch = async {
            host.logged("began").await;
            cancel.cancel();
        };
        let (ends, ()) = tokio::join!(
            run_in(
                Isolation::default(),
                vec![running, waiting, job("last", NO_OP).0]
            ),
            watch
        );
        let endings: Vec<_> = ends.iter().map(|e| e.ending.outcome()).collect();
        assert_eq!(
            endings,
            [Outcome::Cancelled, Outcome::Cancelled, Outcome::Ok],
            "{code}"
        );
        assert!(
            ends[0].usage.wall_ms < 20_000,
            "it was killed, not stopped: {:?}",
            ends[0].usage
        );
        assert!(waiting_host.log().is_empty());
        assert_eq!(ends[1].worker, None);
    }
}

#[tokio::test]
async fn a_cancelled_run_that_does_not_stop_is_killed() {
    let (job, host) = job("native", "console.log('began'); new Array(1e9).indexOf(5);");
    let cancel = job.cancel.clone();
    let limits = Limits {
        wall: Duration::from_secs(600),
        ..short()
    };
    let watch = async {
        host.logged("began").await;
        cancel.cancel();
    };
    let (end, ()) = tokio::join!(run_one(Job { limits, ..job }), watch);
    assert_eq!(end.ending, Ending::Cancelled);
    assert!(end.usage.wall_ms < 15_000, "{:?}", end.usage);
}

#[tokio::test]
async fn a_worker_that_cannot_be_started_is_not_the_charms_fault() {
    for program in ["/nonexistent/charmkeeper", "/bin/false", "/bin/true"] {
        let cmd = WorkerCommand {
            program: program.into(),
            args: vec!["worker".into()],
        };
        let mut ends = Vec::new();
        let jobs = vec![job("a", NO_OP).0, job("b", NO_OP).0];
        Box::pin(run_batch_with(
            &cmd,
            patient(Isolation::default()),
            jobs,
            |end| ends.push(end),
        ))
        .await;
        assert_eq!(names(&ends), ["a", "b"], "{program}");
        for end in ends {
            assert!(
                matches!(end.ending, Ending::NotStarted(_)),
                "{program}: {:?}",
                end.ending
            );
            assert_eq!(end.ending.kind(), Some(ErrorKind::Local));
        }
    }
}

#[tokio::test]
async fn a_charm_that_fits_no_frame_is_refused_with_its_neighbours_unharmed() {
    let large = format!("//{}", "x".repeat(17 * 1024 * 1024));
    let ends = run(vec![job("large", &large).0, job("b", NO_OP).0]).await;
    assert_eq!(ends[0].ending.outcome(), Outcome::Failed);
    assert!(
        ends[0]
            .ending
            .sentence()
            .unwrap()
            .contains("larger than the limit")
    );
    assert_eq!(ends[1].ending.outcome(), Outcome::Ok);
}

#[tokio::test]
async fn native_attempts_end_their_own_run_while_the_neighbours_run_on() {
    for isolation in BOTH {
        let (probe, _) = job("probe", NO_OP);
        let probe = Job {
            action: Action::Probe,
            ..probe
        };
        let ends = run_in(isolation, vec![job("a", NO_OP).0, probe, job("b", NO_OP).0]).await;
        let outcomes: Vec<_> = ends.iter().map(|e| e.ending.outcome()).collect();
        assert_eq!(outcomes, [Outcome::Ok, Outcome::Failed, Outcome::Ok]);
        let said = ends[1].ending.sentence().unwrap();
        assert!(
            said.contains("every attempt of native code was refused"),
            "{said}"
        );
        assert!(
            said.contains("read /etc/passwd: Operation not permitted"),
            "{said}"
        );
    }
}
