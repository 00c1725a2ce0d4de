//! What is asked inside a session.

use charmkeeper_space::messages::{
    Command, Commit, Entity, Query, QueryOk, Request, RevokedReason, Watch, WatchOk, WireError,
    error_name,
};
use serde_json::json;

use super::{Answer, ConnectionId, Engine, Origin, Out, Session, SessionKey, respond, wire};
use crate::acl::{Right, list_id};
use crate::commit::{self, Failure};
use crate::graph::{Follow, Key, order};
use crate::scope::{self, Asker};
use crate::store::SPACE;

/// Ids in one answer.
const MAX_IDS: u64 = 1000;

impl Engine {
    pub(super) fn request(&mut self, connection: ConnectionId, request: Request) -> Vec<Out> {
        let key = (request.space, request.session_id);
        let open = self
            .peers
            .get(&connection)
            .is_some_and(|peer| peer.sessions.contains(&key));
        let session = self.sessions.get(&key).filter(|_| open);
        let Some(session) = session else {
            let words = "Session is not open on this connection";
            let error = WireError::new(error_name::SESSION, words);
            return vec![respond(connection, &request.request_id, Err(error))];
        };
        let asker = session.asker.clone();
        let id = request.request_id;
        if let Command::Transact(commit) = request.command {
            return self.transact(connection, &key, &asker, &id, &commit);
        }
        let result = self.read(&key, &asker, request.command);
        let result = result.map_err(|failure| wire(failure, error_name::QUERY));
        vec![respond(connection, &id, result)]
    }

    fn read(&mut self, key: &SessionKey, asker: &Asker, command: Command) -> Answer {
        let space = key.0.as_str();
        self.access(space)?.require(&asker.principal, Right::Read)?;
        let view = self.store.view();
        let server_seq = view.seq(space)?;
        match command {
            Command::Query(query) => Ok(self.query(space, asker, &query)?.to_value()),
            Command::WatchSet(watches) => self.watch_set(key, asker, watches),
            Command::WatchAdd(watches) => self.watch_add(key, asker, watches),
            Command::Ack { seen_seq } => {
                if let Some(session) = self.sessions.get_mut(key) {
                    session.seen_seq = session.seen_seq.max(seen_seq);
                }
                Ok(json!({ "serverSeq": server_seq }))
            }
            Command::Exists { id } => {
                let exists = view.head(space, SPACE, &id)?.document.is_some();
                Ok(json!({ "exists": exists, "serverSeq": server_seq }))
            }
            Command::List { after, limit } => {
                let limit = limit.unwrap_or(MAX_IDS).clamp(1, MAX_IDS);
                let mut ids = view.ids(space, after.as_deref().unwrap_or(""), limit + 1)?;
                let more = ids.len() as u64 > limit;
                ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                let mut ok = json!({ "ids": ids, "serverSeq": server_seq });
                if let (true, Some(last)) = (more, ids.last()) {
                    ok["nextAfter"] = json!(last);
                }
                Ok(ok)
            }
            Command::Transact(_) | Command::Other { .. } => {
                let words = "Unable to parse memory message";
                Err(WireError::new(error_name::INVALID, words).into())
            }
        }
    }

