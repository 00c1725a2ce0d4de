//! Planning the publication of a piece: nothing of this computer is named, every
//! link leads somewhere, and everybody reads what is read here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shelf;

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::{argument_of, internal, keyed_element};
use charmkeeper_base::cell::link::Link;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_space::outbox::{Confirmed, Entry, Operation, Plan, Wanted, plan};
use charmkeeper_space::pieces::publish::{Destination, LeftOut, LocalPiece, Outside, Published};
use charmkeeper_space::pieces::{Found, Shelf, Walk, Walker, piece};
use serde_json::{Map, Value, json};
use shelf::shelf;

const HERE: &str = "did:key:zHere";
const THERE: &str = "did:key:zThere";
const PIECE: &str = "of:fid1:piece";

fn argument() -> String {
    argument_of(PIECE, HERE).0
}

fn local(documents: BTreeMap<String, Value>) -> LocalPiece<'static> {
    // Lives as long as the tests; a handful of bytes.
    let argument: &'static str = Box::leak(argument().into_boxed_str());
    LocalPiece {
        space: HERE,
        piece: PIECE,
        argument,
        name: "Mail",
        documents,
    }
}

fn planned(local: &LocalPiece<'_>) -> Published {
    let to = Destination {
        space: THERE,
        pattern: "identity",
        revision: "r",
        made_at: 7,
    };
    let outside = Outside {
        taken: &|id| id.starts_with("of:other"),
        secret: &|text| text.starts_with("kc:"),
    };
    charmkeeper_space::pieces::publish::publish(local, &to, &outside)
}

fn link(id: &str) -> Value {
    Link::to(id).to_value()
}

fn redirect(id: &str, path: &[&str]) -> Value {
    Link::to(id).at(path.iter().copied()).redirect().to_value()
}

/// The document of the piece's stream.
fn stream() -> String {
    internal(
        PIECE,
        &json!({ "stream": ["__patternResult", "bgUpdater"] }),
    )
    .0
}

/// A mailbox in the argument, a counted cell, a named one, a stream, and a cell
/// that no output leads to.
fn mailbox() -> BTreeMap<String, Value> {
    let argument = argument();
    let email = |key: &str| keyed_element(&argument, HERE, &["emails".into()], key).0;
    let counted = internal(PIECE, &json!(0)).0;
    let named = internal(PIECE, &json!("progress")).0;
    let stream = stream();
    let label = keyed_element(&email("m1"), HERE, &["labels".into()], "work").0;
    BTreeMap::from([
        (
            PIECE.to_owned(),
            json!({
                "value": {
                    "emails": redirect(&argument, &["emails"]),
                    "unread": redirect(&counted, &[]),
                    "where": redirect(&named, &[]),
                    "later": redirect(&internal(PIECE, &json!(3)).0, &[]),
                    "auth": Link::to("of:other-auth").within(HERE).to_value(),
                    "bgUpdater": link(&stream),
                },
                "argument": link(&argument),
            }),
        ),
        (
            argument.clone(),
            json!({ "value": {
            "emails": [link(&email("m1")), link(&email("m2"))],
            "token": "kc:account", "other": link("of:other-mail"),
        } }),
        ),
        (
            email("m1"),
            json!({ "value": { "id": "m1", "labels": [link(&label)] } }),
        ),
        (
            email("m2"),
            json!({ "value": { "id": "m2", "next": link(&email("m1")) } }),
        ),
        (label, json!({ "value": { "id": "work", "text": "Work" } })),
        (counted, json!({ "value": 2 })),
        (named, json!({ "value": { "walk": null } })),
        (stream, json!({ "value": { "$stream": true } })),
        (
            internal(PIECE, &json!(1)).0,
            json!({ "value": "a cursor, kc:account" }),
        ),
    ])
}

fn told(plan: &Published) -> BTreeMap<String, Value> {
    plan.told.iter().cloned().collect()
}

