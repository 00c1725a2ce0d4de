//! What a run's changes mean for a remote space.
//!
//! In: the changes as the worker computed them, and the documents as it was given
//! them. Out: the changes as they fit what is stored now, and what the outbox
//! takes in the same transaction. When a document changed under the run (the
//! browser wrote, and the server told us), the run's intents are carried out on
//! the new state; the handler is not run again.
//!
//! Owns nothing; reads the store, writes nothing.

use std::collections::HashMap;

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::patch::{Patch, apply, diff, empty_document};
use charmkeeper_base::cell::{Change, DocRef};
use charmkeeper_space::outbox::{Changed, Entry, Wanted, see, select};
use charmkeeper_store::{NewChange, Rebase, Store, StoreError};
use serde_json::Value;

/// Documents as a run was given them, by version.
pub(crate) type Served = HashMap<DocRef, (u64, Option<Value>)>;

/// What a run leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// To be stored.
    pub(crate) changes: Vec<Change>,
    /// To be told.
    pub(crate) outbox: Vec<NewChange>,
}

/// Who made the changes, for the outbox.
pub(crate) struct Maker<'m> {
    pub(crate) run: Option<&'m str>,
    pub(crate) charm: &'m str,
    pub(crate) at: UnixMs,
}

/// Splits and fits the changes; those of local spaces pass as they are.
pub(crate) fn outgoing(
    store: &Store,
    maker: &Maker<'_>,
    served: &Served,
    changes: Vec<Change>,
) -> Result<Outgoing, StoreError> {
    let mut out = Outgoing::default();
    let mut remote: HashMap<String, Vec<Changed>> = HashMap::new();
    let spaces: Vec<String> = store.remote_spaces()?.into_iter().map(|s| s.did).collect();
    for change in changes {
        if !spaces.contains(&change.space) {
            out.changes.push(change);
            continue;
        }
        let Some((fitted, changed)) = fit(store, served, &change)? else {
            continue;
        };
        remote
            .entry(fitted.space.clone())
            .or_default()
            .push(changed);
        out.changes.push(fitted);
    }
    for (space, changed) in remote {
        out.outbox.extend(told(store, maker, &space, changed)?);
    }
    Ok(out)
}

/// The outbox's part of changes in one space; nothing when all of them stay.
pub(crate) fn told(
    store: &Store,
    maker: &Maker<'_>,
    space: &str,
    changed: Vec<Changed>,
) -> Result<Option<NewChange>, StoreError> {
    let local = |id: &str| -> Option<Value> {
        let doc = DocRef {
            space: space.to_owned(),
            id: id.to_owned(),
        };
        store.documents(&[doc]).ok()?.pop()?.doc
    };
    let known = |id: &str| store.is_told(space, id).unwrap_or(true);
    let entry = Entry::of(&select(space, changed, known, local));
    if entry.documents.is_empty() {
        return Ok(None);
    }
    Ok(Some(NewChange {
        space: space.to_owned(),
        run: maker.run.map(str::to_owned),
        charm: maker.charm.to_owned(),
        made_at: maker.at,
        documents: entry.documents.keys().cloned().collect(),
        entry: entry.to_text(),
    }))
}

/// Tells a space of one document that a person changed, not a run.
pub(crate) fn tell(
    store: &Store,
    charm: &str,
    at: UnixMs,
    target: &DocRef,
    before: Option<Value>,
    after: Value,
) -> Result<(), StoreError> {
    let maker = Maker {
        run: None,
        charm,
        at,
    };
    let changed = Changed {
        id: target.id.clone(),
        before,
        after,
    };
    match told(store, &maker, &target.space, vec![changed])? {
        Some(change) => store.enqueue(&change, SEEN),
        None => Ok(()),
    }
}

/// One change as it fits the document that is stored now; nothing when it
/// changes nothing any more.
fn fit(
    store: &Store,
    served: &Served,
    change: &Change,
) -> Result<Option<(Change, Changed)>, StoreError> {
    let target = change.target();
    let now = store.documents(std::slice::from_ref(&target))?.pop();
    let (version, current) = now.map_or((0, None), |found| (found.version, found.doc));
    let before = match (served.get(&target), change.base_version) {
        (Some((at, doc)), Some(base)) if *at == base => doc.clone(),
        // What it was computed from is not known: its patches name places.
        _ => current.clone(),
    };
    let after = result(&target, before.clone(), change)?;
    let (after, fitted) = if change.base_version.is_none_or(|base| base == version) {
        (after, change.clone())
    } else {
        let wanted = Wanted::of(before.as_ref(), &after);
        let Some(merged) = wanted.carried_out(current.as_ref()).0 else {
            return Ok(None);
        };
        let fitted = match &current {
            None => Change::create(target.clone(), Some(0), merged.clone()),
            Some(current) => Change::patch(target.clone(), Some(version), diff(current, &merged)),
        };
        (merged, fitted)
    };
    if fitted.create.is_none() && fitted.patches.is_empty() {
        return Ok(None);
    }
    let changed = Changed {
        id: target.id,
        before: current,
        after,
    };
    Ok(Some((fitted, changed)))
}

/// The document after the change.
fn result(target: &DocRef, before: Option<Value>, change: &Change) -> Result<Value, StoreError> {
    let mut doc = change
        .create
        .clone()
        .or(before)
        .unwrap_or_else(empty_document);
    apply(&mut doc, &change.patches as &[Patch]).map_err(|source| StoreError::Patch {
        id: target.id.clone(),
        source,
    })?;
    Ok(doc)
}

/// What charms see of a document of a remote space.
pub(crate) const SEEN: Rebase<'static> = &|id, confirmed, entries| {
    let entries: Vec<Entry> = entries
        .iter()
        .filter_map(|text| Entry::from_text(text))
        .collect();
    Ok(see(id, confirmed, &entries))
};
