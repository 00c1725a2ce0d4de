//! The changes of lists in which others look: the space's pieces, the favorites.
//!
//! In: what the server has. Out: entries for the outbox that create what is missing
//! and add a link, never write a list as a whole.

use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{DocRef, document};
use charmkeeper_space::outbox::{Entry, Wanted};
use charmkeeper_space::pieces::{
    Place, RootKind, favorite_entry, favorites, favorites_list, home_cell, new_root, space_pieces,
    with_link, with_root,
};
use serde_json::Value;

use crate::api::ApiError;
use crate::core::Core;
use crate::spaces::read::{fetch_missing, walk};

/// The entries that put a piece on the list of its space, in order; none when it is
/// there.
pub(super) async fn registered(
    core: &Arc<Core>,
    space: &str,
    piece: &str,
) -> Result<Vec<Entry>, ApiError> {
    let known = walk(core, |shelf| space_pieces(shelf, space)).await?;
    let place = known.map(|(place, _)| place);
    let mut entries = Vec::new();
    let (place, before) = list(core, space, RootKind::Space, place, &mut entries).await?;
    add(&mut entries, &place, &before, piece);
    Ok(entries)
}

/// Whether a piece is among the favorites of a home space.
pub(super) async fn starred(
    core: &Arc<Core>,
    home: &str,
    piece: &DocRef,
) -> Result<bool, ApiError> {
    let all = walk(core, |shelf| favorites(shelf, home)).await?;
    Ok(all.iter().any(|favorite| favorite.piece == *piece))
}

/// The entries that put a piece among the favorites, in order; none when it is
/// there.
pub(super) async fn star(
    core: &Arc<Core>,
    home: &str,
    piece: &DocRef,
    space_name: Option<&str>,
    tags: &[String],
) -> Result<Vec<Entry>, ApiError> {
    if starred(core, home, piece).await? {
        return Ok(Vec::new());
    }
    let known = walk(core, |shelf| favorites_list(shelf, home)).await?;
    let mut entries = Vec::new();
    let (place, before) = list(core, home, RootKind::Home, known, &mut entries).await?;
    let (id, value) = favorite_entry(&place, piece, space_name, tags);
    let there = stored(core, home, &id).await?;
    let mut entry = Entry::default();
    // One that was starred before and is not now has an entry without a value.
    let has_value = there
        .as_ref()
        .and_then(document::value)
        .is_some_and(|value| value.get("cell").is_some());
    if !has_value {
        let after = serde_json::json!({ "value": value });
        let wanted = Wanted::of(there.as_ref(), &after);
        entry.documents.insert(id.clone(), wanted);
    }
    entries.push(entry);
    add(&mut entries, &place, &before, &id);
    Ok(entries)
}

/// The list of a space and where it stands. In a space without a root, `entries`
/// gets one that makes it.
async fn list(
    core: &Arc<Core>,
    space: &str,
    kind: RootKind,
    known: Option<Place>,
    entries: &mut Vec<Entry>,
) -> Result<(Place, Value), ApiError> {
    if let Some(place) = known {
        let before = stored(core, space, &place.doc.id).await?;
        return Ok((place, before.unwrap_or_default()));
    }
    let root = new_root(space, kind);
    let cell = stored(core, space, &home_cell(space).id).await?;
    let Some(cell_after) = with_root(cell.as_ref(), &root) else {
        return Err(ApiError::new(
            ErrorKind::Space,
            "The space keeps no list in which others would find the charm.",
        )
        .with_hint("Open the space in the browser once, then try again."));
    };
    let mut entry = Entry::default();
    let mut before = Value::Null;
    for (id, doc) in &root.documents {
        if *id == root.list.doc.id {
            before = stored(core, space, id)
                .await?
                .unwrap_or_else(|| doc.clone());
        }
        entry.documents.insert(id.clone(), Wanted::created(doc));
    }
    let wanted = Wanted::of(cell.as_ref(), &cell_after);
    entry.documents.insert(root.cell.id.clone(), wanted);
    entries.push(entry);
    Ok((root.list, before))
}

/// Adds the link to the list's own entry, behind those that make it.
fn add(entries: &mut Vec<Entry>, place: &Place, before: &Value, id: &str) {
    if let Some(after) = with_link(before, place, id) {
        let mut entry = Entry::default();
        let wanted = Wanted::of(Some(before), &after);
        entry.documents.insert(place.doc.id.clone(), wanted);
        entries.push(entry);
    }
}

/// A document of a remote space as it is seen here, asked for when it never was.
async fn stored(core: &Arc<Core>, space: &str, id: &str) -> Result<Option<Value>, ApiError> {
    let at = DocRef {
        space: space.to_owned(),
        id: id.to_owned(),
    };
    fetch_missing(core, std::slice::from_ref(&at)).await?;
    let found = core.store(move |store| store.documents(&[at])).await?;
    Ok(found.into_iter().next().and_then(|found| found.doc))
}