#[test]
fn documents_have_the_ids_that_a_client_would_compute_there() {
    let plan = planned(&local(mailbox()));
    let argument = argument_of(PIECE, THERE).0;
    assert_eq!((plan.piece.as_str(), &plan.argument), (PIECE, &argument));
    let email = |key: &str| keyed_element(&argument, THERE, &["emails".into()], key).0;
    let label = keyed_element(&email("m1"), THERE, &["labels".into()], "work").0;
    let all = told(&plan);
    for id in [
        &argument,
        &email("m1"),
        &email("m2"),
        &label,
        &internal(PIECE, &json!("unread")).0,
        &internal(PIECE, &json!("progress")).0,
        &internal(PIECE, &json!("later")).0,
    ] {
        assert!(all.contains_key(id), "{id} of {:#?}", all.keys());
    }
    assert_eq!(all.len(), 8);
    assert_eq!(all[&internal(PIECE, &json!("later")).0].get("value"), None);
    // What no output leads to stays, whole, and so does the marker of a stream.
    let kept: BTreeMap<String, Value> = plan.kept.iter().cloned().collect();
    let cursor = (
        internal(PIECE, &json!(1)).0,
        json!({ "value": "a cursor, kc:account" }),
    );
    let marker = (stream(), json!({ "value": { "$stream": true } }));
    assert_eq!(kept, BTreeMap::from([cursor, marker]));
}

#[test]
fn another_client_reads_the_piece_by_its_links() {
    let plan = planned(&local(mailbox()));
    let mut shelf = shelf(THERE, plan.told.clone());
    // Nobody else has what is on this computer.
    for (space, id) in [(HERE, "of:other-auth".to_owned()), (THERE, stream())] {
        let space = space.to_owned();
        shelf.insert(DocRef { space, id }, None);
    }
    let at = DocRef {
        space: THERE.into(),
        id: PIECE.into(),
    };
    let Walk::Done(Some(found)) = piece(&shelf, &at) else {
        panic!("a whole piece")
    };
    assert_eq!(found.name.as_deref(), Some("Mail"));
    // Its own document is made by the first client that opens the piece.
    assert_eq!(found.streams, ["bgUpdater"]);
    assert_eq!(found.pattern.unwrap().identity, "identity");
    assert_eq!(found.argument.unwrap().id, plan.argument);
    let manifest = &told(&plan)[PIECE]["internal"];
    let causes: Vec<&Value> = manifest
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["partialCause"])
        .collect();
    assert_eq!(
        causes,
        [&json!("later"), &json!("unread")],
        "a stream that is listed is one that the reference never makes"
    );
    let mut walker = Walker::new(&shelf);
    let text = walker.follow(&at, &["emails", "1", "next", "labels", "0", "text"]);
    assert_eq!(text.value(), Some(&json!("Work")));
    let back = &told(&plan)[&plan.argument]["result"];
    assert_eq!(Link::from_value(back).unwrap().id.as_deref(), Some(PIECE));
}

#[test]
fn what_is_only_here_is_inert_and_told() {
    let plan = planned(&local(mailbox()));
    let left = BTreeSet::from([
        LeftOut::Link("auth".into()),
        LeftOut::Link("other".into()),
        LeftOut::Secret("token".into()),
    ]);
    assert_eq!(plan.left_out, left);
    let text = serde_json::to_string(&plan.told).unwrap();
    assert!(!text.contains("kc:"), "{text}");
    let auth = Link::from_value(&told(&plan)[PIECE]["value"]["auth"]).unwrap();
    assert_eq!(auth.space.as_deref(), Some(HERE));
}

#[test]
fn what_is_linked_comes_before_the_link() {
    let plan = planned(&local(mailbox()));
    let place: BTreeMap<&str, usize> = plan
        .told
        .iter()
        .enumerate()
        .map(|(n, (id, _))| (id.as_str(), n))
        .collect();
    for (n, (id, doc)) in plan.told.iter().enumerate() {
        for target in links(&doc["value"]) {
            let Some(there) = place.get(target.id.as_deref().unwrap()) else {
                continue;
            };
            assert!(*there < n, "{id} links {target:?}");
        }
    }
    assert_eq!(plan.told.last().unwrap().0, PIECE);
}

