//! Access tokens: when they are refreshed, and by whom.

use std::time::Duration;

use charmkeeper_accounts::broker::{TokenError, TokenSource};
use charmkeeper_accounts::{Account, AccountEvent, AccountState, VaultStatus};
use charmkeeper_base::{ErrorKind, Explain, UnixMs};
use futures_util::future::join_all;

use crate::google::Fault;
use crate::setup::{DAY, HOUR, MINUTE, Profile, START, assert_clean};

#[tokio::test]
async fn a_token_serves_until_five_minutes_before_its_end() {
    let (profile, account) = Profile::connected().await;
    let first = profile.token(&account.id).await.unwrap();
    profile.clock.advance(54 * MINUTE);
    assert_eq!(profile.token(&account.id).await.unwrap(), first);
    assert_eq!(profile.refreshes(), 0);
    profile.clock.advance(MINUTE);
    let second = profile.token(&account.id).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(profile.refreshes(), 1);
    assert_eq!(profile.token(&account.id).await.unwrap(), second);
    assert_eq!(profile.refreshes(), 1);
    let sent = &profile.google.seen("/token")[0].form;
    assert_eq!(sent["client_secret"], "GOCSPX-planted");
    assert_eq!(
        sent["refresh_token"],
        profile.vault.refresh_token(&account.id).unwrap()
    );
    let expires_at = profile.accounts.get(&account.id).unwrap().expires_at;
    assert_eq!(expires_at, Some(START.plus(55 * MINUTE + HOUR)));
}

#[tokio::test]
async fn both_clocks_can_end_a_token_and_neither_can_lengthen_it() {
    let (profile, account) = Profile::connected().await;
    profile.clock.jump_to(START.plus(DAY));
    profile.token(&account.id).await.unwrap();
    assert_eq!(
        profile.refreshes(),
        1,
        "the computer slept and monotonic time stood still"
    );
    profile.clock.advance(HOUR);
    profile.clock.jump_to(UnixMs(START.0 - 86_400_000));
    profile.token(&account.id).await.unwrap();
    assert_eq!(profile.refreshes(), 2, "the wall clock was set back");
}

#[tokio::test]
async fn a_short_lived_token_is_not_refreshed_with_every_call() {
    let profile = Profile::new().await;
    profile.google.set(|state| state.expires_in = 120);
    let account = profile
        .connect_as("1", "a@example.org")
        .await
        .unwrap()
        .account;
    profile.google.set(|state| state.seen.clear());
    profile.clock.advance(Duration::from_secs(89));
    profile.token(&account.id).await.unwrap();
    assert_eq!(profile.refreshes(), 0);
    profile.clock.advance(Duration::from_secs(2));
    profile.token(&account.id).await.unwrap();
    assert_eq!(profile.refreshes(), 1);
}

#[tokio::test]
async fn ten_parallel_calls_make_one_refresh() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    let calls = (0..10).map(|_| profile.token(&account.id));
    let tokens: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(profile.refreshes(), 1);
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}

#[tokio::test]
async fn ten_parallel_401s_make_one_refresh_and_a_late_one_makes_none() {
    let (profile, account) = Profile::connected().await;
    let refused = profile
        .accounts
        .access_token(&account.id, None)
        .await
        .unwrap();
    let calls = (0..10).map(|_| {
        profile
            .accounts
            .access_token(&account.id, Some(refused.generation))
    });
    let tokens: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(profile.refreshes(), 1);
    assert!(tokens.iter().all(|t| t.generation == tokens[0].generation));
    assert!(tokens[0].generation > refused.generation);
    // Its 401 comes after the others have the new token already.
    let late = profile
        .accounts
        .access_token(&account.id, Some(refused.generation))
        .await
        .unwrap();
    assert_eq!(late.generation, tokens[0].generation);
    assert_eq!(profile.refreshes(), 1);
}

#[tokio::test]
async fn ten_parallel_calls_share_one_failure() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    profile
        .google
        .fail("/token", Fault::Status(503, "", "down"));
    let failed = join_all((0..10).map(|_| profile.token(&account.id))).await;
    assert!(
        failed
            .iter()
            .all(|r| r.as_ref().unwrap_err().kind() == ErrorKind::Provider)
    );
    assert_eq!(profile.refreshes(), 1);
    // The next call is a new try.
    profile.token(&account.id).await.unwrap();
    assert_eq!(profile.refreshes(), 2);
}

#[tokio::test]
async fn two_accounts_refresh_apart() {
    let (profile, ada) = Profile::connected().await;
    let bob = profile
        .connect_as("2002", "bob@example.org")
        .await
        .unwrap()
        .account;
    profile.google.set(|state| state.seen.clear());
    profile.clock.advance(HOUR);
    let (a, b) = tokio::join!(profile.token(&ada.id), profile.token(&bob.id));
    assert!(a.unwrap().contains("-1001-") && b.unwrap().contains("-2002-"));
    assert_eq!(profile.refreshes(), 2);
}

