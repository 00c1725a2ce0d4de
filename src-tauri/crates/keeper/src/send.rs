//! An event from one charm for another one's stream.
//!
//! Owns who may send to whom and how deep. A charm that a person switched off or
//! paused handles nothing: its sender is told so. The receiving charm runs its own
//! code in a run of its own: its own hosts and accounts, its own row in the
//! history, its own commit. That is the only way in which one charm can have
//! another one's cells changed. The sender waits for it within its own time.

use std::sync::Arc;

use charmkeeper_base::cell::{DocRef, DocSnapshot};
use charmkeeper_base::{ErrorKind, Trigger};
use charmkeeper_charms::runner::{CancelToken, HostError, SendAnswer, SendRequest};
use charmkeeper_store::{Charm, RunDetails};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::batch::{self, Planned, Report};
use crate::core::Core;
use crate::keeper::PAUSE_SETTING;
use crate::plan;
use crate::scheduler::BatchId;

/// Charms in a row that may wait for each other.
pub(crate) const MAX_CHAIN: usize = 4;
/// How deep a stream may lie in a charm's outputs.
const MAX_DEPTH: usize = 4;
/// Not a batch of the scheduler, whose numbers start at the other end.
const NESTED: BatchId = BatchId(u64::MAX);

/// What a run handles when it is not its background update.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Id of the document that stands for the stream.
    pub(crate) stream: String,
    /// The event.
    pub(crate) event: Value,
    /// The charms that wait for this run, the first sender first.
    pub(crate) chain: Vec<String>,
}

/// Who sends: the charm, those that wait for it, and whom its wishes found.
pub(crate) struct Sender<'a> {
    pub(crate) charm: &'a Charm,
    pub(crate) chain: &'a [String],
    /// Pieces, as `(space, id)`.
    pub(crate) found: Vec<(String, String)>,
}

/// Runs the receiving charm and tells how it went.
pub(crate) async fn deliver(
    core: &Arc<Core>,
    sender: Sender<'_>,
    request: SendRequest,
) -> Result<SendAnswer, HostError> {
    let receiver = receiver(core, &sender, &request).await?;
    let mut chain = sender.chain.to_vec();
    chain.push(sender.charm.id.clone());
    allowed(&chain, &receiver)?;
    at_work(core, &receiver).await?;
    let planned = Planned {
        run: crate::ids::uuid(core),
        charm: receiver.id.clone(),
        trigger: Trigger::Event,
        cancel: CancelToken::new(),
        delivery: Some(Delivery {
            stream: request.id,
            event: request.event,
            chain,
        }),
    };
    let run = planned.run.clone();
    // A run ends in its own time: when the sender is gone it is cancelled, and
    // its row is still completed.
    let _cancels = CancelOnDrop(planned.cancel.clone());
    let (reports, mut told) = mpsc::unbounded_channel();
    tokio::spawn(batch::run(Arc::clone(core), NESTED, vec![planned], reports));
    let mut error = Some("The run was not stored.".to_owned());
    while let Some(report) = told.recv().await {
        if let Report::Ended { end, row, .. } = report {
            error = match row {
                Ok(_) if end.outcome.commits() => None,
                Ok(row) => Some(row.error.map_or_else(
                    || format!("The run of {} ended as {}.", receiver.handle, end.outcome),
                    |e| e.message,
                )),
                Err(e) => Some(e.message),
            };
        }
    }
    let details = core
        .store(move |store| store.run_details(&run))
        .await
        .map_err(of_api)?;
    Ok(SendAnswer {
        error,
        changed: details.map(changed).unwrap_or_default(),
    })
}

fn changed(details: RunDetails) -> Vec<DocRef> {
    let mut found: Vec<DocRef> = details
        .changed
        .into_iter()
        .map(|cell| DocRef {
            space: cell.space,
            id: cell.document,
        })
        .collect();
    found.dedup();
    found
}

struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Refuses a circle, which would wait for itself, and a chain that is too long.
fn allowed(chain: &[String], receiver: &Charm) -> Result<(), HostError> {
    if chain.contains(&receiver.id) {
        return Err(refused(format!(
            "{} waits for this run already and cannot get an event from it.",
            receiver.handle
        )));
    }
    if chain.len() >= MAX_CHAIN {
        return Err(refused(format!(
            "More than {MAX_CHAIN} charms would wait for each other."
        )));
    }
    Ok(())
}

/// Refuses a charm that a person stopped, alone or with all others.
async fn at_work(core: &Core, receiver: &Charm) -> Result<(), HostError> {
    let everything = core.store(|store| store.setting(PAUSE_SETTING)).await;
    let everything = everything.map_err(of_api)?;
    let everything = everything.and_then(|pause| serde_json::from_value(pause).ok());
    match plan::stopped(receiver, everything, core.now()) {
        Some(how) => Err(refused(format!(
            "{} {how}, so it does not handle events.",
            receiver.handle
        ))),
        None => Ok(()),
    }
}

/// The charm whose output the stream is, among those that the sender found.
async fn receiver(
    core: &Arc<Core>,
    sender: &Sender<'_>,
    request: &SendRequest,
) -> Result<Charm, HostError> {
    let pieces: Vec<DocRef> = sender
        .found
        .iter()
        .filter(|(space, _)| *space == request.space)
        .map(|(space, id)| DocRef {
            space: space.clone(),
            id: id.clone(),
        })
        .collect();
    let (charms, results) = core
        .store(move |store| Ok((store.charms()?, store.documents(&pieces)?)))
        .await
        .map_err(of_api)?;
    let owns = |charm: &Charm, result: &DocSnapshot| {
        charm.space == result.space && charm.piece == result.id
    };
    results
        .iter()
        .filter(|result| {
            let value = result.doc.as_ref().and_then(|doc| doc.get("value"));
            value.is_some_and(|value| leads_to(value, &request.id, MAX_DEPTH))
        })
        .find_map(|result| charms.iter().find(|charm| owns(charm, result)))
        .cloned()
        .ok_or_else(|| {
            refused("The stream belongs to no charm that this charm's wishes found.".to_owned())
        })
}

/// True when the value holds a link to the document.
fn leads_to(value: &Value, id: &str, depth: usize) -> bool {
    match value {
        Value::Object(members) => {
            let link = value.pointer("/~1/link@1/id").and_then(Value::as_str);
            link == Some(id)
                || (depth > 0 && members.values().any(|inner| leads_to(inner, id, depth - 1)))
        }
        _ => false,
    }
}

fn refused(message: String) -> HostError {
    HostError {
        kind: ErrorKind::Charm,
        message,
    }
}

fn of_api(e: crate::api::ApiError) -> HostError {
    HostError {
        kind: e.kind,
        message: e.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stream_is_found_where_the_outputs_link_to_it() {
        let link = |id: &str| json!({"/": {"link@1": {"id": id, "path": []}}});
        let value = json!({"name": "of:s", "tools": {"go": link("of:s")}, "list": [link("of:t")]});
        assert!(leads_to(&value, "of:s", MAX_DEPTH));
        assert!(!leads_to(&value, "of:s", 0), "too deep");
        assert!(!leads_to(&value, "of:t", MAX_DEPTH), "in a list, so data");
        assert!(!leads_to(&json!({"name": "of:s"}), "of:s", MAX_DEPTH));
    }
}
