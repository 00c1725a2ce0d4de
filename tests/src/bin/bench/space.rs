//! Remote spaces, between the release build and our space server on loopback: from
//! a commit to its acknowledgement, a day of waiting changes, the first look at a
//! large list, and what a large space costs in memory.
//!
//! Needs a keychain (gnome-keyring) and `space-server`. Looks at the program's
//! database from outside, so that what is timed is what a person could see.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use charmkeeper_tests::bench::{Bench, Process};
use charmkeeper_tests::day;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::remote_stage::{RemoteStage, TICKER};
use rusqlite::{Connection, OpenFlags};

/// Which build the helpers of the end-to-end tests start.
const BUILD: &str = "CHARMKEEPER_TEST_BUILD";
/// `bench space large`.
const LARGE_ALONE: &str = "large";
/// Acknowledgements that are timed.
const TICKS: usize = 41;
/// Elements of the large list, and of the small one that it is compared with.
const LARGE: usize = 10_000;
const SMALL: usize = 100;

/// Makes its list in the first run, and reads all of it in each later one.
const LIST: &str = r#"
import { handler, NAME, pattern, Writable } from "commonfabric";
type Item = { name: string; text: string };
const tick = handler<unknown, { count: Writable<number>; items: Writable<Item[]> }>(
  (_event, { count, items }) => {
    const held = items.get();
    if (held.length > 0) { count.set(held.filter((item) => item.name.startsWith("n")).length); return; }
    const text = "An element of a list, as long as a short message. ".repeat(4);
    items.push(...Array.from({ length: COUNT }, (_, n) => ({ name: "n" + n, text })));
  },
);
export default pattern<{ count: number; items: Item[] }, any>(({ count, items }) => ({
  [NAME]: "Ticker", count, items, bgUpdater: tick({ count, items } as any),
}));
"#;

/// Measures in a process of its own, whose helpers start the release build; with
/// `part` the large space alone.
pub(crate) fn measure(bench: &mut Bench, part: &str) {
    if std::env::var_os(BUILD).is_none() {
        let own = std::env::current_exe().expect("a program");
        let done = Command::new(own)
            .args(["space", part])
            .env(BUILD, "release")
            .status();
        bench.missed |= !done.expect("it can be started").success();
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if part != LARGE_ALONE {
            acknowledged(bench).await;
            a_day(bench).await;
        }
        large(bench).await;
    });
}

/// The program's database, looked at as often as possible.
struct Watched(Connection);

impl Watched {
    fn of(stage: &RemoteStage) -> Self {
        let path = stage.home().join("charmkeeper.sqlite");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Self(Connection::open_with_flags(path, flags).expect("a database"))
    }

    fn waiting(&self) -> i64 {
        let sql = "SELECT count(*) FROM outbox";
        self.0
            .query_row(sql, [], |row| row.get(0))
            .expect("a count")
    }

    /// When it holds for the first time.
    fn when(&self, holds: impl Fn(i64) -> bool) -> Instant {
        let begun = Instant::now();
        while !holds(self.waiting()) {
            assert!(begun.elapsed() < Duration::from_secs(90), "gave up waiting");
            std::thread::sleep(Duration::from_micros(200));
        }
        Instant::now()
    }
}

async fn acknowledged(bench: &mut Bench) {
    let (stage, _serve) = RemoteStage::connected().await;
    let mut times = Vec::new();
    for _ in 0..TICKS {
        let watched = Watched::of(&stage);
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let seen = std::thread::spawn(move || {
            // On a busy machine it may be told between two looks: that was quick,
            // but nobody knows how quick.
            let stored = watched.when(|waiting| waiting > 0 || ended.load(Ordering::Relaxed));
            (watched.waiting() > 0).then(|| watched.when(|waiting| waiting == 0) - stored)
        });
        stage.tick().await;
        stage.settled().await;
        over.store(true, Ordering::Relaxed);
        times.extend(seen.join().expect("it was seen"));
    }
    times.sort();
    assert!(
        times.len() > TICKS / 2,
        "most of them were not seen: {times:?}"
    );
    let p50 = times[times.len() / 2].as_secs_f64() * 1000.0;
    bench.figure("commit to acknowledgement, median", p50, "ms", 10.0);
}

async fn a_day(bench: &mut Bench) {
    let (mut stage, serve) = RemoteStage::connected().await;
    stage.tick().await;
    stage.settled().await;
    stage.server.kill().await;
    serve.signal("TERM").await;
    serve.end().await;
    day::fill(&stage);
    let _serve = stage.serve().await;
    stage.server.start_again().await;
    let watched = Watched::of(&stage);
    let all = watched.waiting();
    let begun = watched.when(|waiting| waiting < all);
    let took = watched.when(|waiting| waiting == 0) - begun;
    bench.figure("1,440 waiting changes, told", took.as_secs_f64(), "s", 10.0);
}

/// What a list costs, in a space that this computer never saw.
struct Cost {
    /// Of the first run that reads all of it.
    seconds: f64,
    /// The memory of its own that `serve` has, in MiB, when it has been started again and has
    /// nothing to do any more.
    settled: f64,
    /// The most that it ever had resident until then.
    peak: f64,
}

async fn list(length: usize) -> Cost {
    let code = LIST.replace("COUNT", &length.to_string());
    let stage = RemoteStage::start_with(&code).await;
    // Made by one computer ...
    let serve = stage.join().await;
    stage.ask(&["run", TICKER]).await;
    stage.settled().await;
    end(serve).await;
    // ... and read by another, that has nothing of it. Its first run, by the timer
    // or by this, reads the list; the longest is that one.
    std::fs::remove_dir_all(stage.home()).expect("the data");
    let serve = stage.join().await;
    stage.ask(&["run", TICKER]).await;
    stage.settled().await;
    let longest = stage.number("SELECT max(duration_ms) FROM runs");
    let seconds = Duration::from_millis(longest.unsigned_abs()).as_secs_f64();
    end(serve).await;
    let serve = stage.serve().await;
    stage.settled().await;
    let process = Process(serve.pid());
    let (settled, peak) = (at_rest(&process).await, process.peak_mib());
    end(serve).await;
    Cost {
        seconds,
        settled,
        peak,
    }
}

/// The memory of its own in MiB when it has been the same for a while.
async fn at_rest(process: &Process) -> f64 {
    let begun = Instant::now();
    let mut same = Vec::<f64>::new();
    while same.len() < 12 && begun.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = process.own_mib();
        same.retain(|before| (before - now).abs() < 0.25);
        same.push(now);
    }
    same.pop().unwrap_or_default()
}

async fn end(serve: Going) {
    serve.signal("TERM").await;
    serve.end().await;
}

async fn large(bench: &mut Bench) {
    let small = list(SMALL).await;
    let large = list(LARGE).await;
    bench.figure("10,000 documents, first read", large.seconds, "s", 5.0);
    let more = (large.settled - small.settled).max(0.0);
    bench.figure(
        "memory of a space a hundred times as large",
        more,
        "MiB more",
        4.0,
    );
    println!(
        "      settled {:.1} and {:.1} MiB; resident at most {:.1} and {:.1} MiB",
        small.settled, large.settled, small.peak, large.peak
    );
}
