//! Codes, tokens and grants.
//!
//! Owns what is valid until when. A grant is one consent of one account to one
//! client; ending it ends all its tokens. Never sees HTTP.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::UnixMs;
use sha2::{Digest as _, Sha256};

use super::authorize::AuthRequest;

/// How long a code may be exchanged.
const CODE_LIFETIME: Duration = Duration::from_secs(600);
/// How long the consent page may stand open.
const PAGE_LIFETIME: Duration = Duration::from_secs(1800);
/// Consent pages that may stand open at once; the oldest goes first.
const MOST_PAGES: usize = 200;
/// Live refresh tokens per account and client; the oldest dies silently.
const MOST_REFRESH_TOKENS: usize = 100;

/// Scopes in the order in which they are named.
pub(crate) type ScopeSet = BTreeSet<&'static str>;

/// What an authorization code stands for.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) request: AuthRequest,
    pub(crate) email: &'static str,
    pub(crate) scopes: ScopeSet,
    /// A refresh token comes with it.
    pub(crate) offline: bool,
    expires: UnixMs,
}

/// A valid access token.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) email: &'static str,
    pub(crate) client: String,
    pub(crate) scopes: ScopeSet,
    expires: UnixMs,
}

/// A valid refresh token.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) email: &'static str,
    pub(crate) client: String,
    pub(crate) scopes: ScopeSet,
    /// When it ends, where the consent was for a time.
    pub(crate) expires: Option<UnixMs>,
}

/// One consent, for the state that tests can read.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Consent {
    email: &'static str,
    client: String,
    scopes: ScopeSet,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Grants {
    seed: u64,
    counter: u64,
    pages: VecDeque<(String, UnixMs, AuthRequest)>,
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    /// Refresh tokens by age, for the limit.
    refresh_order: VecDeque<String>,
    consents: Vec<Consent>,
    issued: Vec<String>,
    planted: VecDeque<String>,
}

