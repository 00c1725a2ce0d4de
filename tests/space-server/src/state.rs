//! Spaces: documents, numbers, access lists, and what was answered to whom.

use std::collections::{BTreeMap, HashMap};

use charmkeeper_space::messages::{Commit, CommitOk, Operation, WireError, error_name};
use serde_json::Value;

use crate::apply::{Touched, applied, conflict};

/// One document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) seq: u64,
    pub(crate) doc: Option<Value>,
    /// What each change touched, by number.
    pub(crate) changes: Vec<(u64, Touched)>,
}

/// One space.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    pub(crate) seq: u64,
    pub(crate) documents: BTreeMap<String, Stored>,
    answers: HashMap<(String, String, u64), (Commit, CommitOk)>,
    pub(crate) commits: Vec<Commit>,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    None,
    Read,
    Write,
    Owner,
}

impl Space {
    fn list(&self, space: &str) -> Option<&serde_json::Map<String, Value>> {
        let stored = self.documents.get(&format!("of:{space}"))?;
        stored.doc.as_ref()?.get("value")?.as_object()
    }

    /// What `principal` may do in the space called `space`.
    pub(crate) fn right(&self, space: &str, principal: &str) -> Right {
        if principal == space {
            return Right::Owner;
        }
        let Some(list) = self.list(space) else {
            return if self.seq == 0 {
                Right::Read
            } else {
                Right::Write
            };
        };
        let entry = list.get(principal).or_else(|| list.get("*"));
        match entry.and_then(Value::as_str) {
            Some("OWNER") => Right::Owner,
            Some("WRITE") => Right::Write,
            Some("READ") => Right::Read,
            _ => Right::None,
        }
    }

    /// Makes a commit, or answers it as before.
    pub(crate) fn transact(
        &mut self,
        space: &str,
        principal: &str,
        session: &str,
        commit: &Commit,
    ) -> Result<(CommitOk, bool), WireError> {
        let key = (principal.to_owned(), session.to_owned(), commit.local_seq);
        if let Some((known, answer)) = self.answers.get(&key) {
            if known != commit {
                let words = format!(
                    "commit replay mismatch for session {session} localSeq {}",
                    commit.local_seq
                );
                return Err(WireError::new(error_name::PROTOCOL, words));
            }
            let mut answer = answer.clone();
            answer.replayed = true;
            return Ok((answer, false));
        }
        self.allowed(space, principal, commit)?;
        conflict(self, commit)?;
        let seq = self.seq + 1;
        let answer = applied(self, commit, seq)?;
        self.seq = seq;
        self.commits.push(commit.clone());
        self.answers.insert(key, (commit.clone(), answer.clone()));
        Ok((answer, true))
    }

    fn allowed(&self, space: &str, principal: &str, commit: &Commit) -> Result<(), WireError> {
        let refuse = |words: String| Err(WireError::new(error_name::AUTHORIZATION, words));
        let list = format!("of:{space}");
        let genesis = commit
            .operations
            .iter()
            .any(|operation| operation.id() == list);
        if genesis {
            let set = matches!(commit.operations.as_slice(), [Operation::Set { .. }]);
            if !set {
                let words = "ACL mutations must replace the space-scoped ACL document";
                return Err(WireError::new(error_name::PROTOCOL, words));
            }
            if self.list(space).is_none() && principal != space {
                return refuse(format!(
                    "Only the space identity or a service DID may initialize {space}"
                ));
            }
            return Ok(());
        }
        if self.list(space).is_none() && self.seq == 0 {
            return refuse(format!(
                "Space {space} requires an ACL genesis commit before ordinary writes"
            ));
        }
        if self.right(space, principal) < Right::Write {
            return refuse(format!(
                "Principal {principal} lacks WRITE on space {space}"
            ));
        }
        Ok(())
    }
}
