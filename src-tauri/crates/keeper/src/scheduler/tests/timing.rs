//! Intervals, batches, spreading, restarts.

use super::*;

#[test]
fn a_new_charm_runs_at_once_and_then_an_interval_after_its_end() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(plan("a", "s"));
    let first = rig.starts();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].trigger, Trigger::Added);
    assert_eq!(first[0].at, rig.now.mono);
    // The run takes 100 s, longer than its interval: nothing is stacked.
    rig.begin("a");
    rig.pass(secs(100));
    assert!(rig.starts().is_empty());
    rig.end_charm("a", good());
    rig.hold = false;
    let mut waits = Vec::new();
    for _ in 0..200 {
        waits.push(rig.next_start(secs(70)));
    }
    assert!(
        waits
            .iter()
            .all(|w| *w >= Duration::from_millis(53_700) && *w <= secs(67)),
        "{waits:?}"
    );
    let mean = waits.iter().sum::<Duration>() / 200;
    between(mean, 58, 62);
    let spread = *waits.iter().max().unwrap() - *waits.iter().min().unwrap();
    assert!(spread > secs(8), "hardly any jitter: {spread:?}");
    assert_eq!(rig.starts.last().map(|s| s.trigger), Some(Trigger::Timer));
}

#[test]
fn intervals_are_kept_within_their_bounds() {
    for (asked, low, high) in [
        (1, 27, 33),
        (30, 27, 33),
        (300, 270, 330),
        (9_999_999, 77_760, 95_040),
    ] {
        let mut rig = Rig::new();
        rig.add(CharmPlan {
            interval: secs(asked),
            ..plan("a", "s")
        });
        rig.starts();
        let State::Waiting { next } = rig.state("a") else {
            panic!("{:?}", rig.state("a"))
        };
        between(next.since(rig.now.wall), low, high);
    }
}

#[test]
fn charms_of_one_space_share_a_batch_and_go_on_sharing_it() {
    let mut rig = Rig::new();
    rig.hold = true;
    let charms = (0..20)
        .map(|n| (plan(&format!("c{n:02}"), "s"), None))
        .collect();
    rig.send(Input::CharmsAdded(charms));
    let first = rig.starts();
    assert_eq!(first.len(), 20);
    assert!(first.iter().all(|s| s.batch == first[0].batch));
    // One after another, 50 ms each; an hour long.
    let mut batches = std::collections::BTreeSet::new();
    let mut runs = 0;
    let until = rig.now.mono + hours(1);
    while rig.now.mono < until {
        let Some(run) = rig.open.first().cloned() else {
            rig.pass(Duration::from_millis(100));
            continue;
        };
        runs += 1;
        batches.insert(run.batch);
        rig.begin(&run.charm);
        rig.pass(Duration::from_millis(50));
        rig.end(&run, good());
    }
    assert!((20 * 54..=20 * 64).contains(&runs), "{runs}");
    assert_eq!(runs, 20 * batches.len(), "they never part");
}

#[test]
fn no_more_than_two_batches_run_and_a_person_does_not_wait_for_them() {
    let mut rig = Rig::new();
    rig.hold = true;
    for n in 0..100 {
        rig.add(plan(&format!("c{n:03}"), &format!("s{n}")));
    }
    assert_eq!(rig.started(), ["c000", "c001"]);
    assert!(matches!(rig.state("c050"), State::Queued { .. }));
    rig.send(Input::Manual {
        charm: "c077".into(),
    });
    rig.send(Input::Manual {
        charm: "c078".into(),
    });
    let starts = rig.starts();
    assert_eq!(starts.len(), 1);
    assert_eq!(
        (starts[0].charm.as_str(), starts[0].trigger),
        ("c077", Trigger::Manual)
    );
    rig.end_charm("c000", good());
    assert_eq!(rig.started(), ["c078"], "the person goes first");
    rig.end_charm("c077", good());
    assert_eq!(rig.started(), ["c002"]);
    rig.end_charm("c001", good());
    assert_eq!(rig.started(), ["c003"]);
    assert_eq!(rig.open.len(), 3);
    rig.end_charm("c078", good());
    assert!(
        rig.starts().is_empty(),
        "the extra place is for people only"
    );
}

/// Five charms in a space each, an interval after runs that took `took`: how
/// many batches they start in.
fn batches_after(took: Duration) -> usize {
    let mut rig = Rig::new();
    rig.hold = true;
    let ids = ["a", "b", "c", "d", "e"];
    let charms = ids.map(|id| (plan(id, &format!("s-{id}")), None)).to_vec();
    rig.send(Input::CharmsAdded(charms));
    let mut first = Vec::new();
    while first.len() < ids.len() {
        if let Some(run) = rig.open.first().cloned() {
            rig.begin(&run.charm);
            rig.pass(took);
            rig.end(&run, good());
        }
        first.extend(rig.starts());
    }
    while let Some(run) = rig.open.first().cloned() {
        rig.begin(&run.charm);
        rig.pass(took);
        rig.end(&run, good());
    }
    rig.hold = false;
    rig.pass(secs(100));
    let again = rig.starts();
    let started: std::collections::BTreeSet<_> =
        again.iter().take(ids.len()).map(|s| s.batch).collect();
    started.len()
}

