//! What a test can do to a running server, and what it can see.

use charmkeeper_space::codec;
use charmkeeper_space::messages::{Commit, Operation};
use serde_json::Value;

use crate::error::ServerError;
use crate::faults::Rule;
use crate::server::SpaceServer;
use crate::store::{Accepted, Head};

impl SpaceServer {
    /// Something goes wrong from now on. Rules are tried in the order in which
    /// they came; the first that picks a request counts it.
    pub fn fault(&self, rule: Rule) {
        self.shared.faults.add(rule);
    }

    /// Nothing goes wrong any more. What is held stays held.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Lets go of everything that is held.
    pub fn release(&self) {
        self.shared.faults.release();
    }

    /// Ends when at least `count` requests are held.
    pub async fn held(&self, count: usize) {
        self.shared.faults.held(count).await;
    }

    /// Ends all connections without a word. Sessions live on for 30 s.
    pub fn drop_connections(&self) {
        self.shared.drop_all();
    }

    /// Turns new connections away, or takes them again. Those that are open end.
    pub fn set_offline(&self, offline: bool) {
        self.shared.set_offline(offline);
    }

    /// Ends all connections and turns the next `times` attempts away.
    pub fn flap(&self, times: u32) {
        self.shared.flap(times);
    }

    /// Starts anew from what is on disk: connections and sessions are gone, the
    /// ports stay.
    ///
    /// # Errors
    /// When the database cannot be opened again.
    pub fn restart(&self) -> Result<(), ServerError> {
        self.shared.restart()
    }

    /// Forgets the sessions without a connection, as after 30 s.
    pub fn expire_sessions(&self) {
        self.shared.engine(|engine| (engine.expire(), Vec::new()));
    }

    /// Ends the sessions of a space (`session/revoked`, `unauthorized`), or the
    /// one of them that is named.
    pub fn revoke(&self, space: &str, session: Option<&str>) {
        self.shared
            .engine(|engine| ((), engine.revoke(space, session)));
    }

    /// Takes the sessions of a space over (`taken-over`), or the one that is
    /// named: their tokens are worth nothing any more.
    pub fn take_over(&self, space: &str, session: Option<&str>) {
        self.shared
            .engine(|engine| ((), engine.take_over(space, session)));
    }

    /// Ids of the sessions of a space that live.
    #[must_use]
    pub fn sessions(&self, space: &str) -> Vec<String> {
        self.shared.hub().engine.sessions(space)
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections()
    }

    /// A commit by another program, such as the browser, whom no access list
    /// stops; its number. Who watches is told.
    ///
    /// # Errors
    /// When the operations cannot be carried out.
    pub fn commit_as(
        &self,
        writer: &str,
        space: &str,
        operations: Vec<Operation>,
    ) -> Result<u64, ServerError> {
        self.shared.write(space, writer, operations)
    }

    /// Replaces a whole document (`{"value": ...}`) as the browser.
    ///
    /// # Errors
    /// When the document is none.
    pub fn write(&self, space: &str, id: &str, document: Value) -> Result<u64, ServerError> {
        let id = id.to_owned();
        self.commit_as(
            "browser",
            space,
            vec![Operation::Set {
                id,
                scope: None,
                document,
            }],
        )
    }

    /// A document with its number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn document(&self, space: &str, id: &str) -> Result<Head, ServerError> {
        self.shared.hub().engine.document(space, id)
    }

    /// The value of a document; `None` when there is none.
    #[must_use]
    pub fn value(&self, space: &str, id: &str) -> Option<Value> {
        self.document(space, id)
            .ok()?
            .document?
            .get("value")
            .cloned()
    }

    /// Every commit of a space that was accepted, in order, each once.
    ///
    /// # Errors
    /// When the database fails.
    pub fn accepted(&self, space: &str) -> Result<Vec<Accepted>, ServerError> {
        self.shared.hub().engine.commits(space)
    }

    /// The commits themselves.
    ///
    /// # Errors
    /// When the database fails.
    pub fn commits(&self, space: &str) -> Result<Vec<Commit>, ServerError> {
        let accepted = self.accepted(space)?;
        accepted.iter().map(Accepted::commit).collect()
    }

    /// How many commits changed a document.
    ///
    /// # Errors
    /// When the database fails.
    pub fn commits_of(&self, space: &str, id: &str) -> Result<u64, ServerError> {
        self.shared.hub().engine.commits_of(space, id)
    }

    /// The last number of a space; 0 when nothing was written.
    #[must_use]
    pub fn seq(&self, space: &str) -> u64 {
        self.shared.seq(space)
    }
}

impl Accepted {
    /// The commit as it was sent.
    ///
    /// # Errors
    /// When the stored row is damaged.
    pub fn commit(&self) -> Result<Commit, ServerError> {
        let value = codec::decode(&self.original).map_err(|_| ServerError::Damaged)?;
        Commit::from_value(value).map_err(|_| ServerError::Damaged)
    }
}
