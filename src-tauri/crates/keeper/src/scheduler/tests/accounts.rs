//! Accounts that must sign in or miss a permission; keychains.

use super::*;

#[test]
fn a_dead_sign_in_stops_that_account_with_one_notice_until_it_is_back() {
    let mut rig = Rig::new();
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked: None,
        granted_at: None,
    });
    rig.answer = |charm| {
        if charm == "other" {
            good()
        } else {
            failed(ErrorKind::SignIn)
        }
    };
    rig.add(mail());
    rig.add(with_account("b", "t", "me"));
    rig.add(with_account("other", "u", "you"));
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked: Some(Blocked::SignIn),
        granted_at: None,
    });
    rig.pass(hours(2));
    let notices = rig.notices();
    assert_eq!(
        notices,
        [Notice::NeedsSignIn {
            account: Some("me".into()),
            charm: Some("a".into())
        }]
    );
    let started = rig.started();
    assert_eq!(started.iter().filter(|c| *c == "a").count(), 1);
    assert_eq!(started.iter().filter(|c| *c == "b").count(), 0);
    assert!(started.iter().filter(|c| *c == "other").count() > 100);
    assert_eq!(
        rig.state("b"),
        State::NeedsSignIn {
            account: Some("me".into())
        }
    );
    // Signed in again: both run at once, and the good end is told.
    rig.answer = |_| good();
    let granted_at = Some(rig.now.wall);
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked: None,
        granted_at,
    });
    rig.pass(secs(5));
    let mut starts = rig.starts();
    starts.retain(|s| s.charm != "other");
    assert_eq!(starts.len(), 2);
    assert!(starts.iter().all(|s| s.trigger == Trigger::Added));
    assert_eq!(
        rig.notices(),
        [Notice::WorkingAgain(Subject::Account("me".into()))]
    );
    // A second death is a second change.
    rig.answer = |_| failed(ErrorKind::SignIn);
    rig.pass(secs(200));
    assert_eq!(rig.notices().len(), 2, "one for each account");
}

#[test]
fn a_stored_sign_in_state_is_no_news() {
    let mut rig = Rig::new();
    let blocked = Some(Blocked::SignIn);
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked,
        granted_at: None,
    });
    assert!(rig.notices().is_empty());
}

#[test]
fn a_run_that_began_before_the_sign_in_died_and_ends_well_proves_nothing() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(mail());
    rig.add(with_account("b", "t", "me"));
    rig.pass(secs(90));
    rig.begin("b");
    rig.pass(secs(3));
    rig.begin("a");
    rig.pass(secs(1));
    rig.end_charm("a", failed(ErrorKind::SignIn));
    assert_eq!(rig.notices().len(), 1);
    rig.end_charm("b", good());
    assert!(rig.notices().is_empty(), "it does not work again");
    assert!(matches!(rig.state("a"), State::NeedsSignIn { .. }));
}

#[test]
fn a_sign_in_that_was_put_right_during_the_run_is_tried_again() {
    let mut rig = Rig::new();
    rig.hold = true;
    rig.add(mail());
    rig.begin("a");
    rig.pass(secs(3));
    let granted_at = Some(rig.now.wall);
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked: None,
        granted_at,
    });
    rig.pass(secs(1));
    rig.end_charm("a", failed(ErrorKind::SignIn));
    assert!(rig.notices().is_empty());
    between(rig.next_start(secs(10)), 1, 6);
    // The same word again is no new grant.
    rig.send(Input::AccountState {
        account: "me".into(),
        blocked: None,
        granted_at,
    });
    rig.end_charm("a", failed(ErrorKind::SignIn));
    assert_eq!(rig.notices().len(), 1);
    assert!(matches!(rig.state("a"), State::NeedsSignIn { .. }));
}

#[test]
fn a_charm_with_two_accounts_goes_on_with_one() {
    let mut rig = Rig::new();
    let accounts = vec!["me".to_owned(), "you".to_owned()];
    rig.add(CharmPlan {
        accounts,
        ..plan("a", "s")
    });
    rig.starts();
    let block = |account: &str, blocked| Input::AccountState {
        account: account.into(),
        blocked: Some(blocked),
        granted_at: None,
    };
    rig.send(block("me", Blocked::SignIn));
    rig.pass(secs(130));
    assert_eq!(rig.starts().len(), 2);
    rig.send(block("you", Blocked::SignIn));
    rig.pass(secs(130));
    assert!(rig.starts().is_empty());
}

