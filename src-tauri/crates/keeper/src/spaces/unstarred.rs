//! Charms whose favorite is gone.
//!
//! A charm that was made for a favorite is stopped when the home space no longer
//! names its piece, in two complete reads one after the other; it is kept with its
//! history, and goes on as it was when the piece is a favorite again. A read is
//! complete when every document on the way was asked for at the server, the list
//! was there, each of its entries could be understood, and the space was open
//! before and after. Anything else (offline, refused, a home space that is not
//! synced) says nothing, and the next complete read counts as the first.
//!
//! Owns what the last complete read missed. Decides nothing about runs: the
//! scheduler does.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_space::pieces::{Favorite, Shelf, Walk, starred};
use charmkeeper_store::{RemoteSpace, Store};
use tokio::sync::mpsc::WeakUnboundedSender;

use super::adopt::SOURCE;
use super::lease::piece_of;
use crate::api::{ApiError, Event};
use crate::core::Core;
use crate::engine::Ask;
use crate::plan;
use crate::scheduler::{Input, Star};

/// How long after a read that missed something the next follows: long enough for
/// a browser to finish what it does in two steps.
const SECOND_LOOK: Duration = Duration::from_secs(5);
/// Rounds that a read may take.
const MAX_ROUNDS: usize = 40;

/// How the tasks of spaces say that favorites may have changed.
#[derive(Debug, Default)]
pub(crate) struct Stars {
    changed: tokio::sync::Notify,
    homes: Mutex<HashSet<String>>,
}

impl Stars {
    /// The session of a space is open.
    pub(super) fn opened(&self) {
        self.changed.notify_one();
    }

    /// Documents of a space changed.
    pub(super) fn news(&self, space: &str) {
        let homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        if homes.contains(space) {
            self.changed.notify_one();
        }
    }

    fn know(&self, homes: &[RemoteSpace]) {
        let mut known = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        *known = homes.iter().map(|home| home.did.clone()).collect();
    }
}

/// A charm that was made for a favorite.
struct Made {
    charm: String,
    piece: DocRef,
    star: Star,
}

/// What the reads so far say.
#[derive(Default)]
struct Reads {
    /// Charms that the last complete read did not name.
    missed: BTreeSet<String>,
}

/// What follows from a complete read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Charms that are no favorites any more.
    gone: Vec<String>,
    /// Charms that are favorites again.
    back: Vec<String>,
    /// Something was missed for the first time.
    look_again: bool,
}

impl Reads {
    fn complete(&mut self, charms: &[Made], named: &HashSet<DocRef>) -> Found {
        let mut found = Found::default();
        let before = std::mem::take(&mut self.missed);
        for Made { charm, piece, star } in charms {
            match (named.contains(piece), star) {
                (true, Star::Named) | (false, Star::Gone | Star::Kept) => {}
                (true, _) => found.back.push(charm.clone()),
                (false, _) if before.contains(charm) => found.gone.push(charm.clone()),
                (false, _) => {
                    self.missed.insert(charm.clone());
                    found.look_again = true;
                }
            }
        }
        found
    }

    fn incomplete(&mut self) {
        self.missed.clear();
    }
}

/// Watches the favorites for as long as the keeper lives.
pub(crate) async fn watch(core: Weak<Core>, engine: WeakUnboundedSender<Ask>) {
    let Some(stars) = core.upgrade().map(|core| Arc::clone(&core.stars)) else {
        return;
    };
    let mut reads = Reads::default();
    let mut again = false;
    loop {
        if again {
            // Whatever changes meanwhile is seen then.
            tokio::time::sleep(SECOND_LOOK).await;
        } else {
            stars.changed.notified().await;
        }
        let (Some(core), Some(engine)) = (core.upgrade(), engine.upgrade()) else {
            return;
        };
        let found = match look(&core, &mut reads).await {
            Ok(found) => found,
            Err(e) => {
                tracing::debug!("the favorites could not be read as a whole: {e}");
                reads.incomplete();
                again = false;
                continue;
            }
        };
        again = found.look_again;
        if found.gone.is_empty() && found.back.is_empty() {
            continue;
        }
        let gone = found.gone.into_iter().map(|charm| (charm, false));
        let back = found.back.into_iter().map(|charm| (charm, true));
        for (charm, named) in gone.chain(back) {
            if engine
                .send(Ask::Input(Input::Starred { charm, named }))
                .is_err()
            {
                return;
            }
        }
        core.leases.look();
        core.tell(Event::Changed);
    }
}

