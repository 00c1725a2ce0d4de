//! What goes wrong on purpose, and when.
//!
//! A [`Rule`] picks requests and says what happens to them. Nothing here sleeps:
//! what is held waits until it is let go. Owns the rules, never a connection.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use charmkeeper_space::messages::{Command, Commit, Operation, WireError, error_name};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    tag = "action",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Action {
    /// The connection ends, and the request was never taken.
    DropBefore,
    /// The request is carried out, and the connection ends without an answer.
    DropAfter,
    /// The request waits for [`release`](crate::SpaceServer::release).
    HoldBefore,
    /// It is carried out, and the answer waits for
    /// [`release`](crate::SpaceServer::release).
    HoldAfter,
    /// It is refused in these words.
    Refuse {
        /// The name of the error, such as `TransactionError`.
        name: String,
        /// Its text.
        message: String,
    },
    /// It is answered with a conflict, and nothing has changed.
    Conflict,
    /// Somebody else writes this first: a real conflict, for who read it.
    WriteFirst {
        /// Operations in the form of the wire.
        operations: Vec<Value>,
    },
}

/// Which requests, and what happens to them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
    /// The type of the requests, such as `graph.query` or `session.open`.
    #[serde(default = "transact")]
    pub on: String,
    /// Only those of this space.
    #[serde(default)]
    pub space: Option<String>,
    /// Only commits that change this document.
    #[serde(default)]
    pub id: Option<String>,
    /// So many of them pass first.
    #[serde(default)]
    pub skip: u32,
    /// Then so many are met.
    #[serde(default = "once")]
    pub times: u32,
}

fn transact() -> String {
    "transact".to_owned()
}

fn once() -> u32 {
    1
}

impl Rule {
    /// The next commit.
    #[must_use]
    pub fn next(action: Action) -> Self {
        Self {
            action,
            on: transact(),
            space: None,
            id: None,
            skip: 0,
            times: 1,
        }
    }

    /// The commit after `skip` others.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// So many in a row.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Requests of another type than `transact`.
    #[must_use]
    pub fn on(self, kind: &str) -> Self {
        Self {
            on: kind.to_owned(),
            ..self
        }
    }

    /// Only in this space.
    #[must_use]
    pub fn space(self, space: &str) -> Self {
        Self {
            space: Some(space.to_owned()),
            ..self
        }
    }

    /// Only commits that change this document.
    #[must_use]
    pub fn document(self, id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..self
        }
    }

    fn picks(&self, request: &Picked<'_>) -> bool {
        let changes = |id: &str| {
            request
                .commit
                .is_some_and(|commit| commit.operations.iter().any(|op| op.id() == id))
        };
        self.on == request.kind
            && self
                .space
                .as_deref()
                .is_none_or(|space| space == request.space)
            && self.id.as_deref().is_none_or(changes)
    }
}

/// A request, as rules see it.
pub(crate) struct Picked<'r> {
    pub(crate) kind: &'r str,
    pub(crate) space: &'r str,
    pub(crate) commit: Option<&'r Commit>,
}

impl<'r> Picked<'r> {
    pub(crate) fn of(space: &'r str, command: &'r Command) -> Self {
        let commit = match command {
            Command::Transact(commit) => Some(commit),
            _ => None,
        };
        Self {
            kind: command.name(),
            space,
            commit,
        }
    }
}

/// The rules of a server, and what waits.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Mutex<VecDeque<Rule>>,
    /// Counts the times that everything was let go.
    released: watch::Sender<u64>,
    /// How many wait now.
    held: watch::Sender<usize>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            rules: Mutex::default(),
            released: watch::Sender::new(0),
            held: watch::Sender::new(0),
        }
    }
}

impl Faults {
    pub(crate) fn add(&self, rule: Rule) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(rule);
    }

    pub(crate) fn clear(&self) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(crate) fn any(&self) -> bool {
        !self
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// What happens to this request. The first rule that picks it counts it.
    pub(crate) fn take(&self, request: &Picked<'_>) -> Option<Action> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let at = rules.iter().position(|rule| rule.picks(request))?;
        let rule = rules.get_mut(at)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        let action = rule.action.clone();
        rule.times = rule.times.saturating_sub(1);
        if rule.times == 0 {
            rules.remove(at);
        }
        Some(action)
    }

    /// A place in the queue of what waits; taken before anything can be let go.
    pub(crate) fn hold(&self) -> Hold<'_> {
        let mut released = self.released.subscribe();
        released.mark_unchanged();
        self.held.send_modify(|held| *held += 1);
        Hold {
            faults: self,
            released,
        }
    }

    /// Lets everything go that waits.
    pub(crate) fn release(&self) {
        self.released.send_modify(|times| *times += 1);
    }

    /// Ends when at least `count` requests wait.
    pub(crate) async fn held(&self, count: usize) {
        let mut held = self.held.subscribe();
        // The sender is in `self`, so it lives as long as this does.
        let _ = held.wait_for(|held| *held >= count).await;
    }
}

/// A request that waits.
pub(crate) struct Hold<'f> {
    faults: &'f Faults,
    released: watch::Receiver<u64>,
}

impl Hold<'_> {
    pub(crate) async fn wait(mut self) {
        let _ = self.released.changed().await;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.faults
            .held
            .send_modify(|held| *held = held.saturating_sub(1));
    }
}

/// A conflict in the real server's words, at the space's number `seq`.
pub(crate) fn conflict(commit: Option<&Commit>, seq: u64) -> WireError {
    let read = commit.and_then(|commit| commit.confirmed.first());
    let named = commit
        .and_then(|commit| commit.operations.first())
        .map(Operation::id);
    let (id, at) = match read {
        Some(read) => (read.id.as_str(), read.seq),
        None => (named.unwrap_or("of:nothing"), 0),
    };
    let words = format!("stale confirmed read: {id} at seq {at} conflicted with seq {seq}");
    WireError {
        retry_after_seq: Some(seq),
        ..WireError::new(error_name::CONFLICT, words)
    }
}

/// Operations from the form of the wire; `None` when one is malformed.
pub(crate) fn operations(wire: &[Value]) -> Option<Vec<Operation>> {
    let commit = json!({
        "localSeq": 1, "reads": { "confirmed": [], "pending": [] }, "operations": wire,
    });
    Commit::from_value(commit)
        .ok()
        .map(|commit| commit.operations)
}
