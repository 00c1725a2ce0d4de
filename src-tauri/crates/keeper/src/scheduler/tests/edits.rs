//! What people do with charms: edits, removal, power settings, ending the program.

use super::*;

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.starts();
    rig.outputs();
    rig
}

fn manual() -> Input {
    Input::Manual { charm: "a".into() }
}

#[test]
fn disabled_and_enabled_again_goes_on_from_the_stored_time() {
    let mut rig = rig();
    let State::Waiting { next } = rig.state("a") else {
        panic!()
    };
    let enable = |enabled| Input::CharmChanged {
        plan: CharmPlan {
            enabled,
            ..plan("a", "s")
        },
    };
    rig.send(enable(false));
    assert_eq!(rig.state("a"), State::Disabled);
    rig.pass(secs(10));
    rig.send(enable(true));
    assert_eq!(rig.state("a"), State::Waiting { next });
    rig.send(enable(false));
    rig.pass(hours(100));
    assert!(rig.starts().is_empty());
    rig.send(enable(true));
    assert_eq!(rig.starts().len(), 1, "its time has passed: now");
    assert!(rig.records().is_empty());
    // Disabled during a run: the run ends, nothing follows, the time is kept.
    rig.hold = true;
    rig.send(manual());
    rig.send(enable(false));
    rig.end_charm("a", good());
    rig.pass(hours(1));
    assert_eq!(rig.starts().len(), 1);
    assert!(rig.saved["a"].next_due.is_some());
}

#[test]
fn an_edited_interval_counts_from_the_last_end() {
    let interval = |s| Input::CharmChanged {
        plan: CharmPlan {
            interval: secs(s),
            ..plan("a", "s")
        },
    };
    let mut rig = rig();
    rig.pass(secs(20));
    rig.send(interval(600));
    between(rig.next_start(secs(700)), 520, 640);
    rig.pass(secs(100));
    rig.send(interval(120));
    between(rig.next_start(secs(700)), 7, 33);
    rig.send(interval(600));
    rig.pass(secs(500));
    rig.send(interval(60));
    assert_eq!(rig.starts.len(), 2, "long past: now");
    assert!(rig.records().is_empty());
    // What a shorter interval would have been is not missed.
    rig.send(interval(600));
    rig.pass(secs(500));
    rig.send(Input::NetworkChanged { online: false });
    rig.send(interval(60));
    rig.send(Input::NetworkChanged { online: true });
    rig.pass(secs(5));
    assert_eq!(rig.starts.len(), 3);
    assert!(rig.records().is_empty());
    // While it backs off, the backoff stands.
    rig.answer = |_| failed(ErrorKind::Charm);
    rig.pass(secs(200));
    let State::Failing { next, .. } = rig.state("a") else {
        panic!("{:?}", rig.state("a"))
    };
    rig.send(interval(30));
    assert!(matches!(rig.state("a"), State::Failing { next: n, .. } if n == next));
}

#[test]
fn a_removed_charm_is_cancelled_and_its_place_is_free_again() {
    let mut rig = Rig::new();
    rig.hold = true;
    for id in ["a", "b", "c"] {
        rig.add(plan(id, id));
    }
    rig.starts();
    rig.outputs();
    rig.send(Input::CharmRemoved { charm: "a".into() });
    let why = CancelWhy::Removed;
    let batch = rig.open[0].batch;
    assert_eq!(
        rig.outputs(),
        [Output::Cancel {
            batch,
            charm: "a".into(),
            why
        }]
    );
    assert_eq!(rig.s.status(rig.now).len(), 2);
    rig.send(manual());
    assert_eq!(
        rig.outputs(),
        [Output::Refused {
            charm: "a".into(),
            why: Refusal::Unknown
        }]
    );
    assert!(rig.starts().is_empty());
    rig.end_charm("a", good());
    assert_eq!(rig.started(), ["c"]);
    assert!(
        !rig.outputs()
            .iter()
            .any(|o| matches!(o, Output::Persist { charm, .. } if charm == "a"))
    );
    // Added again while the old run ends: never two at once.
    rig.send(Input::CharmRemoved { charm: "b".into() });
    rig.add(plan("b", "b"));
    assert!(rig.starts().is_empty());
    rig.end_charm(
        "b",
        RunEnd {
            outcome: Outcome::Cancelled,
            kind: None,
            retry_at: None,
        },
    );
    assert!(matches!(rig.state("b"), State::Waiting { .. }));
}

