//! The root that is made in a space where nobody made one: pieces and favorites are
//! found in it, and the reference's client can start it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shelf;

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::internal;
use charmkeeper_base::cell::link::Link;
use charmkeeper_space::pieces::{
    RootKind, Walk, favorite_entry, favorites, new_root, piece, source, space_pieces, with_link,
    with_root,
};
use serde_json::{Value, json};
use shelf::shelf;

const THERE: &str = "did:key:zThere";
const PIECE: &str = "of:fid1:piece";

#[test]
fn a_space_without_a_root_gets_one_in_which_pieces_are_found() {
    let root = new_root(THERE, RootKind::Space);
    let cell = with_root(None, &root).unwrap();
    assert_eq!(with_root(Some(&cell), &root), None, "once");
    let mut documents = root.documents.clone();
    let list = documents
        .iter_mut()
        .find(|(id, _)| *id == root.list.doc.id)
        .unwrap();
    list.1 = with_link(&list.1, &root.list, PIECE).unwrap();
    assert_eq!(with_link(&list.1, &root.list, PIECE), None, "once");
    documents.push((root.cell.id.clone(), cell));
    let Walk::Done(Some((place, pieces))) = space_pieces(&shelf(THERE, documents), THERE) else {
        panic!("a list of pieces");
    };
    let streams = ["addPiece", "removePiece"];
    starts(&root.documents, THERE, "/charmkeeper-space.tsx", streams);
    assert_eq!(place, root.list);
    assert_eq!(
        pieces,
        [DocRef {
            space: THERE.into(),
            id: PIECE.into()
        }]
    );
}

/// The root of these documents can be started by the reference's client: its program
/// is there under its own identity, and each stream and input that it names.
fn starts(documents: &[(String, Value)], space: &str, entry: &str, streams: [&str; 2]) {
    let (id, root) = documents.last().unwrap();
    let at = DocRef {
        space: space.into(),
        id: id.clone(),
    };
    let shelf = shelf(space, documents.iter().cloned());
    let identity = root["patternIdentity"]["identity"].as_str().unwrap();
    let Walk::Done(Some(files)) = source(&shelf, space, identity) else {
        panic!("a source");
    };
    assert_eq!(files.entry, entry);
    assert!(files.files[entry].contains("export default pattern"));
    let Walk::Done(Some(found)) = piece(&shelf, &at) else {
        panic!("a piece");
    };
    assert_eq!(found.streams, streams);
    assert!(shelf[&found.argument.unwrap()].is_some());
    let manifest = root["internal"].as_array().unwrap();
    assert_eq!(manifest.len(), 3);
    for part in manifest {
        let link = Link::from_value(&part["link"]).unwrap();
        assert_eq!(link.id, Some(internal(id, &part["partialCause"]).0));
        assert!(
            documents
                .iter()
                .any(|(known, _)| Some(known) == link.id.as_ref())
        );
    }
    for stream in streams {
        let named = format!("{stream}: add({{");
        let code = &files.files[entry];
        assert!(code.contains(&named) || code.contains(&named.replace("add(", "remove(")));
    }
}

#[test]
fn a_favorite_is_found_in_a_home_space_that_was_empty() {
    let home = "did:key:zHome";
    let root = new_root(home, RootKind::Home);
    let streams = ["addFavorite", "removeFavorite"];
    starts(&root.documents, home, "/charmkeeper-home.tsx", streams);
    let piece = DocRef {
        space: THERE.into(),
        id: PIECE.into(),
    };
    let (id, value) = favorite_entry(&root.list, &piece, Some("notes"), &["mail".into()]);
    let mut documents = root.documents.clone();
    let list = documents
        .iter_mut()
        .find(|(id, _)| *id == root.list.doc.id)
        .unwrap();
    list.1 = with_link(&list.1, &root.list, &id).unwrap();
    documents.push((id, json!({ "value": value })));
    documents.push((root.cell.id.clone(), with_root(None, &root).unwrap()));
    let mut shelf = shelf(home, documents);
    shelf.insert(piece.clone(), None);
    let Walk::Done(all) = favorites(&shelf, home) else {
        panic!("favorites")
    };
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0].piece, all[0].space_name.as_deref()),
        (&piece, Some("notes"))
    );
    assert_eq!(all[0].tags, ["mail"]);
}
