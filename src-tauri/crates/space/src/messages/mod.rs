//! The messages of the memory protocol, both directions, typed.
//!
//! Each type reads from and writes to a value in document form (see
//! [`codec`](crate::codec)); a frame is that value's encoding. Reading takes
//! documents out of the value instead of copying them, and ignores members it
//! does not know: servers add some every month.
//!
//! Owns the shapes. Never opens a connection and never decides what to send.
//! Shapes and error texts as seen on the reference server (commit 0c0261df3a).

mod commit;
mod fields;
mod hello;
mod open;
mod request;
mod response;
mod sync;

pub use commit::{Commit, CommitOk, ConfirmedRead, Operation, PendingRead, Precondition, Revision};
pub use hello::{Challenge, Flags, Hello, HelloOk, SessionOpenAuth};
pub use open::{Descriptor, Invocation, OpenOk, SessionOpen};
pub use request::{Command, Query, QueryRoot, Request, Watch};
pub use response::{Entity, QueryOk, Response, WatchOk, WireError, error_name};
pub use sync::{Remove, Revoked, RevokedReason, Sync, SyncEffect, Upsert};

use serde_json::Value;

use crate::codec::{self, CodecError};
use fields::Fields;

/// The name of the protocol in `hello`.
pub const PROTOCOL: &str = "memory";

/// The scope that an absent `scope` means.
pub const SPACE_SCOPE: &str = "space";

/// Why a value is not the message that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the space server's message has no usable {field:?}")]
pub struct ShapeError {
    /// The member that is missing or of another type.
    pub field: &'static str,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// The first frame.
    Hello(Hello),
    /// Opens or resumes a session.
    Open(SessionOpen),
    /// Anything inside a session.
    Request(Request),
}

impl ClientMessage {
    /// The message as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Hello(hello) => hello.to_value(),
            Self::Open(open) => open.to_value(),
            Self::Request(request) => request.to_value(),
        }
    }

    /// The message as a frame.
    ///
    /// # Errors
    /// When it is too long or too deep.
    pub fn encode(&self) -> Result<String, CodecError> {
        codec::encode(&self.to_value())
    }

    /// Reads a client's message.
    ///
    /// # Errors
    /// When a member is missing, or the type is unknown (field `type`).
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "message")?;
        match fields.peek_text("type")? {
            "hello" => Hello::read(&mut fields).map(Self::Hello),
            "session.open" => SessionOpen::read(&mut fields).map(Self::Open),
            _ => Request::read(&mut fields).map(Self::Request),
        }
    }
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// The answer to `hello`.
    HelloOk(HelloOk),
    /// The answer to a request, or to a `hello` that is refused.
    Response(Response),
    /// Changes of watched documents, and how far own commits are confirmed.
    Effect(SyncEffect),
    /// The session is over.
    Revoked(Revoked),
    /// Of a type that is not known here; to be ignored.
    Other(Value),
}

impl ServerMessage {
    /// The message as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::HelloOk(hello) => hello.to_value(),
            Self::Response(response) => response.to_value(),
            Self::Effect(effect) => effect.to_value(),
            Self::Revoked(revoked) => revoked.to_value(),
            Self::Other(value) => value.clone(),
        }
    }

    /// The message as a frame.
    ///
    /// # Errors
    /// When it is too long or too deep.
    pub fn encode(&self) -> Result<String, CodecError> {
        codec::encode(&self.to_value())
    }

    /// Reads a server's message.
    ///
    /// # Errors
    /// When a message of a known type lacks a member.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "message")?;
        match fields.peek_text("type")? {
            "hello.ok" => HelloOk::read(&mut fields).map(Self::HelloOk),
            "response" => Response::read(&mut fields).map(Self::Response),
            "session/effect" => SyncEffect::read(&mut fields).map(Self::Effect),
            "session/revoked" => Revoked::read(&mut fields).map(Self::Revoked),
            _ => Ok(Self::Other(fields.into_value())),
        }
    }
}

#[cfg(test)]
mod tests;