#[test]
fn a_run_that_died_with_the_program_is_not_repeated_at_once() {
    let plans = [plan("a", "s")];
    let mut rig = rig();
    rig.hold = true;
    rig.pass(secs(70));
    assert_eq!(rig.open.len(), 1);
    rig.restart(secs(600), &plans);
    rig.hold = false;
    assert!(rig.starts().is_empty());
    between(rig.next_start(secs(70)), 53, 67);
}

#[test]
fn power_holds_charms_back_only_where_the_policy_says_so() {
    let states = [
        PowerReading {
            on_battery: true,
            ..PowerReading::default()
        },
        PowerReading {
            saver: true,
            ..PowerReading::default()
        },
        PowerReading {
            metered: true,
            ..PowerReading::default()
        },
    ];
    let policies = [
        PowerPolicy {
            pause_on_battery: true,
            ..PowerPolicy::default()
        },
        PowerPolicy {
            pause_on_saver: true,
            ..PowerPolicy::default()
        },
        PowerPolicy {
            pause_on_metered: true,
            ..PowerPolicy::default()
        },
    ];
    for (s, reading) in states.into_iter().enumerate() {
        let mut rig = rig();
        rig.send(Input::Power(reading));
        rig.pass(secs(70));
        assert_eq!(rig.starts().len(), 1, "by default nothing is held back");
        for (p, policy) in policies.into_iter().enumerate() {
            rig.send(Input::Policy(policy));
            rig.pass(secs(70));
            assert_eq!(rig.starts().is_empty(), s == p, "state {s}, policy {p}");
            if s == p {
                assert!(matches!(rig.state("a"), State::WaitingForPower { .. }));
            }
        }
        rig.send(Input::Policy(policies[s]));
        rig.pass(secs(200));
        rig.starts();
        rig.outputs();
        rig.send(Input::Power(PowerReading::default()));
        rig.pass(secs(4));
        assert_eq!(rig.starts().len(), 1, "back at once");
        let records = rig.records();
        assert_eq!(
            (records[0].1, records[0].2),
            (Outcome::Skipped, Reason::Power)
        );
        // One charm may differ.
        let power = Some(policies[s]);
        rig.send(Input::Policy(PowerPolicy::default()));
        rig.send(Input::CharmChanged {
            plan: CharmPlan {
                power,
                ..plan("a", "s")
            },
        });
        rig.send(Input::Power(reading));
        rig.pass(secs(200));
        assert!(rig.starts().is_empty());
    }
}

#[test]
fn after_shutdown_nothing_starts_and_ends_are_still_taken() {
    let mut rig = Rig::new();
    rig.hold = true;
    for id in ["a", "b", "c"] {
        rig.add(plan(id, id));
    }
    rig.send(Input::Shutdown);
    rig.send(Input::Manual { charm: "c".into() });
    assert!(rig.outputs().contains(&Output::Refused {
        charm: "c".into(),
        why: Refusal::Stopping
    }));
    assert!(rig.s.is_busy());
    rig.starts();
    rig.end_charm("a", good());
    rig.end_charm("b", good());
    assert!(!rig.s.is_busy());
    assert!(rig.saved["a"].last_end.is_some());
    rig.pass(hours(1));
    assert!(rig.starts().is_empty());
    assert_eq!(rig.state("c"), State::Stopping);
    assert_eq!(rig.wake_at, None);
}