fn links(value: &Value) -> Vec<Link> {
    if let Some(link) = Link::from_value(value) {
        return vec![link];
    }
    match value {
        Value::Array(items) => items.iter().flat_map(links).collect(),
        Value::Object(members) => members.values().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

/// A piece of random documents that link each other in any way.
fn random_piece(random: &SeededRandom) -> BTreeMap<String, Value> {
    let below = |n: u64| random.next_u64() % n;
    let argument = argument();
    let mut ids = vec![PIECE.to_owned(), argument.clone()];
    for n in 0..below(4) {
        ids.push(internal(PIECE, &json!(n)).0);
    }
    for n in 0..below(6) {
        ids.push(keyed_element(&argument, HERE, &["list".into()], &format!("k{n}")).0);
        ids.push(format!("of:own-{n}"));
    }
    let mut documents = BTreeMap::new();
    for id in &ids {
        let mut value = Map::new();
        for key in ["a", "list", "b"] {
            let mut items = Vec::new();
            for _ in 0..below(4) {
                items.push(match below(5) {
                    0 => json!(below(100)),
                    1 => Link::to("of:other-x").to_value(),
                    2 => Link::to(&ids[below(ids.len() as u64) as usize])
                        .within(HERE)
                        .to_value(),
                    _ => link(&ids[below(ids.len() as u64) as usize]),
                });
            }
            value.insert(
                key.into(),
                match (key, id == PIECE) {
                    ("a", false) => items.pop().unwrap_or(Value::Null),
                    (_, true) => items.pop().unwrap_or(Value::Null),
                    _ => Value::Array(items),
                },
            );
        }
        value.insert("id".into(), json!(format!("k{}", below(6))));
        documents.insert(id.clone(), json!({ "value": value }));
    }
    documents
}

#[test]
fn any_piece_is_whole_there_and_planned_the_same_every_time() {
    for seed in 0..100 {
        let random = SeededRandom::new(seed);
        let piece = local(random_piece(&random));
        let plan = planned(&piece);
        assert_eq!(plan, planned(&piece), "seed {seed}");
        let told = told(&plan);
        assert_eq!(told.len(), plan.told.len(), "an id twice, seed {seed}");
        for (id, doc) in &told {
            for link in links(doc) {
                let other = link
                    .id
                    .as_deref()
                    .is_some_and(|id| id.starts_with("of:other"));
                if other {
                    assert_eq!(link.space.as_deref(), Some(HERE), "seed {seed}: {id}");
                    continue;
                }
                assert_ne!(link.space.as_deref(), Some(HERE), "seed {seed}: {id}");
                let target = link.id.unwrap();
                let source = target == charmkeeper_space::pieces::source_id(THERE, "identity").id;
                assert!(
                    source || told.contains_key(&target),
                    "seed {seed}: {id} to {target}"
                );
            }
        }
        // Nothing is lost: each document is told or kept, under an id of its own.
        let mut new: Vec<&str> = plan.ids.values().map(String::as_str).collect();
        let count = new.len();
        new.sort_unstable();
        new.dedup();
        assert_eq!(new.len(), count, "seed {seed}");
        assert_eq!(plan.told.len() + plan.kept.len(), count, "seed {seed}");
        same_reading(&piece, &plan, seed);
    }
}

/// Every path of two steps below the outputs reads the same on both sides.
fn same_reading(piece: &LocalPiece<'_>, plan: &Published, seed: u64) {
    let (here, there) = (
        shelf(HERE, piece.documents.clone()),
        shelf(THERE, plan.told.clone()),
    );
    let read = |shelf: &Shelf, space: &str, path: &[&str]| {
        let mut walker = Walker::new(shelf);
        let at = DocRef {
            space: space.into(),
            id: PIECE.into(),
        };
        match walker.follow(&at, path) {
            Found::Value(_, value) if !value.is_object() && !value.is_array() => value.clone(),
            Found::Value(_, value) => json!(value.as_array().map(Vec::len)),
            _ => Value::Null,
        }
    };
    for a in ["a", "list", "b"] {
        for b in ["a", "id", "list", "b", "0", "1"] {
            for c in ["id", "0", "a", "1"] {
                let path = [a, b, c];
                for n in 1..=3 {
                    let (mine, theirs) = (
                        read(&here, HERE, &path[..n]),
                        read(&there, THERE, &path[..n]),
                    );
                    assert_eq!(mine, theirs, "seed {seed}: {:?}", &path[..n]);
                }
            }
        }
    }
}

#[test]
fn what_is_there_stays_and_what_is_not_must_be_absent() {
    let mut entry = Entry::default();
    let doc = json!({ "value": { "n": 1 }, "result": link("of:r") });
    for id in ["of:new", "of:there"] {
        entry.documents.insert(id.into(), Wanted::created(&doc));
    }
    let entry = Entry::from_text(&entry.to_text()).unwrap();
    let there = Confirmed {
        seq: 4,
        doc: Some(json!({ "value": { "n": 2 } })),
    };
    let known = BTreeMap::from([("of:there".to_owned(), there)]);
    let Plan::Commit { body, .. } = plan(&entry, &known) else {
        panic!("a commit")
    };
    assert_eq!(body.absent, ["of:new"]);
    let set = Operation::Set {
        id: "of:new".into(),
        value: doc,
    };
    assert_eq!(body.operations, [set]);
}
