//! A commit and its answer.
//!
//! Owns their forms on the wire. Never decides what to commit.

use charmkeeper_base::cell::Patch;
use serde::Deserialize as _;
use serde_json::Value;

use super::ShapeError;
use super::fields::{Fields, Object};

/// Changes that are made together or not at all.
///
/// A server knows a commit by principal, session id and `local_seq`: sent again
/// unchanged, it is answered again and not made again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// Counts the commits of a session id, from 1; never used twice.
    pub local_seq: u64,
    /// What the changes rest on. None: the last writer wins.
    pub confirmed: Vec<ConfirmedRead>,
    /// Reads of own commits that are not answered yet. Never sent by this
    /// client; here so that a server can read them.
    pub pending: Vec<PendingRead>,
    /// At least one.
    pub operations: Vec<Operation>,
    /// What must hold besides.
    pub preconditions: Vec<Precondition>,
}

/// A place that was read, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedRead {
    /// The document.
    pub id: String,
    /// `None` is the space's.
    pub scope: Option<String>,
    /// Starts with `value`; empty is the whole document.
    pub path: Vec<String>,
    /// The document's sequence number then; 0 when there was none.
    pub seq: u64,
    /// True when only the presence of the place was looked at.
    pub non_recursive: bool,
}

/// A place that was read from an own commit without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRead {
    /// The document.
    pub id: String,
    /// As in [`ConfirmedRead`].
    pub path: Vec<String>,
    /// The commits that it rests on.
    pub local_seq: Vec<u64>,
    /// True when `local_seq` was sent as one number.
    pub scalar: bool,
    /// What the commits rest on.
    pub basis_seq: Option<u64>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Replaces a whole document, metadata and all.
    Set {
        /// The document.
        id: String,
        /// `None` is the space's.
        scope: Option<String>,
        /// The document, `{"value": ..., ...}`.
        document: Value,
    },
    /// Changes parts of a document, which begins empty when there is none.
    Patch {
        /// The document.
        id: String,
        /// `None` is the space's.
        scope: Option<String>,
        /// Paths start with `/value`.
        patches: Vec<Patch>,
    },
    /// Deletes a document.
    Delete {
        /// The document.
        id: String,
        /// `None` is the space's.
        scope: Option<String>,
    },
}

impl Operation {
    /// The document that is changed.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Set { id, .. } | Self::Patch { id, .. } | Self::Delete { id, .. } => id,
        }
    }

    /// `None` is the space's scope.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        match self {
            Self::Set { scope, .. } | Self::Patch { scope, .. } | Self::Delete { scope, .. } => {
                scope.as_deref()
            }
        }
    }

    /// The name on the wire: `set`, `patch` or `delete`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::Patch { .. } => "patch",
            Self::Delete { .. } => "delete",
        }
    }
}

/// What must hold when a commit arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// There is no such document.
    EntityAbsent {
        /// The document.
        id: String,
    },
    /// An own earlier commit was accepted.
    OriginCommitted {
        /// Its `local_seq`.
        origin_local_seq: u64,
    },
    /// The document has this value.
    EntityValueHash {
        /// The document.
        id: String,
        /// See [`value_hash`](crate::codec::value_hash); `None` when there is no value.
        value_hash: Option<String>,
    },
}

impl Commit {
    /// The commit as a value. An outbox keeps its encoding.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let reads = Object::default()
            .list("confirmed", &self.confirmed, ConfirmedRead::to_value)
            .list("pending", &self.pending, PendingRead::to_value);
        let commit = Object::default()
            .with("localSeq", self.local_seq)
            .with("reads", reads.done())
            .list("operations", &self.operations, Operation::to_value);
        if self.preconditions.is_empty() {
            return commit.done();
        }
        commit
            .list("preconditions", &self.preconditions, Precondition::to_value)
            .done()
    }

    /// Reads a commit.
    ///
    /// # Errors
    /// When a required member is missing, or an operation is not one of ours.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "commit")?;
        let mut reads = fields.object("reads")?;
        Ok(Self {
            local_seq: fields.seq("localSeq")?,
            confirmed: reads.list("confirmed", ConfirmedRead::from_value)?,
            pending: reads.list("pending", PendingRead::from_value)?,
            operations: fields.list("operations", Operation::from_value)?,
            preconditions: fields.maybe_list("preconditions", Precondition::from_value)?,
        })
    }
}

impl ConfirmedRead {
    fn to_value(&self) -> Value {
        Object::default()
            .with("id", self.id.as_str())
            .maybe("scope", self.scope.as_deref())
            .with("path", self.path.clone())
            .with("seq", self.seq)
            .flag("nonRecursive", self.non_recursive)
            .done()
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "confirmed")?;
        Ok(Self {
            id: fields.text("id")?,
            scope: fields.maybe_text("scope")?,
            path: fields.texts("path")?,
            seq: fields.seq("seq")?,
            non_recursive: fields.flag("nonRecursive"),
        })
    }
}

