//! Connecting remote spaces, and taking them up again at the start.
//!
//! In: an address, an identity whose key is in the keychain, a space. Out: rows
//! and a task. A space that has no access list yet is written to only when the
//! person said so: until then everybody may read it.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{ErrorKind, Explain as _};
use charmkeeper_space::client::{
    Connection, Network, ServerAddress, Session, Settings, SpaceError, Verdict,
};
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{Commit, Descriptor, Operation};
use charmkeeper_store::{RemoteSpace, Space, SpaceKind};
use serde_json::json;

use super::desk::of_space;
use super::keys;
use super::line::Line;
use super::resume;
use crate::api::{ApiError, ErrorCode};
use crate::core::{Core, of_store};

/// How long the first answer of a server may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Name of the home space among the others.
pub(crate) const HOME_NAME: &str = "Home";

/// Makes it known which spaces are remote ones.
pub(crate) async fn know_all(core: &Core) -> Result<(), ApiError> {
    for space in core.store(charmkeeper_store::Store::remote_spaces).await? {
        core.desk.know(&space.did);
    }
    Ok(())
}

/// Takes up all connected spaces. One whose key cannot be read now is left for
/// later; its changes wait.
pub(crate) async fn start_all(core: &Arc<Core>) -> Result<(), ApiError> {
    let spaces = core.store(charmkeeper_store::Store::remote_spaces).await?;
    for space in spaces {
        // A command without timers tells nobody.
        if space.enabled
            && core.serving
            && let Err(error) = start(core, &space).await
        {
            tracing::warn!("a space is not synced: {error}");
        }
    }
    Ok(())
}

/// Starts to sync one space.
pub(crate) async fn start(core: &Arc<Core>, space: &RemoteSpace) -> Result<(), ApiError> {
    let identity = keys::get(&core.vault, &space.identity).await?;
    let which = resume::which(&core.store, space).await;
    core.desk
        .start(core, space, identity, which.map_err(|e| of_store(&e))?)
}

/// What is to be connected.
pub(crate) struct Wanted<'w> {
    pub(crate) url: &'w str,
    pub(crate) identity: &'w str,
    /// A named space; nothing for the home space.
    pub(crate) name: Option<&'w str>,
    /// Write the access list of a space that has none.
    pub(crate) claim: bool,
}

/// Connects a space; its DID.
///
/// # Errors
/// With kind `usage` for a bad address, `keychain` for a missing key, `offline`
/// when the server does not answer, `space` when it refuses or the space is new
/// and was not claimed.
pub(crate) async fn connect(core: &Arc<Core>, wanted: Wanted<'_>) -> Result<String, ApiError> {
    let address = ServerAddress::parse(wanted.url).map_err(|e| ApiError::of(&e))?;
    let identity = keys::get(&core.vault, wanted.identity).await?;
    let (did, name) = match wanted.name.map(str::trim) {
        None | Some("") => (identity.home_space().to_owned(), HOME_NAME.to_owned()),
        Some(did) if did.starts_with("did:key:") => (did.to_owned(), short(did)),
        Some(name) => (
            Identity::of_named_space(name).did().to_owned(),
            name.to_owned(),
        ),
    };
    first_contact(core, &address, &identity, &did, &wanted).await?;
    let of = did.clone();
    let before = core.store(move |store| store.remote_space(&of)).await?;
    adopt(core, &did, &name, &address.origin(), identity.did()).await?;
    let row = remote_row(core, &did).await?;
    let same = before.is_some_and(|b| b.enabled && b.session_id == row.session_id);
    // One that is open stays so.
    if !(same && core.desk.live(&did).is_some_and(|live| live.open)) {
        start(core, &row).await?;
    }
    let opened = tokio::time::timeout(PATIENCE, core.desk.opened(&did)).await;
    opened.unwrap_or_else(|_| Err(no_answer(&address)))?;
    Ok(did)
}

/// Opens the space once, without anything of ours in it: whether the key may, and
/// whether the space has an access list.
async fn first_contact(
    core: &Arc<Core>,
    address: &ServerAddress,
    identity: &Identity,
    did: &str,
    wanted: &Wanted<'_>,
) -> Result<(), ApiError> {
    let network = Network::new(address.clone(), Vec::new()).map_err(|e| of_space(&e))?;
    let (connection, _events) = Connection::open(Settings {
        dial: Arc::new(network),
        clock: Arc::clone(&core.clock),
        random: Arc::clone(&core.random),
        request_prefix: "ck-first-".to_owned(),
    });
    let result = tokio::time::timeout(PATIENCE, async {
        let session = open(&connection, did, identity).await?;
        let list = format!("of:{did}");
        let found = Line::query(&session, std::slice::from_ref(&list))
            .await
            .map_err(|_| no_answer(address))?;
        if found.first().is_some_and(|doc| doc.doc.is_some()) {
            return Ok(());
        }
        if !wanted.claim {
            return Err(ApiError::new(
                ErrorKind::Space,
                "This space is new: it has no access list yet, so nothing can be kept in it.",
            )
            .with_code(ErrorCode::NewSpace)
            .with_hint("Confirm that it is yours, and its access list is written."));
        }
        claim(&connection, did, identity, wanted).await
    })
    .await
    .unwrap_or_else(|_| Err(no_answer(address)));
    connection.close();
    result
}

