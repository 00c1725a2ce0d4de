//! Spaces as the real client leaves them: a home space with favorites, named
//! spaces with pieces, the server's list of background work.
//!
//! Owns the shapes, which were recorded from a real server. Everything is written
//! past the access lists, and the lists themselves are as the real client writes
//! them. Never runs a charm.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::cell::link::Link;
use charmkeeper_base::cell::{DocRef, hash, id};
use charmkeeper_space::codec;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::Operation;
use serde_json::{Map, Value, json};

use crate::error::ServerError;
use crate::server::SpaceServer;

mod forms;

pub use forms::{Output, PieceSeed, Seeded, SeededPiece, SourceFile};

/// The name from which the system space's key is derived.
const SYSTEM: &str = "toolshed-system";
/// When everything here was made, in milliseconds since 1970.
const MADE: i64 = 1_795_221_796_322;

fn at(space: &str, id: impl Into<String>) -> DocRef {
    DocRef {
        space: space.to_owned(),
        id: id.into(),
    }
}

/// Documents to be written to one space together.
#[derive(Default)]
struct Batch(Vec<Operation>);

impl Batch {
    fn set(&mut self, id: impl Into<String>, document: Value) {
        let id = id.into();
        self.0.push(Operation::Set {
            id,
            scope: None,
            document,
        });
    }

    /// Adds the document of a schema; the reference to it.
    fn schema(&mut self, schema: &Value) -> Value {
        let id = format!("cid:{}", hash::fid(schema));
        if !self.0.iter().any(|operation| operation.id() == id) {
            self.set(id.clone(), json!({ "value": schema }));
        }
        json!({ "$ref": id })
    }
}

