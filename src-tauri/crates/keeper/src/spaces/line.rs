//! One open space on a server, as the sync needs it.

use async_trait::async_trait;
use charmkeeper_space::client::{Session, SpaceError, Verdict};
use charmkeeper_space::codec::value_hash;
use charmkeeper_space::messages::{
    self, Commit, ConfirmedRead, Operation as Wire, Precondition, Query, QueryRoot, SPACE_SCOPE,
    Watch,
};
use charmkeeper_space::outbox::{Body, Operation};
use charmkeeper_store::ReplicaDocument;
use serde_json::Value;

/// What goes wrong on the line, in the terms the sync acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No answer: whether the server did it is not known.
    NoAnswer(String),
    /// The commit rests on an older state.
    Conflict,
    /// The server will never take this commit.
    Refused(String),
    /// The session is over for good, or the key has no right.
    Shut(String),
}

/// A session in one space.
#[async_trait]
pub(crate) trait Line: Send + Sync {
    /// The documents as the server has them now, each of them, present or not.
    async fn query(&self, ids: &[String]) -> Result<Vec<ReplicaDocument>, Trouble>;
    /// From now on tells about these documents too. Answers what it has not told of
    /// them before, to this session.
    async fn watch(&self, ids: &[String]) -> Result<Vec<ReplicaDocument>, Trouble>;
    /// Commits under this number; the server's number of the commit.
    async fn transact(&self, local_seq: u64, body: &Body) -> Result<u64, Trouble>;
}

/// The commit of a body, under its number.
pub(crate) fn commit(local_seq: u64, body: &Body) -> Commit {
    let confirmed = body.reads.iter().map(|read| ConfirmedRead {
        id: read.id.clone(),
        scope: None,
        path: read.path.clone(),
        seq: read.seq,
        non_recursive: false,
    });
    let operations = body.operations.iter().map(|operation| match operation {
        Operation::Set { id, value } => Wire::Set {
            id: id.clone(),
            scope: None,
            document: value.clone(),
        },
        Operation::Patch { id, patches } => Wire::Patch {
            id: id.clone(),
            scope: None,
            patches: patches.clone(),
        },
    });
    let absent = body.absent.iter().cloned();
    Commit {
        local_seq,
        confirmed: confirmed.collect(),
        pending: Vec::new(),
        operations: operations.collect(),
        preconditions: absent.map(|id| Precondition::EntityAbsent { id }).collect(),
    }
}

/// A query for these documents as a whole.
pub(crate) fn query(ids: &[String]) -> Query {
    Query {
        roots: ids.iter().map(QueryRoot::document).collect(),
    }
}

/// The documents of a sync that everybody who may read the space sees.
pub(crate) fn news(sync: messages::Sync) -> Vec<ReplicaDocument> {
    let upserts = sync.upserts.into_iter().filter(|u| u.scope == SPACE_SCOPE);
    let news = upserts.map(|upsert| ReplicaDocument {
        id: upsert.id,
        seq: upsert.seq,
        doc: upsert.document,
    });
    news.collect()
}

/// What the sync makes of an error of the client.
pub(crate) fn trouble(error: &SpaceError) -> Trouble {
    let words = crate::core::sentence(&error.to_string());
    match error {
        SpaceError::Refused(refused) if refused.message.starts_with("commit replay mismatch") => {
            Trouble::Conflict
        }
        // A value that cannot be sent will never be.
        SpaceError::Refused(_) | SpaceError::Codec(_) => Trouble::Refused(words),
        _ if error.is_permanent() => Trouble::Shut(words),
        _ => Trouble::NoAnswer(words),
    }
}

#[async_trait]
impl Line for Session {
    async fn query(&self, ids: &[String]) -> Result<Vec<ReplicaDocument>, Trouble> {
        let found = Session::query(self, query(ids))
            .await
            .map_err(|e| trouble(&e))?;
        let entities = found
            .entities
            .into_iter()
            .filter(|e| e.scope.as_deref().is_none_or(|scope| scope == SPACE_SCOPE));
        let mut documents: Vec<ReplicaDocument> = entities
            .map(|entity| ReplicaDocument {
                id: entity.id,
                seq: entity.seq,
                doc: entity.document,
            })
            .collect();
        for id in ids {
            if !documents.iter().any(|d| d.id == *id) {
                documents.push(ReplicaDocument {
                    id: id.clone(),
                    seq: 0,
                    doc: None,
                });
            }
        }
        Ok(documents)
    }

    async fn watch(&self, ids: &[String]) -> Result<Vec<ReplicaDocument>, Trouble> {
        let names = Value::from(ids);
        // Named after what is watched: the same once more is nothing new to a
        // session that was gone on with, and another never has its name.
        let id = value_hash(&names).map_err(|e| trouble(&SpaceError::Codec(e)))?;
        let watch = Watch {
            id,
            query: query(ids),
        };
        let answer = self.watch_more(vec![watch]).await;
        Ok(news(answer.map_err(|e| trouble(&e))?.sync))
    }

    async fn transact(&self, local_seq: u64, body: &Body) -> Result<u64, Trouble> {
        match Session::transact(self, commit(local_seq, body)).await {
            Ok(Verdict::Accepted(done)) => Ok(done.seq),
            Ok(Verdict::Conflict { .. }) => Err(Trouble::Conflict),
            Ok(Verdict::Refused(error)) => Err(trouble(&SpaceError::Refused(error))),
            Err(error) => Err(trouble(&error)),
        }
    }
}