/// One read of all home spaces.
async fn look(core: &Arc<Core>, reads: &mut Reads) -> Result<Found, ApiError> {
    let remotes = core.store(Store::remote_spaces).await?;
    let homes: Vec<_> = remotes
        .into_iter()
        .filter(|r| r.did == r.identity)
        .collect();
    core.stars.know(&homes);
    let made = core.store(|store| {
        let charms = store.charms()?.into_iter();
        let made = charms.filter(|charm| charm.source.starts_with(SOURCE));
        Ok(made
            .map(|charm| Made {
                piece: piece_of(&charm),
                star: plan::saved(&charm).unwrap_or_default().star,
                charm: charm.id,
            })
            .collect::<Vec<_>>())
    });
    let made = made.await?;
    if homes.is_empty() || made.is_empty() {
        reads.incomplete();
        return Ok(Found::default());
    }
    let mut named = HashSet::new();
    for home in &homes {
        // One that is not synced may name them all.
        let whole = if home.enabled {
            read(core, &home.did).await?
        } else {
            None
        };
        let favorites = whole.ok_or_else(|| {
            ApiError::new(
                ErrorKind::Space,
                "There is no list of favorites to be read.",
            )
        })?;
        named.extend(favorites.into_iter().map(|favorite| favorite.piece));
    }
    Ok(reads.complete(&made, &named))
}

/// The favorites of one home space as its server has them now; nothing when they
/// cannot be told for certain.
async fn read(core: &Core, home: &str) -> Result<Option<Vec<Favorite>>, ApiError> {
    let open = || core.desk.live(home).is_some_and(|live| live.open);
    let mut shelf = Shelf::new();
    for _ in 0..MAX_ROUNDS {
        if !open() {
            return Ok(None);
        }
        let needs = match starred(&shelf, home) {
            Walk::Done(list) => return Ok(list),
            Walk::Needs(needs) => needs,
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            needs.into_iter().partition(|doc| doc.space == home);
        // The pieces themselves do not matter, only that they are named.
        shelf.extend(elsewhere.into_iter().map(|doc| (doc, None)));
        if here.is_empty() {
            continue;
        }
        let ids = here.iter().map(|doc| doc.id.clone()).collect();
        core.desk.get(home, ids).await?;
        let found = core.store(move |store| store.documents(&here)).await?;
        let found: BTreeMap<DocRef, _> = found
            .into_iter()
            .map(|snapshot| {
                let doc = DocRef {
                    space: snapshot.space,
                    id: snapshot.id,
                };
                (doc, snapshot.doc)
            })
            .collect();
        shelf.extend(found);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(id: &str) -> DocRef {
        DocRef {
            space: "did:key:zSpace".to_owned(),
            id: id.to_owned(),
        }
    }

    fn made(star: Star) -> [Made; 1] {
        [Made {
            charm: "a".to_owned(),
            piece: piece("of:a"),
            star,
        }]
    }

    #[test]
    fn two_complete_reads_one_after_the_other_stop_a_charm_and_nothing_else_does() {
        let charms = made(Star::Named);
        let (none, all) = (HashSet::new(), HashSet::from([piece("of:a")]));
        let first = Found {
            look_again: true,
            ..Found::default()
        };
        let stopped = Found {
            gone: vec!["a".to_owned()],
            ..Found::default()
        };
        let mut reads = Reads::default();
        assert_eq!(reads.complete(&charms, &none), first);
        assert_eq!(reads.complete(&charms, &none), stopped);

        // One that could not be finished in between: it begins anew.
        let mut reads = Reads::default();
        for _ in 0..5 {
            assert_eq!(reads.complete(&charms, &none), first);
            reads.incomplete();
        }
        // So does one that names it.
        for _ in 0..5 {
            assert_eq!(reads.complete(&charms, &none), first);
            assert_eq!(reads.complete(&charms, &all), Found::default());
        }
        assert_eq!(reads.complete(&charms, &none), first);
        assert_eq!(reads.complete(&charms, &none), stopped);
    }

    #[test]
    fn one_look_brings_it_back_and_the_persons_word_is_not_overruled() {
        let (none, all) = (HashSet::new(), HashSet::from([piece("of:a")]));
        let mut reads = Reads::default();
        let back = Found {
            back: vec!["a".to_owned()],
            ..Found::default()
        };
        assert_eq!(reads.complete(&made(Star::Gone), &all), back);
        for star in [Star::Gone, Star::Kept] {
            for _ in 0..3 {
                assert_eq!(reads.complete(&made(star), &none), Found::default());
            }
        }
    }
}
