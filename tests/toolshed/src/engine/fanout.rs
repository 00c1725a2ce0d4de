//! Telling sessions what changed, and that their own commits are decided.

use std::collections::BTreeMap;

use charmkeeper_space::messages::{Remove, ServerMessage, Sync, SyncEffect, Upsert};
use serde_json::Value;

use super::{Engine, Origin, Out, Session, SessionKey, encode};
use crate::commit::Failure;
use crate::graph::{Follow, Graph, Key, Tracked, order};
use crate::scope;

type Known = BTreeMap<Key, Tracked>;
type Dirty = BTreeMap<Key, Option<Origin>>;

/// The documents of `keys` as they are told.
pub(super) fn upserts(
    mut keys: Vec<Key>,
    tracked: &Known,
    documents: &mut BTreeMap<Key, Value>,
) -> Vec<Upsert> {
    keys.sort_by(order);
    let upserts = keys.into_iter().map(|key| Upsert {
        scope: scope::name(&key.scope).to_owned(),
        seq: tracked.get(&key).map_or(0, |tracked| tracked.seq),
        document: documents.remove(&key),
        id: key.id,
    });
    upserts.collect()
}

/// What was told before and is not watched any more.
pub(super) fn removed(before: &Known, after: &Known) -> Vec<Remove> {
    let mut gone: Vec<&Key> = before
        .iter()
        .filter(|(_, tracked)| tracked.told())
        .filter(|(key, _)| !after.get(*key).is_some_and(Tracked::told))
        .map(|(key, _)| key)
        .collect();
    gone.sort_by(|a, b| order(a, b));
    let removes = gone.into_iter().map(|key| Remove {
        id: key.id.clone(),
        scope: scope::name(&key.scope).to_owned(),
    });
    removes.collect()
}

/// True when the session has the document like this already.
fn known_so(before: &Known, key: &Key, now: &Tracked) -> bool {
    before
        .get(key)
        .is_some_and(|known| (known.seq, known.present) == (now.seq, now.present))
}

/// Adds what came to what a session watches; what it must be told of it. `held`
/// says what the session knows without being told.
pub(super) fn merge(
    session: &mut Session,
    came: &mut Graph,
    to_seq: u64,
    held: impl Fn(&Key) -> bool,
) -> Sync {
    let mut told = Vec::new();
    for (key, now) in &mut came.tracked {
        let before = session.tracked.get(key);
        // One that was told of stays so: its end must be told too.
        now.root |= before.is_some_and(Tracked::told);
        now.deep |= before.is_some_and(|known| known.deep);
        if now.told() && !known_so(&session.tracked, key, now) && !held(key) {
            told.push(key.clone());
        }
    }
    let upserts = upserts(told, &came.tracked, &mut came.documents);
    session.tracked.append(&mut came.tracked);
    Sync {
        from_seq: session.synced_seq,
        to_seq,
        caught_up_local_seq: None,
        upserts,
        removes: Vec::new(),
    }
}

impl Engine {
    /// Pushes what changed since the last time.
    pub fn flush(&mut self) -> Vec<Out> {
        let mut outs = Vec::new();
        for (space, dirty) in std::mem::take(&mut self.dirty) {
            let attached: Vec<SessionKey> = self
                .sessions
                .iter()
                .filter(|(key, session)| key.0 == space && session.owner.is_some())
                .map(|(key, _)| key.clone())
                .collect();
            for key in attached {
                // A session whose documents cannot be read is told nothing.
                let sync = self.sync_changed(&key, &dirty).ok().flatten();
                let owner = self.sessions.get(&key).and_then(|session| session.owner);
                if let (Some(sync), Some(owner)) = (sync, owner) {
                    let (space, session_id) = key;
                    let effect = SyncEffect {
                        space,
                        session_id,
                        sync,
                    };
                    outs.push((owner, encode(&ServerMessage::Effect(effect))));
                }
            }
        }
        outs.sort_by_key(|(owner, _)| *owner);
        outs
    }

    fn sync_changed(&mut self, key: &SessionKey, dirty: &Dirty) -> Result<Option<Sync>, Failure> {
        let Some(session) = self.sessions.get(key) else {
            return Ok(None);
        };
        let to_seq = self.store.view().seq(&key.0)?;
        let touched: Vec<(Key, bool)> = dirty
            .keys()
            .filter_map(|at| Some((at.clone(), session.tracked.get(at)?.deep)))
            .collect();
        let mut came = Graph::default();
        let follow = Follow {
            view: self.store.view(),
            space: &key.0,
            asker: &session.asker,
        };
        for (at, deep) in &touched {
            follow.visit(&mut came, at.clone(), *deep, false)?;
        }
        let Some(session) = self.sessions.get_mut(key) else {
            return Ok(None);
        };
        let id = session.asker.session.clone();
        let current: BTreeMap<Key, u64> = came
            .tracked
            .iter()
            .map(|(at, now)| (at.clone(), now.seq))
            .collect();
        let held = |at: &Key| {
            let origin = dirty.get(at).and_then(Option::as_ref);
            origin.is_some_and(|origin| {
                origin.session == id && Some(&origin.seq) == current.get(at) && !origin.patch
            })
        };
        let mut sync = merge(session, &mut came, to_seq, held);
        if touched.is_empty() {
            sync.from_seq = session.synced_seq;
            return Ok(catch_up(session, sync));
        }
        session.synced_seq = session.synced_seq.max(to_seq);
        Ok(catch_up(session, sync))
    }

    /// What a session that comes back has missed.
    pub(super) fn sync_whole(&mut self, key: &SessionKey) -> Result<Option<Sync>, Failure> {
        let Some(session) = self.sessions.get(key) else {
            return Ok(None);
        };
        let to_seq = self.store.view().seq(&key.0)?;
        let follow = Follow {
            view: self.store.view(),
            space: &key.0,
            asker: &session.asker,
        };
        let mut next = follow.roots(session.watches.iter().flat_map(|w| &w.query.roots))?;
        let Some(session) = self.sessions.get_mut(key) else {
            return Ok(None);
        };
        let from_seq = session.synced_seq;
        let told: Vec<Key> = next
            .tracked
            .iter()
            .filter(|(at, now)| now.told() && !known_so(&session.tracked, at, now))
            .map(|(at, _)| at.clone())
            .collect();
        let sync = Sync {
            from_seq,
            to_seq,
            caught_up_local_seq: None,
            removes: removed(&session.tracked, &next.tracked),
            upserts: upserts(told, &next.tracked, &mut next.documents),
        };
        if !session.watches.is_empty() {
            session.tracked = next.tracked;
            session.synced_seq = to_seq;
        }
        Ok(catch_up(session, sync))
    }
}

/// The sync with the marker that is due; nothing when there is neither.
fn catch_up(session: &mut Session, mut sync: Sync) -> Option<Sync> {
    if session.owed() {
        session.caught_up = session.pending;
        session.pending = 0;
        sync.caught_up_local_seq = Some(session.caught_up);
        session.synced_seq = session.synced_seq.max(sync.to_seq);
        return Some(sync);
    }
    (!sync.upserts.is_empty() || !sync.removes.is_empty()).then_some(sync)
}
