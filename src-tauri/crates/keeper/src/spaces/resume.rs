//! Going on with a session after a restart.
//!
//! A server keeps a session for half a minute after its connection is gone, and
//! gives it to nobody without the token that it told last: a program that was
//! killed would have to wait. So the token is kept beside the session's id.
//!
//! It is kept in the database and not in the keychain because it opens nothing: a
//! session belongs to the key that opened it, and each opening is signed by that
//! key over a challenge of the server. It only tells the last of several programs
//! with the same key. It is good for one opening, and without one half a minute.
//!
//! Owns this setting. Never decides whether a session is opened.

use std::sync::Arc;

use charmkeeper_space::messages::Descriptor;
use charmkeeper_store::{RemoteSpace, Store, StoreError};
use serde_json::json;

use super::drain::blocking;

fn key(space: &str) -> String {
    format!("space.session:{space}")
}

/// The session to go on with: the space's own, with its token if that is known.
pub(super) async fn which(
    store: &Arc<Store>,
    space: &RemoteSpace,
) -> Result<Descriptor, StoreError> {
    let kept = blocking(store, &space.did, |store, space| store.setting(&key(space))).await?;
    let text = |name: &str| Some(kept.as_ref()?.get(name)?.as_str()?.to_owned());
    Ok(Descriptor {
        session_token: text("token").filter(|_| text("id").as_ref() == Some(&space.session_id)),
        session_id: Some(space.session_id.clone()),
        seen_seq: None,
    })
}

/// Keeps what a later program needs to go on with this session.
pub(super) async fn keep(
    store: &Arc<Store>,
    space: &str,
    which: Descriptor,
) -> Result<(), StoreError> {
    let kept = json!({ "id": which.session_id, "token": which.session_token });
    blocking(store, space, move |store, space| {
        store.set_setting(&key(space), Some(&kept))
    })
    .await
}
