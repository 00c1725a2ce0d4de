//! A computer's store with a connected space.

use std::path::Path;
use std::sync::Arc;

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::DocRef;
use charmkeeper_store::{RemoteSpace, Space, SpaceKind, Store};

/// The space of these tests.
pub(super) const SPACE: &str = "did:key:zSpace";

/// A document of it.
pub(super) fn at(id: &str) -> DocRef {
    DocRef {
        space: SPACE.into(),
        id: id.into(),
    }
}

/// The store of the computer whose home is `folder`.
pub(super) fn open(folder: &Path) -> Arc<Store> {
    let path = folder.join("charmkeeper.db");
    Arc::new(Store::open(&path, UnixMs(0)).expect("a store").store)
}

/// The same, with the space connected. Each computer has a session of its own.
pub(super) fn connected(folder: &Path) -> Arc<Store> {
    let store = open(folder);
    let space = Space {
        did: SPACE.into(),
        name: "remote".into(),
        kind: SpaceKind::Remote,
        created_at: UnixMs(0),
    };
    store.add_space(&space).expect("a space");
    let row = remote(&folder.display().to_string());
    store.put_remote_space(&row).expect("remote");
    store
}

/// How the space is reached, in this session.
pub(super) fn remote(session: &str) -> RemoteSpace {
    RemoteSpace {
        did: SPACE.into(),
        url: "https://space.example".into(),
        identity: "did:key:zMe".into(),
        session_id: session.to_owned(),
        enabled: true,
        refused: None,
        merged: 0,
        synced_at: None,
    }
}
