//! What follows each kind of error (design.md §6).

use super::*;

#[test]
fn provider_trouble_backs_off_up_to_a_quarter_of_an_hour() {
    let mut worst = secs(0);
    for seed in 0..30 {
        let mut rig = Rig::with(Config::default(), seed);
        rig.add(mail());
        rig.hold = true;
        turn(&mut rig, failed(ErrorKind::Provider));
        let mut before = Vec::new();
        for n in 1..9_u32 {
            let wait = turn(&mut rig, failed(ErrorKind::Provider));
            let cap = secs(60 << n.min(5).saturating_sub(1)).min(secs(900));
            assert!(wait <= cap + secs(1), "try {n}: {wait:?} > {cap:?}");
            assert!(wait >= secs(4), "{wait:?}");
            worst = worst.max(wait);
            before.push(wait);
        }
        assert_eq!(rig.saved["a"].failures, 0);
        assert_eq!(rig.saved["a"].strikes, 9);
        assert!(matches!(rig.state("a"), State::WaitingForProvider { .. }));
        turn(&mut rig, good());
        assert_eq!(rig.saved["a"].strikes, 0);
        between(turn(&mut rig, good()), 53, 67);
    }
    assert!(worst > secs(600), "full jitter reaches far: {worst:?}");
}

#[test]
fn a_provider_notice_comes_once_after_a_quarter_of_an_hour_and_is_taken_back() {
    let mut rig = Rig::new();
    rig.answer = |_| failed(ErrorKind::Provider);
    rig.add(mail());
    rig.add(with_account("b", "t", "you"));
    rig.pass(secs(500));
    // Trouble that was not told of is not taken back.
    rig.answer = |_| good();
    rig.pass(hours(1));
    assert!(rig.notices().is_empty());
    rig.answer = |_| failed(ErrorKind::Provider);
    rig.pass(secs(70));
    let began = rig.now.wall;
    rig.pass(secs(810));
    assert!(rig.notices().is_empty());
    rig.pass(hours(5));
    let notices = rig.notices();
    let [Notice::ProviderTrouble { charms, since }] = notices.as_slice() else {
        panic!("{notices:?}")
    };
    assert_eq!(charms, &["a", "b"]);
    assert!(since.0.abs_diff(began.0) < 70_000, "{since:?}");
    // Another failure does not show that it is over; a good run does.
    rig.answer = |_| failed(ErrorKind::Local);
    rig.pass(hours(1));
    assert!(rig.notices().is_empty());
    rig.answer = |_| good();
    rig.pass(hours(1));
    assert_eq!(rig.notices(), [Notice::WorkingAgain(Subject::Provider)]);
}

#[test]
fn a_provider_that_names_a_time_is_given_it() {
    let mut rig = rig_of(mail());
    let retry_at = |rig: &Rig, d| Some(rig.in_wall(d));
    rig.next_start(secs(70));
    let end = RunEnd {
        retry_at: retry_at(&rig, hours(2)),
        ..failed(ErrorKind::Provider)
    };
    rig.end_charm("a", end);
    between(rig.next_start(hours(3)), 7200, 7201);
    // A year is more than anyone is given.
    let end = RunEnd {
        retry_at: retry_at(&rig, hours(8760)),
        ..failed(ErrorKind::Provider)
    };
    rig.end_charm("a", end);
    between(rig.next_start(hours(30)), 86_400, 86_401);
}

