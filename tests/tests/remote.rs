//! A remote space, over real sockets: favorites become charms, what they write
//! reaches the server once, whatever breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::{Secret, SyncState};
use charmkeeper_keeper::api::{ApiError, ErrorCode, Event, Request};
use charmkeeper_keeper::{Keeper, KeyForm};
use charmkeeper_space::identity::Identity;
use charmkeeper_tests::computers::{all_told, ask, open, restart, try_ask};
use charmkeeper_toolshed::seed::{PieceSeed, SeededPiece};
use charmkeeper_toolshed::{Action, Rule, SpaceServer};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use url::Url;

const PASSPHRASE: &str = "a person of the tests";

/// Counts its runs, and keeps a list of them.
const TICKER: &str = r#"
import { handler, NAME, pattern, Writable } from "commonfabric";
const tick = handler<unknown, { count: Writable<number>; items: Writable<string[]> }>(
  (_event, { count, items }) => {
    count.set((count.get() ?? 0) + 1);
    items.push("run " + count.get());
  },
);
export default pattern<{ count: number; items: string[] }, any>(({ count, items }) => ({
  [NAME]: "Ticker", count, items, bgUpdater: tick({ count, items } as any),
}));
"#;

fn person() -> Identity {
    Identity::from_passphrase(PASSPHRASE)
}

async fn key(keeper: &Keeper) -> String {
    let text = Secret::new(PASSPHRASE.to_owned());
    keeper
        .add_identity(KeyForm::Passphrase, &text)
        .await
        .unwrap()
}

async fn connect(keeper: &Keeper, server: &SpaceServer, claim: bool) -> Result<Value, ApiError> {
    let request = Request::ConnectSpace {
        url: server.url(),
        identity: key(keeper).await,
        space: None,
        claim,
    };
    try_ask(keeper, request).await
}

fn ticker() -> PieceSeed {
    let inputs = json!({ "count": 2, "items": ["first"] });
    PieceSeed::simple("test pieces", "Ticker", TICKER, inputs)
}

/// The inputs of a piece as the server has them.
fn inputs(server: &SpaceServer, piece: &SeededPiece) -> Value {
    server
        .value(&piece.argument.space, &piece.argument.id)
        .unwrap()
}

/// A keeper with the favorite running, its timer off so that the test decides.
async fn with_ticker(folder: &Path, server: &SpaceServer) -> (Arc<Keeper>, SeededPiece) {
    let piece = server
        .seed_home(&person(), &[ticker()])
        .unwrap()
        .pieces
        .remove(0);
    let keeper = open(folder).await;
    connect(&keeper, server, false).await.unwrap();
    adopt(&keeper).await;
    (keeper, piece)
}

async fn adopt(keeper: &Keeper) {
    let favorites = ask(keeper, Request::Favorites).await;
    assert_eq!(favorites[0]["name"], "Ticker", "{favorites:#}");
    assert_eq!(favorites[0]["background"], true, "{favorites:#}");
    let id = favorites[0]["id"].as_str().unwrap().to_owned();
    let on = ask(keeper, Request::SetFavorite { id, on: true }).await;
    assert_eq!(on["on"], true, "{on:#}");
}

async fn run(keeper: &Keeper) -> Value {
    let request = Request::Run {
        charm: "ticker".to_owned(),
        argument: None,
    };
    ask(keeper, request).await
}

