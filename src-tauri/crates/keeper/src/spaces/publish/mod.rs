//! Placing a charm of this computer in a remote space.
//!
//! In: a charm of a local space, a connected remote space, and whether the person
//! stars it. Out: the charm's documents and its program in that space, a link to it
//! in the space's list of pieces, an entry in the person's favorites; and the charm
//! here goes on with those documents: same charm, history, schedule and account.
//!
//! The way, every step of which may be the last before the program dies:
//! 1. `begin` reads the charm's documents, plans what they are there
//!    (`charmkeeper_space::pieces::publish`) and writes it to the outbox, the link
//!    in the list of pieces last, together with a *note* in the settings that says
//!    what is going on. The charm runs on with its local documents.
//! 2. When the server has all of it, `settle` moves the charm's row in one
//!    transaction, between two runs, with what they changed since; its old documents
//!    become links to the new ones, for charms that hold links to them.
//! 3. A star is written after that, so that no favorite leads to nothing.
//!
//! The note's phase says which step is next, so it is taken up at the next start,
//! and asking again does the same once. A document is created only where there is
//! none; lists get an element more and are never written as a whole.
//!
//! When the server refuses, everything that waits is taken back and the charm is as
//! it was. The auth charm of an account is never placed; placeholders of accounts
//! are left out, and links to cells of other charms lead to this computer, where
//! nobody else can follow them. Both are told as warnings.
//!
//! State: the note alone. One step at a time is taken, whoever asks
//! ([`Core::publishing`]).

mod begin;
mod lists;
mod note;
mod plan;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_store::{Charm, RemoteSpace};
use tokio::sync::mpsc::WeakUnboundedSender;

use self::note::{Note, Phase};
use super::connect::{remote_row, start};
use crate::api::{ApiError, Event, PublishView};
use crate::core::Core;
use crate::engine::Ask;
use crate::keeper::Keeper;
use crate::requests::charms::charm_view;
use crate::{registry, wish};

/// How long the one who asks waits for the server. It goes on after that.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a space may take to open: a server keeps a session for 30 s after its
/// connection ended, and until then the next keeper has to wait.
const OPENING: Duration = Duration::from_secs(45);
/// At the latest then the note is looked at again, should an event be missed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Places a charm in the space with this DID.
pub(super) async fn publish(
    keeper: &Keeper,
    which: &str,
    space: &str,
    favorite: bool,
) -> Result<PublishView, ApiError> {
    let core = &keeper.core;
    let charm = registry::find(core, which).await?;
    let row = remote_row(core, space).await?;
    allowed(core, &charm, space)?;
    open(core, &row).await?;
    let home = match favorite {
        true => Some(home_of(core, &row).await?),
        false => None,
    };
    let known = Note::load(core, &charm.id).await?;
    let mut warnings = Vec::new();
    let mut placed = false;
    match known {
        Some(note) if note.space == space && !note.refused() => {}
        Some(note) if !note.refused() => {
            return Err(ApiError::new(
                ErrorKind::Usage,
                "It is on its way to another space already.",
            ));
        }
        _ if charm.space == space => {
            let piece = DocRef {
                space: space.to_owned(),
                id: charm.piece.clone(),
            };
            let star = match &home {
                Some(home) => !lists::starred(core, &home.did, &piece).await?,
                None => false,
            };
            if !star {
                return view(keeper, &charm, State::Already, favorite, warnings).await;
            }
            Note::starring(space).store(core, &charm.id).await?;
        }
        _ => {
            placed = true;
            warnings = begin::begin(core, &charm, &row, favorite).await?;
        }
    }
    core.desk.wake(space);
    core.tell(Event::Changed);
    let going = tokio::spawn(drive(
        Arc::clone(core),
        keeper.engine_door(),
        charm.id.clone(),
    ));
    match tokio::time::timeout(PATIENCE, going).await {
        Err(_) => view(keeper, &charm, State::Waiting, favorite, warnings).await,
        Ok(ended) => {
            ended.unwrap_or_else(|e| {
                let words = format!("Placing the charm ended unexpectedly: {e}.");
                Err(ApiError::new(ErrorKind::Local, words))
            })?;
            let state = if placed || charm.space != space {
                State::Placed
            } else {
                State::Starred
            };
            view(keeper, &charm, state, favorite, warnings).await
        }
    }
}

