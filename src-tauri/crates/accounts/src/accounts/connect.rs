//! Signing in: from the consent page to a row that can be used.
//!
//! Owns: the order of the steps, and what the person reads in the browser at
//! the end. Never sends anyone to the browser before the vault is known to be
//! usable; never uses a grant before it is in the vault.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{ErrorKind, Explain, Secret};
use url::Url;

use super::tokens::PROBE_ITEM;
use super::{Accounts, Entry, Slot};
use crate::account::{Account, AccountEvent, AccountState, id_of};
use crate::client::ClientError;
use crate::loopback::{LIMIT, LoopbackError, Page, Receiver};
use crate::oauth::{Attempt, Grant, Identity, OAuth, OAuthError};
use crate::opener::{Opened, Opener};
use crate::provider::{Service, in_words, scopes_for};
use crate::vault::{StoredGrant, VaultError};

/// What to connect.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    /// What to ask for.
    pub services: Vec<Service>,
    /// Set to connect this account again. What it had before is asked for as
    /// well: a desktop client gets exactly what is asked, not more each time.
    pub account: Option<String>,
    /// How long to wait for the person.
    pub limit: Duration,
}

impl ConnectRequest {
    /// A sign-in of whoever the person chooses.
    #[must_use]
    pub fn new(services: Vec<Service>) -> Self {
        Self {
            services,
            account: None,
            limit: LIMIT,
        }
    }

    /// A sign-in of this account again.
    #[must_use]
    pub fn again(account: &str, services: Vec<Service>) -> Self {
        Self {
            services,
            account: Some(account.to_owned()),
            limit: LIMIT,
        }
    }
}

/// What is going on, for the shell to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The person is wanted in the browser.
    WaitingForBrowser {
        /// The consent page, to show or copy. It holds no token.
        url: Url,
        /// Whether a browser opened by itself.
        opened: Opened,
    },
    /// The answer came; the rest takes a moment.
    Finishing,
}

/// A finished sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The account as it is now.
    pub account: Account,
    /// Asked for and granted.
    pub granted: Vec<Service>,
    /// Asked for and not granted: a box that was not ticked.
    pub missing: Vec<Service>,
    /// False when the account was known before.
    pub is_new: bool,
}

/// Why nobody was connected. Accounts that were there before are unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No client id.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No usable vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No answer, or a no.
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    /// The sign-in server did not play along.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// There is no such account to connect again.
    #[error("There is no account {0}.")]
    UnknownAccount(String),
    /// Another account was chosen on the consent page.
    #[error("{chosen} was chosen in the browser, but {wanted} is to be connected again.")]
    WrongAccount {
        /// Address of the account that is to be connected again.
        wanted: String,
        /// Address of the account that signed in.
        chosen: String,
    },
    /// Google gave an access token only.
    #[error("Google gave no lasting access.")]
    NoRefreshToken,
}

impl Explain for ConnectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(e) => e.kind(),
            Self::Vault(e) => e.kind(),
            Self::Loopback(e) => e.kind(),
            Self::OAuth(e) => e.kind(),
            Self::UnknownAccount(_) => ErrorKind::Usage,
            Self::WrongAccount { .. } | Self::NoRefreshToken => ErrorKind::SignIn,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Client(e) => e.hint(),
            Self::Vault(e) => e.hint(),
            Self::Loopback(e) => e.hint(),
            Self::OAuth(e) => e.hint(),
            Self::UnknownAccount(_) => None,
            Self::WrongAccount { wanted, chosen } => Some(format!(
                "Connect again and choose {wanted}, or connect {chosen} as an account of its own."
            )),
            Self::NoRefreshToken => Some(
                "Remove this program at https://myaccount.google.com/permissions, then connect \
                 again."
                    .to_owned(),
            ),
        }
    }
}

