//! Making a commit: once, all of it, and only on what is still true.
//!
//! Owns the order of the checks and their words, as the real server has them.
//! Rights were checked before.

use charmkeeper_base::cell::Patch;
use charmkeeper_space::codec;
use charmkeeper_space::messages::{
    Commit, CommitOk, Operation, Precondition, Revision, WireError, error_name,
};
use serde_json::{Map, Value};

use crate::apply;
use crate::error::ServerError;
use crate::schema::schema_refs;
use crate::scope::{self, Asker};
use crate::store::{Accepted, Change, SPACE, Store, View, Writer};

/// Why a commit is not made: told to the client, or a fault of the database.
#[derive(Debug)]
pub(crate) enum Failure {
    Wire(WireError),
    Server(ServerError),
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self::Server(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Server(error.into())
    }
}

fn refuse<T>(name: &str, words: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Wire(WireError::new(name, words)))
}

/// Makes the commit, or gives the answer of the first time again.
pub(crate) fn transact(
    store: &mut Store,
    space: &str,
    asker: &Asker,
    commit: &Commit,
) -> Result<CommitOk, Failure> {
    let original = codec::encode(&commit.to_value())
        .map_err(|e| WireError::new(error_name::TRANSACTION, e.to_string()))?;
    store.change(|writer| {
        let view = writer.view();
        let checks = Checks {
            view,
            space,
            asker,
            commit,
        };
        let known = view.accepted(space, &asker.principal, &asker.session, commit.local_seq)?;
        if let Some(known) = known {
            if known.original != original {
                let words = format!(
                    "commit replay mismatch for session {} localSeq {}",
                    asker.session, commit.local_seq
                );
                return refuse(error_name::PROTOCOL, words);
            }
            return Ok(again(&view.of_commit(space, known.seq)?, known.seq));
        }
        checks.all()?;
        let seq = view.seq(space)? + 1;
        let accepted = Accepted {
            seq,
            principal: asker.principal.clone(),
            session: asker.session.clone(),
            local_seq: commit.local_seq,
            original,
        };
        writer.accept(space, &accepted)?;
        let mut revisions = Vec::with_capacity(commit.operations.len());
        for (at, operation) in (0..).zip(&commit.operations) {
            revisions.extend(operate(writer, space, asker, seq, at, operation)?);
        }
        Ok(CommitOk {
            seq,
            revisions,
            replayed: false,
        })
    })
}

/// The stored answer. Unlike the first, it always names the scope.
fn again(changes: &[Change], seq: u64) -> CommitOk {
    let revisions = changes.iter().map(|change| Revision {
        scope: Some(scope::name(&change.scope).to_owned()),
        ..revision(change)
    });
    CommitOk {
        seq,
        revisions: revisions.collect(),
        replayed: true,
    }
}

fn revision(change: &Change) -> Revision {
    let data = |op: &str| (change.op == op).then(|| change.data.clone()).flatten();
    let name = scope::name(&change.scope);
    Revision {
        id: change.id.clone(),
        op: change.op.clone(),
        op_index: change.op_index,
        seq: change.seq,
        scope: (name != SPACE).then(|| name.to_owned()),
        scope_key: change.scope.clone(),
        document: data("set"),
        patches: data("patch"),
    }
}

/// Carries one operation out. Nothing comes back for a content-addressed document
/// that is there already.
fn operate(
    writer: &Writer<'_>,
    space: &str,
    asker: &Asker,
    seq: u64,
    op_index: u64,
    operation: &Operation,
) -> Result<Option<Revision>, Failure> {
    let id = operation.id();
    let scope = asker.key(operation.scope())?;
    let (data, left) = match operation {
        Operation::Set { document, .. } => {
            if !document.is_object() || codec::special(document).is_some() {
                let words = "memory v2 set operations require explicit document objects";
                return refuse(error_name::TRANSACTION, words);
            }
            if id.starts_with("cid:") && writer.view().head(space, &scope, id)?.document.is_some() {
                return Ok(None);
            }
            (Some(document.clone()), Some(document.clone()))
        }
        Operation::Delete { .. } => (None, None),
        Operation::Patch { patches, .. } => {
            let head = writer.view().head(space, &scope, id)?;
            let mut doc = head.document.unwrap_or_else(|| Value::Object(Map::new()));
            apply::apply(&mut doc, patches)
                .map_err(|e| WireError::new(error_name::TRANSACTION, e.0))?;
            (Some(patches_value(patches)), Some(doc))
        }
    };
    let op = operation.name().to_owned();
    let change = Change {
        seq,
        op_index,
        scope,
        id: id.to_owned(),
        op,
        data,
    };
    writer.change(space, &change, left.as_ref())?;
    Ok(Some(revision(&change)))
}