#[test]
fn five_failures_of_its_own_pause_a_charm_and_a_probe_brings_it_back() {
    let mut rig = rig_of(mail());
    turn(&mut rig, failed(ErrorKind::Charm));
    for (n, low, high) in [(2, 54, 67), (3, 108, 133), (4, 216, 265), (5, 432, 529)] {
        assert!(matches!(rig.state("a"), State::Failing { .. }));
        // An outcome that is a failure and names no kind is the charm's own.
        let end = RunEnd {
            outcome: Outcome::TimedOut,
            kind: None,
            retry_at: None,
        };
        between(turn(&mut rig, end), low, high);
        assert_eq!(rig.saved["a"].failures, n);
    }
    let next_probe = rig.in_wall(hours(24));
    let charm = "a".to_owned();
    assert_eq!(
        rig.notices(),
        [Notice::PausedAfterFailures {
            charm,
            failures: 5,
            next_probe
        }]
    );
    assert_eq!(
        rig.state("a"),
        State::PausedAfterFailures {
            failures: 5,
            next_probe
        }
    );
    for _ in 0..3 {
        between(rig.next_start(hours(25)), 86_400, 86_401);
        assert_eq!(rig.open[0].trigger, Trigger::Probe);
        rig.end_charm("a", failed(ErrorKind::Charm));
        assert!(rig.notices().is_empty());
    }
    // Offline says nothing about the charm; the probe is made up for.
    rig.next_start(hours(25));
    rig.end_charm("a", failed(ErrorKind::Offline));
    between(rig.next_start(hours(25)), 4, 11);
    assert_eq!(rig.open[0].trigger, Trigger::Probe);
    rig.end_charm("a", good());
    assert_eq!(
        rig.notices(),
        [Notice::WorkingAgain(Subject::Charm("a".into()))]
    );
    between(turn(&mut rig, good()), 53, 67);
}

#[test]
fn what_is_no_fault_of_the_charm_never_pauses_it() {
    use ErrorKind::{Keychain, Local, Offline, Provider, Quota, Scope, SignIn, Space};
    for kind in [
        Offline, Quota, Provider, SignIn, Scope, Space, Keychain, Local,
    ] {
        let mut rig = Rig::new();
        rig.add(mail());
        rig.hold = true;
        for _ in 0..20 {
            rig.send(Input::Manual { charm: "a".into() });
            let end = failed(kind);
            rig.end_charm("a", end);
        }
        assert_eq!(rig.saved["a"].failures, 0, "{kind:?}");
        assert!(
            !matches!(rig.state("a"), State::PausedAfterFailures { .. }),
            "{kind:?}"
        );
    }
}

#[test]
fn backoff_and_pause_survive_a_restart() {
    let plans = [mail()];
    let mut rig = rig_of(plans[0].clone());
    for _ in 0..3 {
        turn(&mut rig, failed(ErrorKind::Charm));
    }
    rig.restart(secs(10), &plans);
    rig.hold = true;
    between(turn(&mut rig, failed(ErrorKind::Charm)), 200, 265);
    turn(&mut rig, failed(ErrorKind::Charm));
    assert_eq!(rig.saved["a"].failures, 5);
    rig.restart(hours(10), &plans);
    rig.hold = true;
    assert!(rig.starts().is_empty());
    assert!(rig.notices().is_empty(), "the pause is not told again");
    between(turn(&mut rig, good()), 14 * 3600 - 1, 14 * 3600 + 1);
    assert_eq!(
        rig.notices(),
        [Notice::WorkingAgain(Subject::Charm("a".into()))]
    );
}

#[test]
fn a_refused_commit_slows_its_own_charm_only_and_a_repaired_space_frees_it() {
    let mut rig = rig_of(plan("a", "s"));
    turn(&mut rig, failed(ErrorKind::Space));
    for (low, high) in [
        (54, 67),
        (108, 133),
        (216, 265),
        (432, 529),
        (864, 1057),
        (1728, 2113),
    ] {
        between(turn(&mut rig, failed(ErrorKind::Space)), low, high);
    }
    assert!(matches!(rig.state("a"), State::WaitingForSpace { .. }));
    rig.pass(secs(300));
    rig.starts();
    rig.send(Input::SpaceRecovered {
        space: "other".into(),
    });
    rig.pass(secs(5));
    assert!(rig.starts().is_empty());
    rig.send(Input::SpaceRecovered { space: "s".into() });
    between(rig.next_start(secs(5)), 0, 1);
}

#[test]
fn failed_calls_with_a_network_that_looks_fine_are_tried_with_patience() {
    let mut rig = rig_of(mail());
    turn(&mut rig, failed(ErrorKind::Offline));
    let mut last = secs(0);
    for _ in 0..8 {
        last = turn(&mut rig, failed(ErrorKind::Offline));
    }
    between(last, 149, 301);
    assert!(matches!(
        rig.state("a"),
        State::WaitingForNetwork { next: Some(_) }
    ));
    rig.pass(secs(70));
    rig.send(Input::NetworkChanged { online: true });
    between(rig.next_start(secs(5)), 0, 1);
    assert_eq!(rig.open[0].trigger, Trigger::Network);
}
