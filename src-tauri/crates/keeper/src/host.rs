//! Answers what one run asks for: documents, wishes, requests, log lines.
//!
//! Owns the run's permissions (which accounts its wishes gave it), its request
//! budget and its log. Never writes: changes come with the end of the run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use charmkeeper_accounts::broker::{Caps, Policy, RunBudget};
use charmkeeper_base::cell::{DocRef, DocSnapshot};
use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse};
use charmkeeper_charms::runner::{
    Host, HostError, LogLine, SendAnswer, SendRequest, WishAnswer, WishQuery,
};
use charmkeeper_store::{Charm, LogLevel, MAX_LOG_LINES_PER_RUN};

use crate::api::Event;
use crate::core::Core;
use crate::progress::RunProgress;
use crate::spaces::outgoing::Served;
use crate::{send, spaces, wish, wish_places};

/// The host of one run.
pub(crate) struct RunHost {
    core: Arc<Core>,
    charm: Charm,
    budget: RunBudget,
    /// Accounts whose placeholders this run may use.
    accounts: Mutex<BTreeSet<String>>,
    /// Charms that wait for this run.
    chain: Vec<String>,
    /// What this run's wishes found: space and piece.
    found: Mutex<BTreeSet<(String, String)>>,
    log: Mutex<Vec<charmkeeper_store::LogLine>>,
    progress: RunProgress,
    /// Documents of remote spaces as the run was given them.
    served: Mutex<Served>,
}

impl RunHost {
    /// A host for this run, with the permissions of `charm`.
    pub(crate) fn new(core: Arc<Core>, run: &str, charm: Charm, chain: Vec<String>) -> Arc<Self> {
        let own = wish::auth_account(&charm).map(str::to_owned);
        Arc::new(Self {
            progress: RunProgress::new(run, Arc::clone(&core.clock)),
            core,
            charm,
            budget: RunBudget::new(&Caps::default()),
            accounts: Mutex::new(own.into_iter().collect()),
            chain,
            found: Mutex::default(),
            log: Mutex::default(),
            served: Mutex::default(),
        })
    }

    /// The run's requests so far.
    pub(crate) fn budget(&self) -> &RunBudget {
        &self.budget
    }

    /// What the charm printed; leaves nothing behind.
    pub(crate) fn take_log(&self) -> Vec<charmkeeper_store::LogLine> {
        std::mem::take(&mut *lock(&self.log))
    }

    /// Documents of remote spaces as the run was given them; leaves none behind.
    pub(crate) fn take_served(&self) -> Served {
        std::mem::take(&mut *lock(&self.served))
    }

    /// Accounts that the run was given.
    pub(crate) fn accounts(&self) -> Vec<String> {
        lock(&self.accounts).iter().cloned().collect()
    }

    fn tell(&self, event: Option<Event>) {
        event.into_iter().for_each(|event| self.core.tell(event));
    }

    /// A line of the keeper's own in the run's log.
    pub(crate) fn note(&self, text: &str) {
        self.log(LogLine {
            level: "info".to_owned(),
            text: text.to_owned(),
        });
    }

    fn policy(&self) -> Policy {
        Policy {
            charm: self.charm.handle.clone(),
            hosts: self.charm.hosts.clone(),
            accounts: self.accounts(),
            caps: Caps::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Host for RunHost {
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError> {
        let of_api = |e: crate::api::ApiError| HostError {
            kind: e.kind,
            message: e.message,
        };
        let remote = self.core.desk.spaces();
        if ids.iter().any(|doc| remote.contains(&doc.space)) {
            spaces::read::fetch_for_run(&self.core, &ids)
                .await
                .map_err(of_api)?;
        }
        let found = self
            .core
            .store(move |store| store.documents(&ids))
            .await
            .map_err(of_api)?;
        let mut served = lock(&self.served);
        for snapshot in found.iter().filter(|s| remote.contains(&s.space)) {
            let doc = DocRef {
                space: snapshot.space.clone(),
                id: snapshot.id.clone(),
            };
            served
                .entry(doc)
                .or_insert((snapshot.version, snapshot.doc.clone()));
        }
        drop(served);
        Ok(found)
    }

    async fn wish(&self, query: WishQuery) -> Result<WishAnswer, HostError> {
        let setting = wish::choice_setting(&self.charm, &query.query);
        let (charms, chosen, remotes) = self
            .core
            .store(move |store| {
                Ok((
                    store.charms()?,
                    store.setting(&setting)?,
                    store.remote_spaces()?,
                ))
            })
            .await
            .map_err(|e| HostError {
                kind: e.kind,
                message: e.message,
            })?;
        // The home space is the one that is named after the person's own key.
        let home = remotes.iter().find(|r| r.enabled && r.did == r.identity);
        let home = home.map(|r| r.did.as_str());
        let remote = |space: &str| remotes.iter().any(|r| r.did == space);
        if let Some(answer) = wish_places::answer(&query, &self.charm, &charms, home, &remote) {
            return Ok(answer);
        }
        let known = self.core.accounts.list();
        let chosen = chosen.as_ref().and_then(serde_json::Value::as_str);
        let found = wish::resolve(&query, &self.charm, &charms, &known, chosen);
        let first = found.answer.candidates.first().map(|c| c.id.as_str());
        let as_chosen = charms
            .iter()
            .any(|c| Some(c.id.as_str()) == chosen && Some(c.piece.as_str()) == first);
        if let Some(text) = wish::told(&query.query, &found.answer, as_chosen) {
            self.note(&text);
        }
        lock(&self.accounts).extend(found.accounts);
        let pieces = found.answer.candidates.iter();
        lock(&self.found).extend(pieces.map(|c| (c.space.clone(), c.id.clone())));
        Ok(found.answer)
    }

    async fn send(&self, request: SendRequest) -> Result<SendAnswer, HostError> {
        let sender = send::Sender {
            charm: &self.charm,
            chain: &self.chain,
            found: lock(&self.found).iter().cloned().collect(),
        };
        send::deliver(&self.core, sender, request).await
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let policy = self.policy();
        let fetched = self.core.broker.fetch(&policy, &self.budget, request).await;
        let record = &fetched.record;
        let words = || match record.status {
            Some(status) => format!("{} answered {status}", record.host),
            None => format!("{} did not answer", record.host),
        };
        self.tell(self.progress.call(words));
        fetched.result
    }

    fn log(&self, line: LogLine) {
        self.tell(self.progress.logged(&line.text));
        let mut log = lock(&self.log);
        if log.len() < MAX_LOG_LINES_PER_RUN {
            log.push(charmkeeper_store::LogLine {
                at: self.core.now(),
                level: LogLevel::parse(&line.level).unwrap_or(LogLevel::Info),
                text: line.text,
            });
        }
    }
}
