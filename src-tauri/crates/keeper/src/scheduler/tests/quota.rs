//! Accounts whose provider asked for a pause.

use super::*;

#[test]
fn quota_pauses_the_whole_account_and_no_other() {
    let mut rig = Rig::new();
    rig.add(mail());
    rig.add(with_account("b", "t", "me"));
    rig.add(with_account("other", "u", "you"));
    rig.pass(secs(2));
    rig.hold = true;
    rig.starts();
    while !rig.open.iter().any(|o| o.charm == "a") {
        rig.pass(Duration::from_millis(100));
        if let Some(o) = rig.open.iter().find(|o| o.charm != "a").cloned() {
            rig.end(&o, good());
        }
    }
    rig.outputs();
    let until = rig.in_wall(secs(3600));
    rig.end_charm(
        "a",
        RunEnd {
            retry_at: Some(until),
            ..failed(ErrorKind::Quota)
        },
    );
    let waits = rig.outputs().into_iter().filter_map(|o| match o {
        Output::AccountWait { account, until } => Some((account, until)),
        _ => None,
    });
    assert_eq!(waits.collect::<Vec<_>>(), [("me".to_owned(), until)]);
    let waiting = State::WaitingForGoogle {
        account: Some("me".into()),
        until,
    };
    assert_eq!(rig.state("a"), waiting);
    assert_eq!(rig.state("b"), waiting);
    rig.hold = false;
    for o in rig.open.clone() {
        rig.end(&o, good());
    }
    rig.starts();
    rig.pass(secs(3590));
    let started = rig.started();
    assert!(started.iter().all(|c| c == "other"), "{started:?}");
    assert!(started.len() > 50);
    rig.outputs();
    rig.pass(secs(15));
    let mut started = rig.started();
    started.retain(|c| c != "other");
    assert_eq!(started.len(), 2);
    let records = rig.records();
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(
        records
            .iter()
            .all(|r| (r.1, r.2) == (Outcome::Skipped, Reason::Quota))
    );
}

#[test]
fn quota_without_a_time_backs_off_by_itself() {
    let mut rig = rig_of(mail());
    turn(&mut rig, failed(ErrorKind::Quota));
    let mut longest = secs(0);
    for n in 1..10_u32 {
        let wait = turn(&mut rig, failed(ErrorKind::Quota));
        let cap = secs(30 << (n - 1).min(5)).min(secs(900)).max(secs(66));
        assert!(wait <= cap + secs(1), "try {n}: {wait:?}");
        longest = longest.max(wait);
    }
    assert!(longest >= secs(450));
    assert_eq!(rig.saved["a"].failures, 0);
    assert!(rig.notices().is_empty());
}

#[test]
fn the_keepers_word_on_quota_holds_across_a_restart() {
    let mut rig = Rig::new();
    let until = rig.in_wall(secs(1000));
    let blocked = Some(Blocked::Quota { until });
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked,
        granted_at: None,
    });
    rig.add(mail());
    rig.pass(secs(999));
    assert!(rig.starts().is_empty());
    rig.pass(secs(2));
    assert_eq!(rig.starts().len(), 1);
}

#[test]
fn a_run_by_hand_during_a_pause_does_not_make_it_longer() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(mail());
    rig.pass(secs(1));
    let until = rig.in_wall(secs(600));
    let refused = RunEnd {
        retry_at: Some(until),
        ..failed(ErrorKind::Quota)
    };
    rig.end_charm("a", refused);
    rig.pass(secs(1));
    rig.outputs();
    for _ in 0..20 {
        rig.send(Input::Manual { charm: "a".into() });
        rig.pass(secs(1));
        rig.end_charm("a", refused);
    }
    let longer = |o: &Output| matches!(o, Output::AccountWait { .. });
    assert!(!rig.outputs().iter().any(longer));
    let waiting = State::WaitingForGoogle {
        account: Some("me".into()),
        until,
    };
    assert_eq!(rig.state("a"), waiting);
}

#[test]
fn a_run_that_was_going_on_does_not_end_the_accounts_pause() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(mail());
    rig.add(with_account("b", "t", "me"));
    rig.pass(secs(1));
    assert_eq!(rig.open.len(), 2);
    let until = Some(rig.in_wall(secs(600)));
    rig.end_charm(
        "a",
        RunEnd {
            retry_at: until,
            ..failed(ErrorKind::Quota)
        },
    );
    rig.end_charm("b", good());
    between(rig.next_start(secs(700)), 599, 601);
}

#[test]
fn a_charm_that_waits_for_a_worker_when_its_account_must_pause_does_not_start() {
    let mut rig = Rig::new();
    rig.hold = true;
    for id in ["a", "x", "b"] {
        let plan = if id == "x" {
            plan(id, id)
        } else {
            with_account(id, id, "me")
        };
        rig.add(plan);
    }
    rig.pass(secs(1));
    assert_eq!(rig.started(), ["a", "x"]);
    assert!(matches!(rig.state("b"), State::Queued { .. }));
    rig.end_charm("a", failed(ErrorKind::Quota));
    assert_eq!(rig.started(), [] as [&str; 0]);
    assert!(matches!(rig.state("b"), State::WaitingForGoogle { .. }));
}
