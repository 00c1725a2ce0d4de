//! Signing in, from the consent page to a usable account.

use std::sync::Mutex;
use std::time::Duration;

use charmkeeper_accounts::broker::TokenSource;
use charmkeeper_accounts::{
    AccountEvent, AccountState, ConnectRequest, Opened, PrintOnly, Progress, Service, SignInReason,
};
use url::Url;

use crate::google::{Fault, Person};
use crate::setup::{Profile, START, assert_clean, both, fetch, query};

const GMAIL: &str = "https://www.googleapis.com/auth/gmail.readonly";
const CALENDAR: &str = "https://www.googleapis.com/auth/calendar.readonly";

#[tokio::test]
async fn a_sign_in_ends_with_an_account_an_item_an_event_and_a_page() {
    let mut profile = Profile::new().await;
    let browser = profile.browser();
    let steps = Mutex::new(vec![]);
    let note = |step| steps.lock().unwrap().push(step);
    let done = profile
        .accounts
        .connect(both(), &browser, &note)
        .await
        .unwrap();
    assert!(done.is_new && done.missing.is_empty());
    assert_eq!(done.granted, Service::ALL);
    let account = done.account;
    assert_eq!(
        (account.email.as_str(), account.name.as_str()),
        ("ada@example.org", "Ada")
    );
    assert_eq!(
        (account.state.clone(), account.connected_at),
        (AccountState::Ready, START)
    );
    assert_eq!(
        account.scopes,
        ["openid", "email", "profile", GMAIL, CALENDAR]
    );
    assert_eq!(account.services(), Service::ALL);
    assert_eq!(
        profile.all_events(),
        [AccountEvent::Connected(account.clone())]
    );
    let item: serde_json::Value =
        serde_json::from_str(&profile.vault.text(&account.id).unwrap()).unwrap();
    assert_eq!(item["refresh_token"], "1//planted-000");
    assert_eq!(item["scopes"][3], GMAIL);
    assert_eq!(
        item.as_object().unwrap().len(),
        2,
        "refresh token and scopes only"
    );
    let page = browser.page().await;
    assert!(
        page.contains("You are connected") && page.contains("ada@example.org"),
        "{page}"
    );
    assert_clean(&page);
    let exchange = &profile.google.seen("/token")[0].form;
    assert_eq!(exchange["client_secret"], "GOCSPX-planted");
    assert_eq!(exchange["code_verifier"].len(), 43);
    let steps = steps.into_inner().unwrap();
    assert!(matches!(
        &steps[0],
        Progress::WaitingForBrowser {
            opened: Opened::Yes,
            ..
        }
    ));
    assert_eq!(steps[1..], [Progress::Finishing]);
    assert_clean(&format!("{steps:?} {account:?}"));
    // The token of the sign-in serves at once.
    profile
        .accounts
        .access_token(&account.id, None)
        .await
        .unwrap();
    assert_eq!(profile.google.seen("/token").len(), 1);
}

#[tokio::test]
async fn the_printed_address_works_in_any_browser() {
    let profile = Profile::new().await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let note = |step| {
        if let Progress::WaitingForBrowser { url, opened } = step {
            assert_eq!(opened, Opened::NotAsked);
            tell.lock().unwrap().take().unwrap().send(url).unwrap();
        }
    };
    let person = async {
        let url: Url = told.await.unwrap();
        // Elsewhere on this computer, with the issuer named as Google does.
        let mut back = Url::parse(&query(&url, "redirect_uri")).unwrap();
        back.query_pairs_mut()
            .append_pair("state", &query(&url, "state"))
            .append_pair("iss", "https://accounts.google.com")
            .append_pair("code", &profile.google.consent(&url));
        fetch(back).await
    };
    let (done, page) = tokio::join!(profile.accounts.connect(both(), &PrintOnly, &note), person);
    assert!(done.is_ok() && page.contains("You are connected"), "{page}");
}

#[tokio::test]
async fn the_same_person_keeps_the_id_whatever_the_address() {
    let (mut profile, first) = Profile::connected().await;
    let again = profile.connect_as("1001", "ada@new.example").await.unwrap();
    assert!(!again.is_new);
    assert_eq!(again.account.id, first.id);
    assert_eq!(again.account.email, "ada@new.example");
    assert_eq!(profile.accounts.list().len(), 1);
    assert_eq!(
        profile.all_events(),
        [AccountEvent::Connected(again.account)]
    );
    let other = profile.connect_as("2002", "bob@example.org").await.unwrap();
    assert!(other.is_new && other.account.id != first.id);
    assert_eq!(
        profile.vault.refresh_token(&first.id).unwrap(),
        "1//planted-001"
    );
    assert_eq!(
        profile.vault.refresh_token(&other.account.id).unwrap(),
        "1//planted-002"
    );
    assert!(
        profile.google.working().len() == 3,
        "an earlier grant is never revoked"
    );
}

