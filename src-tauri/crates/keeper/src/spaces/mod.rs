//! Remote spaces and favorites.
//!
//! Owns the requests about spaces, and the parts that keep a space in sync: `desk`
//! (connections and tasks), `task` (one space), `watching` (what its server tells
//! about), `drain` (the outbox), `outgoing`
//! and `finish` (what a run leaves), `read` (documents that are not here yet),
//! `connect` and `keys` (getting in), `favorites` and `adopt` (what the person
//! starred), `registered` (pieces named by hand), `lease` (which computer runs it), `unstarred` (favorites that are
//! gone), `resume` (sessions over a restart), `publish` (placing a charm of this computer there). The rules
//! themselves are in `charmkeeper_space`.

pub(crate) mod adopt;
pub(crate) mod connect;
pub(crate) mod desk;
mod drain;
mod favorites;
pub(crate) mod finish;
pub(crate) mod keys;
pub(crate) mod lease;
mod line;
pub(crate) mod outgoing;
pub(crate) mod publish;
pub(crate) mod read;
mod registered;
mod resume;
mod task;
pub(crate) mod unstarred;
mod views;
mod watching;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use serde_json::Value;

use crate::api::{ApiError, FavoriteView, Request, SpaceView};
use crate::core::Core;
use crate::keeper::Keeper;
use crate::requests::charms::{added, charm_view, switch};
use crate::requests::json;
use favorites::Starred;
use outgoing::SEEN;

/// Does what is asked of spaces and favorites.
pub(crate) async fn carry_out(keeper: &Keeper, request: Request) -> Result<Value, ApiError> {
    let core = &keeper.core;
    match request {
        Request::Spaces => json(&spaces(keeper).await?),
        Request::ConnectSpace {
            url,
            identity,
            space,
            claim,
        } => {
            let wanted = connect::Wanted {
                url: &url,
                identity: &identity,
                name: space.as_deref(),
                claim,
            };
            let did = connect::connect(core, wanted).await?;
            core.tell(crate::api::Event::Changed);
            json(&space_view(keeper, &did).await?)
        }
        Request::DisconnectSpace { space } => {
            let did = find(keeper, &space).await?;
            core.desk.stop(&did);
            let of = did.clone();
            core.store(move |store| store.set_space_enabled(&of, false))
                .await?;
            core.tell(crate::api::Event::Changed);
            json(&space_view(keeper, &did).await?)
        }
        Request::RetryChange { change } => {
            let space = core.store(move |store| store.retry_change(change)).await?;
            core.desk.wake(&space);
            core.tell(crate::api::Event::Changed);
            json(&space_view(keeper, &space).await?)
        }
        Request::DropChange { change } => {
            let space = core
                .store(move |store| store.drop_change(change, SEEN))
                .await?;
            core.desk.wake(&space);
            core.tell(crate::api::Event::Changed);
            json(&space_view(keeper, &space).await?)
        }
        Request::Favorites => json(&favorites::views(core).await?),
        Request::SetFavorite { id, on } => json(&set_favorite(keeper, &id, on).await?),
        Request::TakeOver { id } => {
            let id = favorites::id_of_word(core, id).await?;
            let piece = registered::of_id(core, &id).await?;
            take_over(core, &piece.favorite.piece).await?;
            json(&run_here(keeper, &piece, true).await?)
        }
        Request::Publish {
            charm,
            space,
            favorite,
        } => {
            let did = find(keeper, &space).await?;
            json(&publish::publish(keeper, &charm, &did, favorite).await?)
        }
        Request::Register {
            space,
            piece,
            integration,
        } => {
            tracing::debug!("a piece is registered as {integration:?}");
            let piece = registered::piece_of(core, &space, &piece).await?;
            json(&run_here(keeper, &piece, true).await?)
        }
        _ => Err(ApiError::new(
            ErrorKind::Usage,
            "This is not possible in this version.",
        )),
    }
}

/// Takes a piece over from whoever runs it: another computer, the server, both.
async fn take_over(core: &Arc<Core>, piece: &DocRef) -> Result<(), ApiError> {
    let other = lease::other(core, piece).await;
    if other.is_some() {
        lease::take_over(core, piece).await?;
    }
    match registered::hand_over(core, piece).await {
        // The server's list is not for every key, and was not what was asked for.
        Err(e) if other.is_some() => tracing::info!("the server's list was left alone: {e}"),
        result => result?,
    }
    Ok(())
}

/// All spaces as they are shown; never a key.
pub(crate) async fn spaces(keeper: &Keeper) -> Result<Vec<SpaceView>, ApiError> {
    let known = keeper.core.store(views::all).await?;
    let desk = &keeper.core.desk;
    Ok(known
        .into_iter()
        .map(|known| views::view(known, desk, keeper.core.serving))
        .collect())
}

async fn space_view(keeper: &Keeper, did: &str) -> Result<SpaceView, ApiError> {
    let found = spaces(keeper)
        .await?
        .into_iter()
        .find(|view| view.space == did);
    found.ok_or_else(|| ApiError::new(ErrorKind::Usage, "There is no such space."))
}

/// The DID of a remote space by DID or name.
async fn find(keeper: &Keeper, which: &str) -> Result<String, ApiError> {
    let which = which.to_owned();
    let found = keeper
        .core
        .store(move |store| store.space(&which))
        .await?
        .ok_or_else(|| ApiError::new(ErrorKind::Usage, "There is no such space."))?;
    connect::remote_row(&keeper.core, &found.did)
        .await
        .map(|row| row.did)
}

/// Runs a favorite here, or no longer.
async fn set_favorite(keeper: &Keeper, id: &str, on: bool) -> Result<FavoriteView, ApiError> {
    let starred = favorites::find(&keeper.core, id).await?;
    run_here(keeper, &starred, on).await
}

/// Runs a piece here, or no longer.
async fn run_here(keeper: &Keeper, starred: &Starred, on: bool) -> Result<FavoriteView, ApiError> {
    let core = &keeper.core;
    let piece = &starred.favorite.piece;
    let charms = core.store(charmkeeper_store::Store::charms).await?;
    match charms.into_iter().find(|c| favorites::runs(c, piece)) {
        Some(charm) => {
            switch(keeper, &charm.id, on).await?;
        }
        None if on => {
            let charm = favorites::become_charm(core, starred).await?;
            added(keeper, &charm);
            charm_view(keeper, &charm.id).await?;
        }
        None => {}
    }
    let shown = favorites::shown(core, std::slice::from_ref(starred)).await?;
    shown
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::new(ErrorKind::Usage, "There is no such piece any more."))
}
