//! Batches in real workers: who is blamed, who runs on, and in which worker.

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use charmkeeper_base::{ErrorKind, Outcome};
use charmkeeper_charms::runner::{
    Action, BatchOptions, Ending, Job, JobEnd, Limits, WorkerCommand, run_batch_with,
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

fn patient(max_workers: usize) -> BatchOptions {
    BatchOptions {
        slow_after: Duration::from_secs(3600),
        max_workers,
    }
}

/// Without the rule about slow charms, for tests that count workers.
async fn run_patiently(jobs: Vec<Job>) -> Vec<JobEnd> {
    let mut ends = Vec::new();
    Box::pin(run_batch_with(&worker(), patient(8), jobs, |end| {
        ends.push(end)
    }))
    .await;
    ends
}

#[tokio::test]
async fn a_batch_shares_one_worker_and_keeps_its_order() {
    let jobs: Vec<_> = ["a", "b", "c"].map(|n| job(n, NO_OP)).into();
    let hosts: Vec<_> = jobs.iter().map(|(_, host)| Arc::clone(host)).collect();
    let ends = run_patiently(jobs.into_iter().map(|(job, _)| job).collect()).await;
    assert_eq!(names(&ends), ["a", "b", "c"]);
    assert_eq!(workers(&ends), 1);
    for (end, host) in ends.iter().zip(&hosts) {
        assert_eq!(end.ending.outcome(), Outcome::Ok, "{end:?}");
        assert_eq!(end.run, format!("run-{}", end.charm));
        assert_eq!(host.log(), ["ran"]);
        assert!(end.usage.peak_rss > 0 && !end.sandbox.is_empty(), "{end:?}");
    }
}

#[tokio::test]
async fn a_worker_is_replaced_after_32_jobs() {
    let jobs = (0..33).map(|i| job(&format!("{i}"), NO_OP).0).collect();
    let ends = run_patiently(jobs).await;
    assert_eq!(ends.len(), 33);
    assert!(ends.iter().all(|e| e.ending.outcome() == Outcome::Ok));
    assert_eq!(workers(&ends), 2);
    assert_eq!(workers(&ends[..32]), 1);
}

#[tokio::test]
async fn a_hostile_charm_is_blamed_alone_and_nothing_runs_twice() {
    // A thrown value whose every inspection throws makes the engine's binding
    // panic; the built-in never looks at the clock; the bomb fills the heap.
    let hostile = [
        (
            "proxy",
            "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } });",
        ),
        ("native", "new Array(1e9).indexOf(5);"),
        ("loop", "for (;;) {}"),
        (
            "bomb",
            "const a = []; for (;;) a.push(new Array(1000).fill({}));",
        ),
    ];
    let mut jobs = Vec::new();
    let mut hosts = Vec::new();
    for (name, code) in hostile {
        for (name, code) in [
            (name, format!("console.log('began');{code}")),
            ("neighbour", NO_OP.to_owned()),
        ] {
            let (job, host) = job(name, &code);
            let limits = match name {
                "neighbour" => Limits::default(),
                "bomb" => Limits {
                    heap_bytes: 64 << 20,
                    ..Limits::default()
                },
                _ => short(),
            };
            jobs.push(Job { limits, ..job });
            hosts.push((name, host));
        }
    }
    let ends = run_patiently(jobs).await;
    let wanted = [
        Outcome::Crashed,
        Outcome::TimedOut,
        Outcome::TimedOut,
        Outcome::OutOfMemory,
    ];
    assert_eq!(ends.len(), 8);
    for (pair, wanted) in ends.chunks(2).zip(wanted) {
        assert_eq!(pair[0].ending.outcome(), wanted, "{:?}", pair[0]);
        assert_eq!(pair[0].ending.kind(), Some(ErrorKind::Charm));
        assert_eq!(
            pair[1].ending.outcome(),
            Outcome::Ok,
            "after {}: {:?}",
            pair[0].charm,
            pair[1]
        );
        assert_ne!(pair[0].worker, pair[1].worker, "after {}", pair[0].charm);
    }
    for (name, host) in hosts {
        let once = if name == "neighbour" { "ran" } else { "began" };
        assert_eq!(host.log(), [once], "{name}");
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
    let (first, _) = job(
        "first",
        "Object.prototype.stolen = 1; Array.prototype.push = () => { throw 1; };
         JSON.stringify = () => 'forged'; Promise.prototype.then = null; globalThis.leak = 42;
         delete globalThis.Map;",
    );
    let (second, host) = job(
        "second",
        &format!(
            "console.log([({{}}).stolen, typeof leak, typeof Map, [].push(1)].join());{NO_OP}"
        ),
    );
    let ends = run_patiently(vec![first, second]).await;
    assert_eq!(workers(&ends), 1, "the test is about one process");
    assert_eq!(ends[1].ending.outcome(), Outcome::Ok, "{:?}", ends[1]);
    assert_eq!(host.log(), [",undefined,function,1", "ran"]);
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
        max_workers: 8,
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
    };
    let mut ends = Vec::new();
    Box::pin(run_batch_with(&worker(), options, jobs.into(), |end| {
        ends.push(end)
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
        let (waiting, waiting_host) = job("waiting", NO_OP);
        waiting.cancel.cancel();
        let cancel = running.cancel.clone();
        let watch = async {
            host.logged("began").await;
            cancel.cancel();
        };
        let (ends, ()) = tokio::join!(
            run_patiently(vec![running, waiting, job("last", NO_OP).0]),
            watch
        );
        let endings: Vec<_> = ends.iter().map(|e| e.ending.outcome()).collect();
        assert_eq!(
            endings,
            [Outcome::Cancelled, Outcome::Cancelled, Outcome::Ok],
            "{code}"
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
        Box::pin(run_batch_with(&cmd, patient(1), jobs, |end| ends.push(end))).await;
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
    let (probe, _) = job("probe", NO_OP);
    let probe = Job {
        action: Action::Probe,
        ..probe
    };
    let ends = run_patiently(vec![job("a", NO_OP).0, probe, job("b", NO_OP).0]).await;
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
