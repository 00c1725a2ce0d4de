//! Exactly once, in order, merged.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::Change;
use charmkeeper_base::cell::patch::Patch;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_store::{Store, Writer};
use serde_json::{Value, json};

use super::fixture::{SPACE, at, connected, open};
use super::model::{Server, Wire};
use crate::spaces::drain::{Halt, Step, step};
use crate::spaces::outgoing::{Maker, SEEN, Served, outgoing};

/// A store with a connected space that knows the server's documents.
fn desk(folder: &Path, server: &Mutex<Server>, ids: &[&str]) -> Arc<Store> {
    let store = connected(folder);
    learn(&store, server, ids);
    store
}

fn learn(store: &Store, server: &Mutex<Server>, ids: &[&str]) {
    let server = server.lock().expect("the server");
    let news: Vec<_> = ids.iter().map(|id| server.document(id)).collect();
    store.integrate(SPACE, &news, SEEN).expect("news");
}

fn seen(store: &Store, id: &str) -> Value {
    let found = store.documents(&[at(id)]).expect("a read").remove(0);
    found.doc.map_or(Value::Null, |doc| doc["value"].clone())
}

/// A run that changes the value of one document, from what it reads now.
fn run(store: &Store, id: &str, work: impl FnOnce(&mut Value)) {
    let found = store.documents(&[at(id)]).expect("a read").remove(0);
    let before = found.doc.clone().unwrap_or_else(|| json!({"value": null}));
    let mut after = before.clone();
    work(&mut after["value"]);
    let patches = charmkeeper_base::cell::patch::diff(&before, &after);
    let change = Change::patch(at(id), Some(found.version), patches);
    let served: Served = [(at(id), (found.version, found.doc))].into();
    write(store, &served, vec![change]);
}

fn write(store: &Store, served: &Served, changes: Vec<Change>) {
    let maker = Maker {
        run: None,
        charm: "Charm",
        at: UnixMs(1),
    };
    let out = outgoing(store, &maker, served, changes).expect("changes");
    let keeper = Writer::Keeper { owner: None };
    store
        .write_documents(&keeper, &out.changes)
        .expect("written");
    // As at the end of a run, what charms see is written already and stays.
    for change in &out.outbox {
        let keep = |id: &str, _: Option<&Value>, _: &[String]| {
            Ok(store.documents(&[at(id)])?.remove(0).doc)
        };
        store.enqueue(change, &keep).expect("queued");
    }
}

/// Drains until nothing waits; a broken line is tried again.
async fn drained(store: &Arc<Store>, wire: &Wire<'_>) {
    for _ in 0..1_000_000 {
        match step(store, SPACE, wire, || UnixMs(2)).await {
            Ok(Step::Idle) => return,
            Ok(Step::Moved(_)) | Err(Halt::Line(_)) => {}
            Err(Halt::Store(e)) => panic!("{e}"),
        }
    }
    panic!("it never ends");
}

fn server(docs: &[(&str, Value)]) -> Mutex<Server> {
    let mut server = Server::default();
    for (id, value) in docs {
        server.write(id, json!({"value": value, "patternIdentity": "kept"}));
    }
    Mutex::new(server)
}

fn truth(server: &Mutex<Server>, id: &str) -> Value {
    server
        .lock()
        .expect("the server")
        .value(id)
        .unwrap_or_default()
}

#[tokio::test]
async fn a_day_offline_is_told_in_order_and_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(&[("of:log", json!([]))]);
    let store = desk(folder.path(), &server, &["of:log"]);
    for n in 0..1440 {
        run(&store, "of:log", |value| {
            let list = value.as_array_mut().expect("a list");
            // What a charm keeps of a day is bounded.
            if list.len() == 50 {
                list.remove(0);
            }
            list.push(json!({"id": n}));
        });
    }
    assert_eq!(store.outbox_counts(SPACE).expect("counts").queued, 1440);
    drained(&store, &Wire::good(&server)).await;
    assert_eq!(truth(&server, "of:log"), seen(&store, "of:log"));
    assert_eq!(truth(&server, "of:log")[49], json!({"id": 1439}));
    let commits = server.lock().expect("the server").commits.len();
    assert_eq!(commits, 1440, "one commit for each run");
}

#[tokio::test]
async fn a_line_that_breaks_at_any_point_and_a_program_that_dies_lose_and_double_nothing() {
    for seed in 0..30 {
        let folder = tempfile::tempdir().expect("a folder");
        let server = server(&[("of:sum", json!(0)), ("of:log", json!([]))]);
        let mut store = desk(folder.path(), &server, &["of:sum", "of:log"]);
        let mut wire = Wire::good(&server);
        (wire.lossy, wire.random) = (30, SeededRandom::new(seed));
        let random = SeededRandom::new(seed + 1000);
        for n in 0..20 {
            run(&store, "of:sum", |v| {
                *v = json!(v.as_f64().unwrap_or(0.0) + 1.0);
            });
            run(&store, "of:log", |v| {
                v.as_array_mut().expect("a list").push(json!({"id": n}));
            });
            for _ in 0..random.next_u64() % 5 {
                let _ = step(&store, SPACE, &wire, || UnixMs(2)).await;
                // The program dies; what it had not stored is gone.
                drop(store);
                store = open(folder.path());
            }
        }
        drained(&store, &wire).await;
        assert_eq!(truth(&server, "of:sum"), json!(20.0), "seed {seed}");
        let log = truth(&server, "of:log");
        let ids: Vec<_> = log
            .as_array()
            .expect("a list")
            .iter()
            .map(|e| e["id"].clone())
            .collect();
        assert_eq!(
            ids,
            (0..20).map(|n| json!(n)).collect::<Vec<_>>(),
            "seed {seed}"
        );
        let commits = server.lock().expect("the server").commits.len();
        assert_eq!(commits, 40, "seed {seed}");
        assert_eq!(seen(&store, "of:log"), log);
    }
}

