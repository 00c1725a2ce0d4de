//! What the person starred, and running it here.
//!
//! Owns the way from a piece to a charm: its argument, its outputs and its source
//! are found by links, so that the charm's handler writes the very documents that
//! the browser shows. A piece that is no favorite becomes a charm only by
//! `register` (`registered`), and is then not stopped for want of a star.

use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_charms::compile::program_from_files;
use charmkeeper_space::pieces::{Favorite, Lease, Piece, favorites, piece, registrations, source};
use charmkeeper_store::{Charm, RemoteSpace, Store};

use super::adopt::{self, FromSpace, SOURCE};
use super::connect;
use super::lease;
use super::read::walk;
use crate::api::{ApiError, FavoriteView};
use crate::core::Core;
use crate::registry;

/// A favorite with its piece.
pub(crate) struct Starred {
    pub(crate) favorite: Favorite,
    pub(crate) piece: Option<Piece>,
    /// Whether it is on the person's list.
    pub(crate) listed: bool,
}

/// Names a favorite for good.
pub(crate) fn id_of(piece: &DocRef) -> String {
    format!("{}/{}", piece.space, piece.id.trim_start_matches("of:"))
}

/// Where a charm that came from a space came from.
pub(crate) fn source_of(piece: &DocRef) -> String {
    format!("{SOURCE}{}", id_of(piece))
}

/// Whether a charm is this piece: one that came from the space, or one of this
/// computer that was placed there.
pub(crate) fn runs(charm: &Charm, piece: &DocRef) -> bool {
    charm.space == piece.space && charm.piece == piece.id
}

/// All favorites of all connected home spaces.
pub(crate) async fn read(core: &Arc<Core>) -> Result<Vec<Starred>, ApiError> {
    let remotes = core.store(Store::remote_spaces).await?;
    let mut all = Vec::new();
    // The home space is the one that is named after the person's own key.
    for home in remotes.iter().filter(|r| r.enabled && r.did == r.identity) {
        if !core.serving {
            connect::also(core, home, &home.did, None).await?;
        }
        let starred = walk(core, |shelf| favorites(shelf, &home.did)).await?;
        for favorite in starred {
            all.push(look(core, home, favorite).await);
        }
    }
    Ok(all)
}

/// Reads the piece of a favorite; one that cannot be read is shown as such.
async fn look(core: &Arc<Core>, home: &RemoteSpace, favorite: Favorite) -> Starred {
    let at = favorite.piece.clone();
    let found = async {
        connect::also(core, home, &at.space, favorite.space_name.as_deref()).await?;
        walk(core, |shelf| piece(shelf, &at)).await
    };
    let piece = found.await.unwrap_or_else(|e| {
        tracing::info!("a favorite cannot be read now: {e}");
        None
    });
    Starred {
        favorite,
        piece,
        listed: true,
    }
}

/// The favorites as they are shown.
pub(crate) async fn views(core: &Arc<Core>) -> Result<Vec<FavoriteView>, ApiError> {
    shown(core, &read(core).await?).await
}

/// These pieces as they are shown, in their order.
pub(crate) async fn shown(
    core: &Arc<Core>,
    starred: &[Starred],
) -> Result<Vec<FavoriteView>, ApiError> {
    let charms = core.store(Store::charms).await?;
    let server = walk(core, registrations).await.unwrap_or_default();
    let mut views = Vec::with_capacity(starred.len());
    for one in starred {
        let at = &one.favorite.piece;
        let charm = charms.iter().find(|c| runs(c, at));
        let there = server.iter().any(|entry| {
            entry.active && entry.space == at.space && format!("of:{}", entry.piece) == at.id
        });
        let other = lease::other(core, at).await;
        views.push(view(one, charm, there, other));
    }
    Ok(views)
}

fn view(
    one: &Starred,
    charm: Option<&Charm>,
    on_server: bool,
    other: Option<Lease>,
) -> FavoriteView {
    let at = &one.favorite.piece;
    let on = charm.is_some_and(|c| c.enabled && c.paused_reason.is_none());
    let background = one.piece.as_ref().is_some_and(Piece::background);
    let (runner, detail) = match (&one.piece, background, on_server, on) {
        (None, ..) => ("nobody", "It cannot be read at the moment."),
        (_, false, ..) => ("nobody", "It has no work for the background."),
        (.., false, _) if other.is_some() => ("other", "Another of your computers runs it."),
        (.., true, true) => (
            "server",
            "The server runs this too, so its work is done twice.",
        ),
        (.., true, false) => ("server", "The server runs it."),
        (.., true) => ("here", "It runs on this computer."),
        _ => ("nobody", "Nobody runs it."),
    };
    let name = one.piece.as_ref().and_then(|p| p.name.clone());
    FavoriteView {
        id: id_of(at),
        name: name.unwrap_or_else(|| "Untitled".to_owned()),
        tags: one.favorite.tags.clone(),
        space: at.space.clone(),
        space_name: one.favorite.space_name.clone(),
        piece: at.id.trim_start_matches("of:").to_owned(),
        background,
        on,
        charm: charm.map(|c| c.handle.clone()),
        runner: runner.to_owned(),
        detail: detail.to_owned(),
        other: other.map(|lease| lease.name),
    }
}

/// The id of the favorite that a word names: the id itself, or the charm that the
/// favorite became here.
pub(crate) async fn id_of_word(core: &Arc<Core>, word: String) -> Result<String, ApiError> {
    if word.contains('/') {
        return Ok(word);
    }
    let charm = registry::find(core, &word).await?;
    Ok(id_of(&lease::piece_of(&charm)))
}

/// The favorite of this id.
pub(crate) async fn find(core: &Arc<Core>, id: &str) -> Result<Starred, ApiError> {
    let found = read(core)
        .await?
        .into_iter()
        .find(|one| id_of(&one.favorite.piece) == id);
    found.ok_or_else(|| {
        ApiError::new(
            ErrorKind::Usage,
            "That is not among your favorites any more.",
        )
    })
}

/// Makes a charm of a piece, not switched on by anything but the person's wish.
pub(crate) async fn become_charm(core: &Arc<Core>, one: &Starred) -> Result<Charm, ApiError> {
    let at = &one.favorite.piece;
    let unreadable = |what: &str| ApiError::new(ErrorKind::Space, what.to_owned());
    let piece = one
        .piece
        .as_ref()
        .ok_or_else(|| unreadable("The piece cannot be read at the moment."))?;
    if !piece.background() {
        return Err(unreadable(
            "It has no work for the background: no bgUpdater.",
        ));
    }
    let argument = piece
        .argument
        .clone()
        .ok_or_else(|| unreadable("The piece has no inputs of its own."))?;
    let pattern = piece
        .pattern
        .as_ref()
        .ok_or_else(|| unreadable("The piece does not say which program it is."))?;
    if pattern.symbol != "default" {
        return Err(unreadable("The piece is only a part of a program."));
    }
    let files = walk(core, |shelf| source(shelf, &at.space, &pattern.identity)).await?;
    let files = files.ok_or_else(|| unreadable("The source of the piece is not in its space."))?;
    let texts = files
        .files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let program = program_from_files(texts, &files.entry).map_err(|e| ApiError::of(&e))?;
    let from = FromSpace {
        piece: at.clone(),
        argument,
        name: piece.name.clone(),
        tags: one.favorite.tags.clone(),
        source: source_of(at),
        listed: one.listed,
    };
    adopt::adopt(core, program, from).await
}
