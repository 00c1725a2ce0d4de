//! The server's own list of background work, and taking a piece over from it.

use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{DocRef, pointer};
use charmkeeper_space::outbox::Changed;
use charmkeeper_space::pieces::{SYSTEM_SPACE, disabled, registrations};

use super::outgoing::{Maker, SEEN, told};
use super::read::walk;
use crate::api::ApiError;
use crate::core::Core;

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
