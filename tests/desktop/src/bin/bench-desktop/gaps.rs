//! How long the page's main thread was kept from a task that is due every few
//! milliseconds: WebKit tells of long tasks in no other way.
//!
//! A processor that other programs use keeps it waiting too. The system counts
//! that for each thread, so it is taken out of what counts as the page's own;
//! both are printed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use charmkeeper_desktop_tests::driver::Page;

/// Notes when the task was late, by more than a frame: when it was asked for, in
/// milliseconds since 1970, and by how much.
const WATCH: &str = r#"
const EVERY = 4;
const watch = { late: [], count: 0 };
window.watch = watch;
let asked = performance.now();
const look = () => {
  const now = performance.now();
  const late = now - asked - EVERY;
  watch.count += 1;
  if (late > 16) watch.late.push([performance.timeOrigin + asked, late]);
  if (window.watch !== watch) return;
  asked = now;
  setTimeout(look, EVERY);
};
setTimeout(look, EVERY);
return true;
"#;

/// A task longer than this is felt, in milliseconds.
pub(crate) const LONGEST_MS: f64 = 50.0;
/// How often the system is asked.
const PACE: Duration = Duration::from_millis(5);

/// A watch that goes on until [`end`](Self::end).
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    samples: JoinHandle<Vec<Sample>>,
}

/// At a moment (milliseconds since 1970), how long the thread has waited for a
/// processor in all, in milliseconds.
struct Sample {
    at: f64,
    waited: f64,
}

impl Watch {
    /// Watches a page, and its main thread by its number.
    pub(crate) async fn begin(page: &Page, thread: u32) -> Self {
        page.run(WATCH).await;
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let samples = std::thread::spawn(move || {
            let mut samples = Vec::new();
            while !end.load(Ordering::Relaxed) {
                samples.extend(sample(thread));
                std::thread::sleep(PACE);
            }
            samples
        });
        Self { over, samples }
    }

    /// Tells what was seen; the longest of the page's own tasks, in milliseconds.
    pub(crate) async fn end(self, page: &Page, when: &str) -> f64 {
        let seen = page
            .run("const seen = window.watch; window.watch = null; return seen")
            .await;
        self.over.store(true, Ordering::Relaxed);
        let samples = self.samples.join().expect("no sample panics");
        let late = seen["late"].as_array().into_iter().flatten();
        let late: Vec<(f64, f64)> = late
            .filter_map(|pair| Some((pair[0].as_f64()?, pair[1].as_f64()?)))
            .collect();
        let own = |(at, late): &(f64, f64)| (late - waited(&samples, *at, at + late)).max(0.0);
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let longest = most(&mut late.iter().map(own));
        println!(
            "      {when}: longest gap {:.0} ms, of it the page's own {longest:.0} ms; \
             {} of {} above {LONGEST_MS} ms, {} of them its own",
            most(&mut late.iter().map(|(_, late)| *late)),
            late.iter().filter(|(_, late)| *late > LONGEST_MS).count(),
            seen["count"],
            late.iter().filter(|gap| own(gap) > LONGEST_MS).count(),
        );
        longest
    }
}

/// How long the thread waited for a processor between two moments: at least.
fn waited(samples: &[Sample], from: f64, to: f64) -> f64 {
    let first = samples.iter().find(|s| s.at >= from);
    let last = samples.iter().rev().find(|s| s.at <= to);
    match (first, last) {
        (Some(first), Some(last)) => (last.waited - first.waited).max(0.0),
        _ => 0.0,
    }
}

/// Its second number is how long the thread waited to run, in nanoseconds
/// (docs.kernel.org/scheduler/sched-stats.html).
fn sample(thread: u32) -> Option<Sample> {
    let text = std::fs::read_to_string(format!("/proc/{thread}/task/{thread}/schedstat")).ok()?;
    let waited: f64 = text.split_whitespace().nth(1)?.parse().ok()?;
    let at = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(Sample {
        at: at.as_secs_f64() * 1000.0,
        waited: waited / 1e6,
    })
}
