//! Walking the documents recorded from a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::DocRef;
use charmkeeper_space::pieces::{
    Claim, Claimant, LEASE_TERM, Lease, Shelf, Walk, claim, disabled, favorites, home_cell, piece,
    registrations, registry, source, source_id, space_pieces,
};
use serde_json::{Value, json};

/// The recorded documents by what they are.
fn recorded() -> Value {
    let text = include_str!("vectors/space-vectors.json");
    let all: Value = serde_json::from_str(text).expect("vectors");
    all["liveDocuments"].clone()
}

/// What is literal on the wire is the value itself.
fn unquoted(value: &Value) -> Value {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key("/quote") => {
            members["/quote"].clone()
        }
        Value::Object(members) => members
            .iter()
            .map(|(k, v)| (k.clone(), unquoted(v)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(unquoted).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

fn doc_ref(entry: &Value) -> DocRef {
    DocRef {
        space: entry["space"].as_str().expect("a space").into(),
        id: entry["id"].as_str().expect("an id").into(),
    }
}

/// A server with the recorded documents; what was not recorded is not there,
/// but for the roots, which are told from the lists they keep.
fn server() -> Shelf {
    let all = recorded();
    let mut shelf = Shelf::new();
    for (_, entry) in all.as_object().expect("documents") {
        shelf.insert(doc_ref(entry), Some(unquoted(&entry["wireDocument"])));
    }
    for (cell, key, list) in [
        ("homeSpaceCell", "favorites", "favorites"),
        ("spaceCell", "pieceRegistry", "pieceRegistry"),
    ] {
        let root = unquoted(&all[cell]["wireDocument"])["value"]["defaultPattern"].clone();
        let root = DocRef {
            space: all[cell]["space"].as_str().expect("a space").into(),
            id: root["/"]["link@1"]["id"].as_str().expect("an id").into(),
        };
        let link = json!({"/": {"link@1": {"id": all[list]["id"], "path": []}}});
        shelf.insert(root, Some(json!({"value": {key: link}})));
    }
    shelf
}

/// Walks with only what was asked for, as over a socket; the rounds it took.
fn walk<T>(server: &Shelf, ask: impl Fn(&Shelf) -> Walk<T>) -> (T, usize) {
    let mut shelf = Shelf::new();
    for round in 1..20 {
        match ask(&shelf) {
            Walk::Done(answer) => return (answer, round),
            Walk::Needs(needs) => {
                assert!(!needs.is_empty());
                for doc in needs {
                    assert!(!shelf.contains_key(&doc), "asked twice for {doc:?}");
                    let found = server.get(&doc).cloned().flatten();
                    shelf.insert(doc, found);
                }
            }
        }
    }
    panic!("the walk does not end");
}

#[test]
fn from_the_home_space_to_the_source_of_a_favorite() {
    let (all, server) = (recorded(), server());
    let home = all["homeSpaceCell"]["space"].as_str().expect("home");
    assert_eq!(home_cell(home), doc_ref(&all["homeSpaceCell"]));
    let (found, _) = walk(&server, |shelf| favorites(shelf, home));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].piece, doc_ref(&all["result"]));
    assert_eq!(found[0].tags, ["ticker"]);
    assert_eq!(found[0].space_name.as_deref(), Some("interop-pieces"));

    let (ticker, _) = walk(&server, |shelf| piece(shelf, &found[0].piece));
    let ticker = ticker.expect("a piece");
    assert_eq!(ticker.name.as_deref(), Some("Ticker"));
    assert_eq!(ticker.outputs["count"].path, ["count"]);
    let argument = ticker.argument.clone().expect("an argument");
    assert_eq!(ticker.outputs["items"].doc, argument);
    // The stream's own document was not recorded.
    assert!(!ticker.background());

    let pattern = ticker.pattern.expect("a pattern");
    assert_eq!(pattern.symbol, "default");
    let space = &found[0].piece.space;
    assert_eq!(source_id(space, &pattern.identity), doc_ref(&all["source"]));
    let (files, _) = walk(&server, |shelf| source(shelf, space, &pattern.identity));
    let files = files.expect("a program");
    assert_eq!(files.entry, "/main.tsx");
    assert!(files.files["/main.tsx"].contains("bgUpdater"));

    // A file whose own import is linked and is not there is no program.
    let mut server = server;
    let main = doc_ref(&all["source"]);
    let missing = json!({"/": {"link@1": {"id": "of:gone", "path": []}}});
    let imports = json!([{"specifier": "./util.ts", "link": missing}]);
    let doc = json!({"value": {"filename": "/main.tsx", "code": "x", "imports": imports}});
    server.insert(main, Some(doc));
    let (files, _) = walk(&server, |shelf| source(shelf, space, &pattern.identity));
    assert_eq!(files, None);
}

#[test]
fn a_stream_document_makes_a_piece_that_works_in_the_background() {
    let (all, mut server) = (recorded(), server());
    let at = doc_ref(&all["result"]);
    let stream = DocRef {
        space: at.space.clone(),
        id: "of:fid1:Yddt7jkRN58QWgyQhLWUvaoZ5jLrjqaf83fdVUKT2i8".into(),
    };
    server.insert(stream, Some(json!({"value": {"$stream": true}})));
    let (ticker, rounds) = walk(&server, |shelf| piece(shelf, &at));
    assert!(ticker.expect("a piece").background());
    assert!(rounds <= 3, "{rounds} rounds");
}

#[test]
fn the_pieces_of_a_space_and_the_servers_own_list() {
    let (all, server) = (recorded(), server());
    let space = all["spaceCell"]["space"].as_str().expect("a space");
    let (pieces, _) = walk(&server, |shelf| space_pieces(shelf, space));
    let (place, pieces) = pieces.expect("a list");
    assert_eq!(place.doc, doc_ref(&all["pieceRegistry"]));
    assert_eq!(pieces, [doc_ref(&all["result"])]);

    assert_eq!(registry(), doc_ref(&all["bgRegistry"]));
    let (entries, _) = walk(&server, registrations);
    assert_eq!(entries.len(), 1, "the other entry was not recorded");
    let entry = &entries[0];
    assert_eq!((entry.integration.as_str(), entry.active), ("ticker", true));
    assert_eq!(format!("of:{}", entry.piece), pieces[0].id);
    assert_eq!(entry.place.doc, doc_ref(&all["bgEntry"]));
    let off = disabled(&unquoted(&all["bgEntry"]["wireDocument"])["value"], 99);
    assert_eq!(
        (&off["disabledAt"], &off["lastRun"]),
        (&json!(99), &json!(1_795_221_970_344_i64))
    );
}

#[test]
fn a_space_without_anything_has_no_favorites() {
    let (found, _) = walk(&Shelf::new(), |shelf| favorites(shelf, "did:key:zNobody"));
    assert!(found.is_empty());
    let needs = match favorites(&Shelf::new(), "did:key:zNobody") {
        Walk::Needs(needs) => needs,
        Walk::Done(_) => panic!("nothing was read yet"),
    };
    assert_eq!(needs, BTreeSet::from([home_cell("did:key:zNobody")]));
}

#[test]
fn links_that_lead_in_a_circle_end() {
    let at = |id: &str| DocRef {
        space: "s".into(),
        id: id.into(),
    };
    let link = |id: &str| json!({"/": {"link@1": {"id": id, "path": ["x"]}}});
    let mut shelf = Shelf::new();
    shelf.insert(at("of:a"), Some(json!({"value": {"x": link("of:b")}})));
    shelf.insert(at("of:b"), Some(json!({"value": {"x": link("of:a")}})));
    let (found, _) = walk(&shelf.clone(), |shelf| piece(shelf, &at("of:a")));
    assert!(found.expect("an object").streams.is_empty());
}

#[test]
fn one_computer_at_a_time_runs_a_piece() {
    let now = UnixMs(1_000_000_000);
    let minutes = |n: i64| UnixMs(now.0 + n * 60_000);
    let computer = |holder: &str| Claimant {
        holder: holder.into(),
        name: "Laptop".into(),
        term: LEASE_TERM,
    };
    let Claim::Write(mine) = claim(None, &computer("a"), now, false) else {
        panic!("free");
    };
    let stored = Lease::from_value(&mine.to_value()).expect("a lease");
    assert_eq!(stored, mine);
    let a = |at| claim(Some(&mine), &computer("a"), at, false);
    let b = |at, take| claim(Some(&mine), &computer("b"), at, take);
    assert_eq!(a(minutes(1)), Claim::Held);
    assert!(matches!(a(minutes(8)), Claim::Write(l) if l.until == minutes(23)));
    assert_eq!(b(minutes(14), false), Claim::Other(mine.clone()));
    assert!(matches!(b(minutes(14), true), Claim::Write(l) if l.holder == "b"));
    assert!(
        matches!(b(minutes(16), false), Claim::Write(l) if l.holder == "b"),
        "stale"
    );
    let wrong = Lease {
        until: minutes(60 * 24 * 365),
        ..mine
    };
    assert!(matches!(
        claim(Some(&wrong), &computer("b"), now, false),
        Claim::Write(_)
    ));
    // Its own computer does not rely on it either, once its clock is right.
    assert!(matches!(
        claim(Some(&wrong), &computer("a"), now, false),
        Claim::Write(_)
    ));
    assert_eq!(Lease::from_value(&Lease::nobody()), None);
}
