//! Charms that run on another computer, and charms that are no favorites any more.

use super::*;

fn away(rig: &Rig, name: Option<&str>, d: Duration) -> Elsewhere {
    Elsewhere {
        name: name.map(str::to_owned),
        until: rig.in_wall(d),
    }
}

/// A started run that is withheld; the rig holds its runs.
fn withhold(rig: &mut Rig, elsewhere: Elsewhere) {
    let run = rig.open.remove(0);
    rig.send(Input::RunWithheld {
        batch: run.batch,
        charm: run.charm,
        elsewhere,
    });
}

#[test]
fn a_withheld_run_is_neither_a_run_nor_a_failure_and_is_tried_when_the_lease_ends() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(plan("a", "s"));
    assert_eq!(rig.started(), ["a"]);
    rig.outputs();
    let there = away(&rig, Some("Laptop"), secs(900));
    withhold(&mut rig, there.clone());
    let State::Elsewhere { name, until } = rig.state("a") else {
        panic!("{:?}", rig.state("a"));
    };
    assert_eq!(
        (name.as_deref(), until),
        (Some("Laptop"), Some(there.until))
    );
    assert!(!rig.s.is_busy(), "its worker is free");

    rig.pass(secs(890));
    assert_eq!(rig.started(), Vec::<String>::new());
    rig.pass(secs(20));
    assert_eq!(rig.started(), ["a"], "the lease has ended");
    // Renewed meanwhile: so it goes on for a day.
    for _ in 0..100 {
        let there = away(&rig, Some("Laptop"), secs(900));
        withhold(&mut rig, there);
        rig.pass(secs(910));
        assert_eq!(rig.started(), ["a"]);
    }
    assert_eq!(rig.records(), [], "the history stays as it is");
    let loud: Vec<_> = rig.notices();
    assert_eq!(loud, [], "and nobody is told");
    let saved = rig.saved.get("a").cloned().unwrap_or_default();
    assert_eq!(
        (saved.failures, saved.strikes, saved.last_end),
        (0, 0, None)
    );
}

#[test]
fn what_is_due_starts_at_once_when_the_other_computer_lets_go() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(plan("a", "s"));
    let there = away(&rig, Some("Laptop"), secs(900));
    withhold(&mut rig, there.clone());
    rig.started();
    rig.send(Input::Elsewhere(vec![("a".to_owned(), None)]));
    assert_eq!(rig.started(), ["a"]);
    rig.end_charm("a", good());

    // Taken over while it waits for its next time here.
    rig.send(Input::Elsewhere(vec![("a".to_owned(), Some(there))]));
    rig.pass(secs(300));
    assert_eq!(rig.started(), Vec::<String>::new());
    // A person's word goes past it.
    rig.send(Input::Manual { charm: "a".into() });
    assert_eq!(rig.started(), ["a"]);
}

#[test]
fn an_answer_without_sense_is_not_asked_for_in_a_circle() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(plan("a", "s"));
    // Over already, and one that ends in a hundred years.
    for (until, least) in [(UnixMs(0), secs(1)), (UnixMs(i64::MAX), hours(1))] {
        rig.starts();
        withhold(&mut rig, Elsewhere { name: None, until });
        rig.pass(least - Duration::from_millis(1));
        assert_eq!(rig.started(), Vec::<String>::new());
        rig.pass(secs(5));
        assert_eq!(rig.started(), ["a"]);
    }
}

#[test]
fn a_charm_that_is_no_favorite_any_more_stays_as_it_was_until_it_is_one_again() {
    let starred = |named| Input::Starred {
        charm: "a".into(),
        named,
    };
    let mut rig = Rig::new();
    rig.add(plan("a", "s"));
    rig.starts();
    rig.outputs();
    rig.send(starred(false));
    assert_eq!(rig.state("a"), State::NoFavorite);
    rig.pass(hours(5));
    assert_eq!(rig.started(), Vec::<String>::new());
    rig.restart(hours(1), &[plan("a", "s")]);
    assert_eq!(rig.state("a"), State::NoFavorite, "after a restart too");
    assert_eq!((rig.started(), rig.records()), (Vec::new(), Vec::new()));
    rig.send(starred(true));
    assert_eq!(rig.started(), ["a"]);

    // Paused by the person, and so it comes back.
    let pause = Pause::UntilResumed;
    rig.send(Input::Pause {
        charm: "a".into(),
        pause,
    });
    rig.send(starred(false));
    rig.send(starred(true));
    assert!(matches!(rig.state("a"), State::Paused { .. }));

    // The person wants it all the same; another look at the favorites changes
    // nothing then.
    rig.send(starred(false));
    rig.send(Input::Resume { charm: "a".into() });
    rig.send(starred(false));
    assert!(matches!(rig.state("a"), State::Waiting { .. }));
}
