//! Sign-ins that end without an account, and leave nothing behind.

use charmkeeper_accounts::loopback::LoopbackError;
use charmkeeper_accounts::vault::Missing;
use charmkeeper_accounts::{
    ClientError, ClientId, ConnectError, ConnectRequest, Opened, Opener, PrintOnly, Progress,
    Service, VaultStatus,
};
use charmkeeper_base::{ErrorKind, Explain};
use url::Url;

use crate::google::Fault;
use crate::setup::{Profile, assert_clean, both, query};

#[tokio::test]
async fn another_person_on_reconnect_is_noticed_and_their_grant_given_back() {
    let (mut profile, ada) = Profile::connected().await;
    let before = profile.vault.refresh_token(&ada.id);
    profile.google.sign_in_as("2002", "bob@example.org");
    let browser = profile.browser();
    let request = ConnectRequest::again(&ada.id, vec![]);
    let error = profile
        .connect(request.clone(), &browser)
        .await
        .unwrap_err();
    let (wanted, chosen) = ("ada@example.org".to_owned(), "bob@example.org".to_owned());
    assert_eq!(error, ConnectError::WrongAccount { wanted, chosen });
    let page = browser.page().await;
    assert!(
        page.contains("not connected") && page.contains("bob@example.org"),
        "{page}"
    );
    assert_eq!(
        profile.google.working(),
        ["1//planted-000"],
        "bob's grant is given back"
    );
    assert_eq!(profile.accounts.list(), std::slice::from_ref(&ada));
    assert!(profile.all_events().is_empty());

    // Google ends all of a person's grants at once: a connected person's grant
    // must not be given back.
    let bob = profile
        .connect_as("2002", "bob@example.org")
        .await
        .unwrap()
        .account;
    profile
        .connect(request, &profile.browser())
        .await
        .unwrap_err();
    let kept = profile.vault.refresh_token(&bob.id).unwrap();
    assert!(
        profile.google.working().contains(&kept),
        "bob's own account was cut off"
    );
    assert_eq!(profile.vault.refresh_token(&ada.id), before);
}

#[tokio::test]
async fn a_sign_in_of_nobody_is_refused_and_given_back() {
    let profile = Profile::new().await;
    profile
        .google
        .fail("/v1/userinfo", Fault::Status(200, "", "{}"));
    profile
        .google
        .fail("/gmail/v1/users/me/profile", Fault::Status(403, "", "{}"));
    let error = profile
        .connect(both(), &profile.browser())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider, "{error}");
    assert!(error.to_string().contains("which account"), "{error}");
    assert!(profile.accounts.list().is_empty() && profile.google.working().is_empty());
}

#[tokio::test]
async fn a_no_on_the_consent_page_changes_nothing() {
    let profile = Profile::new().await;
    let mut browser = profile.browser();
    browser.answer = Some("error=access_denied");
    let error = profile.connect(both(), &browser).await.unwrap_err();
    assert_eq!(error, ConnectError::Loopback(LoopbackError::Denied));
    assert!(error.hint().is_some());
    let page = browser.page().await;
    assert!(page.contains("was cancelled in the browser"), "{page}");
    assert!(profile.google.seen("/token").is_empty());
    assert!(profile.accounts.list().is_empty());
}

#[tokio::test]
async fn a_foreign_code_is_refused_by_pkce() {
    let profile = Profile::new().await;
    let mut browser = profile.browser();
    browser.answer = Some("code=4%2Fplanted-foreign");
    let error = profile.connect(both(), &browser).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignIn);
    assert_clean(&format!("{error} {error:?} {}", browser.page().await));
}

#[tokio::test]
async fn nobody_is_sent_to_the_browser_when_the_keychain_is_not_usable() {
    let profile = Profile::new().await;
    for status in [
        VaultStatus::Locked,
        VaultStatus::Absent(Missing::Service),
        VaultStatus::Hung,
    ] {
        profile.vault.lock(Some(status));
        let browser = profile.browser();
        let error = profile.connect(both(), &browser).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Keychain);
        assert!(error.hint().is_some());
        assert!(!browser.was_opened());
    }
}

