//! Every way to use too much, in a real worker: each ends its own run with the
//! right verdict.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod support;

use std::time::{Duration, Instant};

use charmkeeper_charms::runner::{BatchOptions, Ending, Isolation, Job, Limits, run_batch_with};
use support::{job, run_one, short, worker};

async fn ending(code: &str, limits: Limits) -> Ending {
    let (job, _) = job("hostile", code);
    run_one(Job { limits, ..job }).await.ending
}

#[tokio::test]
async fn an_endless_loop_is_stopped_by_the_soft_clock() {
    let (job, _) = job("loop", "while (true) {}");
    // A kill would come only after the grace.
    let limits = Limits {
        grace: Duration::from_secs(30),
        ..short()
    };
    let end = run_one(Job { limits, ..job }).await;
    assert_eq!(end.ending, Ending::TimedOut);
    assert!(
        (200..20_000).contains(&end.usage.wall_ms),
        "{:?}",
        end.usage
    );
    assert!(end.usage.cpu_ms > 20, "{:?}", end.usage);
    assert!(end.usage.peak_rss > 4_000_000, "{:?}", end.usage);
}

#[tokio::test]
async fn a_loop_that_catches_everything_is_stopped() {
    let code = "for (;;) { try { for (;;) {} } catch {} finally { continue; } }";
    assert_eq!(ending(code, short()).await, Ending::TimedOut);
}

#[tokio::test]
async fn a_loop_of_microtasks_is_no_success() {
    assert_eq!(ending("for (;;) await 0;", short()).await, Ending::TimedOut);
    let then = "(function again() { return Promise.resolve().then(again); })(); await 0;";
    assert_eq!(ending(then, short()).await, Ending::TimedOut);
}

#[tokio::test]
async fn waiting_for_a_far_timer_times_out() {
    let code = "await new Promise((done) => setTimeout(done, 1e8));";
    let limits = Limits {
        grace: Duration::from_secs(30),
        ..short()
    };
    let end = run_one(Job {
        limits,
        ..job("waits", code).0
    })
    .await;
    assert_eq!(end.ending, Ending::TimedOut);
    assert!(
        end.usage.wall_ms < 20_000,
        "it was killed, not stopped: {:?}",
        end.usage
    );
}