/// Takes up what an earlier keeper left unfinished.
pub(crate) async fn resume(keeper: &Keeper) -> Result<(), ApiError> {
    for charm in Note::all(&keeper.core).await? {
        let (core, engine) = (Arc::clone(&keeper.core), keeper.engine_door());
        tokio::spawn(async move {
            if let Err(error) = drive(core, engine, charm).await {
                tracing::warn!("a charm could not be placed in a space: {error}");
            }
        });
    }
    Ok(())
}

/// Takes step after step until nothing is left to do, or the server refused.
async fn drive(
    core: Arc<Core>,
    engine: WeakUnboundedSender<Ask>,
    charm: String,
) -> Result<(), ApiError> {
    let mut events = core.events.subscribe();
    loop {
        let step = {
            let _turn = core.publishing.lock().await;
            settle::step(&core, &engine, &charm).await?
        };
        match step {
            settle::Step::Done => return Ok(()),
            settle::Step::Next => {}
            settle::Step::Wait => {
                // A missed event is as good as one: the note is looked at again.
                let _ = tokio::time::timeout(LOOK_AGAIN, events.recv()).await;
            }
        }
    }
}

/// Whether the charm may be placed there at all.
fn allowed(core: &Core, charm: &Charm, space: &str) -> Result<(), ApiError> {
    let refuse = |words: &str| Err(ApiError::new(ErrorKind::Usage, words));
    if wish::auth_account(charm).is_some() {
        return refuse("This charm keeps the sign-in of an account, which stays on this computer.");
    }
    if charm.space != space && core.desk.spaces().contains(&charm.space) {
        return refuse("It is in another remote space already.");
    }
    Ok(())
}

/// Makes sure that the space can be reached now.
async fn open(core: &Arc<Core>, row: &RemoteSpace) -> Result<(), ApiError> {
    if !row.enabled {
        return Err(
            ApiError::new(ErrorKind::Usage, "That space is switched off.")
                .with_hint("Connect it again, then place the charm in it."),
        );
    }
    if core.desk.live(&row.did).is_none() {
        start(core, row).await?;
    }
    let opened = tokio::time::timeout(OPENING, core.desk.opened(&row.did)).await;
    opened.unwrap_or_else(|_| {
        Err(ApiError::new(
            ErrorKind::Offline,
            "The space's server does not answer, so nothing was placed.",
        ))
    })?;
    Ok(())
}

/// The person's home space, open.
async fn home_of(core: &Arc<Core>, row: &RemoteSpace) -> Result<RemoteSpace, ApiError> {
    let did = row.identity.clone();
    let home = core.store(move |store| store.remote_space(&did)).await?;
    let home = home.ok_or_else(|| {
        ApiError::new(
            ErrorKind::Usage,
            "Your home space, which keeps your favorites, is not connected.",
        )
        .with_hint("`charmkeeper space connect` without `--space` connects it.")
    })?;
    open(core, &home).await?;
    Ok(home)
}

/// What came of it.
#[derive(Clone, Copy)]
enum State {
    Placed,
    Starred,
    Already,
    Waiting,
}

async fn view(
    keeper: &Keeper,
    charm: &Charm,
    state: State,
    favorite: bool,
    warnings: Vec<String>,
) -> Result<PublishView, ApiError> {
    let (word, detail) = match state {
        State::Placed if favorite => ("placed", "It is in the space and among your favorites."),
        State::Placed => ("placed", "It is in the space."),
        State::Starred => ("placed", "It is among your favorites."),
        State::Already => ("already", "It is already there; nothing was changed."),
        State::Waiting => ("waiting", "It waits for the server, and goes on by itself."),
    };
    Ok(PublishView {
        charm: charm_view(keeper, &charm.id).await?,
        piece: charm.piece.trim_start_matches("of:").to_owned(),
        state: word.to_owned(),
        detail: detail.to_owned(),
        warnings,
    })
}

impl Note {
    fn refused(&self) -> bool {
        matches!(self.phase, Phase::Refused { .. })
    }

    fn starring(space: &str) -> Self {
        Self {
            space: space.to_owned(),
            favorite: true,
            phase: Phase::Starring,
        }
    }
}
