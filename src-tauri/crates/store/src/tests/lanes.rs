//! Runs over time.

use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::{Outcome, UnixMs};

use super::fixture::{Fixture, new_run};
use crate::{FinishRun, LaneBucket, LaneRequest};

const MINUTE: i64 = 60_000;
/// A full hour, so that slots and buckets meet.
const START: UnixMs = UnixMs(1_700_000 * 60 * MINUTE);

fn record(f: &Fixture, id: &str, charm: &str, minute: i64, outcome: Outcome) {
    let at = UnixMs(START.0 + minute * MINUTE);
    f.store
        .record_run(&new_run(id, charm, at), &FinishRun::new(id, outcome, 1))
        .unwrap();
}

fn request(minutes: i64, buckets: u32) -> LaneRequest {
    LaneRequest {
        since: START,
        until: UnixMs(START.0 + minutes * MINUTE),
        buckets,
    }
}

#[test]
fn every_ended_run_is_counted_in_its_bucket() {
    let f = Fixture::with_charms();
    for (id, minute, outcome) in [
        ("early", -1, Outcome::Failed),
        ("first", 0, Outcome::OkUnchanged),
        ("bad", 9, Outcome::Crashed),
        ("part", 10, Outcome::Partial),
        ("skip", 19, Outcome::Skipped),
        ("late", 60, Outcome::Failed),
    ] {
        record(&f, id, "a", minute, outcome);
    }
    f.store
        .begin_runs(&[new_run("going", "a", START), new_run("cut", "b", START)])
        .unwrap();
    let lanes = f.store.lanes(request(60, 6)).unwrap();
    assert_eq!(lanes.len(), 1);
    assert_eq!(lanes[0].charm, "a");
    let expected = [
        LaneBucket {
            index: 0,
            quiet: 1,
            failed: 1,
            run: "bad".into(),
            ..LaneBucket::default()
        },
        LaneBucket {
            index: 1,
            uneven: 2,
            run: "skip".into(),
            ..LaneBucket::default()
        },
    ];
    assert_eq!(lanes[0].buckets, expected);
    f.store.mark_interrupted().unwrap();
    let lanes = f.store.lanes(request(60, 6)).unwrap();
    assert_eq!(lanes[1].buckets[0].failed, 1, "an interrupted run failed");
}

#[test]
fn counting_from_slots_and_from_runs_comes_to_the_same() {
    let f = Fixture::with_charms();
    let random = SeededRandom::new(9);
    let all: Vec<Outcome> = Outcome::ALL
        .iter()
        .copied()
        .filter(|o| *o != Outcome::Ok)
        .collect();
    for n in 0..300 {
        let minute = i64::try_from(random.next_u64() % 120).unwrap();
        let outcome = all[random.next_u64() as usize % all.len()];
        let charm = if n % 2 == 0 { "a" } else { "b" };
        record(&f, &format!("r{n}"), charm, minute, outcome);
    }
    // 24 buckets of five minutes come from slots, 120 of one from the runs.
    let coarse = f.store.lanes(request(120, 24)).unwrap();
    let fine = f.store.lanes(request(120, 120)).unwrap();
    assert_eq!(coarse.len(), 2);
    for (coarse, fine) in coarse.iter().zip(&fine) {
        assert_eq!(coarse.charm, fine.charm);
        let sum = |buckets: &[LaneBucket], index: u32| {
            let of: Vec<_> = buckets.iter().filter(|b| b.index == index).collect();
            of.iter().fold([0; 4], |sum, b| {
                [
                    sum[0] + b.changed,
                    sum[1] + b.quiet,
                    sum[2] + b.uneven,
                    sum[3] + b.failed,
                ]
            })
        };
        for index in 0..24 {
            let small: Vec<LaneBucket> = fine
                .buckets
                .iter()
                .map(|b| LaneBucket {
                    index: b.index / 5,
                    ..b.clone()
                })
                .collect();
            assert_eq!(sum(&coarse.buckets, index), sum(&small, index), "{index}");
        }
    }
}

#[test]
fn absurd_times_give_nothing_and_do_not_panic() {
    let f = Fixture::with_charms();
    record(&f, "r", "a", 0, Outcome::Failed);
    for (since, until, buckets) in [
        (START.0, START.0, 10),
        (START.0, START.0 - 1, 10),
        (START.0, START.0 + 1, 0),
        (i64::MIN, i64::MAX, u32::MAX),
        (i64::MIN, i64::MIN, 1),
        (i64::MAX, i64::MIN, 1),
        (i64::MIN, i64::MIN + 1, 1),
    ] {
        let request = LaneRequest {
            since: UnixMs(since),
            until: UnixMs(until),
            buckets,
        };
        let lanes = f.store.lanes(request).unwrap();
        let all = until == i64::MAX;
        assert_eq!(lanes.len(), usize::from(all), "{request:?}");
    }
}
