//! What a run may ask the keeper for.

use async_trait::async_trait;
use charmkeeper_base::{
    ErrorKind, Explain,
    cell::{DocRef, DocSnapshot},
    http::{CallError, HttpRequest, HttpResponse},
};
use serde::{Deserialize, Serialize};

use crate::frames::LogLine;

/// Answers the calls of one run. Its futures are dropped when the run ends.
#[async_trait]
pub trait Host: Send + Sync {
    /// Reads documents. The answer may hold others as well, and holds every
    /// document that was asked for, with version 0 when there is none.
    ///
    /// # Errors
    /// [`HostError`]; the charm sees its text as an exception.
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError>;

    /// Resolves a wish for a tag.
    ///
    /// # Errors
    /// [`HostError`]; that nothing was found is an answer, not an error.
    async fn wish(&self, query: WishQuery) -> Result<WishAnswer, HostError>;

    /// Makes an HTTP request for the charm.
    ///
    /// # Errors
    /// [`CallError`] when no response came; a status of 400 and more is one.
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, CallError>;

    /// Brings an event to another charm's stream: that charm's own code runs, in
    /// a run of its own, before the answer comes. That its handler failed is an
    /// answer, not an error.
    ///
    /// # Errors
    /// [`HostError`] when there is no such stream, or it may not be sent to.
    async fn send(&self, request: SendRequest) -> Result<SendAnswer, HostError> {
        let _unknown = request;
        Err(HostError {
            kind: ErrorKind::Charm,
            message: "Events cannot be sent to other charms here.".to_owned(),
        })
    }

    /// Takes a line of console output. Must not block.
    fn log(&self, line: LogLine);
}

/// Why the host has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    /// The kind that decides what happens next.
    pub kind: ErrorKind,
    /// One sentence.
    pub message: String,
}

impl Explain for HostError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// An event for another charm's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRequest {
    /// `did:key` of the space.
    pub space: String,
    /// Id of the document that stands for the stream.
    pub id: String,
    /// The event.
    pub event: serde_json::Value,
}

/// How an event was handled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendAnswer {
    /// Why it was not, in one sentence; `None` when all went well.
    pub error: Option<String>,
    /// The documents that were changed, and may be known to the sender.
    pub changed: Vec<DocRef>,
}

/// What a charm wishes for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WishQuery {
    /// As in `#googleAuth`.
    pub query: String,
    /// Where to look, in the charm's words.
    #[serde(default)]
    pub scope: Option<Vec<String>>,
    /// Path below what is found.
    #[serde(default)]
    pub path: Option<Vec<String>>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WishAnswer {
    /// The chosen one first.
    pub candidates: Vec<Candidate>,
    /// Why there is none.
    pub error: Option<String>,
}

/// A cell that a wish may mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// `did:key` of the space.
    pub space: String,
    /// Id of the document.
    pub id: String,
    /// Path in the document's value.
    pub path: Vec<String>,
    /// Name of the charm.
    pub name: Option<String>,
    /// Tags of the charm, without `#`.
    pub tags: Vec<String>,
}
