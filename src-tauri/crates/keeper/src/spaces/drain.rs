//! Telling the server what waits in the outbox, one change after another.
//!
//! The order of steps makes each change happen exactly once:
//! 1. A change whose turn it is gets its exact commit, computed from the replica,
//!    and a number; both are stored.
//! 2. It is sent. As long as no answer came, the same commit goes under the same
//!    number again, after a reconnect and after a restart: the server knows it.
//! 3. Acknowledged: the change leaves the outbox in the transaction that makes
//!    its result the confirmed state. Conflict: the documents are read again, and
//!    step 1 follows with a new number. Refused: it is set aside.
//!
//! Owns no state: a crash between any two steps continues at the first that is
//! not stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use charmkeeper_base::UnixMs;
use charmkeeper_space::outbox::{Body, Confirmed, Entry, Plan, plan};
use charmkeeper_store::{Acknowledged, OutboxChange, Prepared, ReplicaDocument, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::line::{Line, Trouble};
use super::outgoing::SEEN;

/// Conflicts after which a change is set aside instead of computed again. Two
/// writers meet once or twice; a hundred times is a fault.
const MAX_CONFLICTS: u32 = 100;

/// The exact commit as the outbox keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    body: Body,
    /// Documents as they are after it.
    after: Vec<(String, Value)>,
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing waits that may go.
    Idle,
    /// A change left, or was set aside: one of this run, where a run made it.
    Moved(Option<String>),
}

/// Why the drain stopped.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The line failed; the change stays as it is.
    Line(Trouble),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Tells the change whose turn it is.
pub(crate) async fn step(
    store: &Arc<Store>,
    space: &str,
    line: &dyn Line,
    now: impl Fn() -> UnixMs,
) -> Result<Step, Halt> {
    let mut conflicts = 0;
    loop {
        let Some(change) = blocking(store, space, |store, space| store.next_change(space)).await?
        else {
            return Ok(Step::Idle);
        };
        let (id, run) = (change.id, change.run.clone());
        let Some((prepared, kept)) = prepare(store, space, line, change, now()).await? else {
            return Ok(Step::Moved(run));
        };
        match line.transact(prepared.local_seq, &kept.body).await {
            Ok(seq) => {
                let documents = kept.after.into_iter().map(|(id, doc)| ReplicaDocument {
                    id,
                    seq,
                    doc: Some(doc),
                });
                let done = Acknowledged {
                    change: id,
                    documents: documents.collect(),
                    at: now(),
                };
                blocking(store, space, move |store, space| {
                    store.settle_change(space, &done, SEEN)
                })
                .await?;
                return Ok(Step::Moved(run));
            }
            Err(Trouble::Conflict) if conflicts < MAX_CONFLICTS => {
                conflicts += 1;
                let ids = ids_of(&kept.body);
                let news = line.query(&ids).await.map_err(Halt::Line)?;
                blocking(store, space, move |store, space| {
                    store.change_conflicted(space, id, &news, SEEN)
                })
                .await?;
            }
            Err(Trouble::Conflict) => {
                let why = "Another program changes the same cells all the time.".to_owned();
                set_aside(store, space, id, why).await?;
                return Ok(Step::Moved(run));
            }
            Err(Trouble::Refused(why)) => {
                set_aside(store, space, id, why).await?;
                return Ok(Step::Moved(run));
            }
            Err(other) => return Err(Halt::Line(other)),
        }
    }
}

async fn set_aside(
    store: &Arc<Store>,
    space: &str,
    change: u64,
    why: String,
) -> Result<(), StoreError> {
    blocking(store, space, move |store, _| {
        store.set_change_aside(change, &why)
    })
    .await
}

/// The exact commit of a change; nothing when the server already has all of it.
async fn prepare(
    store: &Arc<Store>,
    space: &str,
    line: &dyn Line,
    change: OutboxChange,
    now: UnixMs,
) -> Result<Option<(Prepared, Kept)>, Halt> {
    if let Some(prepared) = change.prepared
        && let Ok(kept) = serde_json::from_str::<Kept>(&prepared.commit)
    {
        return Ok(Some((prepared, kept)));
    }
    let id = change.id;
    let Some(entry) = Entry::from_text(&change.entry) else {
        let why = "The stored change cannot be read.".to_owned();
        set_aside(store, space, id, why).await?;
        return Ok(None);
    };
    learn(store, space, line, &entry).await?;
    let planned = blocking(store, space, move |store, space| {
        let ids: Vec<String> = entry.documents.keys().cloned().collect();
        let known = store.replica(space, &ids)?;
        let confirmed: BTreeMap<String, Confirmed> = known
            .into_iter()
            .flatten()
            .map(|found| {
                let (seq, doc) = (found.seq, found.doc);
                (found.id, Confirmed { seq, doc })
            })
            .collect();
        match plan(&entry, &confirmed) {
            Plan::Nothing => {
                let done = Acknowledged {
                    change: id,
                    documents: Vec::new(),
                    at: now,
                };
                store.settle_change(space, &done, SEEN)?;
                Ok(None)
            }
            Plan::Commit { body, after, .. } => {
                let kept = Kept { body, after };
                let text = serde_json::to_string(&kept).map_err(|e| StoreError::Internal {
                    detail: e.to_string(),
                })?;
                let prepared = store.prepare_change(space, id, |_| text)?;
                Ok(Some((prepared, kept)))
            }
        }
    })
    .await?;
    Ok(planned)
}

/// Asks the server about documents that it was never asked about: one that was
/// made here may have been made elsewhere too.
async fn learn(
    store: &Arc<Store>,
    space: &str,
    line: &dyn Line,
    entry: &Entry,
) -> Result<(), Halt> {
    let ids: Vec<String> = entry.documents.keys().cloned().collect();
    let unknown = blocking(store, space, move |store, space| {
        store.unheard_of(space, ids)
    })
    .await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let news = line.query(&unknown).await.map_err(Halt::Line)?;
    blocking(store, space, move |store, space| {
        store.integrate(space, &news, SEEN)
    })
    .await?;
    Ok(())
}

fn ids_of(body: &Body) -> Vec<String> {
    use charmkeeper_space::outbox::Operation;
    let ids = body.operations.iter().map(|operation| match operation {
        Operation::Set { id, .. } | Operation::Patch { id, .. } => id.clone(),
    });
    ids.collect()
}

/// Work with the store on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    space: &str,
    work: impl FnOnce(&Store, &str) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (store, space) = (Arc::clone(store), space.to_owned());
    tokio::task::spawn_blocking(move || work(&store, &space))
        .await
        .unwrap_or_else(|e| {
            Err(StoreError::Internal {
                detail: e.to_string(),
            })
        })
}
