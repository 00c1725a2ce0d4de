//! What people do with runs: by hand, paused, resumed, cancelled.

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

fn pause(pause: Pause) -> Input {
    Input::Pause {
        charm: "a".into(),
        pause,
    }
}

fn resume() -> Input {
    Input::Resume { charm: "a".into() }
}

#[test]
fn a_manual_run_goes_past_everything_but_another_run() {
    let blocked = |blocked| Input::AccountState {
        account: "me".into(),
        blocked: Some(blocked),
        granted_at: None,
    };
    let late = UnixMs(NOON + 3_600_000);
    let off = CharmPlan {
        enabled: false,
        ..with_account("a", "s", "me")
    };
    let table = [
        pause(Pause::UntilResumed),
        Input::PauseAll {
            pause: Pause::UntilResumed,
        },
        Input::NetworkChanged { online: false },
        blocked(Blocked::SignIn),
        blocked(Blocked::Keychain),
        blocked(Blocked::Quota { until: late }),
        Input::CharmChanged { plan: off },
    ];
    for block in table {
        let mut rig = Rig::new();
        rig.add(with_account("a", "s", "me"));
        rig.starts();
        rig.send(block.clone());
        let before = rig.state("a");
        rig.send(manual());
        let starts = rig.starts();
        assert_eq!(starts.len(), 1, "{block:?}");
        assert_eq!(starts[0].trigger, Trigger::Manual);
        assert_eq!(
            rig.state("a"),
            before,
            "the run changes nothing about {block:?}"
        );
        rig.pass(secs(300));
        assert!(rig.starts().is_empty(), "{block:?}");
    }
}

#[test]
fn a_second_manual_run_joins_the_first() {
    let mut rig = rig();
    rig.hold = true;
    rig.send(manual());
    let batch = rig.open[0].batch;
    rig.outputs();
    rig.send(manual());
    let joined = |batch| Output::Joined {
        charm: "a".into(),
        batch,
    };
    assert_eq!(rig.outputs(), [joined(Some(batch))]);
    assert!(rig.starts().len() == 1);
    // While it waits for a worker as well.
    let mut rig = Rig::new();
    rig.hold = true;
    for id in ["x", "y", "a"] {
        rig.add(plan(id, id));
    }
    rig.send(Input::Manual { charm: "y".into() });
    rig.outputs();
    rig.s.config.manual_extra = 0;
    rig.send(manual());
    assert_eq!(rig.outputs(), []);
    rig.send(manual());
    assert_eq!(rig.outputs(), [joined(None)]);
    // It can still be cancelled, and then runs when it is its turn.
    rig.send(Input::Cancel { charm: "a".into() });
    let why = Refusal::Cancelled;
    assert_eq!(
        rig.outputs(),
        [Output::Refused {
            charm: "a".into(),
            why
        }]
    );
    rig.end_charm("x", good());
    assert_eq!(rig.open.last().map(|o| o.trigger), Some(Trigger::Added));
}

#[test]
fn unknown_charms_are_refused() {
    let mut rig = Rig::new();
    rig.send(manual());
    let why = Refusal::Unknown;
    assert_eq!(
        rig.outputs(),
        [Output::Refused {
            charm: "a".into(),
            why
        }]
    );
    for input in [
        resume(),
        pause(Pause::UntilResumed),
        Input::Cancel { charm: "a".into() },
        Input::CharmRemoved { charm: "a".into() },
        Input::CharmChanged {
            plan: plan("a", "s"),
        },
        Input::RunStarted {
            batch: BatchId(9),
            charm: "a".into(),
        },
        Input::RunEnded {
            batch: BatchId(9),
            charm: "a".into(),
            end: good(),
        },
        Input::SpaceRecovered { space: "s".into() },
    ] {
        rig.send(input.clone());
        assert_eq!(rig.outputs(), [], "{input:?}");
        assert_eq!(rig.wake_at, None, "{input:?}");
    }
}

#[test]
fn a_manual_failure_does_not_bring_the_probe_forward() {
    let mut rig = rig();
    rig.answer = |_| failed(ErrorKind::Charm);
    rig.pass(hours(1));
    let probe = rig.state("a");
    assert!(matches!(probe, State::PausedAfterFailures { .. }));
    rig.pass(hours(2));
    rig.send(manual());
    rig.answer = |_| failed(ErrorKind::Offline);
    rig.send(manual());
    let (
        State::PausedAfterFailures { next_probe, .. },
        State::PausedAfterFailures {
            next_probe: p,
            failures,
        },
    ) = (probe, rig.state("a"))
    else {
        panic!("{:?}", rig.state("a"))
    };
    assert_eq!((next_probe, failures), (p, 6));
    // A manual success brings it back at once.
    rig.answer = |_| good();
    rig.send(manual());
    assert!(matches!(rig.state("a"), State::Waiting { .. }));
}

