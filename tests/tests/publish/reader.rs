//! A client that knows a key and the address of a server, and nothing of the
//! keeper: it follows links from the well-known cells.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::cell::link::Link;
use charmkeeper_base::cell::{DocRef, document};
use charmkeeper_base::{SystemClock, random::SystemRandom};
use charmkeeper_space::client::{Connection, Events, Network, ServerAddress, Session, Settings};
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{Descriptor, Query, QueryRoot};
use charmkeeper_space::pieces::{
    Favorite, Found, Piece, Shelf, SourceFiles, Walk, Walker, favorites, piece, source,
    space_pieces,
};
use serde_json::{Map, Value};

/// Links within links that are shown.
const MAX_DEPTH: usize = 32;

pub(crate) struct Reader {
    connection: Connection,
    identity: Identity,
    sessions: HashMap<String, Session>,
    // The connection lives as long as somebody listens.
    _events: Events,
}

impl Reader {
    pub(crate) fn new(url: &str, identity: Identity) -> Self {
        let address = ServerAddress::parse(url).unwrap();
        let (connection, events) = Connection::open(Settings {
            dial: Arc::new(Network::new(address, Vec::new()).unwrap()),
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            request_prefix: "reader-".to_owned(),
        });
        Self {
            connection,
            identity,
            sessions: HashMap::new(),
            _events: events,
        }
    }

    /// One document as the server has it now; a space that it does not serve to
    /// this key has none.
    async fn document(&mut self, at: &DocRef) -> Option<Value> {
        if !self.sessions.contains_key(&at.space) {
            let identity = Arc::new(self.identity.clone());
            let opened = self
                .connection
                .open_space(&at.space, identity, Descriptor::default());
            let opened = tokio::time::timeout(Duration::from_secs(20), opened).await;
            let (session, _) = opened.expect("an answer").ok()?;
            self.sessions.insert(at.space.clone(), session);
        }
        let query = Query {
            roots: vec![QueryRoot::document(&at.id)],
        };
        let found = self.sessions[&at.space].query(query).await.unwrap();
        let mut entities = found.entities.into_iter();
        entities.find(|e| e.id == at.id).and_then(|e| e.document)
    }

    async fn walk<T>(&mut self, ask: impl Fn(&Shelf) -> Walk<T>) -> T {
        let mut shelf = Shelf::new();
        loop {
            match ask(&shelf) {
                Walk::Done(answer) => return answer,
                Walk::Needs(needs) => {
                    for at in needs {
                        let doc = self.document(&at).await;
                        shelf.insert(at, doc);
                    }
                }
            }
        }
    }

    /// The pieces on a space's list.
    pub(crate) async fn pieces(&mut self, space: &str) -> Vec<DocRef> {
        let found = self.walk(|shelf| space_pieces(shelf, space)).await;
        found.map(|(_, pieces)| pieces).unwrap_or_default()
    }

    /// The favorites of the person.
    pub(crate) async fn favorites(&mut self) -> Vec<Favorite> {
        let home = self.identity.home_space().to_owned();
        self.walk(|shelf| favorites(shelf, &home)).await
    }

    pub(crate) async fn piece(&mut self, at: &DocRef) -> Piece {
        let found = self.walk(|shelf| piece(shelf, at)).await;
        found.expect("a piece")
    }

    /// The program of a piece.
    pub(crate) async fn source(&mut self, of: &Piece) -> SourceFiles {
        let identity = of.pattern.clone().expect("a program").identity;
        let space = of.doc.space.clone();
        let found = self.walk(|shelf| source(shelf, &space, &identity)).await;
        found.expect("the whole program")
    }

    /// What a piece shows, with every link followed.
    pub(crate) async fn show(&mut self, at: &DocRef) -> Value {
        self.walk(|shelf| {
            let mut walker = Walker::new(shelf);
            let shown = match walker.document(at).and_then(document::value) {
                Some(value) => expand(&mut walker, value, at, 0),
                None => Value::Null,
            };
            walker.end(shown)
        })
        .await
    }
}

fn expand<'s>(walker: &mut Walker<'s>, value: &'s Value, home: &DocRef, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if Link::from_value(value).is_some() {
        return match walker.resolve(value, home) {
            Found::Value(at, found) => expand(walker, found, &at.doc, depth + 1),
            _ => Value::Null,
        };
    }
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| expand(walker, item, home, depth + 1))
            .collect(),
        Value::Object(members) => {
            let mut shown = Map::new();
            for (name, member) in members {
                shown.insert(name.clone(), expand(walker, member, home, depth + 1));
            }
            Value::Object(shown)
        }
        other => other.clone(),
    }
}