impl SpaceServer {
    /// Makes the spaces of `person`: the home space with its list of favorites,
    /// the pieces in their named spaces, and entries of background work for those
    /// that ask for one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seed_home(&self, person: &Identity, seeds: &[PieceSeed]) -> Result<Seeded, ServerError> {
        let mut pieces = Vec::with_capacity(seeds.len());
        for seed in seeds {
            let mut piece = self.seed_piece(person, seed)?;
            if let Some(integration) = &seed.integration {
                piece.registration = Some(self.seed_registration(&piece.piece, integration)?);
            }
            pieces.push(piece);
        }
        let home = person.home_space();
        let list = json!({ home: "OWNER" });
        let root = self.seed_root(home, &list, "home-pattern", "favorites")?;
        let favorites = id::internal(&root, &json!("favorites")).0;
        for (seed, piece) in seeds.iter().zip(&pieces) {
            if let Some(tags) = &seed.tags {
                self.seed_favorite(home, &favorites, &piece.piece, &seed.space_name, tags)?;
            }
        }
        Ok(Seeded {
            home: home.to_owned(),
            favorites: at(home, favorites),
            pieces,
        })
    }

    fn commit(&self, space: &str, batch: Batch) -> Result<(), ServerError> {
        self.commit_as("seed", space, batch.0).map(|_| ())
    }

    /// The access list, the space cell, the root piece and its list `name`; the
    /// root's id. What is there already stays.
    fn seed_root(
        &self,
        space: &str,
        access: &Value,
        cause: &str,
        name: &str,
    ) -> Result<String, ServerError> {
        let root = id::by_cause(&json!(cause)).0;
        if self.value(space, &root).is_some() {
            return Ok(root);
        }
        self.write(space, &format!("of:{space}"), json!({ "value": access }))?;
        let list = id::internal(&root, &json!(name)).0;
        let mut batch = Batch::default();
        let any = batch.schema(&json!({ "type": "object" }));
        let array = batch.schema(&json!({ "type": "array", "items": true }));
        let to_root = Link {
            schema: Some(any),
            ..Link::to(&root)
        }
        .to_value();
        let to_list = |link: Link| {
            Link {
                schema: Some(array.clone()),
                ..link
            }
            .redirect()
            .to_value()
        };
        let cell = id::by_cause(&json!(space)).0;
        batch.set(cell, json!({ "value": { "defaultPattern": to_root } }));
        batch.set(
            &list,
            json!({
                "value": [],
                "result": own(Link::to(&root), space).redirect().to_value(),
            }),
        );
        let identity = digest(cause);
        batch.set(
            &root,
            json!({
                "value": { "$NAME": name, name: to_list(own(Link::to(&list), space)) },
                "internal": [{ "partialCause": name, "link": to_list(Link::to(&list)) }],
                "patternIdentity": { "identity": identity, "symbol": "default" },
                "patternSetupIdentity": { "identity": identity, "symbol": "default" },
                "schema": true,
            }),
        );
        self.commit(space, batch)?;
        Ok(root)
    }

    fn push(&self, space: &str, list: &str, item: &Value) -> Result<(), ServerError> {
        let patch = charmkeeper_base::cell::Patch::Append {
            path: "/value".to_owned(),
            values: vec![item.clone()],
        };
        let operation = Operation::Patch {
            id: list.to_owned(),
            scope: None,
            patches: vec![patch],
        };
        self.commit_as("seed", space, vec![operation]).map(|_| ())
    }

    fn seed_piece(&self, person: &Identity, seed: &PieceSeed) -> Result<SeededPiece, ServerError> {
        let space = Identity::of_named_space(&seed.space_name).did().to_owned();
        let access = json!({ person.did(): "OWNER", "*": "WRITE" });
        let root = self.seed_root(&space, &access, "space-root", "pieceRegistry")?;
        let result = id::by_cause(&json!({ "seed": seed.name })).0;
        let argument = id::argument_of(&result, &space).0;
        let mut batch = Batch::default();
        let identity = sources(&mut batch, &space, &seed.files);
        let schema = batch.schema(&json!({ "type": "object" }));
        let back = own(Link::to(&result), &space).redirect().to_value();
        batch.set(&argument, json!({ "value": seed.argument, "result": back }));
        let part = batch.schema(&json!({ "type": "unknown" }));
        let mut value = Map::new();
        value.insert("$NAME".to_owned(), json!(seed.name));
        let (mut internal, mut cells) = (Vec::new(), BTreeMap::new());
        for output in &seed.outputs {
            let (name, link) = match output {
                Output::Argument(name) => (name, Link::to(&argument).at([name.as_str()])),
                Output::Internal(name, _) | Output::Stream(name) => {
                    let (cause, inside) = match output {
                        Output::Internal(_, value) => (json!(name), value.clone()),
                        _ => (
                            json!({ "stream": ["__patternResult", name] }),
                            json!({ "$stream": true }),
                        ),
                    };
                    let cell = id::internal(&result, &cause).0;
                    batch.set(&cell, json!({ "value": inside, "result": back }));
                    let link = Link {
                        schema: Some(part.clone()),
                        ..Link::to(&cell)
                    };
                    let link = link.redirect().to_value();
                    internal.push(json!({ "link": link, "partialCause": cause }));
                    cells.insert(name.clone(), at(&space, &cell));
                    (name, Link::to(&cell))
                }
            };
            let part = batch.schema(&json!({ "type": "unknown" }));
            let link = Link {
                schema: Some(part),
                ..own(link, &space)
            };
            value.insert(name.clone(), link.redirect().to_value());
        }
        let pattern = json!({ "identity": identity, "symbol": "default" });
        let source = own(Link::to(source_id(&identity)), &space).to_value();
        let to_argument = Link {
            schema: Some(schema),
            ..Link::to(&argument)
        };
        batch.set(
            &result,
            json!({
                "value": value,
                "argument": to_argument.redirect().to_value(),
                "internal": internal,
                "patternIdentity": pattern,
                "patternSetupIdentity": pattern,
                "pieceSourceHistory": [{
                    "operation": "create", "pattern": pattern, "timestamp": MADE,
                    "revisionId": "00000000-0000-4000-8000-000000000000", "source": source,
                }],
                "schema": true,
            }),
        );
        self.commit(&space, batch)?;
        let list = id::internal(&root, &json!("pieceRegistry")).0;
        self.push(&space, &list, &Link::to(&result).to_value())?;
        let (piece, argument) = (at(&space, result), at(&space, argument));
        Ok(SeededPiece {
            piece,
            argument,
            identity,
            cells,
            registration: None,
        })
    }

    /// Stars a piece in a home space; the entry's document.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seed_favorite(
        &self,
        home: &str,
        favorites: &str,
        piece: &DocRef,
        space_name: &str,
        tags: &[String],
    ) -> Result<DocRef, ServerError> {
        let key = json!([piece.space, piece.id, []]).to_string();
        let entry = id::keyed_element(favorites, home, &[], &key).0;
        let cell = Link::to(&piece.id).within(&piece.space).to_value();
        let value = json!({
            "cell": cell, "id": key, "spaceName": space_name, "tags": tags, "userTags": [],
        });
        self.write(home, &entry, json!({ "value": value }))?;
        self.push(home, favorites, &Link::to(&entry).to_value())?;
        Ok(at(home, entry))
    }

    /// Puts a piece on the server's list of background work; the entry's document.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seed_registration(
        &self,
        piece: &DocRef,
        integration: &str,
    ) -> Result<DocRef, ServerError> {
        let system = Identity::of_named_space(SYSTEM).did().to_owned();
        let list = id::by_cause(&json!("bgUpdater-2025-03-18")).0;
        if self.value(&system, &list).is_none() {
            let access = json!({ &*system: "OWNER", "*": "WRITE" });
            self.write(&system, &format!("of:{system}"), json!({ "value": access }))?;
            self.write(&system, &list, json!({ "value": [] }))?;
        }
        let fid = piece.id.strip_prefix("of:").unwrap_or(&piece.id);
        let entry = id::by_cause(&json!({ "seed": [piece.space, fid] })).0;
        let value = json!({
            "space": piece.space, "pieceId": fid, "integration": integration,
            "createdAt": MADE, "updatedAt": MADE, "disabledAt": codec::undefined(),
            "lastRun": 0, "status": "Initializing",
        });
        self.write(&system, &entry, json!({ "value": value }))?;
        self.push(&system, &list, &Link::to(&entry).to_value())?;
        Ok(at(&system, entry))
    }
}