/// How far the changes of a run got, as the window is told of it.
async fn told_of(events: &mut broadcast::Receiver<Event>, run: &Value) -> SyncState {
    let told = async {
        loop {
            if let Ok(Event::RunSynced { run: told }) = events.recv().await
                && *run == told.run
            {
                return told.sync;
            }
        }
    };
    let told = tokio::time::timeout(charmkeeper_tests::PATIENCE, told);
    told.await.expect("it is told")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_favorite_runs_here_and_writes_the_documents_of_the_browser() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let (keeper, piece) = with_ticker(folder.path(), &server).await;
    let mut events = keeper.events();
    let done = run(&keeper).await;
    assert_eq!(done["outcome"], "ok", "{done:#}");
    let synced = told_of(&mut events, &done["run"]).await;
    assert_eq!(synced, SyncState::Synced);
    all_told(&keeper).await;
    let value = inputs(&server, &piece);
    let runs = value["count"].as_f64().unwrap();
    assert!(runs >= 3.0, "{value}");
    assert_eq!(value["items"][0], "first");
    // The timer may have run it as well; the list tells every run once.
    let items = value["items"].as_array().unwrap();
    #[allow(clippy::cast_precision_loss)]
    let told = items.len() as f64 + 1.0;
    assert!((told - runs).abs() < 0.5, "{value}");
    let history = ask(&keeper, Request::History(Default::default())).await;
    assert_eq!(history[0]["sync"], "synced", "{history:#}");
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_space_is_not_written_to_until_the_person_says_so() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let keeper = open(folder.path()).await;
    let error = connect(&keeper, &server, false).await.unwrap_err();
    assert!(error.message.contains("no access list"), "{error:?}");
    assert_eq!(error.code, Some(ErrorCode::NewSpace));
    assert!(server.commits(person().home_space()).unwrap().is_empty());
    let view = connect(&keeper, &server, true).await.unwrap();
    assert_eq!(view["state"], "synced", "{view:#}");
    let home = person().home_space().to_owned();
    let list = server.value(&home, &format!("of:{home}")).unwrap();
    assert_eq!(list[person().did()], "OWNER");
    // Somebody else's key is refused, which no claim would change.
    let text = Secret::new("another passphrase".to_owned());
    let stranger = keeper.add_identity(KeyForm::Passphrase, &text).await;
    let request = Request::ConnectSpace {
        url: server.url(),
        identity: stranger.unwrap(),
        space: Some(home),
        claim: false,
    };
    let error = try_ask(&keeper, request).await.unwrap_err();
    assert_eq!(error.code, Some(ErrorCode::KeyRefused), "{error:?}");
    let hint = error.hint.unwrap_or_default();
    assert!(hint.contains("another key"), "{hint}");
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_drops_before_and_after_commits_doubles_nothing() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let (keeper, piece) = with_ticker(folder.path(), &server).await;
    let random = SeededRandom::new(11);
    let commits = || {
        let inputs = &piece.argument;
        usize::try_from(server.commits_of(&inputs.space, &inputs.id).unwrap()).unwrap()
    };
    let before = commits();
    for _ in 0..6 {
        match random.next_u64() % 3 {
            0 => server.fault(Rule::next(Action::DropBefore).document(&piece.argument.id)),
            1 => server.fault(Rule::next(Action::DropAfter).document(&piece.argument.id)),
            _ => {}
        }
        run(&keeper).await;
    }
    all_told(&keeper).await;
    let value = inputs(&server, &piece);
    let items = value["items"].as_array().unwrap();
    let unique: std::collections::BTreeSet<_> = items.iter().map(Value::to_string).collect();
    assert_eq!(unique.len(), items.len(), "{value}");
    assert_eq!(
        json!(items.len() + 1),
        json!(value["count"].as_u64().unwrap_or_default())
    );
    assert_eq!(
        commits() - before,
        items.len() - 1,
        "one commit for each run"
    );
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_shown_and_goes_when_the_person_says_so() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let (keeper, piece) = with_ticker(folder.path(), &server).await;
    run(&keeper).await;
    all_told(&keeper).await;
    let refuse = Action::Refuse {
        name: "TransactionError".to_owned(),
        message: "refused by the test".to_owned(),
    };
    server.fault(Rule::next(refuse).document(&piece.argument.id));
    let mut events = keeper.events();
    let refused = run(&keeper).await;
    let told = told_of(&mut events, &refused["run"]).await;
    assert_eq!(told, SyncState::Stuck);
    let stuck = loop {
        let spaces = ask(&keeper, Request::Spaces).await;
        let all = spaces.as_array().unwrap();
        if let Some(space) = all.iter().find(|s| s["state"] == "stuck") {
            break space["stuck"][0].clone();
        }
        let _: Result<Event, _> = events.recv().await;
    };
    assert_eq!(stuck["charm"], "Ticker", "{stuck:#}");
    let change = stuck["change"].as_u64().unwrap();
    ask(&keeper, Request::RetryChange { change }).await;
    all_told(&keeper).await;
    let value = inputs(&server, &piece);
    assert!(value["count"].as_f64().unwrap() >= 4.0, "{value}");
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_on_while_the_server_and_the_program_are_away() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let port = Url::parse(&server.url()).unwrap().port().unwrap();
    let (keeper, piece) = with_ticker(folder.path(), &server).await;
    ask(
        &keeper,
        Request::Pause {
            charm: "ticker".into(),
        },
    )
    .await;
    run(&keeper).await;
    all_told(&keeper).await;
    let value = inputs(&server, &piece);
    let before = value["count"].as_f64().unwrap();
    drop(server);
    for _ in 0..3 {
        let done = run(&keeper).await;
        assert_eq!(
            (&done["outcome"], &done["sync"]),
            (&json!("ok"), &json!("queued"))
        );
    }
    // The program ends and starts again; the server still is not there.
    keeper.shutdown().await;
    drop(keeper);
    let keeper = open(folder.path()).await;
    let server = restart(data.path(), port).await;
    // The key was in memory alone, so it is given again.
    connect(&keeper, &server, false).await.unwrap();
    let again = Request::ConnectSpace {
        url: server.url(),
        identity: key(&keeper).await,
        space: Some(piece.argument.space.clone()),
        claim: false,
    };
    ask(&keeper, again).await;
    all_told(&keeper).await;
    let value = inputs(&server, &piece);
    assert_eq!(value["count"].as_f64(), Some(before + 3.0), "{value}");
    let filter = charmkeeper_keeper::api::HistoryFilter {
        changed: true,
        ..Default::default()
    };
    let history = ask(&keeper, Request::History(filter)).await;
    for run in history.as_array().unwrap() {
        assert_eq!(run["sync"], "synced", "{run:#}");
    }
    keeper.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_browser_and_a_run_add_to_one_list_both_stay() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let (keeper, piece) = with_ticker(folder.path(), &server).await;
    ask(
        &keeper,
        Request::Pause {
            charm: "ticker".into(),
        },
    )
    .await;
    run(&keeper).await;
    all_told(&keeper).await;
    // The server does not take the change at once, and the browser is faster.
    server.fault(Rule::next(Action::DropBefore).document(&piece.argument.id));
    let value = inputs(&server, &piece);
    let count = value["count"].as_f64().unwrap();
    let mut items = value["items"].as_array().unwrap().clone();
    let first = items.remove(0);
    items.push(json!("from the browser"));
    run(&keeper).await;
    let written = json!({ "value": { "count": count, "items": items } });
    server
        .write(&piece.argument.space, &piece.argument.id, written)
        .unwrap();
    all_told(&keeper).await;
    let value = inputs(&server, &piece);
    let items = value["items"].as_array().unwrap();
    assert!(!items.contains(&first), "removed by the browser: {value}");
    assert!(items.contains(&json!("from the browser")), "{value}");
    assert!(
        items.contains(&json!(format!("run {}", count + 1.0))),
        "{value}"
    );
    keeper.shutdown().await;
}
