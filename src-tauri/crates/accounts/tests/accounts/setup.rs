//! A profile under test: accounts, a vault that can refuse, a browser.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use charmkeeper_accounts::broker::{TokenError, TokenSource};
use charmkeeper_accounts::{
    Account, AccountEvent, AccountState, Accounts, AccountsConfig, ClientId, ConnectError,
    ConnectRequest, Connected, Endpoints, MemoryVault, Opened, Opener, Progress, Service, Vault,
    VaultError, VaultStatus,
};
use charmkeeper_base::random::SystemRandom;
use charmkeeper_base::time::FakeClock;
use charmkeeper_base::{Secret, UnixMs};
use tokio::sync::broadcast;
use url::Url;

use crate::google::{CLIENT, CLIENT_SECRET, Google};

/// Everything that must never be shown begins or ends like this.
pub const PLANTED: [&str; 5] = ["planted", "ya29.", "1//", "4/", "GOCSPX"];

pub const START: UnixMs = UnixMs(1_795_000_000_000);

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// A vault in memory that can be locked, or locked for writing only.
#[derive(Default)]
pub struct TestVault {
    items: MemoryVault,
    status: Mutex<Option<VaultStatus>>,
    writes: Mutex<Option<VaultStatus>>,
}

impl TestVault {
    pub fn lock(&self, status: Option<VaultStatus>) {
        *self.status.lock().unwrap() = status;
    }
    pub fn lock_writes(&self, status: Option<VaultStatus>) {
        *self.writes.lock().unwrap() = status;
    }
    fn check(&self, is_write: bool) -> Result<(), VaultError> {
        let status = self.status.lock().unwrap().clone();
        let writes = self.writes.lock().unwrap().clone().filter(|_| is_write);
        match status.or(writes) {
            Some(status) => Err(VaultError::Unusable(status)),
            None => Ok(()),
        }
    }
    pub fn text(&self, item: &str) -> Option<String> {
        let bytes = self.items.get(item).unwrap()?;
        Some(String::from_utf8(bytes.expose().clone()).unwrap())
    }
    pub fn refresh_token(&self, account: &str) -> Option<String> {
        let json: serde_json::Value = serde_json::from_str(&self.text(account)?).unwrap();
        Some(json["refresh_token"].as_str().unwrap().to_owned())
    }
}

impl Vault for TestVault {
    fn get(&self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        self.check(false)?;
        self.items.get(item)
    }
    fn set(&self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        self.check(true)?;
        self.items.set(item, value)
    }
    fn delete(&self, item: &str) -> Result<(), VaultError> {
        self.check(true)?;
        self.items.delete(item)
    }
    fn status(&self) -> VaultStatus {
        self.status
            .lock()
            .unwrap()
            .clone()
            .unwrap_or(VaultStatus::Ready)
    }
}

pub struct Profile {
    pub google: Google,
    pub accounts: Accounts,
    pub vault: Arc<TestVault>,
    pub clock: Arc<FakeClock>,
    pub events: broadcast::Receiver<AccountEvent>,
}

impl Profile {
    pub async fn new() -> Self {
        Self::with(Google::start().await, Arc::default(), vec![])
    }

    /// Another start of the program on the same vault.
    pub fn with(google: Google, vault: Arc<TestVault>, rows: Vec<Account>) -> Self {
        let clock = Arc::new(FakeClock::at(START));
        let accounts = Accounts::new(AccountsConfig {
            endpoints: Endpoints::below(&google.base()).unwrap(),
            client: Some(ClientId::pasted(CLIENT, Some(CLIENT_SECRET)).unwrap()),
            vault: vault.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            accounts: rows,
        })
        .unwrap();
        let events = accounts.events();
        Self {
            google,
            accounts,
            vault,
            clock,
            events,
        }
    }

    /// A profile with one connected account.
    pub async fn connected() -> (Self, Account) {
        let mut profile = Self::new().await;
        let account = profile
            .connect_as("1001", "ada@example.org")
            .await
            .unwrap()
            .account;
        let _ = profile.events.try_recv().unwrap();
        profile.google.set(|state| state.seen.clear());
        (profile, account)
    }

    pub async fn connect_as(
        &self,
        sub: &'static str,
        email: &'static str,
    ) -> Result<Connected, ConnectError> {
        self.google.sign_in_as(sub, email);
        self.connect(ConnectRequest::new(Service::ALL.to_vec()), &self.browser())
            .await
    }

    pub async fn connect(
        &self,
        request: ConnectRequest,
        browser: &Browser,
    ) -> Result<Connected, ConnectError> {
        self.accounts
            .connect(request, browser, &|_: Progress| {})
            .await
    }

    pub async fn token(&self, id: &str) -> Result<String, TokenError> {
        let token = self.accounts.access_token(id, None).await;
        token.map(|token| token.secret.expose().clone())
    }

    /// How often the token endpoint was asked.
    pub fn refreshes(&self) -> usize {
        self.google.seen("/token").len()
    }

    pub fn state(&self, id: &str) -> AccountState {
        self.accounts.get(id).unwrap().state
    }

    pub fn browser(&self) -> Browser {
        Browser {
            google: self.google.clone(),
            answer: None,
            pages: Arc::default(),
        }
    }

    pub fn all_events(&mut self) -> Vec<AccountEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

/// Goes to the consent page and follows the redirect.
pub struct Browser {
    google: Google,
    /// The query to answer with instead of a code.
    pub answer: Option<&'static str>,
    /// The pages that this program showed, by task.
    pub pages: Arc<Mutex<Vec<tokio::task::JoinHandle<String>>>>,
}

impl Browser {
    /// The page that the person saw last.
    pub async fn page(&self) -> String {
        let task = self
            .pages
            .lock()
            .unwrap()
            .pop()
            .expect("the browser was opened");
        task.await.unwrap()
    }
    pub fn was_opened(&self) -> bool {
        !self.pages.lock().unwrap().is_empty()
    }
}

impl Opener for Browser {
    fn open(&self, url: &Url) -> Opened {
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let mut target = Url::parse(&query["redirect_uri"]).unwrap();
        match self.answer {
            Some(answer) => target.set_query(Some(answer)),
            None => {
                target
                    .query_pairs_mut()
                    .append_pair("code", &self.google.consent(url));
            }
        }
        target
            .query_pairs_mut()
            .append_pair("state", &query["state"]);
        self.pages.lock().unwrap().push(tokio::spawn(fetch(target)));
        Opened::Yes
    }
}

pub async fn fetch(url: Url) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    match client.get(url).send().await {
        Ok(response) => response.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Panics when something that must stay secret is in `text`.
pub fn assert_clean(text: &str) {
    for planted in PLANTED {
        assert!(!text.contains(planted), "“{planted}” is shown in {text}");
    }
}

/// A request for every service.
pub fn both() -> ConnectRequest {
    ConnectRequest::new(Service::ALL.to_vec())
}

/// One parameter of an address.
pub fn query(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .unwrap()
        .1
        .into_owned()
}
