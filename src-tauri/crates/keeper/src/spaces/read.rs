//! Reading documents of remote spaces: from the replica, or from the server when
//! they were never asked for.
//!
//! Owns nothing. What was read once is watched from then on, so the replica is
//! as good as the server while the connection stands, and the best there is while
//! it does not.

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_space::pieces::{Shelf, Walk};

use crate::api::ApiError;
use crate::core::Core;

/// Rounds that a walk may take. Each follows all links that are known by then.
const MAX_ROUNDS: usize = 40;

/// Gets what neither the replica nor this computer has.
///
/// # Errors
/// Kind `offline` when the server cannot be asked now.
pub(crate) async fn fetch_missing(core: &Core, docs: &[DocRef]) -> Result<(), ApiError> {
    for (space, missing) in missing(core, docs).await? {
        core.desk.get(&space, missing).await?;
    }
    Ok(())
}

/// The same for a run, which also asks for documents that it is about to make. As
/// long as the server cannot be asked, one that nothing here leads to counts as
/// such; when the change's turn comes, the server is asked about it first.
///
/// # Errors
/// Kind `offline` when a document is needed that exists, and is not here.
pub(crate) async fn fetch_for_run(core: &Core, docs: &[DocRef]) -> Result<(), ApiError> {
    for (space, missing) in missing(core, docs).await? {
        let (of, ids) = (space.clone(), missing.clone());
        if let Err(error) = core.desk.get(&space, missing).await
            && (error.kind != ErrorKind::Offline
                || core.store(move |store| store.is_linked(&of, &ids)).await?)
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Documents of remote spaces that neither the replica nor this computer has.
async fn missing(
    core: &Core,
    docs: &[DocRef],
) -> Result<BTreeMap<String, BTreeSet<String>>, ApiError> {
    let remote = core.desk.spaces();
    let mut by_space: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for doc in docs.iter().filter(|doc| remote.contains(&doc.space)) {
        let ids = by_space.entry(doc.space.clone()).or_default();
        ids.push(doc.id.clone());
    }
    core.store(move |store| {
        let mut all = BTreeMap::new();
        for (space, ids) in by_space {
            let asked: Vec<DocRef> = ids
                .iter()
                .map(|id| DocRef {
                    space: space.clone(),
                    id: id.clone(),
                })
                .collect();
            let known = store.replica(&space, &ids)?;
            let here = store.documents(&asked)?;
            let both = ids.into_iter().zip(known).zip(here);
            let missing: BTreeSet<String> = both
                .filter(|((_, known), here)| known.is_none() && here.doc.is_none())
                .map(|((id, _), _)| id)
                .collect();
            if !missing.is_empty() {
                all.insert(space, missing);
            }
        }
        Ok(all)
    })
    .await
}

/// Walks over remote documents to the end.
///
/// # Errors
/// Kind `offline` when a document is needed that is not here and cannot be asked
/// for now.
pub(crate) async fn walk<T>(core: &Core, ask: impl Fn(&Shelf) -> Walk<T>) -> Result<T, ApiError> {
    let mut shelf = Shelf::new();
    for _ in 0..MAX_ROUNDS {
        let needs = match ask(&shelf) {
            Walk::Done(answer) => return Ok(answer),
            Walk::Needs(needs) => needs,
        };
        let docs: Vec<DocRef> = needs.into_iter().collect();
        fetch_missing(core, &docs).await?;
        let found = core.store(move |store| store.documents(&docs)).await?;
        for snapshot in found {
            let doc = DocRef {
                space: snapshot.space,
                id: snapshot.id,
            };
            shelf.insert(doc, snapshot.doc);
        }
    }
    Err(ApiError::new(
        ErrorKind::Space,
        "The space's documents lead on and on; something in it is not in order.",
    ))
}
