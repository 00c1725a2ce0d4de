//! Claiming a lease and giving it back, on an open line.
//!
//! Each try reads the document from the server and rests on the number it read, so
//! of two computers that write at once one meets a conflict, reads again and finds
//! the other. Nothing is merged. Owns nothing; the number of each commit is taken
//! from the same counter as the outbox's.

use std::sync::Arc;

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::patch::Patch;
use charmkeeper_base::cell::{DocRef, document};
use charmkeeper_space::outbox::{Body, Operation, Read};
use charmkeeper_space::pieces::{Claim, Claimant, Lease, claim, lease_id};
use charmkeeper_store::{ReplicaDocument, Store};
use serde_json::{Value, json};

use crate::spaces::drain::{Halt, blocking};
use crate::spaces::line::{Line, Trouble};
use crate::spaces::outgoing::SEEN;

/// Conflicts after which it counts as not answered. Two computers meet once or
/// twice.
const MAX_TRIES: usize = 10;

/// What is wanted of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// To hold it.
    Claim {
        /// Even when another computer does.
        take_over: bool,
    },
    /// To hold it no longer.
    Release,
}

/// How that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This computer holds it, and the server knows.
    Mine,
    /// Another one does.
    Other(Lease),
    /// This computer does not hold it any more.
    Free,
    /// The server will not store it, and says why.
    Refused(String),
}

/// Does what is wanted. The replica holds the document afterwards as the server
/// has it.
pub(crate) async fn settle(
    store: &Arc<Store>,
    line: &dyn Line,
    me: &Claimant,
    piece: &DocRef,
    want: Want,
    now: impl Fn() -> UnixMs,
) -> Result<Answer, Halt> {
    let DocRef { space, id } = lease_id(piece);
    for _ in 0..MAX_TRIES {
        let ids = [id.clone()];
        let news = line.query(&ids).await.map_err(Halt::Line)?;
        let found = news.iter().find(|found| found.id == id).cloned();
        blocking(store, &space, move |store, space| {
            store.integrate(space, &news, SEEN)
        })
        .await?;
        let found = found.unwrap_or(ReplicaDocument {
            id: id.clone(),
            seq: 0,
            doc: None,
        });
        let value = found.doc.as_ref().and_then(document::value);
        let current = value.and_then(Lease::from_value);
        let (next, answer) = match (want, current) {
            (Want::Claim { take_over }, current) => {
                match claim(current.as_ref(), me, now(), take_over) {
                    Claim::Held => return Ok(Answer::Mine),
                    Claim::Other(lease) => return Ok(Answer::Other(lease)),
                    Claim::Write(lease) => (lease.to_value(), Answer::Mine),
                }
            }
            (Want::Release, Some(lease)) if lease.holder == me.holder => {
                (Lease::nobody(), Answer::Free)
            }
            (Want::Release, _) => return Ok(Answer::Free),
        };
        let number = blocking(store, &space, |store, space| store.take_local_seq(space)).await?;
        let (body, after) = written(&found, next);
        match line.transact(number, &body).await {
            Ok(seq) => {
                let news = [ReplicaDocument {
                    id,
                    seq,
                    doc: Some(after),
                }];
                blocking(store, &space, move |store, space| {
                    store.integrate(space, &news, SEEN)
                })
                .await?;
                return Ok(answer);
            }
            Err(Trouble::Conflict) => {}
            Err(Trouble::Refused(why)) => return Ok(Answer::Refused(why)),
            Err(other) => return Err(Halt::Line(other)),
        }
    }
    Err(Halt::Line(Trouble::Conflict))
}

/// The commit that makes `next` the value of the document, and the document after
/// it.
fn written(found: &ReplicaDocument, next: Value) -> (Body, Value) {
    let id = found.id.clone();
    let Some(before) = &found.doc else {
        let after = json!({ "value": next });
        let body = Body {
            operations: vec![Operation::Set {
                id: id.clone(),
                value: after.clone(),
            }],
            absent: vec![id],
            ..Body::default()
        };
        return (body, after);
    };
    let path = "/value".to_owned();
    let patch = if document::value(before).is_some() {
        Patch::Replace {
            path,
            value: next.clone(),
        }
    } else {
        Patch::Add {
            path,
            value: next.clone(),
        }
    };
    let mut after = before.clone();
    if let Value::Object(members) = &mut after {
        members.insert("value".to_owned(), next);
    }
    let body = Body {
        reads: vec![Read {
            id: id.clone(),
            path: vec!["value".to_owned()],
            seq: found.seq,
        }],
        operations: vec![Operation::Patch {
            id,
            patches: vec![patch],
        }],
        absent: Vec::new(),
    };
    (body, after)
}