async fn open(
    connection: &Connection,
    did: &str,
    identity: &Identity,
) -> Result<Session, ApiError> {
    let opened = connection
        .open_space(did, Arc::new(identity.clone()), Descriptor::default())
        .await;
    opened.map(|(session, _)| session).map_err(|e| of_space(&e))
}

/// Writes the first access list, as the reference does: the person owns the
/// space; a named one may be written by everybody who knows its name.
async fn claim(
    connection: &Connection,
    did: &str,
    identity: &Identity,
    wanted: &Wanted<'_>,
) -> Result<(), ApiError> {
    let (signer, list) = match wanted.name {
        Some(name) if !name.starts_with("did:key:") && !name.trim().is_empty() => (
            Identity::of_named_space(name.trim()),
            json!({ identity.did(): "OWNER", "*": "WRITE" }),
        ),
        _ => (identity.clone(), json!({ identity.did(): "OWNER" })),
    };
    let session = open(connection, did, &signer).await?;
    let commit = Commit {
        local_seq: 1,
        operations: vec![Operation::Set {
            id: format!("of:{did}"),
            scope: None,
            document: json!({ "value": list }),
        }],
        ..Commit::default()
    };
    match Session::transact(&session, commit).await {
        Ok(Verdict::Accepted(_)) => Ok(()),
        Ok(Verdict::Refused(error) | Verdict::Conflict { error, .. }) => {
            Err(of_space(&SpaceError::Refused(error)))
        }
        Err(error) => Err(of_space(&error)),
    }
}

/// Makes the rows of a connected space, or brings them up to date.
pub(crate) async fn adopt(
    core: &Arc<Core>,
    did: &str,
    name: &str,
    url: &str,
    identity: &str,
) -> Result<(), ApiError> {
    let session_id = crate::ids::uuid(core);
    let (now, did, name) = (core.now(), did.to_owned(), name.to_owned());
    let (url, identity) = (url.to_owned(), identity.to_owned());
    let known = did.clone();
    core.store(move |store| {
        if store.space(&did)?.is_none() {
            let taken = store.space(&name)?.is_some();
            store.add_space(&Space {
                name: if taken {
                    format!("{name} ({})", short(&did))
                } else {
                    name
                },
                did: did.clone(),
                kind: SpaceKind::Remote,
                created_at: now,
            })?;
        }
        store.put_remote_space(&RemoteSpace {
            did,
            url,
            identity,
            session_id,
            enabled: true,
            refused: None,
            merged: 0,
            synced_at: None,
        })
    })
    .await?;
    core.desk.know(&known);
    Ok(())
}

/// The row of a connected space.
pub(crate) async fn remote_row(core: &Core, did: &str) -> Result<RemoteSpace, ApiError> {
    let of = did.to_owned();
    core.store(move |store| store.remote_space(&of))
        .await?
        .ok_or_else(|| {
            ApiError::new(ErrorKind::Usage, "That space is not connected.")
                .with_hint("`charmkeeper space status` lists the spaces.")
        })
}

/// Makes sure that a space of the same server as `home` is connected as the same
/// identity: favorites lie in spaces of their own. A command without timers
/// connects here what it was asked about, and nothing else.
pub(crate) async fn also(
    core: &Arc<Core>,
    home: &RemoteSpace,
    did: &str,
    name: Option<&str>,
) -> Result<(), ApiError> {
    let of = did.to_owned();
    let known = core.store(move |store| store.remote_space(&of)).await?;
    let row = match known {
        Some(row) => row,
        None => {
            let name = name.map_or_else(|| short(did), str::to_owned);
            adopt(core, did, &name, &home.url, &home.identity).await?;
            remote_row(core, did).await?
        }
    };
    if row.enabled && core.desk.live(did).is_none() {
        start(core, &row).await?;
    }
    if core.desk.live(did).is_some() {
        // Closed for good or not answering: whoever reads will say so.
        let _ = tokio::time::timeout(PATIENCE, core.desk.opened(did)).await;
    }
    Ok(())
}

/// The end of a DID, for people.
fn short(did: &str) -> String {
    let tail: Vec<char> = did.chars().rev().take(6).collect();
    format!("space …{}", tail.into_iter().rev().collect::<String>())
}

fn no_answer(address: &ServerAddress) -> ApiError {
    let error = SpaceError::Unreachable {
        detail: format!("{address} did not answer"),
    };
    let mut api = ApiError::new(error.kind(), crate::core::sentence(&error.to_string()));
    api.hint = error.hint();
    api
}
