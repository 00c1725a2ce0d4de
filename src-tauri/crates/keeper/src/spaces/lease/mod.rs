//! Which of a person's computers runs a charm whose piece lives in a remote
//! space: a lease in that space says so, and is looked at before each run.
//!
//! Two questions are kept apart:
//! * May this run start? [`admit`] answers from what is known here and never waits
//!   for a server, so that one slow server holds up no other space's charms. A
//!   charm that may not start is *withheld*: no row, no failure, its state says
//!   where it runs.
//! * Who holds the lease? `watch` is the one task that claims, renews and gives
//!   back. It is told when a run was withheld, when the document of a lease
//!   changed, when a space was opened again and when a person paused something.
//!   A claim that succeeds frees the charm, and what is due starts at once.
//!
//! A claim is written by `settle` and not through the outbox: the outbox merges a
//! change with whatever the server holds by then, and two merged claims would
//! leave each computer in the belief that it is the one. Here the first writer
//! wins; the other reads again and decides anew. A claim without an answer needs no
//! repeating either: the next look at the document tells whether it arrived.
//!
//! A lease is renewed at half time while its charm can run here, whatever the
//! charm's interval is: one write for each half term. A charm that cannot run here
//! (sign-in missing, too many failures, power) lets it run out, so that a
//! computer that can takes over. It is given back when a person pauses or removes
//! the charm and when the program ends.
//!
//! Without the server: the computer whose lease still holds goes on. So does the
//! one that held it last and could not renew it, after it has asked in vain for a
//! minute: nobody else could have been seen taking over, changes of two runs are
//! merged and not lost, so running twice does less harm than running nowhere. A
//! computer that did not hold it does not start. The same reasoning lets charms run
//! without a lease in a space that refuses to store one.
//!
//! What a person asks for (a run now) and events from other charms never wait for a
//! lease. Owns no lease: documents in the space do.

mod gate;
mod rules;
mod settle;
mod watch;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{DocRef, document};
use charmkeeper_space::pieces::{Claimant, LEASE_TERM, Lease, lease_id};
use charmkeeper_store::{Charm, Store, StoreError};
use serde_json::Value;
use tokio::sync::mpsc;

use super::read::fetch_missing;
use crate::api::ApiError;
use crate::core::{Core, of_store};

pub(crate) use gate::admit;
pub(crate) use settle::{Answer, Want, settle};
pub(crate) use watch::watch;

/// Settings key of the id that names this home among the person's computers.
const ID_SETTING: &str = "computer-id";
/// The most letters of a computer's name that are shown to others.
const LONGEST_NAME: usize = 64;
/// How long the answer to a claim may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long giving leases back may take when the program ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// When a charm is looked at again whose question had no answer, and how long the
/// last holder asks before it goes on without one.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// What the person's other computers know of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computer {
    /// What people call it.
    pub name: String,
    /// How long its leases hold that are not renewed.
    pub lease: Duration,
}

impl Computer {
    /// This one, by its host name.
    #[must_use]
    pub fn this() -> Self {
        let name = gethostname::gethostname();
        let name: String = name.to_string_lossy().chars().take(LONGEST_NAME).collect();
        let name = name.trim().trim_end_matches(".local").to_owned();
        Self {
            name: if name.is_empty() {
                "another computer".to_owned()
            } else {
                name
            },
            lease: LEASE_TERM,
        }
    }
}

/// What the task that keeps the leases is told.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something changed that decides who should hold a lease.
    Look,
    /// A claim for this charm ended.
    Claimed {
        charm: String,
        space: String,
        answer: Result<Answer, ApiError>,
    },
}

#[derive(Default)]
struct Inner {
    /// Documents of leases that matter here, as `(space, id)`.
    known: HashSet<(String, String)>,
    /// Charms that asked for a lease and had no answer, since when on the
    /// monotonic clock.
    asking: HashMap<String, Duration>,
    /// Spaces that refused to store a lease.
    refused: HashSet<String>,
}

/// The way to the task that keeps the leases, and what it and [`admit`] share.
pub(crate) struct Leases {
    me: Claimant,
    heard: mpsc::UnboundedSender<Heard>,
    inbox: Mutex<Option<mpsc::UnboundedReceiver<Heard>>>,
    inner: Mutex<Inner>,
}