fn patches_value(patches: &[Patch]) -> Value {
    // Patches are text, numbers and values: they always have a JSON form.
    serde_json::to_value(patches).unwrap_or_default()
}

struct Checks<'c> {
    view: View<'c>,
    space: &'c str,
    asker: &'c Asker,
    commit: &'c Commit,
}

impl Checks<'_> {
    fn all(&self) -> Result<(), Failure> {
        if self.commit.operations.is_empty() && self.commit.preconditions.is_empty() {
            let words = "memory v2 commit requires at least one operation";
            return refuse(error_name::TRANSACTION, words);
        }
        self.preconditions()?;
        self.schemas()?;
        self.confirmed()?;
        self.pending()
    }

    fn conflict<T>(&self, words: String) -> Result<T, Failure> {
        Err(Failure::Wire(WireError {
            retry_after_seq: Some(self.view.seq(self.space)?),
            ..WireError::new(error_name::CONFLICT, words)
        }))
    }

    fn preconditions(&self) -> Result<(), Failure> {
        let failed = |kind: &str, words: String| {
            Err(Failure::Wire(WireError {
                precondition: Some(kind.to_owned()),
                ..WireError::new(error_name::PRECONDITION, words)
            }))
        };
        for precondition in &self.commit.preconditions {
            match precondition {
                Precondition::EntityAbsent { id } => {
                    // A document that was deleted, or is there, was written once.
                    let changes = self.view.since(self.space, SPACE, id, 0)?;
                    if changes.iter().any(|change| change.op != "patch") {
                        let words =
                            format!("entity-absent precondition target already exists: {id}");
                        return failed("receipt-exists", words);
                    }
                }
                Precondition::OriginCommitted { origin_local_seq } => {
                    if self.resolved(*origin_local_seq)?.is_none() {
                        let words =
                            format!("origin commit not committed: localSeq {origin_local_seq}");
                        return failed("origin-committed", words);
                    }
                }
                Precondition::EntityValueHash { id, value_hash } => {
                    let head = self.view.head(self.space, SPACE, id)?;
                    let value = head.document.as_ref().and_then(|doc| doc.get("value"));
                    let now = match value.map(codec::value_hash).transpose() {
                        Ok(now) => now,
                        Err(e) => return refuse(error_name::TRANSACTION, e.to_string()),
                    };
                    if now != *value_hash {
                        let words = format!("entity-value-hash precondition target changed: {id}");
                        return self.conflict(words);
                    }
                }
            }
        }
        Ok(())
    }

    /// The number of an own earlier commit.
    fn resolved(&self, local_seq: u64) -> Result<Option<u64>, Failure> {
        let Asker { principal, session } = self.asker;
        let found = self
            .view
            .accepted(self.space, principal, session, local_seq)?;
        Ok(found.map(|found| found.seq))
    }

    /// Content-addressed documents never change, and every schema that is linked
    /// to is there. That a schema's content fits its id is not checked here.
    fn schemas(&self) -> Result<(), Failure> {
        let mut needed = Vec::new();
        for operation in &self.commit.operations {
            match operation {
                Operation::Set { document, .. } => schema_refs(document, &mut needed),
                Operation::Patch { patches, .. } => patches
                    .iter()
                    .flat_map(Patch::values)
                    .for_each(|value| schema_refs(value, &mut needed)),
                Operation::Delete { .. } => {}
            }
            if operation.id().starts_with("cid:") {
                self.immutable(operation)?;
            }
        }
        for id in needed {
            let brought = self
                .commit
                .operations
                .iter()
                .any(|operation| operation.id() == id);
            if !brought && self.view.head(self.space, SPACE, &id)?.document.is_none() {
                let words = format!(
                    "memory v2 commit references schema document {id} that is neither \
                     included in the commit nor stored in the space"
                );
                return refuse(error_name::PROTOCOL, words);
            }
        }
        Ok(())
    }

    fn immutable(&self, operation: &Operation) -> Result<(), Failure> {
        let id = operation.id();
        let Operation::Set { document, .. } = operation else {
            let words = format!(
                "memory v2 commit cannot {} content-addressed document {id}",
                operation.name()
            );
            return refuse(error_name::PROTOCOL, words);
        };
        let stored = self.view.head(self.space, SPACE, id)?.document;
        if stored.is_some_and(|stored| !charmkeeper_base::cell::document::same(&stored, document)) {
            let words = format!("memory v2 commit cannot change content-addressed document {id}");
            return refuse(error_name::PROTOCOL, words);
        }
        Ok(())
    }

    /// The first change after `after` that a read of `path` would have seen. Own
    /// commits in `named` do not count.
    fn newer(
        &self,
        scope: Option<&str>,
        id: &str,
        after: u64,
        path: &[String],
        recursive: bool,
        named: &[u64],
    ) -> Result<Option<u64>, Failure> {
        let scope = self.asker.key(scope)?;
        let mut changes = self.view.since(self.space, &scope, id, after)?;
        changes.retain(|change| !named.contains(&change.seq));
        // Whole changes are looked at first, as the real server does.
        if let Some(whole) = changes.iter().find(|change| change.op != "patch") {
            return Ok(Some(whole.seq));
        }
        let seen = changes.iter().find(|change| {
            let patches = change
                .data
                .clone()
                .and_then(|data| serde_json::from_value::<Vec<Patch>>(data).ok());
            patches
                .unwrap_or_default()
                .iter()
                .any(|patch| apply::meets(patch, path, recursive))
        });
        Ok(seen.map(|change| change.seq))
    }

    fn confirmed(&self) -> Result<(), Failure> {
        for read in &self.commit.confirmed {
            let scope = read.scope.as_deref();
            let recursive = !read.non_recursive;
            let newer = self.newer(scope, &read.id, read.seq, &read.path, recursive, &[])?;
            if let Some(newer) = newer {
                return self.conflict(format!(
                    "stale confirmed read: {} at seq {} conflicted with seq {newer}",
                    read.id, read.seq
                ));
            }
        }
        Ok(())
    }

    fn pending(&self) -> Result<(), Failure> {
        for read in &self.commit.pending {
            let id = &read.id;
            if read.local_seq.is_empty() {
                let words = format!("pending read on {id} names no localSeq");
                return refuse(error_name::PROTOCOL, words);
            }
            let mut layers = Vec::new();
            for local_seq in &read.local_seq {
                match self.resolved(*local_seq)? {
                    Some(seq) => layers.push((*local_seq, seq)),
                    None => {
                        let words = format!("pending dependency not resolved: {local_seq}");
                        return self.conflict(words);
                    }
                }
            }
            let (top, top_seq) = layers.iter().copied().max().unwrap_or_default();
            let named: Vec<u64> = layers.iter().map(|(_, seq)| *seq).collect();
            let newer = match read.basis_seq {
                Some(basis) if basis > self.view.seq(self.space)? => {
                    let words =
                        format!("pending read on {id} claims a basisSeq ahead of the log: {basis}");
                    return refuse(error_name::PROTOCOL, words);
                }
                Some(basis) => self.newer(None, id, basis, &read.path, true, &named)?,
                None => self.newer(None, id, top_seq, &read.path, true, &[])?,
            };
            if let Some(newer) = newer {
                return self.conflict(format!(
                    "stale pending read: {id} via localSeq {top} conflicted with seq {newer}"
                ));
            }
        }
        Ok(())
    }
}