#[tokio::test]
async fn a_refresh_without_a_refresh_token_keeps_the_old_one() {
    let (profile, account) = Profile::connected().await;
    let kept = profile.vault.refresh_token(&account.id);
    for _ in 0..3 {
        profile.clock.advance(HOUR);
        profile.token(&account.id).await.unwrap();
    }
    assert_eq!(profile.vault.refresh_token(&account.id), kept);
    assert_eq!(profile.refreshes(), 3);
}

#[tokio::test]
async fn a_new_refresh_token_is_saved_before_its_access_token_is_used() {
    let (profile, account) = Profile::connected().await;
    profile.google.set(|state| state.rotate = true);
    profile.clock.advance(HOUR);
    profile.vault.lock_writes(Some(VaultStatus::Locked));
    let error = profile.token(&account.id).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Keychain,
        "an unsaved grant gives no token"
    );
    assert_eq!(
        profile.state(&account.id),
        AccountState::Keychain(VaultStatus::Locked)
    );
    assert_eq!(
        profile.vault.refresh_token(&account.id).unwrap(),
        "1//planted-000"
    );
    profile.vault.lock_writes(None);
    // The old one is dead at the server: only the new one can work.
    profile.token(&account.id).await.unwrap();
    assert_eq!(profile.state(&account.id), AccountState::Ready);
    assert_eq!(
        profile.google.working().last(),
        profile.vault.refresh_token(&account.id).as_ref()
    );
    let used: Vec<_> = profile
        .google
        .seen("/token")
        .iter()
        .map(|s| s.form["refresh_token"].clone())
        .collect();
    assert_eq!(used, ["1//planted-000", "1//planted-001"]);
}

#[tokio::test]
async fn a_cancelled_call_does_not_lose_a_new_refresh_token() {
    let (profile, account) = gated().await;
    profile.clock.advance(HOUR);
    tokio::select! {
        _ = profile.token(&account.id) => panic!("the server has not answered yet"),
        () = profile.google.arrived.notified() => {}
    }
    // The caller is gone; now the server answers.
    let mut events = profile.accounts.events();
    profile.google.gate.add_permits(1);
    let changed = events.recv().await.unwrap();
    assert!(matches!(changed, AccountEvent::Changed(_)), "{changed:?}");
    assert_eq!(
        profile.vault.refresh_token(&account.id).unwrap(),
        "1//planted-001"
    );
    profile.token(&account.id).await.unwrap();
    assert_eq!(profile.refreshes(), 1, "its token serves the next caller");
}

/// A connected profile whose server answers `/token` only with permits.
async fn gated() -> (Profile, Account) {
    let (profile, account) = Profile::connected().await;
    profile.google.set(|state| state.rotate = true);
    let all = profile.google.gate.available_permits();
    profile.google.gate.forget_permits(all);
    // Clears the notice of the sign-in's own requests.
    let _ = futures_util::FutureExt::now_or_never(profile.google.arrived.notified());
    (profile, account)
}

#[tokio::test]
async fn a_restart_needs_one_refresh_and_no_sign_in() {
    let (profile, account) = Profile::connected().await;
    let next = Profile::with(
        profile.google.clone(),
        profile.vault.clone(),
        profile.accounts.list(),
    );
    assert_eq!(next.accounts.get(&account.id).unwrap().expires_at, None);
    let calls = (0..5).map(|_| next.token(&account.id));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(next.refreshes(), 1);
}

#[tokio::test]
async fn a_description_holds_no_token() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(50 * MINUTE);
    let info = profile.accounts.describe(&account.id, true).await.unwrap();
    assert_eq!(profile.refreshes(), 0, "ten minutes are enough");
    assert_eq!(info.expires_in, 10 * MINUTE);
    assert_eq!(info.expires_at, START.plus(HOUR));
    assert_eq!(info.user.email, "ada@example.org");
    assert!(
        info.scopes
            .contains(&"https://www.googleapis.com/auth/gmail.readonly".to_owned())
    );
    profile.clock.advance(6 * MINUTE);
    let info = profile.accounts.describe(&account.id, false).await.unwrap();
    assert_eq!((profile.refreshes(), info.expires_in), (0, 4 * MINUTE));
    let info = profile.accounts.describe(&account.id, true).await.unwrap();
    assert_eq!((profile.refreshes(), info.expires_in), (1, HOUR));
    assert_clean(&format!("{info:?} {:?}", profile.accounts.list()));
    let rows = serde_json::to_string(&profile.accounts.list()).unwrap();
    assert_clean(&rows);
    let back: Vec<Account> = serde_json::from_str(&rows).unwrap();
    assert_eq!(back, profile.accounts.list());
    let unknown = profile
        .accounts
        .describe("google-nobody", true)
        .await
        .unwrap_err();
    assert_eq!(
        unknown,
        TokenError::UnknownAccount {
            account: "google-nobody".to_owned()
        }
    );
}
