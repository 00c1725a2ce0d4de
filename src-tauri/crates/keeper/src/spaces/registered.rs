//! Pieces that are named by hand, and the server's own list of background work.
//!
//! In: a space and a piece of it, favorite or not. Out: the piece as it is to be
//! run here; or the server's entries for it, told to leave it alone. A space that
//! is not connected yet is connected with the key of a home space, and only when
//! that key may enter it; nothing is stored for one that may not.

use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::did::to_public_key;
use charmkeeper_base::cell::{DocRef, pointer};
use charmkeeper_space::outbox::Changed;
use charmkeeper_space::pieces::{self, Favorite, SYSTEM_SPACE, disabled, registrations};
use charmkeeper_store::Store;

use super::connect;
use super::favorites::{self, Starred};
use super::outgoing::{Maker, SEEN, told};
use super::read::walk;
use crate::api::{ApiError, ErrorCode};
use crate::core::Core;

/// The piece of this id (`did:key:.../fid1:...`).
pub(crate) async fn of_id(core: &Arc<Core>, id: &str) -> Result<Starred, ApiError> {
    let (space, piece) = id.split_once('/').unwrap_or((id, ""));
    piece_of(core, space, piece).await
}

/// A piece by its space and its id, favorite or not.
///
/// # Errors
/// Kind `usage` for a space or a piece that cannot be one, or when there is no
/// such piece; `space` or `offline` when the space cannot be read.
pub(crate) async fn piece_of(
    core: &Arc<Core>,
    space: &str,
    piece: &str,
) -> Result<Starred, ApiError> {
    let usage = |words: &str| ApiError::new(ErrorKind::Usage, words);
    if to_public_key(space).is_none() {
        return Err(usage("That is not the DID of a space.")
            .with_hint("It begins with did:key:z6Mk, as the browser shows it."));
    }
    let id = piece.trim_start_matches("of:");
    if !id.starts_with("fid1:") {
        return Err(usage("That is not the id of a piece.")
            .with_hint("It begins with fid1:, as in the piece's address in the browser."));
    }
    let at = DocRef {
        space: space.to_owned(),
        id: format!("of:{id}"),
    };
    let mut starred = favorites::read(core).await?.into_iter();
    if let Some(found) = starred.find(|one| one.favorite.piece == at) {
        return Ok(found);
    }
    enter(core, space).await?;
    let found = walk(core, |shelf| pieces::piece(shelf, &at)).await?;
    let found = found.ok_or_else(|| usage("There is no such piece in that space."))?;
    Ok(Starred {
        favorite: Favorite {
            piece: at,
            tags: Vec::new(),
            space_name: None,
        },
        piece: Some(found),
        listed: false,
    })
}

/// Makes sure that a space is connected.
async fn enter(core: &Arc<Core>, space: &str) -> Result<(), ApiError> {
    let remotes = core.store(Store::remote_spaces).await?;
    if let Some(known) = remotes.iter().find(|row| row.did == space) {
        return connect::also(core, known, space, None).await;
    }
    let mut result = Err(
        ApiError::new(ErrorKind::Usage, "No home space is connected.")
            .with_hint("`charmkeeper space connect` connects yours."),
    );
    for home in remotes
        .iter()
        .filter(|row| row.enabled && row.did == row.identity)
    {
        let wanted = connect::Wanted {
            url: &home.url,
            identity: &home.identity,
            name: Some(space),
            claim: false,
        };
        result = match connect::connect(core, wanted).await {
            Ok(_) => return Ok(()),
            // Nobody made it: the word for it was wrong.
            Err(e) if e.code == Some(ErrorCode::NewSpace) => Err(ApiError::new(
                ErrorKind::Usage,
                "There is no such space on the server.",
            )),
            Err(e) => Err(e),
        };
    }
    result
}

/// Tells the server to leave a piece alone: its entries get a `disabledAt`.
///
/// # Errors
/// Kind `space` when the list cannot be read with this key.
pub(crate) async fn hand_over(core: &Arc<Core>, piece: &DocRef) -> Result<(), ApiError> {
    let entries = walk(core, registrations).await?;
    let now = core.now();
    for entry in entries {
        if !entry.active || entry.space != piece.space || format!("of:{}", entry.piece) != piece.id
        {
            continue;
        }
        let place = entry.place;
        core.store(move |store| {
            let found = store.documents(std::slice::from_ref(&place.doc))?;
            let Some(before) = found.into_iter().next().and_then(|found| found.doc) else {
                return Ok(());
            };
            let mut after = before.clone();
            let mut steps = vec!["value".to_owned()];
            steps.extend(place.path.iter().cloned());
            if let Some(value) = after.pointer_mut(&pointer::join(&steps)) {
                *value = disabled(value, now.0);
            }
            let maker = Maker {
                run: None,
                charm: "Hand-over",
                at: now,
            };
            let changed = Changed {
                id: place.doc.id.clone(),
                before: Some(before),
                after,
            };
            match told(store, &maker, &place.doc.space, vec![changed])? {
                Some(change) => store.enqueue(&change, SEEN),
                None => Ok(()),
            }
        })
        .await?;
    }
    core.desk.wake(SYSTEM_SPACE);
    if core.desk.live(SYSTEM_SPACE).is_some_and(|live| live.open) {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorKind::Space,
            "The server's list of background work cannot be changed with this key.",
        ))
    }
}
