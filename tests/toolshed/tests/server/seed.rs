//! A seeded server is what the client knows how to walk.

use std::sync::Arc;

use charmkeeper_base::cell::DocRef;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{Descriptor, Query};
use charmkeeper_space::pieces::{
    SYSTEM_SPACE, Shelf, Walk, favorites, piece, registrations, source, space_pieces,
};
use charmkeeper_toolshed::SpaceServer;
use charmkeeper_toolshed::seed::{Output, PieceSeed, SourceFile};
use serde_json::{Value, json};

use crate::faults::{connect, in_time};
use crate::support::me;

/// Walks over the socket: opens each space that is needed, asks for what is
/// missing.
async fn walk<T>(url: &str, ask: impl Fn(&Shelf) -> Walk<T>) -> T {
    let (connection, _events) = connect(url);
    let mut shelf = Shelf::new();
    loop {
        let needs = match ask(&shelf) {
            Walk::Done(answer) => return answer,
            Walk::Needs(needs) => needs,
        };
        for DocRef { space, id } in needs {
            let open = connection.open_space(&space, Arc::new(me()), Descriptor::default());
            let (session, _) = in_time(open).await.unwrap();
            let answer = in_time(session.query(Query::from_iter([id.clone()])))
                .await
                .unwrap();
            let found = answer.entities.into_iter().find(|entity| entity.id == id);
            shelf.insert(
                DocRef { space, id },
                found.and_then(|entity| entity.document),
            );
        }
    }
}

fn file(name: &str, code: &str, imports: &[(&str, &str)]) -> SourceFile {
    let own = |(word, file): &(&str, &str)| ((*word).to_owned(), (*file).to_owned());
    SourceFile {
        name: name.to_owned(),
        code: code.to_owned(),
        imports: imports.iter().map(own).collect(),
    }
}

#[tokio::test]
async fn the_client_walks_from_the_home_space_to_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let server = SpaceServer::start(folder.path()).await.unwrap();
    let ticker = PieceSeed {
        files: vec![
            file(
                "/main.tsx",
                "import './util.ts'; bgUpdater",
                &[("./util.ts", "/util.ts")],
            ),
            file("/util.ts", "export const one = 1", &[]),
        ],
        outputs: vec![
            Output::Argument("count".into()),
            Output::Internal("seen".into(), json!([])),
            Output::Stream("bgUpdater".into()),
        ],
        integration: Some("ticker".into()),
        ..PieceSeed::simple("work", "Ticker", "", json!({"count": 2}))
    };
    let quiet = PieceSeed {
        tags: None,
        outputs: vec![Output::Argument("text".into())],
        ..PieceSeed::simple("work", "Note", "note", json!({"text": "x"}))
    };
    let seeded = server.seed_home(&me(), &[ticker, quiet]).unwrap();
    let url = server.url();
    assert_eq!(seeded.home, me().did());

    let starred = walk(&url, |shelf| favorites(shelf, me().did())).await;
    assert_eq!(starred.len(), 1);
    assert_eq!(starred[0].piece, seeded.pieces[0].piece);
    assert_eq!(starred[0].tags, ["ticker"]);
    assert_eq!(starred[0].space_name.as_deref(), Some("work"));
    let space = &starred[0].piece.space;
    assert_eq!(space, Identity::of_named_space("work").did());

    let found = walk(&url, |shelf| piece(shelf, &starred[0].piece))
        .await
        .expect("a piece");
    assert_eq!(found.name.as_deref(), Some("Ticker"));
    assert!(found.background());
    assert_eq!(found.argument.as_ref(), Some(&seeded.pieces[0].argument));
    assert_eq!(found.outputs["count"].doc, seeded.pieces[0].argument);
    assert_eq!(found.outputs["count"].path, ["count"]);
    assert_eq!(found.outputs["seen"].doc, seeded.pieces[0].cells["seen"]);

    let identity = found.pattern.expect("a pattern").identity;
    let files = walk(&url, |shelf| source(shelf, space, &identity))
        .await
        .expect("its source");
    assert_eq!(files.entry, "/main.tsx");
    assert_eq!(files.files["/util.ts"], "export const one = 1");

    let (_, pieces) = walk(&url, |shelf| space_pieces(shelf, space))
        .await
        .expect("a list");
    let made: Vec<DocRef> = seeded
        .pieces
        .iter()
        .map(|made| made.piece.clone())
        .collect();
    assert_eq!(pieces, made);

    let entries = walk(&url, registrations).await;
    assert_eq!(entries.len(), 1);
    assert!(entries[0].active);
    assert_eq!(entries[0].integration, "ticker");
    assert_eq!(
        Some(&entries[0].place.doc),
        seeded.pieces[0].registration.as_ref()
    );
    assert_eq!(entries[0].place.doc.space, SYSTEM_SPACE);
}

#[test]
fn the_shapes_are_the_recorded_ones() {
    let text = include_str!("../../../../src-tauri/crates/space/tests/vectors/space-vectors.json");
    let recorded: Value = serde_json::from_str(text).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let server = SpaceServer::start(folder.path()).await.unwrap();
        let ticker = PieceSeed {
            outputs: vec![
                Output::Argument("count".into()),
                Output::Argument("items".into()),
                Output::Stream("bgUpdater".into()),
            ],
            integration: Some("ticker".into()),
            ..PieceSeed::simple(
                "interop-pieces",
                "Ticker",
                "x",
                json!({"count": 1, "items": []}),
            )
        };
        let seeded = server.seed_home(&me(), &[ticker]).unwrap();
        let live = &recorded["liveDocuments"];
        let made = &seeded.pieces[0];
        let result = server.document(&made.piece.space, &made.piece.id).unwrap();
        let result = result.document.expect("the piece");
        let unquoted = |name: &str| {
            let text = live[name]["wireDocument"].to_string();
            charmkeeper_space::codec::decode(&format!("fvj1:{text}")).unwrap()
        };
        let theirs = unquoted("result");
        assert_eq!(keys(&result), keys(&theirs));
        assert_eq!(keys(&result["value"]), keys(&theirs["value"]));
        assert_eq!(shape(&result["argument"]), shape(&theirs["argument"]));
        assert_eq!(shape(&result["internal"]), shape(&theirs["internal"]));
        assert_eq!(
            shape(&result["value"]["count"]),
            shape(&theirs["value"]["count"])
        );
        // The recorded lists hang from the same well-known documents.
        assert_eq!(json!(seeded.favorites.id), live["favorites"]["id"]);
        let entry = made.registration.as_ref().expect("an entry");
        let entry = server
            .document(&entry.space, &entry.id)
            .unwrap()
            .document
            .unwrap();
        assert_eq!(keys(&entry["value"]), keys(&unquoted("bgEntry")["value"]));
        let cell = charmkeeper_space::pieces::home_cell(me().did());
        let cell = server
            .document(&cell.space, &cell.id)
            .unwrap()
            .document
            .unwrap();
        assert_eq!(shape(&cell), shape(&unquoted("homeSpaceCell")));
    });
}

fn keys(value: &Value) -> Vec<&String> {
    let mut keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    keys.sort();
    keys
}

/// The value with every text the same: what is left is its shape.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => json!(""),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(members) => {
            let mut all: Vec<_> = members.iter().map(|(k, v)| (k.clone(), shape(v))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(all.into_iter().collect())
        }
        other => other.clone(),
    }
}
