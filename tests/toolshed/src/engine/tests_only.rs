//! What no client can do: writing as somebody else, ending sessions, looking in.

use charmkeeper_space::messages::{Commit, CommitOk, Operation, RevokedReason};

use super::{Engine, Out};
use crate::commit::{self, Failure};
use crate::error::ServerError;
use crate::scope::Asker;
use crate::store::{Accepted, Head, SPACE};

impl Engine {
    /// A commit by `writer`, whom no access list stops. Watchers are told with the
    /// next [`flush`](Self::flush).
    ///
    /// # Errors
    /// When the operations cannot be carried out.
    pub fn write(
        &mut self,
        space: &str,
        writer: &str,
        operations: Vec<Operation>,
    ) -> Result<CommitOk, ServerError> {
        let asker = Asker {
            principal: space.to_owned(),
            session: writer.to_owned(),
        };
        let local_seq = self.store.view().seq(space)? + 1;
        let commit = Commit {
            local_seq,
            operations,
            ..Commit::default()
        };
        match commit::transact(&mut self.store, space, &asker, &commit) {
            Ok(ok) => {
                self.mark(space, &asker, &commit, Some(ok.seq));
                Ok(ok)
            }
            Err(Failure::Server(error)) => Err(error),
            Err(Failure::Wire(error)) => Err(ServerError::Refused {
                name: error.name,
                message: error.message,
            }),
        }
    }

    /// A document of the shared scope.
    ///
    /// # Errors
    /// When the database fails.
    pub fn document(&self, space: &str, id: &str) -> Result<Head, ServerError> {
        self.store.view().head(space, SPACE, id)
    }

    /// Every commit of a space, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn commits(&self, space: &str) -> Result<Vec<Accepted>, ServerError> {
        self.store.view().commits(space)
    }

    /// How many commits changed a document.
    ///
    /// # Errors
    /// When the database fails.
    pub fn commits_of(&self, space: &str, id: &str) -> Result<u64, ServerError> {
        self.store.view().count(space, id)
    }

    /// The last number of a space.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seq(&self, space: &str) -> Result<u64, ServerError> {
        self.store.view().seq(space)
    }

    /// Ids of the sessions of a space that live, with or without a connection.
    #[must_use]
    pub fn sessions(&self, space: &str) -> Vec<String> {
        let keys = self.sessions.keys().filter(|key| key.0 == space);
        keys.map(|key| key.1.clone()).collect()
    }

    /// Ends every session of a space, or the one called `session`, as when the
    /// right to read is taken away.
    pub fn revoke(&mut self, space: &str, session: Option<&str>) -> Vec<Out> {
        let keys = self.keys(space, session);
        keys.iter()
            .filter_map(|key| self.end_session(key, RevokedReason::Unauthorized))
            .collect()
    }

    /// Takes sessions over, as another connection that resumes them does. They
    /// live on with another token.
    pub fn take_over(&mut self, space: &str, session: Option<&str>) -> Vec<Out> {
        let mut outs = Vec::new();
        for key in self.keys(space, session) {
            let token = self.uuid();
            let Some(session) = self.sessions.get_mut(&key) else {
                continue;
            };
            session.token = token;
            if let Some(owner) = session.owner.take() {
                outs.extend(self.lost(owner, &key, RevokedReason::TakenOver));
            }
        }
        outs
    }

    /// Forgets the sessions that have no connection, as after 30 s.
    pub fn expire(&mut self) {
        self.sessions.retain(|_, session| session.owner.is_some());
    }

    fn keys(&self, space: &str, session: Option<&str>) -> Vec<(String, String)> {
        let fits = |key: &&(String, String)| {
            key.0 == space && session.is_none_or(|session| session == key.1)
        };
        self.sessions.keys().filter(fits).cloned().collect()
    }
}

impl Engine {
    /// Goes on as `fresh`. Connections keep their names apart from earlier ones.
    pub(crate) fn replace_by(&mut self, fresh: Self) {
        let last = self.last_connection;
        *self = fresh;
        self.last_connection = last;
    }
}