#[test]
fn a_run_is_quick_by_its_own_time_not_by_that_of_its_batch() {
    let mut rig = Rig::new();
    rig.hold = true;
    let mut charms: Vec<_> = (0..20)
        .map(|n| (plan(&format!("a{n:02}"), "s-a"), None))
        .collect();
    charms.extend((0..20).map(|n| (plan(&format!("b{n:02}"), "s-b"), None)));
    rig.send(Input::CharmsAdded(charms));
    // Both batches are told as begun at once; then, in each, one run after
    // another ends.
    let mut open = rig.open.clone();
    open.sort_by_key(|run| run.charm[1..].to_owned());
    for run in &open {
        rig.begin(&run.charm);
    }
    for run in &open {
        rig.pass(Duration::from_millis(50));
        rig.end(run, good());
    }
    rig.starts();
    rig.hold = false;
    rig.pass(secs(100));
    let again = rig.starts();
    let batches: std::collections::BTreeSet<_> = again.iter().take(40).map(|s| s.batch).collect();
    assert_eq!(batches.len(), 1, "forty quick charms share a worker");
}

#[test]
fn quick_charms_of_other_spaces_share_a_worker_and_slow_ones_do_not() {
    assert_eq!(batches_after(Duration::from_millis(30)), 1);
    assert_eq!(batches_after(secs(1)), 5);
}

#[test]
fn a_batch_has_an_upper_bound() {
    let mut rig = Rig::new();
    rig.hold = true;
    let charms = (0..100)
        .map(|n| (plan(&format!("c{n:03}"), "s"), None))
        .collect();
    rig.send(Input::CharmsAdded(charms));
    let mut sizes = BTreeMap::new();
    for start in rig.starts() {
        *sizes.entry(start.batch).or_insert(0) += 1;
    }
    assert_eq!(sizes.into_values().collect::<Vec<_>>(), [64, 36]);
}

#[test]
fn auth_charms_go_first_and_one_account_is_not_taken_twice_at_once() {
    let mut rig = Rig::new();
    rig.hold = true;
    let auth = CharmPlan {
        priority: Priority::Auth,
        ..with_account("z-auth", "s9", "me")
    };
    let charms = vec![
        (with_account("a-mail", "s1", "me"), None),
        (with_account("b-calendar", "s2", "me"), None),
        (with_account("c-other", "s3", "you"), None),
        (auth, None),
    ];
    rig.send(Input::CharmsAdded(charms));
    assert_eq!(
        rig.started(),
        ["z-auth", "c-other"],
        "other accounts need not wait"
    );
    rig.end_charm("z-auth", good());
    rig.end_charm("c-other", good());
    assert!(rig.starts().is_empty(), "not in the same instant");
    rig.pass(secs(2));
    let starts = rig.starts();
    assert_eq!(starts.len(), 2);
    assert_eq!(starts[0].charm, "a-mail");
    assert!(
        starts[1].at - starts[0].at >= Duration::from_millis(500),
        "{starts:?}"
    );
    // In one space they share a worker, one after another, the auth charm first.
    let mut rig = Rig::new();
    rig.hold = true;
    let auth = CharmPlan {
        priority: Priority::Auth,
        ..with_account("z-auth", "s", "me")
    };
    rig.send(Input::CharmsAdded(vec![
        (with_account("a-mail", "s", "me"), None),
        (auth, None),
    ]));
    assert_eq!(rig.started(), ["z-auth", "a-mail"]);
}

#[test]
fn a_companion_whose_account_was_just_taken_comes_a_moment_later() {
    let mut rig = Rig::new();
    rig.hold = true;
    let charms = vec![
        (with_account("a-mail", "s1", "me"), None),
        (plan("b-plain", "s2"), None),
        (with_account("c-calendar", "s2", "me"), None),
    ];
    rig.send(Input::CharmsAdded(charms));
    assert_eq!(rig.started(), ["a-mail", "b-plain"]);
    rig.end_charm("b-plain", good());
    rig.pass(secs(1));
    let starts = rig.starts();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0].at - secs(1000), Duration::from_millis(500));
}

/// Fifty spaces that fell due while the program was not running.
fn overdue_rig() -> (Rig, Vec<CharmPlan>) {
    let plans: Vec<_> = (0..50)
        .map(|n| plan(&format!("c{n:02}"), &format!("s{n}")))
        .collect();
    let mut rig = Rig::new();
    rig.send(Input::CharmsAdded(
        plans.iter().map(|p| (p.clone(), None)).collect(),
    ));
    rig.pass(secs(1));
    (rig, plans)
}

#[test]
fn charms_due_at_the_start_are_spread_and_their_missed_ticks_recorded() {
    let (mut rig, plans) = overdue_rig();
    rig.restart(hours(2), &plans);
    rig.pass(secs(11));
    let records = rig.records();
    let starts = rig.starts();
    assert_eq!(starts.len(), 50);
    assert_eq!(starts[0].at, secs(5), "the first does not wait");
    let mut gaps: Vec<_> = starts.windows(2).map(|w| w[1].at - w[0].at).collect();
    gaps.sort();
    assert!(
        gaps[49 - 1] < secs(3) && gaps[25] > Duration::from_millis(20),
        "{gaps:?}"
    );
    assert_eq!(records.len(), 50);
    for (_, outcome, reason, count) in records {
        assert_eq!((outcome, reason), (Outcome::Missed, Reason::NotRunning));
        assert!((118..=120).contains(&count), "{count}");
    }
}

#[test]
fn a_restart_keeps_due_times_that_have_not_come() {
    let plans = [CharmPlan {
        interval: hours(2),
        ..plan("a", "s")
    }];
    let mut rig = Rig::new();
    rig.add(plans[0].clone());
    let due = rig.saved["a"].next_due.unwrap();
    rig.pass(hours(1));
    rig.restart(secs(60), &plans);
    assert!(rig.starts().is_empty());
    assert_eq!(rig.saved["a"].next_due, Some(due));
    let wait = rig.next_start(hours(2));
    assert!(wait.abs_diff(due.since(rig.now.wall.plus(secs(0))) + wait) < secs(2) + wait);
    assert!(rig.now.wall.since(due) < secs(1));
}
