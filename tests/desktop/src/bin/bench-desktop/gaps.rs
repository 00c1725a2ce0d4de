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

/// What the thread has done in all up to a moment (milliseconds since 1970), in
/// milliseconds: computed, and waited for a processor.
#[derive(Clone, Copy)]
struct Sample {
    at: f64,
    computed: f64,
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
        let own = |(at, late): &(f64, f64)| own(&samples, *at, *late);
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

/// The page's own part of a gap: what it computed, or what is left of the gap
/// without its waiting for a processor, whichever is more. Where the system was
/// asked too seldom around it, more of both is taken for the gap's.
fn own(samples: &[Sample], from: f64, late: f64) -> f64 {
    let first = samples.iter().rev().find(|s| s.at <= from);
    let last = samples.iter().find(|s| s.at >= from + late);
    let (Some(first), Some(last)) = (first, last) else {
        return late;
    };
    let computed = last.computed - first.computed;
    let waited = last.waited - first.waited;
    computed.max(late - waited).clamp(0.0, late)
}

/// The first numbers are how long it ran and how long it waited to run, in
/// nanoseconds (docs.kernel.org/scheduler/sched-stats.html).
fn sample(thread: u32) -> Option<Sample> {
    let text = std::fs::read_to_string(format!("/proc/{thread}/task/{thread}/schedstat")).ok()?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let (computed, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let at = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(Sample {
        at: at.as_secs_f64() * 1000.0,
        computed: computed / 1e6,
        waited: waited / 1e6,
    })
}