#[tokio::test]
async fn reconnecting_ends_the_need_to_sign_in_and_asks_for_what_was_granted() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(Duration::from_secs(3600));
    profile
        .google
        .set(|state| state.revoked.extend(["1//planted-000".to_owned()]));
    profile
        .accounts
        .access_token(&account.id, None)
        .await
        .unwrap_err();
    assert_eq!(
        profile.accounts.get(&account.id).unwrap().state,
        AccountState::NeedsSignIn(SignInReason::Revoked)
    );
    let request = ConnectRequest::again(&account.id, vec![Service::Calendar]);
    let asked = Mutex::new(None);
    let note = |step| {
        if let Progress::WaitingForBrowser { url, .. } = step {
            *asked.lock().unwrap() = Some((query(&url, "scope"), query(&url, "login_hint")));
        }
    };
    let done = profile
        .accounts
        .connect(request, &profile.browser(), &note)
        .await
        .unwrap();
    let (scope, hint) = asked.into_inner().unwrap().unwrap();
    assert!(scope.contains(GMAIL) && scope.contains(CALENDAR), "{scope}");
    assert_eq!(hint, "ada@example.org");
    assert_eq!(
        (done.account.id.as_str(), done.is_new),
        (account.id.as_str(), false)
    );
    assert_eq!(done.account.state, AccountState::Ready);
    profile
        .accounts
        .access_token(&account.id, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_unticked_box_is_missing_and_the_rest_works() {
    let profile = Profile::new().await;
    let ticked = Some(vec!["openid", "email", "profile", GMAIL]);
    profile.google.set(|state| {
        state.person = Person {
            ticked,
            ..state.person.clone()
        }
    });
    let browser = profile.browser();
    let done = profile.connect(both(), &browser).await.unwrap();
    assert_eq!(done.granted, [Service::Gmail]);
    assert_eq!(done.missing, [Service::Calendar]);
    assert_eq!(done.account.services(), [Service::Gmail]);
    let page = browser.page().await;
    assert!(page.contains("Google Calendar was not granted"), "{page}");
    profile
        .accounts
        .access_token(&done.account.id, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_scope_that_is_not_repeated_is_what_was_asked() {
    let profile = Profile::new().await;
    let answer = r#"{"access_token":"ya29.planted-1001-1","refresh_token":"1//planted-x","token_type":"bearer"}"#;
    profile
        .google
        .fail("/token", Fault::Status(200, "", answer));
    let done = profile.connect(both(), &profile.browser()).await.unwrap();
    assert_eq!(done.granted, Service::ALL);
    let hour = START.plus(Duration::from_secs(3600));
    assert_eq!(
        done.account.expires_at,
        Some(hour),
        "an hour when nothing is said"
    );
}

#[tokio::test]
async fn the_person_is_found_without_userinfo() {
    let down = || Fault::Status(503, "", "down");
    let (profile, known) = Profile::connected().await;
    // By the id token: number and address.
    profile.google.fail("/v1/userinfo", down());
    profile.google.set(|state| state.send_id_token = true);
    let done = profile.connect_as("3003", "eve@example.org").await.unwrap();
    assert!(done.is_new);
    assert_eq!(done.account.email, "eve@example.org");
    let same = profile.connect_as("3003", "eve@example.org").await.unwrap();
    assert_eq!(
        same.account.id, done.account.id,
        "the id is that of userinfo"
    );
    // By the mailbox: the address leads to the account that is known.
    profile.google.fail("/v1/userinfo", down());
    profile.google.set(|state| state.send_id_token = false);
    let done = profile.connect_as("1001", "Ada@example.org").await.unwrap();
    assert_eq!((done.account.id, done.is_new), (known.id, false));
    assert_eq!(done.account.name, "Ada", "what was known is kept");
}

#[tokio::test]
async fn two_sign_ins_at_once_end_as_one_account() {
    let profile = Profile::new().await;
    let (a, b) = (profile.browser(), profile.browser());
    let (first, second) = tokio::join!(profile.connect(both(), &a), profile.connect(both(), &b));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.account.id, second.account.id);
    assert!(first.is_new != second.is_new);
    assert_eq!(profile.accounts.list().len(), 1);
    let kept = profile.vault.refresh_token(&first.account.id).unwrap();
    assert!(profile.google.working().contains(&kept));
    profile.clock.advance(Duration::from_secs(3600));
    profile
        .accounts
        .access_token(&first.account.id, None)
        .await
        .unwrap();
}

/// The keeper runs these in tasks of its own.
#[tokio::test]
async fn the_futures_can_be_spawned() {
    fn check<T: Send>(_: T) {}
    let profile = Profile::new().await;
    check(profile.accounts.connect(both(), &PrintOnly, &|_| {}));
    check(profile.accounts.disconnect("x"));
    check(profile.accounts.retry_revocations());
    check(profile.accounts.recheck_vault());
}
