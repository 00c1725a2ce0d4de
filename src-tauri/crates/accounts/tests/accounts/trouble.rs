//! Refreshes that fail: what each failure means for the account.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::broker::{TokenError, TokenSource};
use charmkeeper_accounts::vault::Missing;
use charmkeeper_accounts::{
    AccountEvent, AccountState, ClientId, SignInReason, Vault, VaultStatus,
};
use charmkeeper_base::{ErrorKind, Explain};

use crate::google::{CLIENT, Fault};
use crate::setup::{DAY, HOUR, MINUTE, Profile, START, assert_clean};

#[tokio::test]
async fn invalid_grant_stops_this_account_and_no_other() {
    let (mut profile, ada) = Profile::connected().await;
    let bob = profile
        .connect_as("2002", "bob@example.org")
        .await
        .unwrap()
        .account;
    profile.clock.advance(HOUR);
    profile.all_events();
    profile.google.set(|state| {
        state.seen.clear();
        state.revoked.insert("1//planted-000".to_owned());
    });
    let error = profile.token(&ada.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignIn);
    assert!(error.to_string().contains("ada@example.org"), "{error}");
    assert_clean(&format!("{error} {error:?}"));
    let state = AccountState::NeedsSignIn(SignInReason::Revoked);
    assert_eq!(profile.state(&ada.id), state);
    let row = profile.accounts.get(&ada.id).unwrap();
    assert_eq!(
        profile.all_events(),
        [AccountEvent::Changed(row)],
        "one notice"
    );
    for _ in 0..3 {
        assert_eq!(
            profile.token(&ada.id).await.unwrap_err().kind(),
            ErrorKind::SignIn
        );
        let stale = profile.accounts.access_token(&ada.id, Some(0)).await;
        assert_eq!(stale.unwrap_err().kind(), ErrorKind::SignIn);
    }
    assert_eq!(
        profile.refreshes(),
        1,
        "nothing is asked until the person reconnects"
    );
    assert!(profile.all_events().is_empty());
    profile.token(&bob.id).await.unwrap();
    assert_eq!(profile.state(&bob.id), AccountState::Ready);
    // The state outlives a restart.
    let rows = profile.accounts.list();
    let next = Profile::with(profile.google.clone(), profile.vault.clone(), rows);
    assert_eq!(
        next.token(&ada.id).await.unwrap_err().kind(),
        ErrorKind::SignIn
    );
    assert_eq!(next.refreshes(), 2, "bob's refresh only");
}

