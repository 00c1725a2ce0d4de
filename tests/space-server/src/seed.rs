//! A home space with a favorite, in the shapes that the reference writes.

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::{argument_of, by_cause, internal};
use charmkeeper_base::cell::link::Link;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::pieces::{home_cell, source_id};
use serde_json::{Map, Value, json};

use crate::SpaceServer;

/// A piece to be made.
pub struct PieceSeed<'p> {
    /// Name of its space.
    pub space_name: &'p str,
    /// What it calls itself.
    pub name: &'p str,
    /// Its only file.
    pub source: &'p str,
    /// Its inputs; each is an output of the same name too.
    pub argument: Value,
    /// Tags of the favorite.
    pub tags: &'p [&'p str],
}

/// Makes the spaces of `person`, with pieces that are favorites. Answers the
/// pieces' result documents.
pub fn seed_favorites(
    server: &SpaceServer,
    person: &Identity,
    pieces: &[PieceSeed<'_>],
) -> Vec<DocRef> {
    let home = person.home_space();
    server.write(
        home,
        &format!("of:{home}"),
        json!({ "value": { home: "OWNER" } }),
    );
    let root = by_cause(&json!("home-pattern")).0;
    let list = internal(&root, &json!("favorites")).0;
    let link = |id: &str| Link::to(id).to_value();
    let cell = home_cell(home);
    server.write(
        home,
        &cell.id,
        json!({ "value": { "defaultPattern": link(&root) } }),
    );
    server.write(
        home,
        &root,
        json!({ "value": { "favorites": link(&list) } }),
    );
    let made: Vec<DocRef> = pieces
        .iter()
        .map(|seed| piece(server, person, seed))
        .collect();
    let entries = made.iter().zip(pieces).map(|(piece, seed)| {
        let id = by_cause(&json!({ "entry": piece.id })).0;
        let cell = Link::to(&piece.id).within(&piece.space).to_value();
        let entry = json!({
            "cell": cell, "tags": seed.tags, "userTags": [], "spaceName": seed.space_name,
        });
        server.write(home, &id, json!({ "value": entry }));
        link(&id)
    });
    let entries: Vec<Value> = entries.collect();
    server.write(home, &list, json!({ "value": entries }));
    made
}

fn piece(server: &SpaceServer, person: &Identity, seed: &PieceSeed<'_>) -> DocRef {
    let space = Identity::of_named_space(seed.space_name).did().to_owned();
    let owner = json!({ "value": { person.did(): "OWNER", "*": "WRITE" } });
    if server.value(&space, &format!("of:{space}")).is_none() {
        server.write(&space, &format!("of:{space}"), owner);
    }
    let identity = format!("seed-{}", seed.name);
    let source = source_id(&space, &identity);
    let code = json!({
        "kind": "source", "filename": "/main.tsx", "code": seed.source,
        "identity": identity, "imports": [],
    });
    server.write(&space, &source.id, json!({ "value": code }));
    let result = by_cause(&json!({ "piece": seed.name })).0;
    let argument = argument_of(&result, &space).0;
    server.write(&space, &argument, json!({ "value": seed.argument }));
    let stream = internal(
        &result,
        &json!({ "stream": ["__patternResult", "bgUpdater"] }),
    )
    .0;
    server.write(&space, &stream, json!({ "value": { "$stream": true } }));
    let mut value = Map::new();
    value.insert("$NAME".to_owned(), json!(seed.name));
    let redirect = |id: &str, path: &[&str]| {
        Link::to(id)
            .at(path.iter().copied())
            .within(&space)
            .redirect()
            .to_value()
    };
    value.insert("bgUpdater".to_owned(), redirect(&stream, &[]));
    for key in seed.argument.as_object().into_iter().flat_map(Map::keys) {
        value.insert(key.clone(), redirect(&argument, &[key.as_str()]));
    }
    let doc = json!({
        "value": value,
        "argument": Link::to(&argument).redirect().to_value(),
        "patternIdentity": { "identity": identity, "symbol": "default" },
    });
    server.write(&space, &result, doc);
    DocRef { space, id: result }
}
