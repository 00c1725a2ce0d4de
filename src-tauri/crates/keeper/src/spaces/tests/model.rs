//! A server in memory with the rules that the sync rests on, and a line to it
//! that fails when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use charmkeeper_base::cell::patch::apply;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_space::outbox::{Body, Operation};
use charmkeeper_store::ReplicaDocument;
use serde_json::Value;

use crate::spaces::line::{Line, Trouble};

#[derive(Default)]
pub(super) struct Server {
    seq: u64,
    documents: BTreeMap<String, (u64, Value)>,
    /// What was committed under each number, and the answer.
    answers: BTreeMap<u64, (Body, u64)>,
    /// Commits in order.
    pub(super) commits: Vec<Body>,
}

impl Server {
    /// Another program writes.
    pub(super) fn write(&mut self, id: &str, doc: Value) {
        self.seq += 1;
        self.documents.insert(id.to_owned(), (self.seq, doc));
    }

    /// Another session begins, with numbers of its own.
    pub(super) fn forget_numbers(&mut self) {
        self.answers.clear();
    }

    pub(super) fn value(&self, id: &str) -> Option<Value> {
        self.documents.get(id).map(|(_, doc)| doc["value"].clone())
    }

    pub(super) fn document(&self, id: &str) -> ReplicaDocument {
        let found = self.documents.get(id);
        ReplicaDocument {
            id: id.to_owned(),
            seq: found.map_or(0, |(seq, _)| *seq),
            doc: found.map(|(_, doc)| doc.clone()),
        }
    }

    fn transact(&mut self, local_seq: u64, body: &Body) -> Result<u64, Trouble> {
        if let Some((known, seq)) = self.answers.get(&local_seq) {
            // The same number with another content is refused by the real one.
            return if known == body {
                Ok(*seq)
            } else {
                Err(Trouble::Conflict)
            };
        }
        let seq_of = |id: &str| self.documents.get(id).map_or(0, |(seq, _)| *seq);
        let stale = body.reads.iter().any(|read| seq_of(&read.id) > read.seq);
        let there = body.absent.iter().any(|id| self.documents.contains_key(id));
        if stale || there {
            return Err(Trouble::Conflict);
        }
        self.seq += 1;
        for operation in &body.operations {
            match operation {
                Operation::Set { id, value } => {
                    self.documents.insert(id.clone(), (self.seq, value.clone()));
                }
                Operation::Patch { id, patches } => {
                    let entry = self.documents.get_mut(id).expect("a document to patch");
                    apply(&mut entry.1, patches).expect("patches that fit");
                    entry.0 = self.seq;
                }
            }
        }
        self.answers.insert(local_seq, (body.clone(), self.seq));
        self.commits.push(body.clone());
        Ok(self.seq)
    }
}

/// What a line does besides its work.
pub(super) struct Wire<'s> {
    pub(super) server: &'s Mutex<Server>,
    /// How often of a hundred a commit is lost on the way there, and its answer
    /// on the way back.
    pub(super) lossy: u64,
    pub(super) random: SeededRandom,
    /// What another program writes before each commit.
    pub(super) meddle: Option<fn(&mut Server)>,
    pub(super) refuse: Option<&'static str>,
    said: Mutex<Said>,
}

/// What the server knows of the line's other end.
#[derive(Default)]
struct Said {
    watched: BTreeSet<String>,
    /// Documents that were asked for, ever and at most at once.
    asked: usize,
    most: usize,
}

impl<'s> Wire<'s> {
    pub(super) fn good(server: &'s Mutex<Server>) -> Self {
        Self {
            server,
            lossy: 0,
            random: SeededRandom::new(1),
            meddle: None,
            refuse: None,
            said: Mutex::default(),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("what was said")
    }

    /// The server forgets what is watched.
    pub(super) fn forget(&self) {
        *self.said() = Said::default();
    }

    /// What the server tells about.
    pub(super) fn watched(&self) -> BTreeSet<String> {
        self.said().watched.clone()
    }

    /// How many documents were asked for.
    pub(super) fn asked(&self) -> usize {
        self.said().asked
    }

    /// The most that were asked for at once.
    pub(super) fn most_asked(&self) -> usize {
        self.said().most
    }

    fn note(&self, ids: &[String]) {
        let mut said = self.said();
        said.asked += ids.len();
        said.most = said.most.max(ids.len());
    }

    fn lost(&self) -> Result<(), Trouble> {
        if self.random.next_u64() % 100 < self.lossy {
            return Err(Trouble::NoAnswer("the line broke".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Line for Wire<'_> {
    async fn query(&self, ids: &[String]) -> Result<Vec<ReplicaDocument>, Trouble> {
        self.lost()?;
        self.note(ids);
        let server = self.server.lock().expect("the server");
        Ok(ids.iter().map(|id| server.document(id)).collect())
    }

    async fn watch(&self, ids: &[String]) -> Result<Vec<ReplicaDocument>, Trouble> {
        self.lost()?;
        self.note(ids);
        let news = {
            let server = self.server.lock().expect("the server");
            let mut said = self.said();
            // What was told once is not told again.
            let new = ids.iter().filter(|id| said.watched.insert((*id).clone()));
            new.map(|id| server.document(id)).collect()
        };
        self.lost()?;
        Ok(news)
    }

    async fn transact(&self, local_seq: u64, body: &Body) -> Result<u64, Trouble> {
        self.lost()?;
        let answer = {
            let mut server = self.server.lock().expect("the server");
            if let Some(meddle) = self.meddle {
                meddle(&mut server);
            }
            let ids: Vec<&str> = body
                .operations
                .iter()
                .map(|o| match o {
                    Operation::Set { id, .. } | Operation::Patch { id, .. } => id.as_str(),
                })
                .collect();
            match self.refuse {
                Some(id) if ids.contains(&id) => Err(Trouble::Refused("no".to_owned())),
                _ => server.transact(local_seq, body),
            }
        };
        self.lost()?;
        answer
    }
}
