//! Silence: charms that do not run and nothing says why.

use super::*;

fn overdue(charm: &str, rig: &Rig) -> Notice {
    let last_end = rig.s.status_of(charm, rig.now).and_then(|s| s.last_end);
    Notice::Overdue {
        charm: charm.to_owned(),
        last_end,
    }
}

#[test]
fn a_charm_that_gets_no_worker_for_three_intervals_is_told_once() {
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.hold = true;
    for id in ["x", "y"] {
        rig.add(plan(id, id));
        rig.begin(id);
    }
    rig.outputs();
    // Both places stay taken by runs that go on reporting.
    for _ in 0..10 {
        rig.pass(secs(16));
        rig.begin("x");
        rig.begin("y");
    }
    assert_eq!(rig.notices(), []);
    for _ in 0..60 {
        rig.pass(secs(16));
        rig.begin("x");
        rig.begin("y");
    }
    assert_eq!(rig.notices(), [overdue("a", &rig)]);
    assert!(matches!(rig.state("a"), State::Overdue { .. }));
    rig.end_charm("x", good());
    rig.begin("a");
    assert!(matches!(rig.state("a"), State::Running { .. }));
    let records = rig.records();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].1, records[0].2),
        (Outcome::Skipped, Reason::Busy)
    );
    assert!(records[0].3 >= 15, "{records:?}");
    rig.end_charm("a", good());
    assert_eq!(
        rig.notices(),
        [Notice::WorkingAgain(Subject::Charm("a".into()))]
    );
}

#[test]
fn a_run_that_is_never_reported_is_told_cancelled_and_given_up() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(plan("a", "s"));
    rig.begin("a");
    let lost = rig.open[0].clone();
    rig.outputs();
    rig.pass(secs(175));
    assert_eq!(rig.outputs(), []);
    rig.pass(secs(15));
    let (batch, charm) = (lost.batch, "a".to_owned());
    let why = CancelWhy::Lost;
    assert_eq!(
        rig.outputs(),
        [
            Output::Notify(Notice::Overdue {
                charm: charm.clone(),
                last_end: None
            }),
            Output::Cancel {
                batch,
                charm: charm.clone(),
                why
            },
        ]
    );
    assert!(matches!(rig.state("a"), State::Overdue { .. }));
    rig.pass(secs(70));
    assert_eq!(
        rig.outputs()[0],
        Output::Lost {
            batch,
            charm: charm.clone()
        }
    );
    rig.open.clear();
    rig.starts();
    // It runs again, and the late report of the lost run does not end that.
    rig.hold = true;
    rig.next_start(secs(70));
    let again = rig.open[0].clone();
    rig.send(Input::RunEnded {
        batch,
        charm,
        end: good(),
    });
    assert!(rig.s.is_busy());
    rig.end(&again, good());
    assert!(!rig.s.is_busy());
    assert!(matches!(rig.state("a"), State::Waiting { .. }));
}

#[test]
fn sleep_in_the_middle_of_a_run_is_no_silence() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(plan("a", "s"));
    rig.begin("a");
    rig.outputs();
    rig.pass(secs(10));
    rig.sleep(hours(9));
    rig.pass(secs(100));
    assert_eq!(rig.outputs(), []);
    rig.end_charm("a", good());
    assert_eq!(rig.notices(), []);
}

#[test]
fn waiting_for_a_reason_is_not_overdue() {
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.add(with_account("b", "t", "me"));
    rig.send(Input::NetworkChanged { online: false });
    let blocked = Some(Blocked::SignIn);
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked,
        granted_at: None,
    });
    rig.pass(hours(50));
    assert_eq!(rig.notices(), []);
    rig.send(Input::NetworkChanged { online: true });
    rig.pass(hours(50));
    assert_eq!(rig.notices(), []);
    assert_eq!(
        rig.state("b"),
        State::NeedsSignIn {
            account: Some("me".into())
        }
    );
}

#[test]
fn a_stopped_scheduler_is_seen_from_outside() {
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.shift(secs(100));
    assert!(matches!(rig.state("a"), State::Waiting { .. }));
    rig.shift(secs(130));
    // Nobody called it any more: the status says so all the same.
    assert!(
        matches!(rig.state("a"), State::Overdue { .. }),
        "{:?}",
        rig.state("a")
    );
}
