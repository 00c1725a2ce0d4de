//! A thousand charms: on time, in few workers, without looking at all of them
//! again and again.

use super::*;

/// What an hour of `spaces` × `each` charms was like, each run taking `took`.
struct Hour {
    runs: usize,
    batches: usize,
    steps: u64,
    looks: u64,
    /// From the due time to the start, sorted.
    late: Vec<Duration>,
}

fn hour(spaces: usize, each: usize, took: Duration) -> Hour {
    let mut rig = Rig::new();
    rig.hold = true;
    let ids = (0..spaces).flat_map(|s| (0..each).map(move |c| (s, c)));
    let charms = ids
        .map(|(s, c)| (plan(&format!("c{s}-{c}"), &format!("s{s}")), None))
        .collect();
    rig.send(Input::CharmsAdded(charms));
    rig.s.looks = 0;
    let (mut steps, mut late, mut batches) = (0, Vec::new(), 0);
    // One charm after another in each of the workers.
    let mut workers: Vec<(Duration, Vec<Started>)> = Vec::new();
    let until = rig.now.mono + hours(1);
    loop {
        let mut started: BTreeMap<BatchId, Vec<Started>> = BTreeMap::new();
        for start in rig.starts() {
            // The first round starts everything at once, as fast as it can.
            if let Some(due) = rig.saved[&start.charm].next_due
                && start.trigger == Trigger::Timer
            {
                late.push(rig.now.wall.since(due));
            }
            started.entry(start.batch).or_default().push(start);
        }
        for (_, mut runs) in started {
            batches += 1;
            runs.reverse();
            workers.push((rig.now.mono + took, runs));
        }
        let end = workers.iter().map(|(at, _)| *at).min();
        let next = [end, rig.wake_at]
            .into_iter()
            .flatten()
            .min()
            .expect("something to come");
        if next > until {
            break;
        }
        steps += 1;
        let wait = u64::try_from((next - rig.now.mono).as_micros().div_ceil(1000)).unwrap();
        rig.shift(Duration::from_millis(wait));
        if end.is_none_or(|at| at > rig.now.mono) {
            rig.send(Input::Tick);
            continue;
        }
        let (now, mut ended) = (rig.now.mono, Vec::new());
        for (at, runs) in workers.iter_mut().filter(|(at, _)| *at <= now) {
            ended.extend(runs.pop());
            *at = now + took;
        }
        workers.retain(|(_, runs)| !runs.is_empty());
        for run in ended {
            steps += 2;
            rig.begin(&run.charm);
            rig.end(&run, good());
        }
    }
    late.sort();
    let runs = late.len();
    Hour {
        runs,
        batches,
        steps,
        looks: rig.s.looks,
        late,
    }
}

#[test]
fn a_thousand_charms_in_fifty_spaces_are_on_time_and_share_workers() {
    let hour = hour(50, 20, Duration::from_millis(25));
    assert!((55_000..=61_000).contains(&hour.runs), "{}", hour.runs);
    assert!(hour.batches * 50 <= hour.runs, "{} batches", hour.batches);
    let p99 = hour.late[hour.late.len() * 99 / 100];
    assert!(p99 <= secs(2), "{p99:?}");
}

#[test]
fn a_step_looks_at_few_charms_however_many_there_are() {
    for (spaces, each) in [(10, 10), (50, 20), (400, 1)] {
        let hour = hour(spaces, each, Duration::from_millis(5));
        let per_run = hour.looks as f64 / hour.runs as f64;
        let per_step = hour.looks as f64 / hour.steps as f64;
        assert!(
            per_run < 3.0 && per_step < 3.0,
            "{spaces}×{each}: {per_run} {per_step}"
        );
    }
}