#[tokio::test]
async fn two_writers_of_one_list_lose_nothing() {
    let server = server(&[("of:list", json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]))]);
    let (one, two) = (
        tempfile::tempdir().expect("a"),
        tempfile::tempdir().expect("b"),
    );
    let laptop = desk(one.path(), &server, &["of:list"]);
    let desktop = desk(two.path(), &server, &["of:list"]);
    run(&laptop, "of:list", |v| {
        v.as_array_mut().expect("a list").push(json!({"id": "d"}));
    });
    run(&desktop, "of:list", |v| {
        drop(v.as_array_mut().expect("a list").remove(0));
    });
    let mut other = Wire::good(&server);
    // The second has numbers of its own on the real server.
    drained(&laptop, &other).await;
    server.lock().expect("the server").forget_numbers();
    other.random = SeededRandom::new(3);
    drained(&desktop, &other).await;
    learn(&laptop, &server, &["of:list"]);
    let both = json!([{"id": "b"}, {"id": "c"}, {"id": "d"}]);
    assert_eq!(truth(&server, "of:list"), both);
    assert_eq!(seen(&laptop, "of:list"), both);
    assert_eq!(seen(&desktop, "of:list"), both);
    let space = desktop
        .remote_space(SPACE)
        .expect("a read")
        .expect("a space");
    assert_eq!(space.merged, 1, "the person is told of the conflict");
}

#[tokio::test]
async fn a_refused_change_is_set_aside_while_others_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(&[("of:a", json!(1)), ("of:b", json!(1))]);
    let store = desk(folder.path(), &server, &["of:a", "of:b"]);
    run(&store, "of:a", |v| *v = json!(2));
    run(&store, "of:b", |v| *v = json!(2));
    let mut wire = Wire::good(&server);
    wire.refuse = Some("of:a");
    drained(&store, &wire).await;
    assert_eq!(
        (truth(&server, "of:a"), truth(&server, "of:b")),
        (json!(1), json!(2))
    );
    let stuck = store.stuck_changes(Some(SPACE)).expect("a read");
    assert_eq!((stuck.len(), stuck[0].reason.as_str()), (1, "no"));
    store.retry_change(stuck[0].id).expect("again");
    wire.refuse = None;
    drained(&store, &wire).await;
    assert_eq!(truth(&server, "of:a"), json!(2));
}

#[tokio::test]
async fn endless_conflicts_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(&[("of:a", json!({"n": 0, "other": 0}))]);
    let store = desk(folder.path(), &server, &["of:a"]);
    run(&store, "of:a", |v| v["n"] = json!(5));
    let mut wire = Wire::good(&server);
    wire.meddle = Some(|server| {
        let n = server.value("of:a").expect("a value")["other"]
            .as_i64()
            .unwrap_or(0);
        server.write("of:a", json!({"value": {"n": 0, "other": n + 1}}));
    });
    drained(&store, &wire).await;
    assert_eq!(store.outbox_counts(SPACE).expect("counts").stuck, 1);
}

#[tokio::test]
async fn what_the_browser_wrote_during_a_run_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(&[("of:list", json!(["a", "b"]))]);
    let store = desk(folder.path(), &server, &["of:list"]);
    // The run reads, the browser writes and we hear of it, the run ends.
    let read = store.documents(&[at("of:list")]).expect("a read").remove(0);
    server
        .lock()
        .expect("the server")
        .write("of:list", json!({"value": ["new", "a", "b"]}));
    learn(&store, &server, &["of:list"]);
    let patch = Patch::Add {
        path: "/value/1".into(),
        value: json!("mine"),
    };
    let served: Served = [(at("of:list"), (read.version, read.doc))].into();
    let change = Change::patch(at("of:list"), Some(read.version), vec![patch]);
    write(&store, &served, vec![change]);
    assert_eq!(seen(&store, "of:list"), json!(["new", "a", "mine", "b"]));
    drained(&store, &Wire::good(&server)).await;
    assert_eq!(truth(&server, "of:list"), json!(["new", "a", "mine", "b"]));
}

#[tokio::test]
async fn new_elements_go_along_and_cells_nobody_links_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(&[("of:list", json!([]))]);
    let store = desk(folder.path(), &server, &["of:list"]);
    let link = json!({"/": {"link@1": {"id": "of:new", "path": []}}});
    let list = store.documents(&[at("of:list")]).expect("a read").remove(0);
    let served: Served = [(at("of:list"), (list.version, list.doc))].into();
    let append = Patch::Add {
        path: "/value/0".into(),
        value: link.clone(),
    };
    let changes = vec![
        Change::create(at("of:new"), Some(0), json!({"value": {"subject": "Hi"}})),
        Change::create(at("of:cursor"), Some(0), json!({"value": "42"})),
        Change::patch(at("of:list"), Some(list.version), vec![append]),
    ];
    write(&store, &served, changes);
    drained(&store, &Wire::good(&server)).await;
    let all: BTreeMap<&str, Value> = ["of:list", "of:new", "of:cursor"]
        .map(|id| (id, truth(&server, id)))
        .into();
    assert_eq!(all["of:list"], json!([link]));
    assert_eq!(all["of:new"], json!({"subject": "Hi"}));
    assert_eq!(all["of:cursor"], Value::Null);
    assert_eq!(seen(&store, "of:cursor"), json!("42"));
    // A run that changes nothing tells nothing.
    run(&store, "of:list", |_| {});
    assert_eq!(store.outbox_counts(SPACE).expect("counts").queued, 0);
}