#[tokio::test]
async fn a_promise_that_nothing_can_settle_is_a_stall_at_once() {
    let began = Instant::now();
    let code = "await new Promise(() => {});";
    assert_eq!(ending(code, Limits::default()).await, Ending::Stalled);
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_built_in_that_does_not_look_at_the_clock_is_killed() {
    let (job, _) = job("native", "new Array(1e9).indexOf(5);");
    let end = run_one(Job {
        limits: short(),
        ..job
    })
    .await;
    assert_eq!(end.ending, Ending::TimedOut);
    assert!(
        end.usage.wall_ms >= 590,
        "killed before the grace was over: {:?}",
        end.usage
    );
    assert!(
        end.usage.wall_ms < 15_000,
        "it takes 26 s by itself: {:?}",
        end.usage
    );
}

#[tokio::test]
async fn a_regular_expression_that_never_ends_is_stopped() {
    assert_eq!(
        ending("/^(a+)+$/.test('a'.repeat(40) + 'b');", short()).await,
        Ending::TimedOut
    );
}

#[tokio::test]
async fn processor_time_has_a_limit_of_its_own() {
    let limits = Limits {
        cpu_seconds: 1,
        ..Limits::default()
    };
    let (job, _) = job("cpu", "while (true) {}");
    let end = run_one(Job { limits, ..job }).await;
    assert_eq!(end.ending, Ending::TimedOut);
    assert!(end.usage.wall_ms < 30_000, "{:?}", end.usage);
}

#[tokio::test]
async fn each_job_of_a_process_has_its_own_processor_time() {
    let limits = Limits {
        cpu_seconds: 1,
        ..Limits::default()
    };
    // Together more than one of them may use.
    let code = "const until = Date.now() + 900; while (Date.now() < until);";
    let jobs = [0, 1, 2].map(|_| Job {
        limits,
        ..job("busy", code).0
    });
    let options = BatchOptions {
        slow_after: Duration::from_secs(60),
        isolation: Isolation::Runtime,
        ..BatchOptions::default()
    };
    let (cmd, mut ends) = (worker(), Vec::new());
    Box::pin(run_batch_with(&cmd, options, jobs.into(), |end| {
        ends.push(end);
    }))
    .await;
    for end in ends {
        assert!(matches!(end.ending, Ending::Finished(_)), "{end:?}");
    }
}

fn small_heap() -> Limits {
    Limits {
        heap_bytes: 64 * 1024 * 1024,
        ..Limits::default()
    }
}

#[tokio::test]
async fn heap_bombs_end_as_out_of_memory() {
    for (what, code) in [
        (
            "objects",
            "const a = []; for (;;) a.push({ x: a.length, y: [1, 2, 3] });",
        ),
        (
            "strings",
            "const a = []; for (;;) a.push('x'.repeat(100000) + a.length);",
        ),
        (
            "typed arrays",
            "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(7));",
        ),
        (
            "in a catch",
            "const a = []; for (;;) { try { for (;;) a.push({ a }); } catch {} }",
        ),
        (
            "microtasks",
            "const a = []; for (;;) { await 0; a.push(new Array(1000).fill({})); }",
        ),
        (
            "map",
            "const m = new Map(); for (let i = 0; ; i++) m.set({}, [i]);",
        ),
    ] {
        let (job, _) = job("bomb", code);
        let end = run_one(Job {
            limits: small_heap(),
            ..job
        })
        .await;
        assert_eq!(end.ending, Ending::OutOfMemory, "{what}");
        assert!(end.usage.peak_rss < 200_000_000, "{what}: {:?}", end.usage);
    }
}

#[tokio::test]
async fn one_huge_allocation_is_out_of_memory_or_an_exception() {
    let end = ending("new Uint8Array(8e9);", small_heap()).await;
    assert!(
        matches!(&end, Ending::OutOfMemory)
            || matches!(&end, Ending::Finished(r) if r.error.is_some()),
        "{end:?}"
    );
    let doubled = ending("let s = 'x'; for (;;) s += s;", small_heap()).await;
    assert!(
        matches!(&doubled, Ending::OutOfMemory | Ending::Finished(_)),
        "{doubled:?}"
    );
}

#[tokio::test]
async fn memory_is_watched_from_outside_too() {
    // The keeper's own limit, set below what the heap limit allows: a worker
    // alone takes about 14 MB.
    let limits = Limits {
        heap_bytes: 16 * 1024 * 1024,
        memory_beside_heap: 0,
        wall: Duration::from_secs(10),
        ..Limits::default()
    };
    let code = "const a = []; for (let i = 0; i < 3; i++) a.push(new Array(1e5).fill(i));
        for (;;) a[0].reverse();";
    assert_eq!(ending(code, limits).await, Ending::OutOfMemory);
}

#[tokio::test]
async fn recursion_is_an_exception_whatever_it_goes_through() {
    for (what, code) in [
        ("calls", "(function f() { f(); })();"),
        ("getters", "const o = { get a() { return this.a; } }; o.a;"),
        (
            "proxies",
            "const p = new Proxy({}, { get: (_, k) => p[k] }); p.a;",
        ),
        (
            "toString",
            "const t = { toString() { return `${t}`; } }; `${t}`;",
        ),
        (
            "JSON",
            "const j = { toJSON() { return JSON.stringify(j); } }; JSON.stringify(j);",
        ),
        ("parser", "eval('['.repeat(200000));"),
        ("regexp", "new RegExp('('.repeat(200000));"),
    ] {
        let end = ending(code, Limits::default()).await;
        let Ending::Finished(report) = &end else {
            panic!("{what}: {end:?}")
        };
        let error = report.error.as_ref().expect(what);
        assert!(
            ["RangeError", "SyntaxError", "InternalError"].contains(&error.name.as_str()),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test]
async fn deep_but_finite_recursion_works() {
    // The default stack of 1 MiB ends at a depth of about 1,500.
    let code = "const f = (n) => n === 0 ? 0 : 1 + f(n - 1); console.log('depth ' + f(8000));";
    let (job, host) = job("deep", code);
    run_one(job).await;
    assert!(
        host.log().contains(&"depth 8000".to_owned()),
        "{:?}",
        host.log()
    );
}

/// A charm whose handler is this code.
fn handler(body: &str) -> String {
    format!(
        "import {{ handler, pattern }} from 'commonfabric';
        const update = handler(async () => {{ try {{ {body} }} finally {{ console.log('left'); }} }});
        export default pattern(() => ({{ bgUpdater: update({{}}) }}));"
    )
}

#[tokio::test]
async fn the_limits_hold_inside_a_handler() {
    for (body, wanted) in [
        ("for (;;) {}", Ending::TimedOut),
        ("for (;;) await 0;", Ending::TimedOut),
        (
            "await new Promise((done) => setTimeout(done, 1e8));",
            Ending::TimedOut,
        ),
        ("await new Promise(() => {});", Ending::Stalled),
    ] {
        assert_eq!(ending(&handler(body), short()).await, wanted, "{body}");
    }
    let bomb = handler("const a = []; for (;;) a.push({ a });");
    assert_eq!(ending(&bomb, small_heap()).await, Ending::OutOfMemory);
}

#[tokio::test]
async fn a_terminated_handler_never_gets_to_its_finally() {
    let (job, host) = job("finally", &handler("for (;;) {}"));
    run_one(Job {
        limits: short(),
        ..job
    })
    .await;
    assert!(host.log().is_empty(), "{:?}", host.log());
}
