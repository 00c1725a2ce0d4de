//! Which charm a wish means, case by case.

use super::*;
use charmkeeper_base::UnixMs;
use charmkeeper_store::Schedule;

pub(crate) fn charm(id: &str, tag: &str, source: &str, account: Option<&str>) -> Charm {
    Charm {
        id: id.into(),
        handle: id.into(),
        name: id.into(),
        space: "did:key:z".into(),
        piece: format!("of:{id}"),
        argument: String::new(),
        source: source.into(),
        program_hash: String::new(),
        facts: serde_json::Value::Null,
        tags: vec![tag.into()],
        hosts: vec![],
        account: account.map(str::to_owned),
        enabled: true,
        paused_reason: None,
        interval_ms: 60_000,
        created_at: UnixMs(0),
        position: 0,
        schedule: Schedule::default(),
    }
}

fn account(id: &str, at: i64, state: AccountState) -> Account {
    Account {
        id: id.into(),
        email: String::new(),
        name: String::new(),
        picture: String::new(),
        scopes: vec![],
        state,
        connected_at: UnixMs(at),
        expires_at: None,
        grant_ends_at: None,
    }
}

fn ask(query: &str) -> WishQuery {
    WishQuery {
        query: query.into(),
        scope: None,
        path: None,
    }
}

fn world() -> (Vec<Charm>, Vec<Account>) {
    let auth = Builtin::GoogleAuth.source();
    let charms = vec![
        charm("old", "googleAuth", &auth, Some("a")),
        charm("new", "googleAuth", &auth, Some("b")),
        charm("mail", "gmailEmails", "x", None),
    ];
    let accounts = vec![
        account("a", 1, AccountState::Ready),
        account("b", 2, AccountState::Ready),
    ];
    (charms, accounts)
}

#[test]
fn the_account_connected_last_comes_first() {
    let (charms, accounts) = world();
    let asker = charm("asker", "", "x", None);
    let found = resolve(&ask("#googleauth"), &asker, &charms, &accounts, None);
    let ids: Vec<_> = found
        .answer
        .candidates
        .iter()
        .map(|c| c.id.as_str())
        .collect();
    assert_eq!(ids, ["of:new", "of:old"]);
    assert_eq!(found.accounts, ["b", "a"]);
}

#[test]
fn a_bound_charm_gets_its_own_account_and_no_other() {
    let (charms, accounts) = world();
    let asker = charm("asker", "", "x", Some("a"));
    let found = resolve(&ask("#googleAuth"), &asker, &charms, &accounts, None);
    assert_eq!(found.accounts, ["a"]);
    assert_eq!(found.answer.candidates.len(), 1);
}

#[test]
fn an_account_that_needs_a_sign_in_goes_last() {
    let (charms, mut accounts) = world();
    accounts[1].state = AccountState::NeedsSignIn(charmkeeper_accounts::SignInReason::Revoked);
    let asker = charm("asker", "", "x", None);
    let found = resolve(&ask("#googleAuth"), &asker, &charms, &accounts, None);
    assert_eq!(found.accounts, ["a", "b"]);
}

#[test]
fn paths_tags_and_misses() {
    let (charms, accounts) = world();
    let asker = charm("asker", "", "x", None);
    let found = resolve(
        &ask("#gmailEmails/emails/0"),
        &asker,
        &charms,
        &accounts,
        None,
    );
    assert_eq!(found.answer.candidates[0].path, ["emails", "0"]);
    assert_eq!(found.accounts, Vec::<String>::new());
    let none = resolve(&ask("#nothing"), &asker, &charms, &accounts, None).answer;
    assert_eq!(
        none.error.unwrap(),
        "No favorites found matching \"#nothing\""
    );
    // A charm never finds itself.
    let own = resolve(&ask("#gmailEmails"), &charms[2], &charms, &accounts, None).answer;
    assert!(own.candidates.is_empty());
}