#[test]
fn a_pause_ends_at_its_time_also_after_sleep_and_clock_changes() {
    for how in 0..4 {
        let mut rig = Rig::with(
            Config {
                sleep_is_reported: true,
                ..Config::default()
            },
            1,
        );
        rig.add(plan("a", "s"));
        rig.starts();
        let until = rig.in_wall(hours(1));
        rig.send(pause(Pause::Until(until)));
        assert_eq!(rig.saved["a"].pause, Some(Pause::Until(until)));
        assert_eq!(
            rig.state("a"),
            State::Paused {
                until: Some(until),
                everything: false
            }
        );
        match how {
            0 => {}
            1 => rig.jump_wall(-86_400),
            2 => rig.jump_wall(86_400),
            _ => {
                rig.sleep(secs(1800));
                rig.pass(secs(1790));
                assert!(rig.starts().is_empty());
                rig.pass(secs(20));
                assert_eq!(rig.starts().len(), 1);
                continue;
            }
        }
        rig.pass(secs(3590));
        assert!(rig.starts().is_empty(), "{how}");
        rig.pass(secs(20));
        assert_eq!(rig.starts().len(), 1, "{how}");
        assert!(rig.records().is_empty(), "a person's pause is not missed");
        assert_eq!(rig.saved["a"].pause, None);
    }
}

#[test]
fn a_pause_survives_a_restart() {
    let plans = [plan("a", "s")];
    let mut rig = rig();
    rig.send(pause(Pause::UntilResumed));
    rig.restart(hours(5), &plans);
    rig.pass(hours(5));
    assert!(rig.starts().is_empty());
    assert_eq!(
        rig.state("a"),
        State::Paused {
            until: None,
            everything: false
        }
    );
    rig.send(resume());
    assert_eq!(rig.starts().len(), 1);
    assert!(rig.records().is_empty());
}

#[test]
fn resume_keeps_the_stored_time_and_forgives_failures() {
    let mut rig = rig();
    let State::Waiting { next } = rig.state("a") else {
        panic!()
    };
    rig.send(pause(Pause::UntilResumed));
    rig.pass(secs(20));
    rig.send(resume());
    assert_eq!(rig.state("a"), State::Waiting { next });
    assert!(rig.starts().is_empty());
    rig.answer = |_| failed(ErrorKind::Charm);
    rig.pass(hours(1));
    assert!(matches!(rig.state("a"), State::PausedAfterFailures { .. }));
    rig.starts();
    rig.outputs();
    rig.send(resume());
    assert_eq!(rig.starts().len(), 1, "at once");
    assert_eq!(rig.saved["a"].failures, 1, "counted anew");
    rig.pass(hours(1));
    assert_eq!(rig.notices().len(), 1, "a new pause is a new change");
}

#[test]
fn a_run_by_hand_during_a_pause_of_everything_ends_no_pause() {
    let mut rig = rig();
    rig.starts();
    let until = rig.in_wall(hours(1));
    rig.send(Input::PauseAll {
        pause: Pause::Until(until),
    });
    let paused = |rig: &Rig| rig.s.pause_of_everything(rig.now);
    assert_eq!(paused(&rig), Some(Pause::Until(until)));
    rig.hold = true;
    rig.send(manual());
    assert!(matches!(
        rig.state("a"),
        State::Running { .. } | State::Queued { .. }
    ));
    assert_eq!(paused(&rig), Some(Pause::Until(until)));
    rig.send(Input::ResumeAll);
    assert_eq!(paused(&rig), None);
}

#[test]
fn everything_can_be_paused_for_a_time() {
    let mut rig = rig();
    rig.add(plan("b", "t"));
    rig.starts();
    let until = rig.in_wall(hours(1));
    rig.send(Input::PauseAll {
        pause: Pause::Until(until),
    });
    rig.pass(secs(3599));
    assert!(rig.starts().is_empty());
    assert_eq!(
        rig.state("b"),
        State::Paused {
            until: Some(until),
            everything: true
        }
    );
    assert!(rig.s.pause_of_everything(rig.now).is_some());
    rig.pass(secs(3));
    assert!(rig.s.pause_of_everything(rig.now).is_none(), "it is over");
    assert_eq!(rig.starts().len(), 2);
    rig.send(Input::PauseAll {
        pause: Pause::UntilResumed,
    });
    rig.pass(hours(30));
    assert!(rig.starts().is_empty());
    rig.send(Input::ResumeAll);
    rig.pass(secs(5));
    assert_eq!(rig.starts().len(), 2);
    // A pause that is over when it is heard of is none.
    rig.send(Input::PauseAll {
        pause: Pause::Until(until),
    });
    assert!(matches!(rig.state("a"), State::Waiting { .. }));
    assert!(rig.records().is_empty());
}

#[test]
fn a_cancelled_run_says_nothing_about_the_charm() {
    let mut rig = rig();
    rig.hold = true;
    rig.send(manual());
    rig.outputs();
    rig.send(Input::Cancel { charm: "a".into() });
    let (batch, why) = (rig.open[0].batch, CancelWhy::Asked);
    assert_eq!(
        rig.outputs(),
        [Output::Cancel {
            batch,
            charm: "a".into(),
            why
        }]
    );
    rig.end_charm(
        "a",
        RunEnd {
            outcome: Outcome::Cancelled,
            kind: None,
            retry_at: None,
        },
    );
    assert_eq!(rig.saved["a"].failures, 0);
    between(rig.next_start(secs(70)), 53, 67);
}
