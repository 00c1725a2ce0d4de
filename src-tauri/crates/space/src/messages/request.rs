//! What a client asks for inside a session.
//!
//! Owns the commands' forms. Never sends one.

use serde_json::Value;

use super::commit::Commit;
use super::fields::{Fields, Object};
use super::{SPACE_SCOPE, ShapeError};

/// A request inside a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Repeated in the answer.
    pub request_id: String,
    /// `did:key` of the space.
    pub space: String,
    /// The session that is open on this connection.
    pub session_id: String,
    /// What is asked for.
    pub command: Command,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `graph.query`: documents as they are now.
    Query(Query),
    /// `session.watch.set`: from now on, exactly these.
    WatchSet(Vec<Watch>),
    /// `session.watch.add`: these as well. An id in use is refused unless its watch
    /// is the same.
    WatchAdd(Vec<Watch>),
    /// `transact`.
    Transact(Commit),
    /// `session.ack`: everything up to here was taken in.
    Ack {
        /// The sequence number.
        seen_seq: u64,
    },
    /// `entity-id.exists`.
    Exists {
        /// The document.
        id: String,
    },
    /// `entity-id.list`.
    List {
        /// Ids after this one.
        after: Option<String>,
        /// At most 1,000.
        limit: Option<u64>,
    },
    /// Of a type that is not known here; only a server meets one.
    Other {
        /// The type.
        kind: String,
        /// The other members.
        rest: Value,
    },
}

/// Documents to read or to watch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Where to begin.
    pub roots: Vec<QueryRoot>,
}

/// A document to begin from.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryRoot {
    /// The document.
    pub id: String,
    /// `None` is the space's.
    pub scope: Option<String>,
    /// Where to begin in the document; empty is the whole of it.
    pub path: Vec<String>,
    /// `false`: the document, what its metadata links to, and schema documents.
    /// `true`: everything that is linked in this space, which can be a lot.
    pub schema: Value,
}

impl QueryRoot {
    /// The whole document, links not followed.
    #[must_use]
    pub fn document(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            scope: None,
            path: Vec::new(),
            schema: Value::Bool(false),
        }
    }

    /// The scope by name.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.scope.as_deref().unwrap_or(SPACE_SCOPE)
    }
}

impl<Id: Into<String>> FromIterator<Id> for Query {
    fn from_iter<I: IntoIterator<Item = Id>>(ids: I) -> Self {
        Self {
            roots: ids.into_iter().map(QueryRoot::document).collect(),
        }
    }
}

impl Query {
    fn to_value(&self) -> Value {
        Object::default()
            .list("roots", &self.roots, |root| {
                let selector = Object::default()
                    .with("path", root.path.clone())
                    .with("schema", root.schema.clone());
                Object::default()
                    .with("id", root.id.as_str())
                    .maybe("scope", root.scope.as_deref())
                    .with("selector", selector.done())
                    .done()
            })
            .done()
    }

    fn read(mut fields: Fields) -> Result<Self, ShapeError> {
        let roots = fields.list("roots", |root| {
            let mut fields = Fields::of(root, "roots")?;
            let mut selector = fields.object("selector")?;
            Ok(QueryRoot {
                id: fields.text("id")?,
                scope: fields.maybe_text("scope")?,
                path: selector.texts("path")?,
                schema: selector.take("schema").unwrap_or(Value::Bool(false)),
            })
        })?;
        Ok(Self { roots })
    }
}

/// Documents to be told about.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Names the watch in its session.
    pub id: String,
    /// What to watch.
    pub query: Query,
}

impl Watch {
    fn to_value(&self) -> Value {
        Object::default()
            .with("id", self.id.as_str())
            .with("kind", "graph")
            .with("query", self.query.to_value())
            .done()
    }

    fn from_value(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "watches")?;
        Ok(Self {
            id: fields.text("id")?,
            query: Query::read(fields.object("query")?)?,
        })
    }
}

impl Command {
    /// The type on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Query(_) => "graph.query",
            Self::WatchSet(_) => "session.watch.set",
            Self::WatchAdd(_) => "session.watch.add",
            Self::Transact(_) => "transact",
            Self::Ack { .. } => "session.ack",
            Self::Exists { .. } => "entity-id.exists",
            Self::List { .. } => "entity-id.list",
            Self::Other { kind, .. } => kind,
        }
    }

    fn write(&self, head: Object) -> Object {
        match self {
            Self::Query(query) => head.with("query", query.to_value()),
            Self::WatchSet(watches) | Self::WatchAdd(watches) => {
                head.list("watches", watches, Watch::to_value)
            }
            Self::Transact(commit) => head.with("commit", commit.to_value()),
            Self::Ack { seen_seq } => head.with("seenSeq", *seen_seq),
            Self::Exists { id } => head.with("id", id.as_str()),
            Self::List { after, limit } => {
                head.maybe("after", after.as_deref()).maybe("limit", *limit)
            }
            Self::Other { rest, .. } => rest
                .as_object()
                .into_iter()
                .flatten()
                .fold(head, |head, (key, value)| head.with(key, value.clone())),
        }
    }
}

impl Request {
    /// The request as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let head = Object::default()
            .with("type", self.command.name())
            .with("requestId", self.request_id.as_str())
            .with("space", self.space.as_str())
            .with("sessionId", self.session_id.as_str());
        self.command.write(head).done()
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Self, ShapeError> {
        let kind = fields.text("type")?;
        let (request_id, space, session_id) = (
            fields.text("requestId")?,
            fields.text("space")?,
            fields.text("sessionId")?,
        );
        let command = match kind.as_str() {
            "graph.query" => Command::Query(Query::read(fields.object("query")?)?),
            "session.watch.set" => Command::WatchSet(fields.list("watches", Watch::from_value)?),
            "session.watch.add" => Command::WatchAdd(fields.list("watches", Watch::from_value)?),
            "transact" => Command::Transact(Commit::from_value(fields.value("commit")?)?),
            "session.ack" => Command::Ack {
                seen_seq: fields.seq("seenSeq")?,
            },
            "entity-id.exists" => Command::Exists {
                id: fields.text("id")?,
            },
            "entity-id.list" => Command::List {
                after: fields.maybe_text("after")?,
                limit: fields.maybe_seq("limit")?,
            },
            _ => Command::Other {
                kind,
                rest: std::mem::take(fields).into_value(),
            },
        };
        Ok(Self {
            request_id,
            space,
            session_id,
            command,
        })
    }
}
