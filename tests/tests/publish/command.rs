//! `space publish`, as a person uses it: the running keeper does it, and one that
//! was killed goes on with it.

use std::path::Path;

use charmkeeper_tests::computers::restart;
use charmkeeper_tests::program::{self, Done, Going};
use charmkeeper_tests::stage::Stage;
use charmkeeper_toolshed::{Action, Rule, SpaceServer};
use serde_json::Value;
use url::Url;

use crate::stage::{NOTER, PASSPHRASE, SPACE, WORDS, reader, shared};

/// A stage with the noter added and run, and the spaces connected.
async fn connected(data: &Path) -> (Stage, SpaceServer, Going) {
    let stage = Stage::start().await;
    let server = SpaceServer::start(data).await.unwrap();
    let main = stage.write("noter/main.tsx", NOTER);
    stage.write("noter/words.ts", WORDS);
    let serve = stage.serve().await;
    let folder = main.parent().unwrap().to_string_lossy().into_owned();
    stage
        .ask(["add", &folder, "--argument", r#"{"notes":[]}"#])
        .await;
    stage.ask(["pause", "noter"]).await;
    stage.ask(["run", "noter"]).await;
    let key = stage.write("key.txt", PASSPHRASE);
    for space in [None, Some(SPACE)] {
        let mut command = stage.command(["space", "connect", "--passphrase-stdin", "--claim"]);
        command.args(["--url", &server.url()]);
        command.args(space.iter().flat_map(|name| ["--space", name]));
        command.stdin(std::fs::File::open(&key).unwrap());
        program::run(command).await.with_code(0);
    }
    (stage, server, serve)
}

async fn publish(stage: &Stage) -> Done {
    let args = ["space", "publish", "noter", "--space", SPACE, "--favorite"];
    stage.run(args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_places_a_charm_and_says_what_others_will_not_see() {
    let data = tempfile::tempdir().unwrap();
    let (stage, server, serve) = connected(data.path()).await;
    let local = stage
        .run(["space", "publish", "noter", "--space", "local"])
        .await;
    assert!(local.sentence().contains("not connected"), "{local}");
    let done = publish(&stage).await.with_code(0);
    assert_eq!(done.json()["state"], "placed");
    assert!(
        done.err.contains("1 cell that it does not show stays"),
        "{done}"
    );
    assert_eq!(
        publish(&stage).await.with_code(0).json()["state"],
        "already"
    );
    let mut reader = reader(&server);
    let at = reader.pieces(&shared()).await.remove(0);
    assert_eq!(reader.show(&at).await["total"], 1);
    serve.signal("TERM").await;
    serve.end().await.with_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_keeper_goes_on_with_what_was_begun() {
    let data = tempfile::tempdir().unwrap();
    let (stage, server, serve) = connected(data.path()).await;
    server.fault(Rule::next(Action::DropBefore).space(&shared()).times(1_000));
    let args = ["space", "publish", "noter", "--space", SPACE, "--favorite"];
    let asked = Going::start(stage.command(args));
    charmkeeper_tests::wait_until("it waits for the server", async || {
        let spaces = stage.ask(["space", "status"]).await;
        spaces
            .as_array()
            .unwrap()
            .iter()
            .any(|space| space["queued"] != 0)
    })
    .await;
    serve.kill().await;
    assert_ne!(asked.end().await.code, Some(0));
    let port = Url::parse(&server.url()).unwrap().port().unwrap();
    drop(server);
    let server = restart(data.path(), port).await;
    let serve = stage.serve().await;
    charmkeeper_tests::wait_until("it is placed", async || {
        let charms: Value = stage.ask(["charms"]).await;
        charms[0]["space"] == shared().as_str()
    })
    .await;
    publish(&stage).await.with_code(0);
    let mut reader = reader(&server);
    let pieces = reader.pieces(&shared()).await;
    assert_eq!((pieces.len(), reader.favorites().await.len()), (1, 1));
    assert_eq!(reader.show(&pieces[0]).await["notes"][0]["id"], "n1");
    let run = stage.ask(["run", "noter"]).await;
    assert_eq!(run["outcome"], "ok", "{run:#}");
    serve.signal("TERM").await;
    serve.end().await.with_code(0);
}