impl Grants {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: 0,
            pages: VecDeque::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            refresh_order: VecDeque::new(),
            consents: Vec::new(),
            issued: Vec::new(),
            planted: VecDeque::new(),
        }
    }

    /// `bytes` bytes that were not given out before, in base64url.
    fn fresh(&mut self, bytes: usize) -> String {
        self.counter += 1;
        let mut out = Vec::new();
        for block in 0_u64.. {
            if out.len() >= bytes {
                break;
            }
            let mut hash = Sha256::new();
            hash.update(self.seed.to_le_bytes());
            hash.update(self.counter.to_le_bytes());
            hash.update(block.to_le_bytes());
            hash.update(b"charmkeeper sandbox token");
            out.extend(hash.finalize());
        }
        out.truncate(bytes);
        URL_SAFE_NO_PAD.encode(out)
    }

    /// Remembers what a consent page was opened for; its id.
    pub(crate) fn open_page(&mut self, request: AuthRequest, now: UnixMs) -> String {
        let id = self.fresh(18);
        self.pages
            .push_back((id.clone(), now.plus(PAGE_LIFETIME), request));
        while self.pages.len() > MOST_PAGES {
            self.pages.pop_front();
        }
        id
    }

    /// What a page was opened for. A page can be answered once.
    pub(crate) fn close_page(&mut self, id: &str, now: UnixMs) -> Option<AuthRequest> {
        self.pages.retain(|(_, expires, _)| *expires > now);
        let at = self.pages.iter().position(|(known, ..)| known == id)?;
        self.pages.remove(at).map(|(_, _, request)| request)
    }

    /// What the account has granted the client so far.
    pub(crate) fn consent(&self, email: &str, client: &str) -> Option<&ScopeSet> {
        self.consents
            .iter()
            .find(|c| c.email == email && c.client == client)
            .map(|c| &c.scopes)
    }

    /// The account ticked `scopes`: a code to exchange.
    pub(crate) fn approve(
        &mut self,
        request: AuthRequest,
        email: &'static str,
        ticked: &ScopeSet,
        now: UnixMs,
    ) -> String {
        let earlier = self.consent(email, &request.client_id).cloned();
        // Google gives a refresh token at the first consent, or when the page was forced.
        let offline = request.offline && (earlier.is_none() || request.force_consent);
        let mut scopes = ticked.clone();
        if request.include_granted {
            scopes.extend(earlier.into_iter().flatten());
        }
        match self
            .consents
            .iter_mut()
            .find(|c| c.email == email && c.client == request.client_id)
        {
            Some(consent) => consent.scopes.extend(ticked),
            None => self.consents.push(Consent {
                email,
                client: request.client_id.clone(),
                scopes: ticked.clone(),
            }),
        }
        let code = format!("4/0A{}", self.fresh(54));
        let expires = now.plus(CODE_LIFETIME);
        self.codes.insert(
            code.clone(),
            Code {
                request,
                email,
                scopes,
                offline,
                expires,
            },
        );
        code
    }

    /// Takes a code: it is good once, and for ten minutes.
    pub(crate) fn take_code(&mut self, code: &str, now: UnixMs) -> Option<Code> {
        self.codes.remove(code).filter(|c| c.expires > now)
    }

    /// A new access token.
    pub(crate) fn issue_access(
        &mut self,
        email: &'static str,
        client: &str,
        scopes: &ScopeSet,
        until: UnixMs,
    ) -> String {
        let fresh = format!("ya29.a0{}", self.fresh(150));
        let token = self.planted.pop_front().unwrap_or(fresh);
        self.access.insert(
            token.clone(),
            Access {
                email,
                client: client.to_owned(),
                scopes: scopes.clone(),
                expires: until,
            },
        );
        self.issued.push(token.clone());
        token
    }

    /// A new refresh token.
    pub(crate) fn issue_refresh(&mut self, refresh: Refresh) -> String {
        let token = format!("1//0{}", self.fresh(74));
        let same = |r: &Refresh| r.email == refresh.email && r.client == refresh.client;
        let live: Vec<_> = self
            .refresh_order
            .iter()
            .filter(|t| self.refresh.get(*t).is_some_and(same))
            .cloned()
            .collect();
        if live.len() >= MOST_REFRESH_TOKENS {
            self.refresh.remove(&live[0]);
        }
        self.refresh_order.retain(|t| self.refresh.contains_key(t));
        self.refresh_order.push_back(token.clone());
        self.refresh.insert(token.clone(), refresh);
        self.issued.push(token.clone());
        token
    }

    pub(crate) fn refresh(&self, token: &str, now: UnixMs) -> Option<&Refresh> {
        self.refresh
            .get(token)
            .filter(|r| r.expires.is_none_or(|e| e > now))
    }

    /// Ends one refresh token; its access tokens go on.
    pub(crate) fn retire(&mut self, token: &str) {
        self.refresh.remove(token);
    }

    pub(crate) fn access(&self, token: &str, now: UnixMs) -> Option<&Access> {
        self.access.get(token).filter(|a| a.expires > now)
    }

    /// Ends the grant behind a token of either kind. False when there is none.
    pub(crate) fn revoke(&mut self, token: &str, now: UnixMs) -> bool {
        let found = match (self.access(token, now), self.refresh(token, now)) {
            (Some(a), _) => (a.email, a.client.clone()),
            (_, Some(r)) => (r.email, r.client.clone()),
            (None, None) => return false,
        };
        self.end(|email, client| email == found.0 && client == found.1);
        true
    }

    /// Ends every grant of an account; how many there were.
    pub(crate) fn revoke_account(&mut self, account: &str) -> usize {
        self.end(|email, _| email == account)
    }

    fn end(&mut self, ends: impl Fn(&str, &str) -> bool) -> usize {
        let before = self.consents.len();
        self.consents.retain(|c| !ends(c.email, &c.client));
        self.access.retain(|_, a| !ends(a.email, &a.client));
        self.refresh.retain(|_, r| !ends(r.email, &r.client));
        self.codes
            .retain(|_, c| !ends(c.email, &c.request.client_id));
        before - self.consents.len()
    }

    pub(crate) fn expire_access_tokens(&mut self) -> usize {
        let count = self.access.len();
        self.access.clear();
        count
    }

    pub(crate) fn plant(&mut self, token: &str) {
        self.planted.push_back(token.to_owned());
    }
    pub(crate) fn issued(&self) -> &[String] {
        &self.issued
    }
    pub(crate) fn consents(&self) -> &[Consent] {
        &self.consents
    }
}
