//! `session.open`: proving who we are to one space.
//!
//! Owns the invocation and the bytes that are signed. Never holds a key longer
//! than a signature takes.

use serde_json::Value;

use super::fields::{Fields, Object};
use super::hello::SessionOpenAuth;
use super::sync::Sync;
use super::{PROTOCOL, ShapeError};
use crate::codec::{self, CodecError};
use crate::identity::Identity;

const COMMAND: &str = "session.open";

/// Which session is to be opened. All absent: a new one, named by the server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Chosen by the client, or by the server before. Commits are counted per
    /// session id, also after the session itself is gone.
    pub session_id: Option<String>,
    /// From the last open. Needed while the server still knows the session.
    pub session_token: Option<String>,
    /// The last sequence number that was taken in.
    pub seen_seq: Option<u64>,
}

/// Shows that there is a token, not which.
fn hidden(token: Option<&String>) -> Option<&'static str> {
    token.map(|_| "<token>")
}

impl std::fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Descriptor")
            .field("session_id", &self.session_id)
            .field("session_token", &hidden(self.session_token.as_ref()))
            .field("seen_seq", &self.seen_seq)
            .finish()
    }
}

impl Descriptor {
    fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        Ok(Self {
            session_id: fields.maybe_text("sessionId")?,
            session_token: fields.maybe_text("sessionToken")?,
            seen_seq: fields.maybe_seq("seenSeq")?,
        })
    }

    fn to_value(&self) -> Value {
        Object::default()
            .maybe("seenSeq", self.seen_seq)
            .maybe("sessionId", self.session_id.as_deref())
            .maybe("sessionToken", self.session_token.as_deref())
            .done()
    }
}

/// What is signed.
#[derive(Clone, PartialEq)]
pub struct Invocation(Value);

impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The session's token is in it.
        f.debug_struct("Invocation")
            .field("iss", &self.text("iss"))
            .field("sub", &self.text("sub"))
            .finish_non_exhaustive()
    }
}

impl Invocation {
    /// The statement "`issuer` opens `space` on the server of `auth`", valid from
    /// `iat` to `exp` (Unix seconds).
    #[must_use]
    pub fn new(
        issuer: &str,
        space: &str,
        auth: &SessionOpenAuth,
        session: &Descriptor,
        iat: i64,
        exp: i64,
    ) -> Self {
        let args = Object::default()
            .with("protocol", PROTOCOL)
            .with("session", session.to_value());
        Self(
            Object::default()
                .with("iss", issuer)
                .with("cmd", COMMAND)
                .with("sub", space)
                .with("aud", auth.audience.as_str())
                .with("args", args.done())
                .with("challenge", auth.challenge.value.as_str())
                .with("iat", iat)
                .with("exp", exp)
                .done(),
        )
    }

    /// An invocation as it was sent; any value, to be checked by a server.
    #[must_use]
    pub fn from_value(value: Value) -> Self {
        Self(value)
    }

    /// The value that is hashed.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// A member that is text, such as `iss` or `challenge`.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member)?.as_str()
    }

    /// The 32 bytes that are signed: the canonical hash of the invocation.
    ///
    /// # Errors
    /// When it holds something that has no hash here.
    pub fn digest(&self) -> Result<[u8; 32], CodecError> {
        codec::hash(&self.0)
    }
}

/// The request that opens a session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionOpen {
    /// Repeated in the answer.
    pub request_id: String,
    /// `did:key` of the space.
    pub space: String,
    /// Which session.
    pub session: Descriptor,
    /// What was signed.
    pub invocation: Invocation,
    /// 64 bytes of Ed25519.
    pub signature: Vec<u8>,
}

impl SessionOpen {
    /// How long a signature is valid, as the reference client has it.
    pub const VALID_SECONDS: i64 = 300;

    /// The signed request to open `space` at `now` (Unix seconds).
    ///
    /// # Errors
    /// When the invocation cannot be hashed; it is made of text and numbers, so
    /// this does not happen.
    pub fn signed(
        request_id: String,
        space: &str,
        identity: &Identity,
        auth: &SessionOpenAuth,
        session: Descriptor,
        now: i64,
    ) -> Result<Self, CodecError> {
        let until = now.saturating_add(Self::VALID_SECONDS);
        let invocation = Invocation::new(identity.did(), space, auth, &session, now, until);
        let signature = identity.sign(&invocation.digest()?).to_vec();
        Ok(Self {
            request_id,
            space: space.to_owned(),
            session,
            invocation,
            signature,
        })
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        Ok(Self {
            request_id: fields.text("requestId")?,
            space: fields.text("space")?,
            session: Descriptor::read(&mut fields.object("session")?)?,
            invocation: Invocation(fields.value("invocation")?),
            signature: fields.object("authorization")?.bytes("signature")?,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let authorization = Object::default().with("signature", codec::bytes(&self.signature));
        Object::default()
            .with("type", COMMAND)
            .with("requestId", self.request_id.as_str())
            .with("space", self.space.as_str())
            .with("session", self.session.to_value())
            .with("invocation", self.invocation.0.clone())
            .with("authorization", authorization.done())
            .done()
    }
}

/// The answer to `session.open`.
#[derive(Clone, PartialEq)]
pub struct OpenOk {
    /// The session's id.
    pub session_id: String,
    /// For resuming; another one each time.
    pub session_token: String,
    /// The space's last sequence number.
    pub server_seq: u64,
    /// Own commits up to this `localSeq` are known to be in what was synced.
    pub caught_up_local_seq: Option<u64>,
    /// True when the session was still alive: its watches are kept.
    pub resumed: bool,
    /// What was missed.
    pub sync: Option<Sync>,
    /// For the next `session.open` on this connection.
    pub session_open: SessionOpenAuth,
}

impl std::fmt::Debug for OpenOk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOk")
            .field("session_id", &self.session_id)
            .field("session_token", &hidden(Some(&self.session_token)))
            .field("server_seq", &self.server_seq)
            .field("resumed", &self.resumed)
            .finish_non_exhaustive()
    }
}

impl OpenOk {
    /// Reads the `ok` of the answer.
    ///
    /// # Errors
    /// When a member is missing.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "ok")?;
        Ok(Self {
            session_id: fields.text("sessionId")?,
            session_token: fields.text("sessionToken")?,
            server_seq: fields.seq("serverSeq")?,
            caught_up_local_seq: fields.maybe_seq("caughtUpLocalSeq")?,
            resumed: fields.flag("resumed"),
            sync: fields.take("sync").map(Sync::from_value).transpose()?,
            session_open: SessionOpenAuth::read(&mut fields.object("sessionOpen")?)?,
        })
    }

    /// The `ok` of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Object::default()
            .with("sessionId", self.session_id.as_str())
            .with("sessionToken", self.session_token.as_str())
            .with("serverSeq", self.server_seq)
            .maybe("caughtUpLocalSeq", self.caught_up_local_seq)
            .flag("resumed", self.resumed)
            .maybe("sync", self.sync.as_ref().map(Sync::to_value))
            .with("sessionOpen", self.session_open.to_value())
            .done()
    }
}
