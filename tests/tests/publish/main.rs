//! A charm of this computer, placed in a remote space: another client that knows
//! only the key finds it, reads it, and sees what later runs write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;
mod reader;
mod sandbox;
mod stage;

use std::collections::BTreeMap;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_keeper::api::Request;
use charmkeeper_tests::computers::{all_told, ask, open, restart, try_ask};
use charmkeeper_toolshed::seed::PieceSeed;
use charmkeeper_toolshed::{Action, Rule, SpaceServer};
use serde_json::{Value, json};
use stage::*;

/// The outputs of a piece that are cells.
fn cells_of(mut shown: Value) -> Value {
    let outputs = shown.as_object_mut().expect("outputs");
    outputs.retain(|name, _| !name.starts_with('$') && name != "bgUpdater");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_finds_the_charm_reads_it_and_sees_later_runs() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let keeper = with_noter(folder.path()).await;
    connect(&keeper, &server.url(), PASSPHRASE, None).await;
    connect(&keeper, &server.url(), PASSPHRASE, Some(SPACE)).await;
    let before = cells(&keeper).await;
    let done = ask(&keeper, publish(true)).await;
    assert_eq!(done["state"], "placed", "{done:#}");
    assert_eq!(done["charm"]["space_name"], SPACE);
    assert_eq!(done["charm"]["failures"], 0);

    // By the space's list of pieces, and by the favorites.
    let mut reader = reader(&server);
    let id = format!("of:{}", done["piece"].as_str().unwrap());
    let at = DocRef {
        space: shared(),
        id,
    };
    assert_eq!(reader.pieces(&shared()).await, std::slice::from_ref(&at));
    let favorites = reader.favorites().await;
    assert_eq!(favorites.len(), 1);
    assert_eq!(favorites[0].piece, at);
    assert_eq!(favorites[0].space_name.as_deref(), Some(SPACE));

    let shown = reader.show(&at).await;
    assert_eq!(shown["$NAME"], "Noter");
    // The stream's own document is made by the first client that sets the piece up.
    assert_eq!(shown["bgUpdater"], json!(null));
    assert_eq!(cells_of(shown.clone()), cells_of(before));
    assert_eq!(shown["notes"][0]["text"], "note 1");
    let piece = reader.piece(&at).await;
    assert!(piece.background(), "{piece:#?}");
    let program = reader.source(&piece).await;
    assert_eq!(program.entry, "/main.tsx");
    let texts = [("/main.tsx", NOTER), ("/words.ts", WORDS)];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(program.files, BTreeMap::from(texts));

    // A later run goes on where the last one was, and others see it.
    run(&keeper).await;
    all_told(&keeper).await;
    let shown = reader.show(&at).await;
    assert_eq!(shown["notes"][1], json!({ "id": "n2", "text": "note 2" }));
    assert_eq!(shown["total"], 2);
    assert_eq!(cells_of(shown), cells_of(cells(&keeper).await));
    let history = ask(&keeper, Request::History(Default::default())).await;
    assert_eq!(history.as_array().unwrap().len(), 2, "one history");
    assert_eq!(history[0]["sync"], "synced");

    // The favorite is the charm that is here already, not a second one.
    let favorites = ask(&keeper, Request::Favorites).await;
    assert_eq!(favorites[0]["charm"], "noter", "{favorites:#}");
    let id = favorites[0]["id"].as_str().unwrap().to_owned();
    let on = ask(&keeper, Request::SetFavorite { id, on: false }).await;
    assert_eq!(on["charm"], "noter", "{on:#}");
    assert_eq!(
        ask(&keeper, Request::Charms)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // Again: nothing changes.
    let commits = |space: &str| server.commits(space).unwrap().len();
    let home = person().home_space().to_owned();
    let before = (commits(&shared()), commits(&home));
    let again = ask(&keeper, publish(true)).await;
    assert_eq!(again["state"], "already", "{again:#}");
    all_told(&keeper).await;
    assert_eq!((commits(&shared()), commits(&home)), before);
    assert_eq!(reader.pieces(&shared()).await.len(), 1);
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_the_real_client_get_one_entry_more_and_keep_theirs() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let theirs = PieceSeed::simple(SPACE, "Theirs", NOTER, json!({ "title": "x", "notes": [] }));
    let theirs = server
        .seed_home(&person(), &[theirs])
        .unwrap()
        .pieces
        .remove(0);
    let keeper = with_noter(folder.path()).await;
    connect(&keeper, &server.url(), PASSPHRASE, None).await;
    connect(&keeper, &server.url(), PASSPHRASE, Some(SPACE)).await;
    let root = server.value(
        &shared(),
        &charmkeeper_space::pieces::home_cell(&shared()).id,
    );
    // The first answer to the list's change is lost, and another client adds first.
    server.fault(Rule::next(Action::DropAfter).space(&shared()));
    let done = ask(&keeper, publish(true)).await;
    assert_eq!(done["state"], "placed", "{done:#}");
    let mut reader = reader(&server);
    let pieces = reader.pieces(&shared()).await;
    assert_eq!(pieces.len(), 2, "{pieces:?}");
    assert_eq!(pieces[0], theirs.piece);
    assert_eq!(reader.favorites().await.len(), 2);
    let cell = charmkeeper_space::pieces::home_cell(&shared()).id;
    assert_eq!(server.value(&shared(), &cell), root, "the root is theirs");
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leaves_the_charm_as_it_was() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let list = json!({ person().did(): "READ", "did:key:zOwner": "OWNER" });
    let seeded = server.write(
        &shared(),
        &format!("of:{}", shared()),
        json!({ "value": list }),
    );
    seeded.unwrap();
    let keeper = with_noter(folder.path()).await;
    connect(&keeper, &server.url(), PASSPHRASE, Some(SPACE)).await;
    let charms = ask(&keeper, Request::Charms).await;
    let commits = server.commits(&shared()).unwrap().len();
    let error = try_ask(&keeper, publish(false)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Space, "{error:?}");
    assert!(error.message.contains("not write to it"), "{error:?}");
    assert_eq!(server.commits(&shared()).unwrap().len(), commits);
    assert_eq!(ask(&keeper, Request::Charms).await, charms);
    let spaces = ask(&keeper, Request::Spaces).await;
    for space in spaces.as_array().unwrap() {
        assert_eq!((&space["queued"], &space["stuck"]), (&json!(0), &json!([])));
    }
    run(&keeper).await;
    assert_eq!(cells(&keeper).await["total"], 2);

    // The right comes; asked again, it is placed with everything up to now.
    let list = json!({ person().did(): "WRITE", "did:key:zOwner": "OWNER" });
    server
        .write(
            &shared(),
            &format!("of:{}", shared()),
            json!({ "value": list }),
        )
        .unwrap();
    let done = ask(&keeper, publish(false)).await;
    assert_eq!(done["state"], "placed", "{done:#}");
    let mut reader = reader(&server);
    let at = reader.pieces(&shared()).await.remove(0);
    assert_eq!(reader.show(&at).await["total"], 2);
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_dies_on_the_way_goes_on_at_the_next_start() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let keeper = with_noter(folder.path()).await;
    connect(&keeper, &server.url(), PASSPHRASE, None).await;
    connect(&keeper, &server.url(), PASSPHRASE, Some(SPACE)).await;
    // No commit gets through, so the keeper ends while everything waits.
    server.fault(Rule::next(Action::DropBefore).space(&shared()).times(1_000));
    {
        let mut events = keeper.events();
        let asked = try_ask(&keeper, publish(true));
        tokio::pin!(asked);
        loop {
            tokio::select! {
                done = &mut asked => panic!("it waits: {done:?}"),
                _ = events.recv() => {
                    let spaces = ask(&keeper, Request::Spaces).await;
                    if spaces.as_array().unwrap().iter().any(|s| s["queued"] != 0) {
                        break;
                    }
                }
            }
        }
    }
    // The charm runs on meanwhile.
    run(&keeper).await;
    keeper.shutdown().await;
    drop(keeper);
    // The server forgets sessions when it starts; else the next keeper would have to
    // wait until the last one's ended.
    let port = server
        .url()
        .rsplit(':')
        .next()
        .unwrap()
        .trim_end_matches('/')
        .parse();
    drop(server);
    let server = restart(data.path(), port.unwrap()).await;
    let keeper = open(folder.path()).await;
    // The keys were in memory alone, so they are given again.
    connect(&keeper, &server.url(), PASSPHRASE, None).await;
    connect(&keeper, &server.url(), PASSPHRASE, Some(SPACE)).await;
    let mut events = keeper.events();
    let moved = async {
        loop {
            let charms = ask(&keeper, Request::Charms).await;
            if charms[0]["space"] == json!(shared()) {
                return;
            }
            let _ = events.recv().await;
        }
    };
    tokio::time::timeout(charmkeeper_tests::PATIENCE, moved)
        .await
        .expect("it moves by itself");
    let done = ask(&keeper, publish(true)).await;
    assert!(
        ["placed", "already"].contains(&done["state"].as_str().unwrap()),
        "{done:#}"
    );
    all_told(&keeper).await;
    let mut reader = reader(&server);
    let pieces = reader.pieces(&shared()).await;
    assert_eq!(pieces.len(), 1);
    assert_eq!(reader.favorites().await.len(), 1);
    let shown = reader.show(&pieces[0]).await;
    assert_eq!(shown["total"], 2, "what the run wrote meanwhile: {shown:#}");
    assert_eq!(shown["notes"].as_array().unwrap().len(), 2);
    run(&keeper).await;
    all_told(&keeper).await;
    assert_eq!(reader.show(&pieces[0]).await["total"], 3);
    keeper.shutdown().await;
}