impl Accounts {
    /// Signs an account in through the browser. Dropping the future cancels:
    /// the port is free at once and nothing has changed.
    ///
    /// # Errors
    /// [`ConnectError`]; the browser shows it as well, if it came that far.
    pub async fn connect(
        &self,
        request: ConnectRequest,
        opener: &dyn Opener,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Connected, ConnectError> {
        let oauth = self.oauth()?;
        let wanted = self.wanted(&request)?;
        let services = all_services(&request.services, wanted.as_ref());
        let status = self.vault_status().await;
        if !status.is_usable() {
            return Err(VaultError::Unusable(status).into());
        }
        let attempt = Attempt::new(self.inner.random.as_ref());
        let issuers = oauth.endpoints().clone();
        let mut receiver =
            Receiver::bind(attempt.state.clone(), move |iss| issuers.is_issuer(iss)).await?;
        let redirect = receiver.redirect_uri().clone();
        let hint = wanted.as_ref().map(|account| account.email.as_str());
        let url = oauth.authorization_url(&attempt, &redirect, &scopes_for(&services), hint);
        let opened = opener.open(&url);
        progress(Progress::WaitingForBrowser { url, opened });
        let result = match receiver.answer(request.limit).await {
            Err(error) => Err(error.into()),
            Ok(code) => {
                progress(Progress::Finishing);
                let work = self.complete(&oauth, &attempt, &redirect, &code, &services, wanted);
                receiver.serve_while(work).await
            }
        };
        receiver.finish(&page_for(&result)).await;
        result
    }

    fn wanted(&self, request: &ConnectRequest) -> Result<Option<Account>, ConnectError> {
        match &request.account {
            None => Ok(None),
            Some(id) => {
                let found = self.get(id);
                found
                    .map(Some)
                    .ok_or_else(|| ConnectError::UnknownAccount(id.clone()))
            }
        }
    }

    /// From the code to a stored account.
    async fn complete(
        &self,
        oauth: &OAuth,
        attempt: &Attempt,
        redirect: &Url,
        code: &Secret<String>,
        services: &[Service],
        wanted: Option<Account>,
    ) -> Result<Connected, ConnectError> {
        let _grants = self.inner.grants.lock().await;
        let grant = oauth.exchange(attempt, redirect, code).await?;
        let identity = match oauth.who(&grant).await {
            Ok(identity) => identity,
            Err(error) => {
                // It may be anyone's grant, so also that of a connected account.
                let may_be_known = !self.list().is_empty();
                self.give_back(&grant, may_be_known).await;
                return Err(error.into());
            }
        };
        let known = self
            .list()
            .into_iter()
            .find(|account| account.is_of(&identity));
        if let Some(wanted) = wanted
            && !wanted.is_of(&identity)
        {
            self.give_back(&grant, known.is_some()).await;
            let chosen = identity.email;
            return Err(ConnectError::WrongAccount {
                wanted: wanted.email,
                chosen,
            });
        }
        let id = known
            .as_ref()
            .map_or_else(|| id_of(&identity), |account| account.id.clone());
        let slot = self
            .entries()
            .get(&id)
            .map(|e| Arc::clone(&e.slot))
            .unwrap_or_default();
        let _turn = slot.turn.lock().await;
        let stored = match self.keep(&id, &grant, services, known.is_some()).await {
            Ok(stored) => stored,
            Err(error) => {
                self.give_back(&grant, known.is_some()).await;
                return Err(error);
            }
        };
        let is_new = known.is_none();
        let account = self.enter(id, identity, &grant, stored.scopes, &slot, known.as_ref());
        // An owed revocation would end what was granted just now.
        if let Err(error) = self.forgive(&account.id).await {
            tracing::warn!(%error, "the queue of revocations could not be read");
        }
        let (granted, missing) = services
            .iter()
            .partition(|service| service.is_granted_by(&account.scopes));
        Ok(Connected {
            account,
            granted,
            missing,
            is_new,
        })
    }

    /// Puts the grant into the vault, where it has to be before it is used.
    async fn keep(
        &self,
        id: &str,
        grant: &Grant,
        services: &[Service],
        is_known: bool,
    ) -> Result<StoredGrant, ConnectError> {
        let refresh_token = match &grant.refresh_token {
            Some(token) => token.clone(),
            // Google sends none when it thinks that we still have one.
            None if is_known => self.earlier_token(id).await?,
            None => return Err(ConnectError::NoRefreshToken),
        };
        let scopes = grant.scopes.clone().unwrap_or_else(|| scopes_for(services));
        let stored = StoredGrant {
            refresh_token,
            scopes,
        };
        let (item, bytes) = (id.to_owned(), stored.encode()?);
        self.vault(move |vault| {
            vault.set(&item, &bytes)?;
            match vault.get(PROBE_ITEM)? {
                Some(_) => Ok(()),
                None => vault.set(PROBE_ITEM, &Secret::new(b"kept".to_vec())),
            }
        })
        .await?;
        Ok(stored)
    }

    async fn earlier_token(&self, id: &str) -> Result<Secret<String>, ConnectError> {
        let item = id.to_owned();
        let bytes = self.vault(move |vault| vault.get(&item)).await?;
        let grant = bytes.and_then(|bytes| StoredGrant::decode(&bytes).ok());
        grant
            .map(|grant| grant.refresh_token)
            .ok_or(ConnectError::NoRefreshToken)
    }

    /// Makes the row, or renews it.
    fn enter(
        &self,
        id: String,
        identity: Identity,
        grant: &Grant,
        scopes: Vec<String>,
        slot: &Arc<Slot>,
        known: Option<&Account>,
    ) -> Account {
        let live = self.live(grant);
        let now = self.inner.clock.now();
        let or_known = |new: String, old: fn(&Account) -> &String| match known {
            Some(account) if new.is_empty() => old(account).clone(),
            _ => new,
        };
        let account = Account {
            id,
            email: identity.email,
            name: or_known(identity.name, |a| &a.name),
            picture: or_known(identity.picture, |a| &a.picture),
            scopes,
            state: AccountState::Ready,
            connected_at: now,
            expires_at: Some(live.expires_at),
            grant_ends_at: grant.refresh_expires_in.map(|d| now.plus(d)),
        };
        {
            let mut held = slot.held();
            held.live = Some(live);
            held.failure = None;
            held.unsaved = None;
        }
        let entry = Entry {
            account: account.clone(),
            slot: Arc::clone(slot),
        };
        self.entries().insert(account.id.clone(), entry);
        self.emit(AccountEvent::Connected(account.clone()));
        account
    }

    /// Ends a grant that nobody will use. Not for a person whose account is
    /// connected: Google would end that account's grant too.
    async fn give_back(&self, grant: &Grant, is_known: bool) {
        if !is_known {
            let token = grant.refresh_token.as_ref().unwrap_or(&grant.access_token);
            self.revoke(token).await;
        }
    }
}

fn all_services(asked: &[Service], wanted: Option<&Account>) -> Vec<Service> {
    let had = wanted.map(Account::services).unwrap_or_default();
    let is_in = |service: &Service| asked.contains(service) || had.contains(service);
    Service::ALL.into_iter().filter(is_in).collect()
}

fn page_for(result: &Result<Connected, ConnectError>) -> Page {
    match result {
        Ok(connected) => {
            let email = &connected.account.email;
            let mut text = vec![match connected.granted.as_slice() {
                [] => format!("Charmkeeper knows {email} now, but may not read anything yet."),
                granted => format!("Charmkeeper can now read {} of {email}.", in_words(granted)),
            }];
            if !connected.missing.is_empty() {
                text.push(format!(
                    "{} was not granted. Charms that need it wait until you connect again and \
                     tick its box.",
                    in_words(&connected.missing)
                ));
            }
            text.push("You can close this tab and go back to Charmkeeper.".to_owned());
            Page::new("You are connected", text)
        }
        Err(error) => {
            let mut text = vec![error.to_string()];
            text.extend(error.hint());
            text.push("You can close this tab and go back to Charmkeeper.".to_owned());
            Page::new("The account was not connected", text)
        }
    }
}