#[tokio::test]
async fn a_keychain_that_locks_meanwhile_gives_the_grant_back() {
    let profile = Profile::new().await;
    profile.vault.lock_writes(Some(VaultStatus::Locked));
    let browser = profile.browser();
    let error = profile.connect(both(), &browser).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Keychain);
    assert!(browser.page().await.contains("The keychain is locked"));
    assert!(profile.accounts.list().is_empty());
    assert!(
        profile.google.working().is_empty(),
        "nobody would ever use or revoke it"
    );
}

#[tokio::test]
async fn no_lasting_access_is_an_error_unless_there_is_an_earlier_one() {
    let profile = Profile::new().await;
    profile.google.set(|state| state.send_refresh_token = false);
    let error = profile
        .connect(both(), &profile.browser())
        .await
        .unwrap_err();
    assert_eq!(error, ConnectError::NoRefreshToken);
    assert!(error.hint().unwrap().contains("myaccount.google.com"));
    profile.google.set(|state| state.send_refresh_token = true);
    let account = profile
        .connect(both(), &profile.browser())
        .await
        .unwrap()
        .account;
    let kept = profile.vault.refresh_token(&account.id);
    profile.google.set(|state| state.send_refresh_token = false);
    profile.connect(both(), &profile.browser()).await.unwrap();
    assert_eq!(profile.vault.refresh_token(&account.id), kept);
}

#[tokio::test]
async fn the_wrong_client_is_said_with_what_to_do() {
    let profile = Profile::new().await;
    profile.accounts.set_client(None).unwrap();
    let error = profile
        .connect(both(), &profile.browser())
        .await
        .unwrap_err();
    assert_eq!(error, ConnectError::Client(ClientError::Missing));
    let client = ClientId::pasted("test-client", None).unwrap();
    profile.accounts.set_client(Some(client)).unwrap();
    let browser = profile.browser();
    let error = profile.connect(both(), &browser).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("client secret"), "{error}");
    assert!(error.hint().unwrap().contains("Desktop app"));
    assert!(browser.page().await.contains("client secret"));
}

#[tokio::test]
async fn an_unknown_account_cannot_be_reconnected() {
    let profile = Profile::new().await;
    let request = ConnectRequest::again("google-nobody", vec![Service::Gmail]);
    let error = profile
        .connect(request, &profile.browser())
        .await
        .unwrap_err();
    assert_eq!(
        error,
        ConnectError::UnknownAccount("google-nobody".to_owned())
    );
}

#[tokio::test]
async fn cancelling_frees_the_port_and_changes_nothing() {
    let profile = Profile::new().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let note = move |step| {
        if let Progress::WaitingForBrowser { url, .. } = step {
            tell.send(url).unwrap();
        }
    };
    let url = tokio::select! {
        ended = profile.accounts.connect(both(), &PrintOnly, &note) => panic!("{ended:?}"),
        url = told.recv() => url.unwrap(),
    };
    let port = Url::parse(&query(&url, "redirect_uri"))
        .unwrap()
        .port()
        .unwrap();
    std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert!(profile.accounts.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_closed_browser_ends_the_wait_after_five_minutes() {
    let profile = Profile::new().await;
    let started = tokio::time::Instant::now();
    let error = profile
        .accounts
        .connect(both(), &Shut, &|_| {})
        .await
        .unwrap_err();
    assert_eq!(error, ConnectError::Loopback(LoopbackError::TimedOut));
    assert_eq!(started.elapsed().as_secs(), 300);
}

/// A browser that cannot be started.
struct Shut;

impl Opener for Shut {
    fn open(&self, _: &Url) -> Opened {
        Opened::Failed("no browser".to_owned())
    }
}

#[tokio::test]
async fn a_provider_that_fails_in_the_middle_leaves_no_account() {
    let profile = Profile::new().await;
    for (fault, kind) in [
        (Fault::Status(500, "", ""), ErrorKind::Provider),
        (Fault::Reset, ErrorKind::Provider),
        (Fault::Truncated, ErrorKind::Provider),
        (Fault::Status(429, "", ""), ErrorKind::Quota),
    ] {
        profile.google.fail("/token", fault.clone());
        let browser = profile.browser();
        let error = profile.connect(both(), &browser).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}");
        assert_clean(&format!("{error} {error:?} {}", browser.page().await));
        assert!(profile.accounts.list().is_empty());
    }
    assert!(
        profile
            .connect(both(), &profile.browser())
            .await
            .unwrap()
            .is_new
    );
}
