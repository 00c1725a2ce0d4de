//! The handshake: `hello` and `hello.ok`.
//!
//! Owns the flags and what they mean for us. Never sends.

use serde_json::{Map, Value};

use super::fields::{Fields, Object};
use super::{PROTOCOL, ShapeError};

/// The flags of one side. An absent flag is off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags(Map<String, Value>);

impl Flags {
    /// Links as values of their own; the only flag in which both sides must agree.
    pub const MODERN_CELL_REP: &'static str = "modernCellRep";
    /// Handlers run on the server, which no client of ours takes part in.
    pub const SERVER_EXECUTION: &'static str = "serverExecution";

    /// What this client sends: the classic links, and no capability beyond the
    /// plain protocol.
    #[must_use]
    pub fn ours() -> Self {
        Self::default().with(Self::MODERN_CELL_REP, false)
    }

    /// The same flags with one more.
    #[must_use]
    pub fn with(mut self, name: &str, on: bool) -> Self {
        self.0.insert(name.to_owned(), on.into());
        self
    }

    /// True when the flag is there and on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// The flag that makes it impossible to work with a server that sent these.
    #[must_use]
    pub fn obstacle(&self) -> Option<&'static str> {
        [Self::MODERN_CELL_REP, Self::SERVER_EXECUTION]
            .into_iter()
            .find(|name| self.is_on(name))
    }
}

/// The first frame of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: String,
    /// What the client can do.
    pub flags: Flags,
}

impl Hello {
    /// The hello of this client.
    #[must_use]
    pub fn ours() -> Self {
        Self {
            protocol: PROTOCOL.to_owned(),
            flags: Flags::ours(),
        }
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        Ok(Self {
            protocol: fields.text("protocol")?,
            flags: read_flags(fields)?,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        Object::default()
            .with("type", "hello")
            .with("protocol", self.protocol.as_str())
            .with("flags", self.flags.0.clone())
            .done()
    }
}

fn read_flags(fields: &mut Fields) -> Result<Flags, ShapeError> {
    match fields.take("flags") {
        None => Ok(Flags::default()),
        Some(Value::Object(flags)) => Ok(Flags(flags)),
        Some(_) => Err(ShapeError { field: "flags" }),
    }
}

/// A number to be signed, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// 64 hexadecimal digits.
    pub value: String,
    /// Unix seconds by the server's clock; 300 s after it was made.
    pub expires_at: i64,
}

/// What the next `session.open` on the connection must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOpenAuth {
    /// The server's own `did:key`.
    pub audience: String,
    /// Good for one attempt.
    pub challenge: Challenge,
}

impl SessionOpenAuth {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        let mut challenge = fields.object("challenge")?;
        Ok(Self {
            audience: fields.text("audience")?,
            challenge: Challenge {
                value: challenge.text("value")?,
                expires_at: challenge.seconds("expiresAt")?,
            },
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let challenge = Object::default()
            .with("value", self.challenge.value.as_str())
            .with("expiresAt", self.challenge.expires_at);
        Object::default()
            .with("audience", self.audience.as_str())
            .with("challenge", challenge.done())
            .done()
    }
}

/// The server's answer to `hello`.
#[derive(Clone, Debug, PartialEq)]
pub struct HelloOk {
    /// [`PROTOCOL`].
    pub protocol: String,
    /// What the server can do.
    pub flags: Flags,
    /// For the first `session.open`.
    pub session_open: SessionOpenAuth,
}

impl HelloOk {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        Ok(Self {
            protocol: fields.text("protocol")?,
            flags: read_flags(fields)?,
            session_open: SessionOpenAuth::read(&mut fields.object("sessionOpen")?)?,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        Object::default()
            .with("type", "hello.ok")
            .with("protocol", self.protocol.as_str())
            .with("flags", self.flags.0.clone())
            .with("sessionOpen", self.session_open.to_value())
            .done()
    }
}
