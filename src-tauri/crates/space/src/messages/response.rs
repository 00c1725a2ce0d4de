//! Answers to requests.
//!
//! Owns the forms of answers and of errors. What an error means for us is the
//! client's to say.

use serde_json::Value;

use super::ShapeError;
use super::fields::{Fields, Object};
use super::sync::Sync;

/// The names of errors that change what a client does.
pub mod error_name {
    /// Not allowed; see `retriable`.
    pub const AUTHORIZATION: &str = "AuthorizationError";
    /// The commit rests on something that has changed.
    pub const CONFLICT: &str = "ConflictError";
    /// A precondition does not hold.
    pub const PRECONDITION: &str = "PreconditionFailedError";
    /// The commit cannot be applied.
    pub const TRANSACTION: &str = "TransactionError";
    /// Against the protocol.
    pub const PROTOCOL: &str = "ProtocolError";
    /// The token of a resume is stale.
    pub const REVOKED: &str = "SessionRevokedError";
    /// No such session on this connection.
    pub const SESSION: &str = "SessionError";
    /// A query that cannot be answered.
    pub const QUERY: &str = "QueryError";
    /// Another protocol than ours.
    pub const UNSUPPORTED: &str = "UnsupportedProtocol";
    /// The message could not be read.
    pub const INVALID: &str = "InvalidMessageError";
}

/// An error as the server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireError {
    /// One of [`error_name`], or new.
    pub name: String,
    /// Free text in English.
    pub message: String,
    /// After a conflict: the space's sequence number to catch up to.
    pub retry_after_seq: Option<u64>,
    /// Which precondition failed.
    pub precondition: Option<String>,
    /// True when the same may succeed on a new connection.
    pub retriable: bool,
}

impl WireError {
    /// An error with a name and a text.
    #[must_use]
    pub fn new(name: &str, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "error")?;
        Ok(Self {
            name: fields.text("name")?,
            message: fields.maybe_text("message")?.unwrap_or_default(),
            retry_after_seq: fields.maybe_seq("retryAfterSeq")?,
            precondition: fields.maybe_text("precondition")?,
            retriable: fields.flag("retriable"),
        })
    }

    fn to_value(&self) -> Value {
        Object::default()
            .with("name", self.name.as_str())
            .with("message", self.message.as_str())
            .maybe("retryAfterSeq", self.retry_after_seq)
            .maybe("precondition", self.precondition.as_deref())
            .flag("retriable", self.retriable)
            .done()
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Of the request; `handshake` or `invalid` where there was none.
    pub request_id: String,
    /// What was asked for, or why not.
    pub result: Result<Value, WireError>,
}

impl Response {
    /// The request id of an answer to `hello`.
    pub const HANDSHAKE: &'static str = "handshake";
    /// The request id of an answer to something that could not be read.
    pub const INVALID: &'static str = "invalid";

    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        let request_id = fields.text("requestId")?;
        let result = match fields.take("error") {
            Some(error) => Err(WireError::from_value(error)?),
            None => Ok(fields.value("ok")?),
        };
        Ok(Self { request_id, result })
    }

    pub(super) fn to_value(&self) -> Value {
        let head = Object::default()
            .with("type", "response")
            .with("requestId", self.request_id.as_str());
        match &self.result {
            Ok(ok) => head.with("ok", ok.clone()),
            Err(error) => head.with("error", error.to_value()),
        }
        .done()
    }
}

/// A document as a query found it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// The document.
    pub id: String,
    /// `None` is the space's.
    pub scope: Option<String>,
    /// Of its last change; 0 when it was never written.
    pub seq: u64,
    /// `None` when it was never written (seq 0) or deleted.
    pub document: Option<Value>,
}

/// The answer to a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryOk {
    /// The documents asked for, and those that came with them.
    pub entities: Vec<Entity>,
    /// The space's last sequence number.
    pub server_seq: u64,
}

impl QueryOk {
    /// Reads the `ok` of the answer.
    ///
    /// # Errors
    /// When a member is missing.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "ok")?;
        Ok(Self {
            server_seq: fields.seq("serverSeq")?,
            entities: fields.list("entities", |entity| {
                let mut fields = Fields::of(entity, "entities")?;
                Ok(Entity {
                    id: fields.text("id")?,
                    scope: fields.maybe_text("scope")?,
                    seq: fields.seq("seq")?,
                    document: fields.take("document").filter(|doc| !doc.is_null()),
                })
            })?,
        })
    }

    /// The `ok` of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Object::default()
            .with("serverSeq", self.server_seq)
            .list("entities", &self.entities, |entity| {
                Object::default()
                    .with("branch", "")
                    .with("id", entity.id.as_str())
                    .maybe("scope", entity.scope.as_deref())
                    .with("seq", entity.seq)
                    .with("document", entity.document.clone())
                    .done()
            })
            .done()
    }
}

/// The answer to `session.watch.set` and `session.watch.add`.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchOk {
    /// The space's last sequence number.
    pub server_seq: u64,
    /// The watched documents that the session did not have yet.
    pub sync: Sync,
}

impl WatchOk {
    /// Reads the `ok` of the answer.
    ///
    /// # Errors
    /// When a member is missing.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "ok")?;
        Ok(Self {
            server_seq: fields.seq("serverSeq")?,
            sync: Sync::from_value(fields.value("sync")?)?,
        })
    }

    /// The `ok` of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Object::default()
            .with("serverSeq", self.server_seq)
            .with("sync", self.sync.to_value())
            .done()
    }
}