    fn follow<'s>(&'s self, space: &'s str, asker: &'s Asker) -> Follow<'s> {
        Follow {
            view: self.store.view(),
            space,
            asker,
        }
    }

    fn query(&self, space: &str, asker: &Asker, query: &Query) -> Result<QueryOk, Failure> {
        let mut graph = self.follow(space, asker).roots(&query.roots)?;
        let mut keys: Vec<Key> = graph
            .tracked
            .iter()
            .filter(|(_, tracked)| tracked.told())
            .map(|(key, _)| key.clone())
            .collect();
        keys.sort_by(order);
        let entities = keys.into_iter().map(|key| {
            let name = scope::name(&key.scope);
            Entity {
                scope: (name != SPACE).then(|| name.to_owned()),
                seq: graph.tracked.get(&key).map_or(0, |tracked| tracked.seq),
                document: graph.documents.remove(&key),
                id: key.id,
            }
        });
        let entities = entities.collect();
        Ok(QueryOk {
            entities,
            server_seq: self.store.view().seq(space)?,
        })
    }

    fn watch_set(&mut self, key: &SessionKey, asker: &Asker, watches: Vec<Watch>) -> Answer {
        let roots = watches.iter().flat_map(|watch| &watch.query.roots);
        let mut next = self.follow(&key.0, asker).roots(roots)?;
        let server_seq = self.store.view().seq(&key.0)?;
        let Some(session) = self.sessions.get_mut(key) else {
            return Err(unknown_session());
        };
        let removes = super::fanout::removed(&session.tracked, &next.tracked);
        let all: Vec<Key> = next
            .tracked
            .iter()
            .filter(|(_, tracked)| tracked.told())
            .map(|(key, _)| key.clone())
            .collect();
        let upserts = super::fanout::upserts(all, &next.tracked, &mut next.documents);
        let sync = charmkeeper_space::messages::Sync {
            from_seq: session.seen_seq,
            to_seq: server_seq,
            caught_up_local_seq: None,
            upserts,
            removes,
        };
        session.watches = watches;
        session.tracked = next.tracked;
        session.synced_seq = server_seq;
        Ok(WatchOk { server_seq, sync }.to_value())
    }

    fn watch_add(&mut self, key: &SessionKey, asker: &Asker, watches: Vec<Watch>) -> Answer {
        let Some(session) = self.sessions.get(key) else {
            return Err(unknown_session());
        };
        let mut new = Vec::new();
        for watch in watches {
            match session.watches.iter().find(|known| known.id == watch.id) {
                Some(known) if *known != watch => {
                    let words = "session.watch.add may not replace an existing watch id; \
                                 use session.watch.set";
                    return Err(WireError::new(error_name::PROTOCOL, words).into());
                }
                Some(_) => {}
                None => new.push(watch),
            }
        }
        let roots = new.iter().flat_map(|watch| &watch.query.roots);
        let mut came = self.follow(&key.0, asker).roots(roots)?;
        let server_seq = self.store.view().seq(&key.0)?;
        let Some(session) = self.sessions.get_mut(key) else {
            return Err(unknown_session());
        };
        let sync = super::fanout::merge(session, &mut came, server_seq, |_| false);
        session.watches.extend(new);
        session.synced_seq = server_seq;
        Ok(WatchOk { server_seq, sync }.to_value())
    }

    fn transact(
        &mut self,
        connection: ConnectionId,
        key: &SessionKey,
        asker: &Asker,
        id: &str,
        commit: &Commit,
    ) -> Vec<Out> {
        let space = key.0.as_str();
        let result = self
            .access(space)
            .map_err(Failure::from)
            .and_then(|access| Ok(access.check(&asker.principal, commit)?))
            .and_then(|()| commit::transact(&mut self.store, space, asker, commit));
        let mut outs = Vec::new();
        let mut own = None;
        let result = match result {
            Ok(ok) => {
                self.mark(space, asker, commit, Some(ok.seq));
                self.owe(key, commit.local_seq);
                let list = list_id(space);
                if commit
                    .operations
                    .iter()
                    .any(|operation| operation.id() == list)
                {
                    own = self.revoke_unauthorized(key, &mut outs);
                }
                Ok(ok.to_value())
            }
            Err(failure) => {
                let error = wire(failure, error_name::TRANSACTION);
                if error.name == error_name::CONFLICT {
                    self.mark(space, asker, commit, None);
                    self.owe(key, commit.local_seq);
                }
                Err(error)
            }
        };
        outs.push(respond(connection, id, result));
        outs.extend(own);
        outs
    }

    /// Notes what a commit changed, or, when it was refused, what it rested on.
    pub(super) fn mark(&mut self, space: &str, asker: &Asker, commit: &Commit, seq: Option<u64>) {
        let dirty = self.dirty.entry(space.to_owned()).or_default();
        for operation in &commit.operations {
            if let Ok(scope) = asker.key(operation.scope()) {
                let origin = seq.map(|seq| Origin {
                    session: asker.session.clone(),
                    seq,
                    patch: operation.name() == "patch",
                });
                dirty.insert(
                    Key {
                        scope,
                        id: operation.id().to_owned(),
                    },
                    origin,
                );
            }
        }
        if seq.is_none() {
            for read in &commit.confirmed {
                if let Ok(scope) = asker.key(read.scope.as_deref()) {
                    dirty
                        .entry(Key {
                            scope,
                            id: read.id.clone(),
                        })
                        .or_insert(None);
                }
            }
        }
    }

    /// The session is owed word that its commits up to `local_seq` are decided.
    fn owe(&mut self, key: &SessionKey, local_seq: u64) {
        if let Some(session) = self.sessions.get_mut(key) {
            session.pending = session.pending.max(local_seq);
        }
    }

    /// Ends the sessions that may no longer read. The writer's own is told last.
    fn revoke_unauthorized(&mut self, writer: &SessionKey, outs: &mut Vec<Out>) -> Option<Out> {
        let space = writer.0.as_str();
        let access = self.access(space).ok()?;
        let out: Vec<SessionKey> = self
            .sessions
            .iter()
            .filter(|(key, _)| key.0 == space)
            .filter(|(_, session)| {
                access
                    .require(&session.asker.principal, Right::Read)
                    .is_err()
            })
            .map(|(key, _)| key.clone())
            .collect();
        let mut own = None;
        for key in out {
            let told = self.end_session(&key, RevokedReason::Unauthorized);
            if key == *writer {
                own = told;
            } else {
                outs.extend(told);
            }
        }
        own
    }
}

fn unknown_session() -> Failure {
    WireError::new(error_name::SESSION, "Unknown session for space").into()
}

impl Session {
    /// A marker is due.
    pub(super) fn owed(&self) -> bool {
        self.pending > self.caught_up
    }
}