fn first(query: &WishQuery, charms: &[Charm], chosen: Option<&str>) -> Option<String> {
    let asker = charm("asker", "", "x", None);
    let found = resolve(query, &asker, charms, &[], chosen).answer;
    found.candidates.first().map(|c| c.id.clone())
}

#[test]
fn a_choice_goes_before_what_ran_last_and_that_before_the_order() {
    let mut charms = vec![
        charm("one", "notes", "x", None),
        charm("two", "notes", "x", None),
        charm("three", "Notes", "x", None),
    ];
    assert_eq!(first(&ask("#notes"), &charms, None).unwrap(), "of:one");
    charms[1].schedule.last_run_at = Some(UnixMs(5));
    assert_eq!(first(&ask("#notes"), &charms, None).unwrap(), "of:two");
    let chosen = first(&ask("#notes"), &charms, Some("three"));
    assert_eq!(chosen.unwrap(), "of:three");
    let gone = first(&ask("#notes"), &charms, Some("removed"));
    assert_eq!(gone.unwrap(), "of:two");
}

#[test]
fn a_hyphen_ends_a_tag_and_the_scope_says_where_to_look() {
    let mut charms = vec![
        charm("far", "auth", "x", None),
        charm("near", "auth_work", "x", None),
    ];
    assert_eq!(first(&ask("#auth-work"), &charms, None).unwrap(), "of:far");
    assert_eq!(first(&ask("#auth_work"), &charms, None).unwrap(), "of:near");
    charms[0].space = "did:key:far".into();
    let scoped = |scope: &[&str]| {
        let scope = Some(scope.iter().map(|s| (*s).to_owned()).collect());
        let query = WishQuery {
            scope,
            ..ask("#auth")
        };
        first(&query, &charms, None)
    };
    assert_eq!(scoped(&["."]), None);
    assert_eq!(scoped(&["profile"]), None);
    for found in [&["did:key:far"][..], &[".", "~"], &[]] {
        assert_eq!(scoped(found).as_deref(), Some("of:far"), "{found:?}");
    }
}

#[test]
fn an_account_answers_for_what_it_is_for() {
    let (mut charms, mut accounts) = world();
    for (account, email) in accounts.iter_mut().zip(["me@gmail.com", "me@firm.example"]) {
        email.clone_into(&mut account.email);
    }
    let found = |charms: &[Charm], query: &str, bound: Option<&str>, chosen: Option<&str>| {
        let asker = charm("asker", "", "x", bound);
        resolve(&ask(query), &asker, charms, &accounts, chosen).accounts
    };
    assert_eq!(found(&charms, "#googleAuthPersonal", None, None), ["a"]);
    assert_eq!(found(&charms, "#googleAuthWork/auth", None, None), ["b"]);
    assert!(found(&charms, "#googleAuthHome", None, None).is_empty());
    assert!(found(&charms, "#gmailEmailsWork", None, None).is_empty());
    // What the person said goes before the address.
    assert_eq!(found(&charms, "#googleAuthWork", Some("a"), None), ["a"]);
    assert_eq!(
        found(&charms, "#googleAuthWork", None, Some("old")),
        ["a", "b"]
    );
    // A charm with that very tag is no guess.
    charms[0].tags.push("googleAuthWork".into());
    assert_eq!(found(&charms, "#googleAuthWork", None, None), ["b", "a"]);
}

#[test]
fn a_choice_among_several_is_told() {
    let (charms, accounts) = world();
    let asker = charm("asker", "", "x", None);
    let several = resolve(&ask("#googleAuth/auth"), &asker, &charms, &accounts, None).answer;
    let text = told("#googleAuth/auth", &several, false).unwrap();
    assert_eq!(text, "2 charms match #googleauth: new was taken.");
    let text = told("#googleAuth", &several, true).unwrap();
    assert!(text.ends_with("new was taken, as you chose."), "{text}");
    let one = resolve(&ask("#gmailEmails"), &asker, &charms, &accounts, None).answer;
    assert_eq!(told("#gmailEmails", &one, false), None);
}