impl PendingRead {
    fn to_value(&self) -> Value {
        let local_seq = match self.local_seq.as_slice() {
            [one] if self.scalar => Value::from(*one),
            all => Value::from(all),
        };
        Object::default()
            .with("id", self.id.as_str())
            .with("path", self.path.clone())
            .with("localSeq", local_seq)
            .maybe("basisSeq", self.basis_seq)
            .done()
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "pending")?;
        let scalar = fields.peek_is_number("localSeq");
        Ok(Self {
            id: fields.text("id")?,
            path: fields.texts("path")?,
            local_seq: fields.seqs("localSeq")?,
            scalar,
            basis_seq: fields.maybe_seq("basisSeq")?,
        })
    }
}

impl Operation {
    fn to_value(&self) -> Value {
        let head = Object::default()
            .with("op", self.name())
            .with("id", self.id())
            .maybe("scope", self.scope());
        match self {
            Self::Set { document, .. } => head.with("value", document.clone()).done(),
            Self::Patch { patches, .. } => head.list("patches", patches, patch_to_value).done(),
            Self::Delete { .. } => head.done(),
        }
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "operations")?;
        let op = fields.text("op")?;
        let id = fields.text("id")?;
        let scope = fields.maybe_text("scope")?;
        Ok(match op.as_str() {
            "set" => Self::Set {
                id,
                scope,
                document: fields.value("value")?,
            },
            "patch" => Self::Patch {
                id,
                scope,
                patches: fields.list("patches", patch_from_value)?,
            },
            "delete" => Self::Delete { id, scope },
            _ => return Err(ShapeError { field: "op" }),
        })
    }
}

fn patch_to_value(patch: &Patch) -> Value {
    // A patch is text, numbers and values: it always has a JSON form.
    serde_json::to_value(patch).unwrap_or_default()
}

fn patch_from_value(value: Value) -> Result<Patch, ShapeError> {
    Patch::deserialize(value).map_err(|_| ShapeError { field: "patches" })
}

impl Precondition {
    fn to_value(&self) -> Value {
        match self {
            Self::EntityAbsent { id } => Object::default()
                .with("kind", "entity-absent")
                .with("id", id.as_str()),
            Self::OriginCommitted { origin_local_seq } => Object::default()
                .with("kind", "origin-committed")
                .with("originLocalSeq", *origin_local_seq),
            Self::EntityValueHash { id, value_hash } => Object::default()
                .with("kind", "entity-value-hash")
                .with("id", id.as_str())
                .with("valueHash", value_hash.clone()),
        }
        .done()
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "preconditions")?;
        Ok(match fields.text("kind")?.as_str() {
            "entity-absent" => Self::EntityAbsent {
                id: fields.text("id")?,
            },
            "origin-committed" => Self::OriginCommitted {
                origin_local_seq: fields.seq("originLocalSeq")?,
            },
            "entity-value-hash" => Self::EntityValueHash {
                id: fields.text("id")?,
                value_hash: match fields.value("valueHash")? {
                    Value::Null => None,
                    Value::String(hash) => Some(hash),
                    _ => return Err(ShapeError { field: "valueHash" }),
                },
            },
            _ => return Err(ShapeError { field: "kind" }),
        })
    }
}

/// What a commit did to one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The document.
    pub id: String,
    /// `set`, `patch` or `delete`.
    pub op: String,
    /// The operation's place in the commit.
    pub op_index: u64,
    /// The document's new sequence number.
    pub seq: u64,
    /// The scope that was sent; a replayed answer says `space` where none was.
    pub scope: Option<String>,
    /// Where the server keeps it, such as `space`.
    pub scope_key: String,
    /// The whole document, after a `set`.
    pub document: Option<Value>,
    /// The patches as sent, after a `patch`.
    pub patches: Option<Value>,
}

/// The answer to a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitOk {
    /// The space's sequence number of this commit.
    pub seq: u64,
    /// One for each operation.
    pub revisions: Vec<Revision>,
    /// True when this commit had been made before, by an earlier sending.
    pub replayed: bool,
}

impl CommitOk {
    /// Reads the `ok` of the answer.
    ///
    /// # Errors
    /// When a member is missing.
    pub fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "ok")?;
        Ok(Self {
            seq: fields.seq("seq")?,
            revisions: fields.list("revisions", Revision::from_value)?,
            replayed: fields.flag("replayed"),
        })
    }

    /// The `ok` of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let seq = self.seq;
        Object::default()
            .with("branch", "")
            .with("seq", seq)
            .list("revisions", &self.revisions, |one| one.to_value(seq))
            .flag("replayed", self.replayed)
            .done()
    }
}

impl Revision {
    fn to_value(&self, commit_seq: u64) -> Value {
        Object::default()
            .with("branch", "")
            .with("id", self.id.as_str())
            .with("op", self.op.as_str())
            .with("opIndex", self.op_index)
            .with("seq", self.seq)
            .with("commitSeq", commit_seq)
            .maybe("scope", self.scope.as_deref())
            .with("scopeKey", self.scope_key.as_str())
            .maybe("document", self.document.clone())
            .maybe("patches", self.patches.clone())
            .done()
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "revisions")?;
        Ok(Self {
            id: fields.text("id")?,
            op: fields.text("op")?,
            op_index: fields.seq("opIndex")?,
            seq: fields.seq("seq")?,
            scope: fields.maybe_text("scope")?,
            scope_key: fields.maybe_text("scopeKey")?.unwrap_or_default(),
            document: fields.take("document"),
            patches: fields.take("patches"),
        })
    }
}
