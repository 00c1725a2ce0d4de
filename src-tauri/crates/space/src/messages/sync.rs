//! What a server pushes: changed documents, and the end of a session.
//!
//! Owns their forms. Never stores a document.

use serde_json::Value;

use super::fields::{Fields, Object};
use super::{SPACE_SCOPE, ShapeError};

/// A changed document, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsert {
    /// The document.
    pub id: String,
    /// `space`, `user` or `session`.
    pub scope: String,
    /// Of its last change; 0 when it was never written.
    pub seq: u64,
    /// `None` when it was deleted or never written.
    pub document: Option<Value>,
}

/// A document that is no longer watched. It need not be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remove {
    /// The document.
    pub id: String,
    /// `space`, `user` or `session`.
    pub scope: String,
}

/// Changes of the watched documents from one sequence number to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sync {
    /// The session had everything up to here.
    pub from_seq: u64,
    /// Now it has everything up to here.
    pub to_seq: u64,
    /// Own commits up to this `localSeq` are in it.
    pub caught_up_local_seq: Option<u64>,
    /// What changed.
    pub upserts: Vec<Upsert>,
    /// What is no longer watched.
    pub removes: Vec<Remove>,
}

impl Sync {
    /// Reads a sync.
    ///
    /// # Errors
    /// When a member is missing.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "sync")?;
        Ok(Self {
            from_seq: fields.seq("fromSeq")?,
            to_seq: fields.seq("toSeq")?,
            caught_up_local_seq: fields.maybe_seq("caughtUpLocalSeq")?,
            upserts: fields.list("upserts", Upsert::from_value)?,
            removes: fields.list("removes", Remove::from_value)?,
        })
    }

    /// The sync as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Object::default()
            .with("type", "sync")
            .with("fromSeq", self.from_seq)
            .with("toSeq", self.to_seq)
            .maybe("caughtUpLocalSeq", self.caught_up_local_seq)
            .list("upserts", &self.upserts, Upsert::to_value)
            .list("removes", &self.removes, |remove| {
                Object::default()
                    .with("branch", "")
                    .with("id", remove.id.as_str())
                    .with("scope", remove.scope.as_str())
                    .done()
            })
            .done()
    }
}

fn scope(fields: &mut Fields) -> Result<String, ShapeError> {
    let scope = fields.maybe_text("scope")?;
    Ok(scope.unwrap_or_else(|| SPACE_SCOPE.to_owned()))
}

impl Upsert {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "upserts")?;
        let deleted = fields.flag("deleted");
        Ok(Self {
            id: fields.text("id")?,
            scope: scope(&mut fields)?,
            seq: fields.seq("seq")?,
            document: fields.take("doc").filter(|_| !deleted),
        })
    }

    fn to_value(&self) -> Value {
        Object::default()
            .with("branch", "")
            .with("id", self.id.as_str())
            .with("scope", self.scope.as_str())
            .with("seq", self.seq)
            .maybe("doc", self.document.clone())
            .flag("deleted", self.document.is_none())
            .done()
    }
}

impl Remove {
    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "removes")?;
        Ok(Self {
            id: fields.text("id")?,
            scope: scope(&mut fields)?,
        })
    }
}

/// `session/effect`.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncEffect {
    /// `did:key` of the space.
    pub space: String,
    /// The session it is for.
    pub session_id: String,
    /// What changed.
    pub sync: Sync,
}

impl SyncEffect {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        Ok(Self {
            space: fields.text("space")?,
            session_id: fields.text("sessionId")?,
            sync: Sync::from_value(fields.value("effect")?)?,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        Object::default()
            .with("type", "session/effect")
            .with("space", self.space.as_str())
            .with("sessionId", self.session_id.as_str())
            .with("effect", self.sync.to_value())
            .done()
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedReason {
    /// Another connection resumed it.
    TakenOver,
    /// The right to read the space is gone.
    Unauthorized,
    /// Another word.
    Other,
}

/// `session/revoked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// `did:key` of the space.
    pub space: String,
    /// The session that is over.
    pub session_id: String,
    /// Why.
    pub reason: RevokedReason,
}

impl Revoked {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        Ok(Self {
            space: fields.text("space")?,
            session_id: fields.text("sessionId")?,
            reason: match fields.text("reason")?.as_str() {
                "taken-over" => RevokedReason::TakenOver,
                "unauthorized" => RevokedReason::Unauthorized,
                _ => RevokedReason::Other,
            },
        })
    }

    pub(super) fn to_value(&self) -> Value {
        let reason = match self.reason {
            RevokedReason::TakenOver => "taken-over",
            RevokedReason::Unauthorized => "unauthorized",
            RevokedReason::Other => "other",
        };
        Object::default()
            .with("type", "session/revoked")
            .with("space", self.space.as_str())
            .with("sessionId", self.session_id.as_str())
            .with("reason", reason)
            .done()
    }
}
