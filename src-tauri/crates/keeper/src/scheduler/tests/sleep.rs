//! Sleep, clock jumps, the network, and wake-ups of the keeper itself.

use super::*;

#[test]
fn eight_hours_of_sleep_give_one_run_each_and_one_record() {
    for reported in [true, false] {
        let config = Config {
            sleep_is_reported: reported,
            ..Config::default()
        };
        let mut rig = Rig::with(config, 3);
        rig.send(Input::CharmsAdded(
            (0..30)
                .map(|n| (plan(&format!("c{n:02}"), &format!("s{n}")), None))
                .collect(),
        ));
        rig.pass(secs(120));
        rig.starts();
        rig.outputs();
        if reported {
            rig.sleep(hours(8));
        } else {
            rig.now.wall = rig.now.wall.plus(hours(8));
            rig.send(Input::Tick);
        }
        let woke = rig.now.mono;
        rig.pass(secs(11));
        let starts = rig.starts();
        assert_eq!(starts.len(), 30, "reported: {reported}");
        assert!(starts.iter().all(|s| s.trigger == Trigger::Wake));
        assert!(starts[29].at - woke > secs(3), "not spread");
        let records = rig.records();
        assert_eq!(records.len(), 30);
        for (_, outcome, reason, count) in records {
            assert_eq!((outcome, reason), (Outcome::Missed, Reason::Asleep));
            assert!((478..=480).contains(&count), "{count}");
        }
        rig.pass(secs(40));
        assert!(rig.starts().is_empty(), "the backlog is not worked off");
    }
}

#[test]
fn a_monotonic_clock_that_counts_sleep_gives_the_same() {
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.pass(secs(10));
    rig.starts();
    rig.outputs();
    rig.shift(hours(8));
    rig.send(Input::Tick);
    rig.pass(secs(11));
    assert_eq!(
        rig.starts().iter().map(|s| s.trigger).collect::<Vec<_>>(),
        [Trigger::Wake]
    );
    let records = rig.records();
    assert_eq!(records.len(), 1);
    assert!((478..=480).contains(&records[0].3), "{records:?}");
}

#[test]
fn maintenance_wakes_all_night_are_no_storm() {
    let mut rig = Rig::with(
        Config {
            sleep_is_reported: true,
            ..Config::default()
        },
        5,
    );
    rig.add(plan("a", "s"));
    rig.pass(secs(10));
    rig.starts();
    let mut runs = 0;
    // A wake of 55 s every two minutes, with the network lost and found.
    for _ in 0..240 {
        rig.send(Input::NetworkChanged { online: false });
        rig.sleep(secs(65));
        rig.pass(secs(2));
        rig.send(Input::NetworkChanged { online: true });
        rig.pass(secs(53));
        runs += rig.starts().len();
    }
    assert!((60..=130).contains(&runs), "{runs} runs in 8 h");
    assert!(rig.notices().is_empty(), "sleep is a stated reason");
}

#[test]
fn a_wall_clock_that_jumps_neither_storms_nor_stalls() {
    for by in [86_400, -86_400] {
        let mut rig = Rig::with(
            Config {
                sleep_is_reported: true,
                ..Config::default()
            },
            5,
        );
        rig.add(plan("a", "s"));
        rig.pass(secs(30));
        rig.starts();
        rig.outputs();
        rig.jump_wall(by);
        rig.send(Input::Tick);
        assert!(rig.starts().is_empty(), "{by}");
        let due = rig.saved["a"].next_due.unwrap();
        between(due.since(rig.now.wall), 20, 40);
        rig.pass(secs(600));
        let n = rig.starts().len();
        assert!((9..=11).contains(&n), "{by}: {n}");
        assert!(rig.records().is_empty());
    }
    // Where sleep must be guessed, a jump ahead costs one early run, no more.
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.pass(secs(30));
    rig.starts();
    rig.jump_wall(86_400);
    rig.send(Input::Tick);
    rig.pass(secs(600));
    let n = rig.starts().len();
    assert!((9..=12).contains(&n), "{n}");
}

#[test]
fn a_restart_after_the_clock_was_set_back_does_not_stall() {
    let plans = [plan("a", "s")];
    let mut rig = Rig::new();
    rig.add(plans[0].clone());
    rig.jump_wall(-7 * 86_400);
    rig.restart(secs(0), &plans);
    between(rig.next_start(secs(70)), 50, 67);
}

#[test]
fn offline_starts_nothing_counts_nothing_and_ends_within_five_seconds() {
    let mut rig = Rig::new();
    rig.send(Input::NetworkChanged { online: false });
    rig.send(Input::CharmsAdded(
        (0..20)
            .map(|n| (plan(&format!("c{n:02}"), &format!("s{n}")), None))
            .collect(),
    ));
    rig.pass(hours(1));
    assert!(rig.starts().is_empty());
    assert_eq!(rig.wakes, 0, "nothing to do, nothing to wake for");
    assert_eq!(rig.state("c03"), State::WaitingForNetwork { next: None });
    rig.outputs();
    rig.send(Input::NetworkChanged { online: true });
    let back = rig.now.mono;
    rig.pass(secs(5));
    let starts = rig.starts();
    assert_eq!(starts.len(), 20);
    assert!(starts[19].at - back > secs(1), "not spread");
    // They never ran, so they are still "added"; and they say what was skipped.
    assert!(starts.iter().all(|s| s.trigger == Trigger::Added));
    let records = rig.records();
    assert_eq!(records.len(), 20);
    assert_eq!(
        (records[0].1, records[0].2),
        (Outcome::Skipped, Reason::Offline)
    );
    assert_eq!(records[0].3, 60);
    // Charms that ran before come back with the trigger of the network.
    rig.pass(secs(5));
    rig.starts();
    rig.send(Input::NetworkChanged { online: false });
    rig.pass(hours(1));
    assert!(rig.starts().is_empty());
    rig.send(Input::NetworkChanged { online: true });
    rig.pass(secs(5));
    let starts = rig.starts();
    assert_eq!(starts.len(), 20);
    assert!(starts.iter().all(|s| s.trigger == Trigger::Network));
    assert!(
        rig.saved
            .values()
            .all(|s| s.failures == 0 && s.strikes == 0)
    );
}

#[test]
fn a_network_that_flaps_every_second_starts_no_storm() {
    let mut rig = Rig::new();
    rig.answer = |_| failed(ErrorKind::Offline);
    rig.add(plan("a", "s"));
    let mut n = 0;
    for second in 0..600 {
        rig.send(Input::NetworkChanged {
            online: second % 2 == 0,
        });
        rig.pass(secs(1));
        n += rig.starts().len();
    }
    assert!((8..=20).contains(&n), "{n} runs in ten minutes");
    assert_eq!(rig.saved["a"].failures, 0);
}

#[test]
fn an_idle_keeper_seldom_wakes() {
    let mut rig = Rig::new();
    for n in 0..5 {
        rig.add(plan(&format!("c{n}"), &format!("s{n}")));
    }
    rig.wakes = 0;
    rig.pass(hours(1));
    assert!(rig.wakes <= 360, "{} wake-ups in an hour", rig.wakes);
    let starts = rig.starts().len();
    assert!((260..=340).contains(&starts), "{starts}");
}
