//! A space of any size is asked for in pages.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use charmkeeper_store::{ReplicaDocument, Store};
use serde_json::json;

use super::fixture::{SPACE, connected};
use super::model::{Server, Wire};
use crate::spaces::outgoing::SEEN;
use crate::spaces::watching::{PAGE, Watching};

/// A server with so many documents of the same size, and a replica that holds them
/// as they were before the last change.
fn large(store: &Store, count: usize, length: usize) -> Mutex<Server> {
    let mut server = Server::default();
    let id = |n: usize| format!("of:{n:05}");
    let mut known = Vec::new();
    for n in 0..count {
        server.write(&id(n), json!({ "value": "-".repeat(length) }));
        known.push(server.document(&id(n)));
    }
    store.integrate(SPACE, &known, SEEN).expect("stored");
    for n in 0..count {
        server.write(&id(n), json!({ "value": n }));
    }
    Mutex::new(server)
}

/// Watches to the end, as the task does; the sizes of the pages that came.
async fn all(store: &Arc<Store>, wire: &Wire<'_>, watching: &mut Watching) -> Vec<usize> {
    let mut sizes = Vec::new();
    while let Some(page) = watching.page(store, SPACE, wire).await.expect("a page") {
        sizes.push(page.news.len());
        take(store, watching, page).await;
    }
    sizes
}

async fn take(store: &Arc<Store>, watching: &mut Watching, page: crate::spaces::watching::Page) {
    store.integrate(SPACE, &page.news, SEEN).expect("stored");
    let taken = watching.taken(store, SPACE, page.reach);
    taken.await.expect("noted");
}

fn replica(store: &Store, id: &str) -> Option<ReplicaDocument> {
    store
        .replica(SPACE, &[id.to_owned()])
        .expect("a read")
        .remove(0)
}

#[tokio::test]
async fn no_more_than_a_page_is_asked_for_or_held_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = connected(folder.path());
    let count = 10 * PAGE + 7;
    let server = large(&store, count, 10);
    let wire = Wire::good(&server);
    let mut watching = Watching::default();
    let sizes = all(&store, &wire, &mut watching).await;
    assert!(sizes.iter().all(|size| *size <= PAGE), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), count, "each is told once");
    assert!(wire.most_asked() <= PAGE);
    // All of it is here, and the server tells about all of it.
    let last = format!("of:{:05}", count - 1);
    let found = replica(&store, &last).and_then(|found| found.doc);
    assert_eq!(found, Some(json!({ "value": count - 1 })));
    assert_eq!(wire.watched().len(), count);
    // Only what is new is asked for from then on.
    assert_eq!(all(&store, &wire, &mut watching).await, [0; 0]);
}

#[tokio::test]
async fn large_documents_make_small_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = connected(folder.path());
    let server = large(&store, 12, 100 * 1024);
    let wire = Wire::good(&server);
    let sizes = all(&store, &wire, &mut Watching::default()).await;
    assert_eq!(sizes, [2; 6]);
}

#[tokio::test]
async fn a_line_that_breaks_between_pages_loses_no_document() {
    for seed in 0..6 {
        let folder = tempfile::tempdir().expect("a folder");
        let store = connected(folder.path());
        let server = large(&store, 3 * PAGE, 10);
        let mut wire = Wire::good(&server);
        (wire.lossy, wire.random) = (40, charmkeeper_base::random::SeededRandom::new(seed));
        let mut watching = Watching::default();
        loop {
            match watching.page(&store, SPACE, &wire).await {
                Ok(Some(page)) => take(&store, &mut watching, page).await,
                Ok(None) => break,
                // The server may have forgotten everything, or not.
                Err(_) if seed % 2 == 0 => {
                    wire.forget();
                    watching.forget();
                }
                Err(_) => {}
            }
        }
        assert_eq!(wire.watched().len(), 3 * PAGE, "seed {seed}");
    }
}

#[tokio::test]
async fn a_session_that_is_gone_on_with_after_a_kill_is_read_again_in_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = connected(folder.path());
    let server = large(&store, 2 * PAGE, 10);
    let wire = Wire::good(&server);
    // Told to a program that was killed before it took anything in.
    let lost = Watching::default();
    lost.page(&store, SPACE, &wire).await.expect("a page");
    let sizes = all(&store, &wire, &mut Watching::default()).await;
    assert_eq!(sizes, [PAGE; 2]);
    let first = replica(&store, "of:00000").and_then(|found| found.doc);
    assert_eq!(first, Some(json!({ "value": 0 })));
    assert!(wire.most_asked() <= PAGE);
}

#[tokio::test]
async fn what_is_read_is_asked_for_once_and_watched() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = connected(folder.path());
    let server = large(&store, 3, 10);
    let ids: Vec<String> = ["of:new", "of:none"].map(str::to_owned).into();
    server
        .lock()
        .expect("the server")
        .write("of:new", json!({ "value": 1 }));
    let wire = Wire::good(&server);
    let mut watching = Watching::default();
    all(&store, &wire, &mut watching).await;
    let before = wire.asked();
    for again in [0, 1] {
        let page = watching.get(&store, SPACE, &wire, ids.clone()).await;
        take(&store, &mut watching, page.expect("a page")).await;
        assert_eq!(
            wire.asked() - before,
            2 * (again + 1),
            "each time each once"
        );
        assert_eq!(all(&store, &wire, &mut watching).await, [0; 0]);
    }
    assert!(replica(&store, "of:new").is_some_and(|found| found.doc.is_some()));
    let none = replica(&store, "of:none").expect("it is known not to be there");
    assert_eq!((none.seq, none.doc), (0, None));
    let read: BTreeSet<String> = ids.into_iter().collect();
    assert!(read.is_subset(&wire.watched()));
}

#[tokio::test]
async fn what_came_in_otherwise_is_watched_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = connected(folder.path());
    let server = large(&store, 3, 10);
    let wire = Wire::good(&server);
    let mut watching = Watching::default();
    all(&store, &wire, &mut watching).await;
    // A change of ours made a document.
    server
        .lock()
        .expect("the server")
        .write("of:made", json!({ "value": 1 }));
    let made = server.lock().expect("the server").document("of:made");
    store.integrate(SPACE, &[made], SEEN).expect("stored");
    assert!(!wire.watched().contains("of:made"));
    // A document that is read meanwhile does not hide it.
    let read = watching
        .get(&store, SPACE, &wire, vec!["of:read".into()])
        .await;
    take(&store, &mut watching, read.expect("a page")).await;
    all(&store, &wire, &mut watching).await;
    assert!(wire.watched().contains("of:made"));
    assert!(wire.watched().contains("of:read"));
}

#[tokio::test]
async fn an_empty_replica_is_watched_when_something_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = connected(folder.path());
    let server = Mutex::new(Server::default());
    server
        .lock()
        .expect("the server")
        .write("of:a", json!({ "value": 1 }));
    let wire = Wire::good(&server);
    let mut watching = Watching::default();
    assert_eq!(all(&store, &wire, &mut watching).await, [0; 0]);
    let read = watching
        .get(&store, SPACE, &wire, vec!["of:a".into()])
        .await;
    take(&store, &mut watching, read.expect("a page")).await;
    all(&store, &wire, &mut watching).await;
    assert_eq!(wire.watched(), BTreeSet::from(["of:a".to_owned()]));
}