/// The link with everything said that may be left out.
fn own(link: Link, space: &str) -> Link {
    Link {
        scope: Some("space".to_owned()),
        ..link.within(space)
    }
}

/// The identity of a text: as long as a real one, and the same for the same text.
fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash::hash(&json!(text)))
}

fn source_id(identity: &str) -> String {
    id::by_cause(&json!(format!("pattern:{identity}"))).0
}

/// One document for each file, and one for each import; the identity of the
/// first.
fn sources(batch: &mut Batch, space: &str, files: &[SourceFile]) -> String {
    for file in files {
        let identity = digest(&file.code);
        let mut imports = Vec::new();
        for (specifier, name) in &file.imports {
            let Some(imported) = files.iter().find(|other| other.name == *name) else {
                continue;
            };
            let to = own(Link::to(source_id(&digest(&imported.code))), space).to_value();
            let import = id::by_cause(&json!({ "import": [identity, specifier] })).0;
            batch.set(
                &import,
                json!({ "value": { "specifier": specifier, "link": to } }),
            );
            imports.push(Link::to(&import).to_value());
        }
        batch.set(
            source_id(&identity),
            json!({ "value": {
            "kind": "source", "filename": file.name, "code": file.code,
            "identity": identity, "imports": imports,
        } }),
        );
    }
    files
        .first()
        .map(|file| digest(&file.code))
        .unwrap_or_default()
}
