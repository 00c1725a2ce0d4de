//! The steps after the first: the charm moves when the server has its documents,
//! then the star is written; or everything is taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::document::same;
use charmkeeper_base::cell::{Change, DocRef, Link};
use charmkeeper_space::outbox::{Entry, Wanted};
use charmkeeper_store::{CharmMove, Moved, Standing, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::mpsc::WeakUnboundedSender;

use super::begin::{accounts, changes};
use super::note::{Note, Phase, key};
use super::plan::{Planned, plan};
use super::{home_of, lists};
use crate::api::{ApiError, Event};
use crate::core::Core;
use crate::engine::Ask;
use crate::plan as schedule;
use crate::scheduler::Input;
use crate::spaces::connect::remote_row;
use crate::spaces::outgoing::SEEN;

/// What one step came to.
pub(super) enum Step {
    /// Nothing is left to do.
    Done,
    /// The next step may follow at once.
    Next,
    /// Nothing can be done until something happens.
    Wait,
}

/// Takes the step that the note of a charm names.
///
/// # Errors
/// Kind `space` when the server refused.
pub(super) async fn step(
    core: &Arc<Core>,
    engine: &WeakUnboundedSender<Ask>,
    charm: &str,
) -> Result<Step, ApiError> {
    let Some(note) = Note::load(core, charm).await? else {
        return Ok(Step::Done);
    };
    match &note.phase {
        Phase::Refused { reason } => {
            let key = key(charm);
            core.store(move |store| store.set_setting(&key, None))
                .await?;
            Err(ApiError::new(ErrorKind::Space, reason.clone()))
        }
        Phase::Sending { changes, .. } => match standing(core, changes).await? {
            Standing::Waiting => Ok(Step::Wait),
            Standing::Refused(reason) => {
                let words = format!("{reason} It stays on this computer as it was.");
                take_back(core, charm, &note, &note.space, changes, words).await
            }
            Standing::Told => move_there(core, engine, charm, &note).await,
        },
        Phase::Starring => star(core, charm, &note).await,
        Phase::Starred { changes } => match standing(core, changes).await? {
            Standing::Waiting => Ok(Step::Wait),
            Standing::Refused(reason) => {
                let home = remote_row(core, &note.space).await?.identity;
                let words = format!("It is in the space, but could not be starred. {reason}");
                take_back(core, charm, &note, &home, changes, words).await
            }
            Standing::Told => {
                let key = key(charm);
                core.store(move |store| store.set_setting(&key, None))
                    .await?;
                Ok(Step::Done)
            }
        },
    }
}

async fn standing(core: &Core, changes: &[u64]) -> Result<Standing, ApiError> {
    let changes = changes.to_vec();
    core.store(move |store| store.standing(&changes)).await
}

/// Takes the changes back; the next step says why.
async fn take_back(
    core: &Core,
    charm: &str,
    note: &Note,
    space: &str,
    changes: &[u64],
    reason: String,
) -> Result<Step, ApiError> {
    let refused = Note {
        phase: Phase::Refused { reason },
        ..note.clone()
    };
    let (key, changes, space) = (key(charm), changes.to_vec(), space.to_owned());
    core.store(move |store| {
        store.withdraw_changes(&space, &changes, &key, Some(&refused.to_value()), SEEN)
    })
    .await?;
    core.tell(Event::Changed);
    Ok(Step::Next)
}

/// Moves the charm's row, with what changed since its documents were told.
async fn move_there(
    core: &Arc<Core>,
    engine: &WeakUnboundedSender<Ask>,
    charm: &str,
    note: &Note,
) -> Result<Step, ApiError> {
    let (id, note) = (charm.to_owned(), note.clone());
    let (accounts, of) = (accounts(core), Arc::clone(core));
    let moved = core
        .store(move |store| {
            let Some(charm) = store.charm(&id)? else {
                store.set_setting(&key(&id), None)?;
                return Ok((Moved::Gone, None));
            };
            let Phase::Sending { told, pattern, .. } = &note.phase else {
                return Ok((Moved::Changed, None));
            };
            let planned = plan(store, &charm, &note.space, pattern, &accounts)?;
            let entry = since(told, &planned);
            let mut outbox = changes(&of, &charm, &note.space, std::slice::from_ref(&entry));
            let to = CharmMove {
                charm: charm.id.clone(),
                space: note.space.clone(),
                argument: planned.published.argument.clone(),
                changes: left_behind(&note.space, &planned),
                seen: planned.seen,
                outbox: outbox.pop().filter(|_| !entry.documents.is_empty()),
            };
            let next = note.favorite.then(|| {
                Note {
                    phase: Phase::Starring,
                    ..note.clone()
                }
                .to_value()
            });
            let moved = move_charm(store, &to, &charm.id, next.as_ref())?;
            Ok((moved, store.charm(&charm.id)?))
        })
        .await?;
    Ok(match moved {
        (Moved::Done, charm) => {
            if let (Some(charm), Some(engine)) = (charm, engine.upgrade()) {
                let plan = schedule::of(&charm, core.serving);
                // Without an engine the program is ending.
                let _ = engine.send(Ask::Input(Input::CharmChanged { plan }));
                core.desk.wake(&charm.space);
            }
            core.tell(Event::Changed);
            Step::Next
        }
        (Moved::Gone, _) => Step::Done,
        (Moved::Changed, _) => Step::Next,
        // The end of the run is an event.
        (Moved::Running, _) => Step::Wait,
    })
}

fn move_charm(
    store: &Store,
    to: &CharmMove,
    charm: &str,
    next: Option<&Value>,
) -> Result<Moved, StoreError> {
    store.move_charm(to, &key(charm), next, SEEN)
}

/// What runs changed between the first step and now.
fn since(told: &BTreeMap<String, Value>, planned: &Planned) -> Entry {
    let mut entry = Entry::default();
    for (id, doc) in &planned.published.told {
        let wanted = match told.get(id) {
            Some(before) if same(before, doc) => continue,
            Some(before) => Wanted::of(Some(before), doc),
            None => Wanted::created(doc),
        };
        entry.documents.insert(id.clone(), wanted);
    }
    entry
}

/// The old documents as links to the new ones, and those that stay here under the
/// new space's name.
fn left_behind(space: &str, planned: &Planned) -> Vec<Change> {
    let mut changes = Vec::new();
    for (old, version) in &planned.seen {
        let new = planned.published.ids.get(&old.id).unwrap_or(&old.id);
        let link = Link::to(new).within(space).to_value();
        let doc = json!({ "value": link });
        changes.push(Change::create(old.clone(), Some(*version), doc));
    }
    for (id, doc) in &planned.published.kept {
        let target = DocRef {
            space: space.to_owned(),
            id: id.clone(),
        };
        // A document without a value is as good as none.
        if doc.get("value").is_some() {
            changes.push(Change::create(target, None, doc.clone()));
        }
    }
    changes
}

/// Writes the star.
async fn star(core: &Arc<Core>, id: &str, note: &Note) -> Result<Step, ApiError> {
    let of = id.to_owned();
    let (charm, names) = core
        .store(move |store| Ok((store.charm(&of)?, store.spaces()?)))
        .await?;
    let row = remote_row(core, &note.space).await?;
    let key = key(id);
    let Some(charm) = charm else {
        core.store(move |store| store.set_setting(&key, None))
            .await?;
        return Ok(Step::Done);
    };
    let home = home_of(core, &row).await?;
    let piece = DocRef {
        space: note.space.clone(),
        id: charm.piece.clone(),
    };
    let name = names.iter().find(|known| known.did == note.space);
    let name = name.map(|known| known.name.as_str());
    let entries = lists::star(core, &home.did, &piece, name, &charm.tags).await?;
    let new = changes(core, &charm, &home.did, &entries);
    let note = note.clone();
    core.store(move |store| {
        let starred = |ids: &[u64]| {
            (!ids.is_empty()).then(|| {
                let changes = ids.to_vec();
                let phase = Phase::Starred { changes };
                Note { phase, ..note }.to_value()
            })
        };
        store.enqueue_with_note(&new, &key, starred, SEEN)
    })
    .await?;
    core.desk.wake(&home.did);
    Ok(Step::Next)
}
