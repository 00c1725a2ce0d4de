//! Calls from a real worker to its host.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod support;

use std::sync::atomic::Ordering;

use charmkeeper_base::Outcome;
use charmkeeper_charms::{
    compile::{Program, compile},
    runner::{Ending, Job, Limits},
};
use support::{NO_OP, Network, Recorder, job, job_with, run, run_one, short};

fn error_of(ending: &Ending) -> &charmkeeper_charms::runner::Failure {
    match ending {
        Ending::Finished(report) => report.error.as_ref().expect("an error"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ten_thousand_parallel_requests_are_all_answered_sixty_four_at_once() {
    let (job, host) = job(
        "many",
        "const all = Array.from({ length: 10000 }, (_, i) =>
            fetch('https://a.test/' + i, { method: 'POST', body: 'body ' + i })
                .then((r) => r.text()));
         const texts = await Promise.all(all);
         console.log(texts.length + ' ' + texts.every((t, i) => t === 'body ' + i));",
    );
    run_one(job).await;
    assert_eq!(host.log(), ["10000 true"]);
    let most = host.most_open.load(Ordering::SeqCst);
    assert!((2..=64).contains(&most), "{most} at once");
    assert_eq!(host.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn large_bodies_cross_whole_and_too_large_ones_are_refused() {
    let (job, host) = job(
        "large",
        "const send = (n) => fetch('https://a.test/', { method: 'POST', body: new Uint8Array(n).fill(7) });
         const back = new Uint8Array(await (await send(12e6)).arrayBuffer());
         console.log(back.length + ' ' + back.every((b) => b === 7));
         try { await send(17e6); console.log('sent'); } catch (e) { console.log('refused: ' + e.message); }",
    );
    run_one(job).await;
    let log = host.log();
    assert_eq!(log[0], "12000000 true");
    assert!(log[1].starts_with("refused: "), "{log:?}");
}

#[tokio::test]
async fn requests_end_with_the_run_that_made_them() {
    let hangs = Recorder {
        network: Network::Hangs,
        ..Recorder::default()
    };
    let (job, host) = job_with("waits", "await fetch('https://slow.test/');", hangs);
    let end = run_one(Job {
        limits: short(),
        ..job
    })
    .await;
    assert_eq!(end.ending, Ending::TimedOut);
    assert_eq!(end.abandoned_fetches, 1);
    assert_eq!(host.requests.lock().unwrap().len(), 1);
    assert_eq!(
        host.open.load(Ordering::SeqCst),
        0,
        "the request outlived its run"
    );
}

#[tokio::test]
async fn an_aborted_request_is_dropped_by_the_host_while_the_run_goes_on() {
    let hangs = Recorder {
        network: Network::Hangs,
        ..Recorder::default()
    };
    let code = "const stop = new AbortController();
        const asked = fetch('https://slow.test/', { signal: stop.signal });
        setTimeout(() => stop.abort(), 10);
        try { await asked; } catch (e) { console.log(e.name); }
        await new Promise((done) => setTimeout(done, 1e8));";
    let (job, host) = job_with("aborts", code, hangs);
    let cancel = job.cancel.clone();
    let watch = async {
        host.logged("AbortError").await;
        assert_eq!(host.requests.lock().unwrap().len(), 1);
        while host.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (end, ()) = tokio::join!(run_one(job), watch);
    assert_eq!(end.ending, Ending::Cancelled);
    assert_eq!(end.abandoned_fetches, 0);
}

#[tokio::test]
async fn a_blocking_read_does_not_outlive_the_soft_clock() {
    let hangs = Recorder {
        reads_hang: true,
        ..Recorder::default()
    };
    let code = "import { handler, pattern, cell } from 'commonfabric';
        const update = handler((_, { n }) => { console.log('value ' + n.get()); });
        export default pattern(({ n }) => ({ n, bgUpdater: update({ n }) }));";
    let (job, host) = job_with("reads", code, hangs);
    let limits = Limits {
        grace: std::time::Duration::from_secs(30),
        ..short()
    };
    let end = run_one(Job { limits, ..job }).await;
    assert_eq!(end.ending, Ending::TimedOut);
    assert_eq!(host.log(), ["reading"]);
    assert!(
        end.usage.wall_ms < 20_000,
        "it was killed, not stopped: {:?}",
        end.usage
    );
}

#[tokio::test]
async fn a_flood_of_console_output_is_cut_and_counted() {
    let (lines, lines_host) = job(
        "lines",
        "for (let i = 0; i < 100000; i++) console.log('line ' + i);",
    );
    let (bytes, bytes_host) = job(
        "bytes",
        "const megabyte = 'x'.repeat(1 << 20); for (let i = 0; i < 1024; i++) console.log(megabyte);",
    );
    run(vec![lines, bytes]).await;
    let log = lines_host.log();
    assert_eq!(log.len(), 201);
    assert_eq!(log[199], "line 199");
    assert_eq!(log[200], "99800 more lines of console output were dropped");
    let log = bytes_host.log();
    let total: usize = log.iter().map(String::len).sum();
    assert!(total < 70_000, "{total} bytes");
    assert!(
        log.last()
            .unwrap()
            .ends_with("more lines of console output were dropped")
    );
}

#[tokio::test]
async fn failures_that_nobody_waits_for_are_seen() {
    for (what, code, kind) in [
        (
            "a rejection",
            "Promise.reject(new TypeError('floating'));",
            "rejection",
        ),
        (
            "a rejection later",
            "(async () => { await 0; throw new TypeError('floating'); })();",
            "rejection",
        ),
    ] {
        let (job, _) = job(what, &format!("{code}\n{NO_OP}"));
        let end = run_one(job).await;
        let error = error_of(&end.ending);
        assert_eq!(
            (error.kind.as_str(), error.message.as_str()),
            (kind, "floating"),
            "{what}"
        );
        assert!(
            error.stack.contains("charm:///main.tsx:1:"),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_timer_that_is_left_behind_does_not_hold_the_run() {
    let (job, _) = job("interval", &format!("setInterval(() => {{}}, 5);{NO_OP}"));
    let end = run_one(job).await;
    assert_eq!(end.ending.outcome(), Outcome::Ok, "{end:?}");
    assert!(end.usage.wall_ms < 60_000);
}

#[tokio::test]
async fn what_a_charm_throws_is_told_with_its_own_lines() {
    let code = "function inner() {\n  throw new RangeError('too far');\n}\ninner();";
    let (job, _) = job("throws", code);
    let end = run_one(job).await;
    let error = error_of(&end.ending);
    assert_eq!(
        (error.name.as_str(), error.message.as_str()),
        ("RangeError", "too far")
    );
    assert!(
        error.stack.starts_with("at inner (charm:///main.tsx:2:"),
        "{error:?}"
    );
    assert!(!error.stack.contains("ext:"), "{error:?}");
}

#[tokio::test]
async fn stacks_point_at_the_lines_that_the_author_wrote() {
    let main = r#"import { handler, pattern, type Stream } from "commonfabric";
import { check } from "./util/check.ts";

interface Input {
  name: string;
}

const update = handler<unknown, Input>(() => {
  const view = <div class="x">{1}</div>;
  check(view as unknown as number);
});

export default pattern<Input, { bgUpdater: Stream<unknown> }>(({ name }) => ({
  bgUpdater: update({ name }),
}));
"#;
    let check = "export type Never = never;\n\nexport function check(n: number): void {\n  \
        throw new TypeError(`${typeof n} refused`);\n}\n";
    let files = [("/main.tsx", main), ("/util/check.ts", check)];
    let program = Program {
        entry: "/main.tsx".to_owned(),
        files: files
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into(),
    };
    let compiled = compile(&program).unwrap().into();
    let (job, _) = job("mapped", "");
    let end = run_one(Job { compiled, ..job }).await;
    let error = error_of(&end.ending);
    assert_eq!(error.sentence(), "TypeError: object refused");
    let places: Vec<_> = error
        .stack
        .lines()
        .map(|l| l.rsplit_once(':').unwrap().0)
        .collect();
    assert_eq!(places.len(), 2, "{error:?}");
    assert_eq!(places[0], "at check (charm:///util/check.ts:4");
    assert_eq!(places[1], "at charm:///main.tsx:10");
}

#[tokio::test]
async fn an_event_for_another_charm_goes_to_the_host_and_its_answer_comes_back() {
    let code = r##"import { handler, pattern, wish } from "commonfabric";
        const update = handler(async (_, { go }) => {
          for (const event of [{ n: 1 }, { refuse: true }]) {
            await new Promise((resolve) => go.send(event, (tx) => { console.log(tx.status().status, tx.status().error?.message ?? ""); resolve(); }));
          }
        }, 'ck:{"kind":"handler","state":{"go":"stream"}}');
        export default pattern(() => ({ bgUpdater: update({ go: wish({ query: "#other" }).result.go }) }));"##;
    let (job, host) = job("send", code);
    let end = run_one(job).await;
    assert_eq!(end.ending.outcome(), Outcome::Ok, "{end:?}");
    let note = "An event for another charm was not handled: No such stream.";
    assert_eq!(host.log(), ["done ", note, "error No such stream."]);
    let sent = host.sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        (sent[0].id.as_str(), &sent[0].event["n"]),
        ("of:stream", &1.into())
    );
}
