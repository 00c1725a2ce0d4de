//! The identity of a program, against one that a real client stored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::cell::DocRef;
use charmkeeper_space::pieces::{Module, Shelf, Walk, source, source_documents, source_id};
use serde_json::Value;

const SPACE: &str = "did:key:zTarget";

fn module(code: &str, imports: &[&str]) -> Module {
    Module {
        code: code.to_owned(),
        imports: imports
            .iter()
            .map(|&i| i.to_owned())
            .collect::<BTreeSet<_>>(),
    }
}

fn program(files: &[(&str, Module)]) -> BTreeMap<String, Module> {
    let named = files
        .iter()
        .map(|(path, m)| ((*path).to_owned(), m.clone()));
    named.collect()
}

fn identity(files: &[(&str, Module)], entry: &str) -> String {
    source_documents(SPACE, entry, &program(files))
        .unwrap()
        .identity
}

#[test]
fn a_recorded_program_has_the_identity_that_the_real_client_gave_it() {
    let text = include_str!("vectors/space-vectors.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let doc = &all["liveDocuments"]["source"];
    let value = &doc["wireDocument"]["value"];
    let main = module(value["code"].as_str().unwrap(), &["commonfabric"]);
    let made = source_documents(SPACE, "/main.tsx", &program(&[("/main.tsx", main)])).unwrap();
    assert_eq!(made.identity, value["identity"]);
    // The document has the recorded id, too, and the recorded text.
    let stored = &made.documents[doc["id"].as_str().unwrap()]["value"];
    for key in ["kind", "identity", "code", "filename"] {
        assert_eq!(stored[key], value[key], "{key}");
    }
}

#[test]
fn an_identity_depends_on_the_text_the_path_and_everything_imported() {
    let leaf = module("export const a = 1;", &[]);
    let main = module("import './leaf';", &["./leaf"]);
    let first = identity(
        &[("/main.ts", main.clone()), ("/leaf.ts", leaf.clone())],
        "/main.ts",
    );
    let crlf = module("import './leaf';", &["./leaf"]);
    let same = identity(
        &[("/main.ts", crlf), ("/leaf.ts", leaf.clone())],
        "/main.ts",
    );
    assert_eq!(first, same);
    let other_leaf = module("export const a = 2;", &[]);
    for changed in [
        identity(
            &[("/main.ts", main.clone()), ("/leaf.ts", other_leaf)],
            "/main.ts",
        ),
        identity(
            &[("/other.ts", main.clone()), ("/leaf.ts", leaf.clone())],
            "/other.ts",
        ),
        identity(&[("/main.ts", main.clone())], "/main.ts"),
    ] {
        assert_ne!(changed, first);
    }
    // A file that nobody imports is no part of it.
    let more = identity(
        &[
            ("/main.ts", main),
            ("/leaf.ts", leaf),
            ("/more.ts", module("1", &[])),
        ],
        "/main.ts",
    );
    assert_eq!(more, first);
}

#[test]
fn files_in_a_circle_have_identities_of_their_own_and_end() {
    let files = program(&[
        ("/a.ts", module("a", &["./b.ts"])),
        ("/b.ts", module("b", &["./c.ts", "./a.ts"])),
        ("/c.ts", module("c", &["../b.ts"])),
        ("/main.ts", module("m", &["./a.ts", "commonfabric"])),
    ]);
    let made = source_documents(SPACE, "/main.ts", &files).unwrap();
    let unique: BTreeSet<&str> = made
        .documents
        .values()
        .map(|doc| doc["value"]["identity"].as_str().unwrap())
        .collect();
    assert_eq!(unique.len(), 4);
    assert_eq!(source_documents(SPACE, "/none.ts", &files), None);
}

#[test]
fn what_was_made_is_read_back_with_every_file() {
    let files = program(&[
        ("/main.tsx", module("m", &["./util/a", "commonfabric"])),
        ("/util/a.ts", module("a", &["./b.js"])),
        // Under another name than the import's: held by a link of its own.
        ("/util/b.ts", module("b", &[])),
    ]);
    let made = source_documents(SPACE, "/main.tsx", &files).unwrap();
    let mut shelf = Shelf::new();
    for (id, doc) in &made.documents {
        let at = DocRef {
            space: SPACE.into(),
            id: id.clone(),
        };
        shelf.insert(at, Some(doc.clone()));
    }
    assert!(shelf.contains_key(&source_id(SPACE, &made.identity)));
    let Walk::Done(Some(read)) = source(&shelf, SPACE, &made.identity) else {
        panic!("the program is whole");
    };
    assert_eq!(read.entry, "/main.tsx");
    let texts: BTreeMap<_, _> = files.into_iter().map(|(p, m)| (p, m.code)).collect();
    assert_eq!(read.files, texts);
}