#[tokio::test]
async fn the_reason_names_the_testing_client_and_the_session_policy() {
    let dead = Fault::Status(400, "", r#"{"error":"invalid_grant"}"#);
    let rapt = Fault::Status(
        400,
        "",
        r#"{"error":"invalid_grant","error_subtype":"invalid_rapt"}"#,
    );
    let cases = [
        (7 * DAY, dead.clone(), SignInReason::TestingClient),
        (3 * DAY, dead.clone(), SignInReason::Revoked),
        (90 * DAY, dead, SignInReason::Revoked),
        (7 * DAY, rapt, SignInReason::SessionPolicy),
    ];
    for (after, fault, reason) in cases {
        let (profile, account) = Profile::connected().await;
        profile.clock.advance(after);
        profile.google.fail("/token", fault);
        profile.token(&account.id).await.unwrap_err();
        assert_eq!(
            profile.state(&account.id),
            AccountState::NeedsSignIn(reason),
            "{after:?}"
        );
    }
}

#[tokio::test]
async fn a_time_limited_grant_is_known_to_have_ended() {
    let profile = Profile::new().await;
    profile
        .google
        .set(|state| state.extra = serde_json::json!({"refresh_token_expires_in": 7200}));
    let account = profile
        .connect_as("1", "a@example.org")
        .await
        .unwrap()
        .account;
    assert_eq!(account.grant_ends_at, Some(START.plus(2 * HOUR)));
    profile.clock.advance(3 * HOUR);
    profile.google.fail(
        "/token",
        Fault::Status(400, "", r#"{"error":"invalid_grant"}"#),
    );
    profile.token(&account.id).await.unwrap_err();
    let state = AccountState::NeedsSignIn(SignInReason::GrantEnded);
    assert_eq!(profile.state(&account.id), state);
}

#[tokio::test]
async fn trouble_on_the_way_clears_nothing() {
    let (mut profile, account) = Profile::connected().await;
    let kept = profile.vault.refresh_token(&account.id);
    profile.clock.advance(2 * HOUR);
    let html = "Content-Type: text/html\r\n";
    let cases = [
        (Fault::Status(500, "", "{}"), ErrorKind::Provider),
        (
            Fault::Status(503, html, "<h1>down</h1>"),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(400, html, "<h1>bad</h1>"),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(403, "", r#"{"error":{"code":403}}"#),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(200, "", r#"{"access_token":"ya29.planted"}"#),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(200, "", r#"{"access_token":5,"token_type":"Bearer"}"#),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(200, "", r#"{"access_token":"","token_type":"Bearer"}"#),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(200, "", r#"{"access_token":"ya29.x","token_type":"mac"}"#),
            ErrorKind::Provider,
        ),
        (Fault::Status(200, "", "ya29.planted"), ErrorKind::Provider),
        (Fault::Status(200, "", ""), ErrorKind::Provider),
        (Fault::Reset, ErrorKind::Provider),
        (Fault::Truncated, ErrorKind::Provider),
        (
            Fault::Status(200, html, "<h1>Hotel</h1>"),
            ErrorKind::Offline,
        ),
        (
            Fault::Status(302, "Location: http://portal/\r\n", ""),
            ErrorKind::Offline,
        ),
        (
            Fault::Status(511, html, "<h1>login</h1>"),
            ErrorKind::Offline,
        ),
        (
            Fault::Status(400, "", r#"{"error":"1//planted-000"}"#),
            ErrorKind::Provider,
        ),
        (
            Fault::Status(
                401,
                "",
                r#"{"error":"invalid_client","error_description":"1//planted-000"}"#,
            ),
            ErrorKind::Usage,
        ),
    ];
    for (fault, kind) in cases {
        profile.google.fail("/token", fault.clone());
        let error = profile.token(&account.id).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert_clean(&format!("{error} {error:?}"));
    }
    profile.google.go_offline().await;
    let error = profile.token(&account.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Offline, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    profile.google.come_back().await;
    assert_eq!(profile.state(&account.id), AccountState::Ready);
    assert_eq!(profile.vault.refresh_token(&account.id), kept);
    assert!(profile.all_events().is_empty());
    profile.token(&account.id).await.unwrap();
}

#[tokio::test]
async fn a_token_that_still_works_is_used_while_the_refresh_fails() {
    let (profile, account) = Profile::connected().await;
    let first = profile.token(&account.id).await.unwrap();
    profile.clock.advance(56 * MINUTE);
    profile.google.go_offline().await;
    assert_eq!(profile.token(&account.id).await.unwrap(), first);
    profile.google.come_back().await;
    assert_eq!(
        profile.token(&account.id).await.unwrap(),
        first,
        "not at once again"
    );
    assert_eq!(profile.refreshes(), 0);
    profile.clock.advance(Duration::from_secs(31));
    assert_ne!(profile.token(&account.id).await.unwrap(), first);
    // A refused token is not given out again, however long it might live.
    profile.google.go_offline().await;
    let token = profile
        .accounts
        .access_token(&account.id, None)
        .await
        .unwrap();
    let refused = profile
        .accounts
        .access_token(&account.id, Some(token.generation))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Offline);
}

#[tokio::test]
async fn retry_after_is_kept_to() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    profile.google.fail(
        "/token",
        Fault::Status(429, "Retry-After: 120\r\n", "slow down"),
    );
    let error = profile.token(&account.id).await.unwrap_err();
    let retry_at = START.plus(HOUR + 2 * MINUTE);
    assert_eq!(error, TokenError::Quota { retry_at });
    profile.clock.advance(119 * Duration::from_secs(1));
    assert_eq!(profile.token(&account.id).await.unwrap_err(), error);
    assert_eq!(profile.refreshes(), 1, "nobody is asked before the time");
    profile.clock.advance(Duration::from_secs(1));
    profile.token(&account.id).await.unwrap();
}

#[tokio::test]
async fn absurd_and_dated_retry_afters_are_understood() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    let hour_later = START.plus(2 * HOUR);
    let cases = [
        ("Retry-After: 31536000\r\n", hour_later),
        ("Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n", hour_later),
        (
            "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
            START.plus(HOUR),
        ),
        ("Retry-After: soon\r\n", START.plus(HOUR + MINUTE)),
        ("", START.plus(HOUR + MINUTE)),
    ];
    for (header, retry_at) in cases {
        let (google, vault) = (profile.google.clone(), profile.vault.clone());
        let fresh = Profile::with(google, vault, profile.accounts.list());
        fresh.clock.advance(HOUR);
        fresh.google.fail("/token", Fault::Status(429, header, ""));
        let error = fresh.token(&account.id).await.unwrap_err();
        assert_eq!(error, TokenError::Quota { retry_at }, "{header}");
    }
}

#[tokio::test]
async fn a_locked_keychain_is_waited_for_and_clears_nothing() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    profile.vault.lock(Some(VaultStatus::Locked));
    let error = profile.token(&account.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Keychain);
    assert!(error.to_string().contains("locked"), "{error}");
    assert_eq!(
        profile.state(&account.id),
        AccountState::Keychain(VaultStatus::Locked)
    );
    assert_eq!(profile.refreshes(), 0);
    let missing = VaultStatus::Absent(Missing::Service);
    profile.vault.lock(Some(missing.clone()));
    let error = profile.token(&account.id).await.unwrap_err();
    assert!(error.to_string().contains("gnome-keyring"), "{error}");
    assert_eq!(profile.accounts.recheck_vault().await, missing);
    assert_eq!(profile.state(&account.id), AccountState::Keychain(missing));
    profile.vault.lock(None);
    assert_eq!(profile.accounts.recheck_vault().await, VaultStatus::Ready);
    assert_eq!(profile.state(&account.id), AccountState::Ready);
    profile.token(&account.id).await.unwrap();
}

#[tokio::test]
async fn a_missing_item_is_told_from_a_keychain_that_keeps_nothing() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    profile.vault.delete(&account.id).unwrap();
    let error = profile.token(&account.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignIn);
    let state = AccountState::NeedsSignIn(SignInReason::ItemMissing);
    assert_eq!(profile.state(&account.id), state);
    // The same rows on another computer.
    let mut rows = profile.accounts.list();
    rows[0].state = AccountState::Ready;
    let moved = Profile::with(profile.google.clone(), Arc::default(), rows);
    moved.token(&account.id).await.unwrap_err();
    let state = AccountState::NeedsSignIn(SignInReason::KeychainEmpty);
    assert_eq!(moved.state(&account.id), state);
    assert_eq!(moved.refreshes(), 0);
}

#[tokio::test]
async fn an_unreadable_item_asks_for_a_new_sign_in() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    let garbage = charmkeeper_base::Secret::new(b"{\"refresh_token\":\"1//pl".to_vec());
    profile.vault.set(&account.id, &garbage).unwrap();
    let error = profile.token(&account.id).await.unwrap_err();
    assert_clean(&format!("{error} {error:?}"));
    let state = AccountState::NeedsSignIn(SignInReason::ItemDamaged);
    assert_eq!(profile.state(&account.id), state);
}

#[tokio::test]
async fn the_wrong_client_is_the_persons_to_mend() {
    let (profile, account) = Profile::connected().await;
    profile.clock.advance(HOUR);
    let cases = [
        (
            Some(ClientId::pasted(CLIENT, None).unwrap()),
            "client secret",
        ),
        (
            Some(ClientId::pasted("other", Some("x")).unwrap()),
            "invalid_client",
        ),
        (None, "No Google client id"),
    ];
    for (client, words) in cases {
        profile.accounts.set_client(client).unwrap();
        let error = profile.token(&account.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(profile.state(&account.id), AccountState::Ready);
    }
}