impl Leases {
    /// For a home whose id is kept in its settings; `fresh` is used when it has
    /// none yet.
    ///
    /// # Errors
    /// When the settings cannot be read or written.
    pub(crate) fn open(
        store: &Store,
        computer: &Computer,
        fresh: String,
    ) -> Result<Self, ApiError> {
        let known = store.setting(ID_SETTING).map_err(|e| of_store(&e))?;
        let holder = match known.as_ref().and_then(Value::as_str) {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => {
                let kept = store.set_setting(ID_SETTING, Some(&Value::String(fresh.clone())));
                kept.map_err(|e| of_store(&e))?;
                fresh
            }
        };
        let (heard, inbox) = mpsc::unbounded_channel();
        Ok(Self {
            me: Claimant {
                holder,
                name: computer.name.clone(),
                term: computer.lease,
            },
            heard,
            inbox: Mutex::new(Some(inbox)),
            inner: Mutex::default(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn me(&self) -> &Claimant {
        &self.me
    }

    fn say(&self, heard: Heard) {
        // A keeper without timers has nobody who listens.
        let _ = self.heard.send(heard);
    }

    /// A charm was paused, resumed, removed or brought back.
    pub(crate) fn look(&self) {
        self.say(Heard::Look);
    }

    /// Documents of a space changed.
    pub(super) fn news(&self, space: &str, ids: &[String]) {
        let lease = |id: &String| {
            let document = (space.to_owned(), id.clone());
            self.inner().known.contains(&document)
        };
        if ids.iter().any(lease) {
            self.look();
        }
    }

    /// The session of a space is open.
    pub(super) fn opened(&self, space: &str) {
        self.inner().refused.remove(space);
        self.look();
    }

    fn know(&self, lease: &DocRef) {
        let document = (lease.space.clone(), lease.id.clone());
        self.inner().known.insert(document);
    }
}

/// The piece that a charm is.
pub(super) fn piece_of(charm: &Charm) -> DocRef {
    DocRef {
        space: charm.space.clone(),
        id: charm.piece.clone(),
    }
}

/// The lease of a piece as the server last confirmed it.
pub(super) fn lease_of(store: &Store, piece: &DocRef) -> Result<Option<Lease>, StoreError> {
    let lease = lease_id(piece);
    let found = store.replica(&lease.space, std::slice::from_ref(&lease.id))?;
    let doc = found
        .into_iter()
        .flatten()
        .next()
        .and_then(|found| found.doc);
    Ok(doc
        .as_ref()
        .and_then(document::value)
        .and_then(Lease::from_value))
}

/// The lease of another computer that runs this piece now, as far as that can be
/// found out.
pub(crate) async fn other(core: &Core, piece: &DocRef) -> Option<Lease> {
    let lease = lease_id(piece);
    core.leases.know(&lease);
    if let Err(e) = fetch_missing(core, &[lease]).await {
        tracing::debug!("a lease cannot be read now: {e}");
    }
    let piece = piece.clone();
    let found = core
        .store(move |store| lease_of(store, &piece))
        .await
        .ok()??;
    (found.holder != core.leases.me.holder && found.holds(core.now())).then_some(found)
}

/// Takes the lease of a piece, whoever holds it: the person's word.
///
/// # Errors
/// Kind `offline` when the space cannot be reached now, `space` when it refuses.
pub(crate) async fn take_over(core: &Core, piece: &DocRef) -> Result<(), ApiError> {
    match ask(core, piece, Want::Claim { take_over: true }).await? {
        Answer::Refused(why) => Err(ApiError::new(ErrorKind::Space, why)),
        Answer::Mine | Answer::Other(_) | Answer::Free => {
            core.leases.look();
            Ok(())
        }
    }
}

/// Asks the task of the piece's space, for a while.
async fn ask(core: &Core, piece: &DocRef, want: Want) -> Result<Answer, ApiError> {
    let answer = core.desk.lease(piece.clone(), want);
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or_else(|_| {
            Err(ApiError::new(
                ErrorKind::Offline,
                "The space did not answer, so it is not known which computer runs the charm.",
            ))
        })
}

/// Gives back all leases of this computer, as far as their spaces can be reached at
/// once: the others then need not wait until they run out.
pub(crate) async fn release_all(core: &Core) {
    let remote = core.desk.spaces();
    if !core.serving || remote.is_empty() {
        return;
    }
    let me = core.leases.me.holder.clone();
    let held = core.store(move |store| {
        let mut held = Vec::new();
        for charm in store
            .charms()?
            .into_iter()
            .filter(|c| remote.contains(&c.space))
        {
            let piece = piece_of(&charm);
            if lease_of(store, &piece)?.is_some_and(|lease| lease.holder == me) {
                held.push(piece);
            }
        }
        Ok(held)
    });
    let held = held.await.unwrap_or_default();
    let open = |piece: &&DocRef| core.desk.live(&piece.space).is_some_and(|live| live.open);
    let given = held
        .iter()
        .filter(open)
        .map(|piece| ask(core, piece, Want::Release));
    let all = futures_util::future::join_all(given);
    if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
        tracing::info!("not all leases could be given back; they run out by themselves");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_home_stays_and_its_name_is_never_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("charmkeeper.db");
        let store = Store::open(&path, charmkeeper_base::UnixMs(0))
            .unwrap()
            .store;
        let computer = Computer::this();
        assert!(!computer.name.is_empty());
        let first = Leases::open(&store, &computer, "one".to_owned()).unwrap();
        let again = Leases::open(&store, &computer, "two".to_owned()).unwrap();
        assert_eq!(
            (first.me.holder.as_str(), again.me.holder.as_str()),
            ("one", "one")
        );
    }
}