#[test]
fn a_missing_permission_stops_that_charm_alone() {
    let mut rig = Rig::new();
    rig.answer = |charm| {
        if charm == "a" {
            failed(ErrorKind::Scope)
        } else {
            good()
        }
    };
    rig.add(mail());
    rig.add(with_account("b", "t", "me"));
    rig.pass(hours(3));
    let started = rig.started();
    assert_eq!(started.iter().filter(|c| *c == "a").count(), 1);
    assert!(started.iter().filter(|c| *c == "b").count() > 150);
    assert_eq!(
        rig.notices(),
        [Notice::NeedsScope {
            account: Some("me".into()),
            charm: Some("a".into())
        }]
    );
    assert_eq!(
        rig.state("a"),
        State::NeedsScope {
            account: Some("me".into())
        }
    );
    // It survives a restart, and an old grant does not lift it.
    let old = rig.now.wall;
    let plans = [mail(), with_account("b", "t", "me")];
    rig.restart(secs(60), &plans);
    let older = UnixMs(old.0 - 4 * 3_600_000);
    for granted_at in [older, rig.now.wall] {
        let account = "me".into();
        assert_eq!(
            rig.state("a"),
            State::NeedsScope {
                account: Some("me".into())
            }
        );
        rig.answer = |_| good();
        let granted_at = Some(granted_at);
        rig.send(Input::AccountState {
            account,
            blocked: None,
            granted_at,
        });
        rig.pass(secs(5));
    }
    assert!(rig.started().contains(&"a".to_owned()));
    assert!(
        rig.notices()
            .contains(&Notice::WorkingAgain(Subject::Charm("a".into())))
    );
}

#[test]
fn a_part_that_misses_a_permission_does_not_stop_the_rest() {
    let mut rig = Rig::new();
    rig.answer = |_| partial(ErrorKind::Scope);
    rig.add(mail());
    rig.pass(hours(1));
    assert!(rig.starts().len() > 50);
    assert_eq!(
        rig.notices().len(),
        1,
        "told once, not taken back and told again"
    );
    rig.answer = |_| good();
    rig.pass(secs(70));
    assert_eq!(
        rig.notices(),
        [Notice::WorkingAgain(Subject::Charm("a".into()))]
    );
}

#[test]
fn a_locked_keychain_is_told_once_and_left_when_unlocked() {
    let mut rig = Rig::new();
    for account in ["me", "you"] {
        rig.send(Input::AccountState {
            account: account.into(),
            blocked: Some(Blocked::Keychain),
            granted_at: None,
        });
    }
    assert_eq!(rig.notices(), [Notice::NeedsKeychain]);
    rig.add(mail());
    rig.add(with_account("b", "t", "you"));
    rig.pass(secs(60));
    assert!(rig.starts().is_empty());
    assert_eq!(rig.state("a"), State::NeedsKeychain);
    for account in ["me", "you"] {
        let account = account.into();
        rig.send(Input::AccountState {
            account,
            blocked: None,
            granted_at: None,
        });
    }
    rig.pass(secs(5));
    assert_eq!(rig.starts().len(), 2);
    assert_eq!(rig.notices(), [Notice::WorkingAgain(Subject::Keychain)]);
}

#[test]
fn a_keychain_that_opens_unseen_is_found_out() {
    let mut rig = rig_of(mail());
    turn(&mut rig, failed(ErrorKind::Keychain));
    assert_eq!(rig.notices(), [Notice::NeedsKeychain]);
    between(turn(&mut rig, failed(ErrorKind::Keychain)), 899, 961);
    assert!(rig.notices().is_empty());
    between(turn(&mut rig, good()), 899, 961);
    assert_eq!(rig.notices(), [Notice::WorkingAgain(Subject::Keychain)]);
    between(turn(&mut rig, good()), 53, 67);
}

#[test]
fn a_pause_says_nothing_about_the_sign_in() {
    let mut rig = Rig::new();
    rig.add(mail());
    let until = rig.in_wall(secs(100));
    for blocked in [Blocked::SignIn, Blocked::Quota { until }] {
        let (account, blocked) = ("me".into(), Some(blocked));
        rig.send(Input::AccountState {
            account,
            blocked,
            granted_at: None,
        });
    }
    rig.pass(secs(300));
    assert_eq!(
        rig.state("a"),
        State::NeedsSignIn {
            account: Some("me".into())
        }
    );
}

#[test]
fn good_news_of_an_account_that_was_fine_starts_nothing() {
    let mut rig = Rig::new();
    rig.add(mail());
    rig.add(plan("b", "t"));
    rig.starts();
    for _ in 0..10 {
        let account = "me".into();
        rig.send(Input::AccountState {
            account,
            blocked: None,
            granted_at: None,
        });
        rig.pass(secs(1));
    }
    assert!(rig.starts().is_empty());
}

#[test]
fn a_charm_with_several_accounts_tries_a_locked_keychain_again_too() {
    let mut rig = Rig::new();
    let accounts = vec!["me".to_owned(), "you".to_owned()];
    rig.add(CharmPlan {
        accounts,
        ..plan("a", "s")
    });
    rig.hold = true;
    turn(&mut rig, failed(ErrorKind::Keychain));
    assert_eq!(rig.state("a"), State::NeedsKeychain);
    between(turn(&mut rig, good()), 899, 961);
    assert_eq!(rig.notices().len(), 2);
    between(turn(&mut rig, good()), 53, 67);
}

#[test]
fn another_account_lifts_a_charms_bar() {
    let mut rig = Rig::new();
    rig.answer = |_| failed(ErrorKind::Scope);
    rig.add(mail());
    rig.pass(hours(1));
    assert_eq!(rig.starts().len(), 1);
    rig.send(Input::CharmChanged {
        plan: with_account("a", "s", "you"),
    });
    assert_eq!(rig.starts().len(), 1);
}
