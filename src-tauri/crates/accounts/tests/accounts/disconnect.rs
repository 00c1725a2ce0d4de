//! Disconnecting: revoked, or owed until the network is back.

use std::time::Duration;

use charmkeeper_accounts::broker::TokenSource;
use charmkeeper_accounts::{
    AccountEvent, DisconnectError, Disconnected, Revocations, Vault, VaultError, VaultStatus,
};
use charmkeeper_base::{ErrorKind, Explain, Secret};

use crate::google::Fault;
use crate::setup::Profile;

const REVOKED: Disconnected = Disconnected {
    revoked: true,
    queued: false,
};
const QUEUED: Disconnected = Disconnected {
    revoked: false,
    queued: true,
};
const QUEUE: &str = "google-revocations";

#[tokio::test]
async fn a_disconnected_account_is_gone_here_and_at_google() {
    let (mut profile, account) = Profile::connected().await;
    assert_eq!(profile.accounts.disconnect(&account.id).await, Ok(REVOKED));
    assert!(profile.google.working().is_empty());
    assert!(profile.accounts.list().is_empty());
    for item in [account.id.as_str(), QUEUE, "google-probe"] {
        assert_eq!(profile.vault.text(item), None, "{item} is left behind");
    }
    assert_eq!(
        profile.all_events(),
        [AccountEvent::Removed(account.id.clone())]
    );
    let error = profile
        .accounts
        .access_token(&account.id, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let again = profile.accounts.disconnect(&account.id).await;
    assert_eq!(again, Err(DisconnectError::UnknownAccount(account.id)));
}

#[tokio::test]
async fn the_other_account_stays() {
    let (profile, ada) = Profile::connected().await;
    let bob = profile
        .connect_as("2002", "bob@example.org")
        .await
        .unwrap()
        .account;
    profile.accounts.disconnect(&ada.id).await.unwrap();
    assert_eq!(profile.accounts.list(), std::slice::from_ref(&bob));
    assert_eq!(profile.vault.text("google-probe").as_deref(), Some("kept"));
    profile.clock.advance(Duration::from_secs(3600));
    profile.accounts.access_token(&bob.id, None).await.unwrap();
}

#[tokio::test]
async fn offline_it_is_deleted_here_and_revoked_later_even_after_a_restart() {
    let (profile, account) = Profile::connected().await;
    profile.google.go_offline().await;
    assert_eq!(profile.accounts.disconnect(&account.id).await, Ok(QUEUED));
    assert_eq!(profile.vault.text(&account.id), None);
    assert!(profile.accounts.list().is_empty());
    let next = Profile::with(profile.google.clone(), profile.vault.clone(), vec![]);
    let still = Revocations {
        settled: 0,
        left: 1,
    };
    assert_eq!(next.accounts.retry_revocations().await, Ok(still));
    next.google.come_back().await;
    assert_eq!(next.google.working().len(), 1);
    let done = Revocations {
        settled: 1,
        left: 0,
    };
    assert_eq!(next.accounts.retry_revocations().await, Ok(done));
    assert!(next.google.working().is_empty());
    assert_eq!(next.vault.text(QUEUE), None);
    assert_eq!(
        next.accounts.retry_revocations().await,
        Ok(Revocations::default())
    );
    assert_eq!(next.google.seen("/revoke").len(), 1);
}

#[tokio::test]
async fn what_can_be_tried_again_is_queued_and_what_cannot_is_not() {
    let cases = [
        (Fault::Status(503, "", "down"), QUEUED),
        (Fault::Status(429, "", ""), QUEUED),
        (Fault::Reset, QUEUED),
        (
            Fault::Status(400, "", r#"{"error":"invalid_token"}"#),
            REVOKED,
        ),
        (
            Fault::Status(404, "", "none here"),
            Disconnected {
                revoked: false,
                queued: false,
            },
        ),
    ];
    for (fault, expected) in cases {
        let (profile, account) = Profile::connected().await;
        profile.google.fail("/revoke", fault.clone());
        let done = profile.accounts.disconnect(&account.id).await;
        assert_eq!(done, Ok(expected), "{fault:?}");
        assert_eq!(
            profile.vault.text(QUEUE).is_some(),
            expected.queued,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn an_account_that_comes_back_is_not_cut_off_by_what_was_owed() {
    let (profile, account) = Profile::connected().await;
    profile.google.fail("/revoke", Fault::Reset);
    assert_eq!(profile.accounts.disconnect(&account.id).await, Ok(QUEUED));
    let back = profile.connect_as("1001", "ada@example.org").await.unwrap();
    assert!(back.is_new && back.account.id == account.id);
    assert_eq!(profile.vault.text(QUEUE), None);
    profile.accounts.retry_revocations().await.unwrap();
    let kept = profile.vault.refresh_token(&account.id).unwrap();
    assert!(profile.google.working().contains(&kept));
    assert_eq!(profile.google.seen("/revoke").len(), 1);
}

#[tokio::test]
async fn what_is_owed_for_a_connected_account_is_dropped() {
    // A disconnect that was cut off between its first and its second step.
    let (profile, account) = Profile::connected().await;
    let token = profile.vault.refresh_token(&account.id).unwrap();
    let queue = format!(r#"[{{"account":"{}","token":"{token}"}}]"#, account.id);
    profile
        .vault
        .set(QUEUE, &Secret::new(queue.into_bytes()))
        .unwrap();
    let dropped = Revocations {
        settled: 1,
        left: 0,
    };
    assert_eq!(profile.accounts.retry_revocations().await, Ok(dropped));
    assert_eq!(profile.google.working(), [token]);
    assert_eq!(profile.vault.text(QUEUE), None);
}

#[tokio::test]
async fn a_locked_keychain_leaves_the_account_as_it_was() {
    let (profile, account) = Profile::connected().await;
    let locked = Err(DisconnectError::Vault(VaultError::Unusable(
        VaultStatus::Locked,
    )));
    profile.vault.lock(Some(VaultStatus::Locked));
    assert_eq!(profile.accounts.disconnect(&account.id).await, locked);
    profile.vault.lock(None);
    profile.vault.lock_writes(Some(VaultStatus::Locked));
    assert_eq!(profile.accounts.disconnect(&account.id).await, locked);
    profile.vault.lock_writes(None);
    assert_eq!(profile.accounts.list(), std::slice::from_ref(&account));
    assert!(profile.google.seen("/revoke").is_empty());
    assert_eq!(profile.accounts.disconnect(&account.id).await, Ok(REVOKED));
}

#[tokio::test]
async fn an_account_without_an_item_is_revoked_by_its_access_token_or_just_forgotten() {
    let (profile, account) = Profile::connected().await;
    profile.vault.delete(&account.id).unwrap();
    assert_eq!(profile.accounts.disconnect(&account.id).await, Ok(REVOKED));
    assert!(profile.google.working().is_empty());

    let (profile, account) = Profile::connected().await;
    profile.vault.delete(&account.id).unwrap();
    let rows = profile.accounts.list();
    let next = Profile::with(profile.google.clone(), profile.vault.clone(), rows);
    let done = next.accounts.disconnect(&account.id).await;
    assert_eq!(
        done,
        Ok(Disconnected {
            revoked: false,
            queued: false
        })
    );
    assert!(next.accounts.list().is_empty());
}

#[tokio::test]
async fn a_disconnect_waits_for_a_refresh_that_would_write_the_item_again() {
    let (profile, account) = Profile::connected().await;
    profile.google.set(|state| state.rotate = true);
    profile.clock.advance(Duration::from_secs(3600));
    let all = profile.google.gate.available_permits();
    profile.google.gate.forget_permits(all);
    let refresh = profile.accounts.access_token(&account.id, None);
    let disconnect = profile.accounts.disconnect(&account.id);
    let open_gate = async {
        while profile.google.seen("/token").is_empty() {
            profile.google.arrived.notified().await;
        }
        profile.google.gate.add_permits(1);
    };
    let all = async { tokio::join!(refresh, disconnect, open_gate) };
    let (_, done, ()) = tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("the disconnect went ahead of the refresh");
    assert_eq!(done, Ok(REVOKED));
    assert_eq!(profile.vault.text(&account.id), None, "the item came back");
    assert!(
        profile.google.working().is_empty(),
        "the newest token is the one to revoke"
    );
}
