//! Claims of computers that share a server: one of them has the lease.

use std::sync::{Arc, Mutex};

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::{Explain as _, UnixMs};
use charmkeeper_space::pieces::{Claimant, LEASE_TERM, Lease, lease_id};
use charmkeeper_store::Store;
use serde_json::json;

use super::fixture::{at as document, connected};
use super::model::{Server, Wire};
use crate::spaces::drain::Halt;
use crate::spaces::lease::{Answer, Want, lease_of, settle};
use crate::spaces::line::Trouble;

/// A computer of the person.
struct Desktop {
    me: Claimant,
    store: Arc<Store>,
    _folder: tempfile::TempDir,
}

impl Desktop {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = connected(folder.path());
        let me = Claimant {
            holder: name.to_lowercase(),
            name: name.to_owned(),
            term: LEASE_TERM,
        };
        Self {
            me,
            store,
            _folder: folder,
        }
    }

    async fn want(&self, wire: &Wire<'_>, want: Want, minute: i64) -> Result<Answer, Halt> {
        let now = move || at(minute);
        // Each computer has numbers of its own on the real server.
        wire.server.lock().expect("the server").forget_numbers();
        settle(&self.store, wire, &self.me, &piece(), want, now).await
    }

    async fn claims(&self, wire: &Wire<'_>, minute: i64) -> Answer {
        let want = Want::Claim { take_over: false };
        self.want(wire, want, minute).await.expect("an answer")
    }

    /// The lease as this computer remembers it.
    fn knows(&self) -> Option<Lease> {
        lease_of(&self.store, &piece()).expect("a read")
    }
}

fn piece() -> DocRef {
    document("of:piece")
}

fn at(minute: i64) -> UnixMs {
    UnixMs(1_000_000_000 + minute * 60_000)
}

fn holder(server: &Mutex<Server>) -> Option<String> {
    let server = server.lock().expect("the server");
    let value = server.value(&lease_id(&piece()).id)?;
    Lease::from_value(&value).map(|lease| lease.holder)
}

fn commits(server: &Mutex<Server>) -> usize {
    server.lock().expect("the server").commits.len()
}

#[tokio::test]
async fn the_first_has_it_renews_it_and_gives_it_back() {
    let server = Mutex::default();
    let wire = Wire::good(&server);
    let (laptop, desktop) = (Desktop::new("Laptop"), Desktop::new("Desktop"));
    assert_eq!(laptop.claims(&wire, 0).await, Answer::Mine);
    let Answer::Other(seen) = desktop.claims(&wire, 1).await else {
        panic!("the laptop has it");
    };
    assert_eq!((seen.name.as_str(), seen.until), ("Laptop", at(15)));
    assert_eq!(desktop.knows(), laptop.knows(), "both remember it");
    for minute in 1..7 {
        assert_eq!(laptop.claims(&wire, minute).await, Answer::Mine);
    }
    assert_eq!(commits(&server), 1, "no write before half time");
    assert_eq!(laptop.claims(&wire, 8).await, Answer::Mine);
    assert_eq!(commits(&server), 2);
    assert_eq!(laptop.knows().expect("a lease").until, at(23));

    assert_eq!(
        laptop.want(&wire, Want::Release, 9).await.expect("free"),
        Answer::Free
    );
    assert_eq!((holder(&server), laptop.knows()), (None, None));
    assert_eq!(desktop.claims(&wire, 9).await, Answer::Mine, "at once");
    // Somebody else's is not given back.
    assert_eq!(
        laptop.want(&wire, Want::Release, 9).await.expect("free"),
        Answer::Free
    );
    assert_eq!(holder(&server).as_deref(), Some("desktop"));
}

#[tokio::test]
async fn a_stale_lease_is_taken_and_a_good_one_only_when_the_person_says_so() {
    let server = Mutex::default();
    let wire = Wire::good(&server);
    let (laptop, desktop) = (Desktop::new("Laptop"), Desktop::new("Desktop"));
    laptop.claims(&wire, 0).await;
    assert!(matches!(desktop.claims(&wire, 14).await, Answer::Other(_)));
    assert_eq!(desktop.claims(&wire, 16).await, Answer::Mine);
    assert!(matches!(laptop.claims(&wire, 17).await, Answer::Other(_)));
    let want = Want::Claim { take_over: true };
    assert_eq!(
        laptop.want(&wire, want, 18).await.expect("an answer"),
        Answer::Mine
    );
    assert!(matches!(desktop.claims(&wire, 19).await, Answer::Other(l) if l.name == "Laptop"));
}

#[tokio::test]
async fn of_two_that_claim_at_once_the_first_writer_has_it_whole() {
    // While this one's claim is on its way another computer's arrives; first on an
    // absent document, then on a stale lease.
    for stale in [false, true] {
        let server = Mutex::default();
        let id = lease_id(&piece()).id;
        if stale {
            let old = Lease {
                holder: "old".into(),
                name: "Old".into(),
                until: at(-60),
            };
            let mut there = server.lock().expect("the server");
            there_writes(&mut there, &id, &old);
        }
        let mut wire = Wire::good(&server);
        wire.meddle = Some(|server| {
            let id = lease_id(&piece()).id;
            let taken = server.value(&id).is_some_and(|v| v["holder"] == "desktop");
            if !taken {
                let first = Lease {
                    holder: "desktop".into(),
                    name: "Desktop".into(),
                    until: at(15),
                };
                there_writes(server, &id, &first);
            }
        });
        let laptop = Desktop::new("Laptop");
        let answer = laptop.claims(&wire, 0).await;
        assert!(
            matches!(answer, Answer::Other(l) if l.holder == "desktop"),
            "stale: {stale}"
        );
        let value = server.lock().expect("the server").value(&id);
        let whole = json!({ "holder": "desktop", "name": "Desktop", "until": at(15).0 });
        assert_eq!(value, Some(whole), "nothing of the second is in it");
        assert_eq!(commits(&server), 0, "the second wrote nothing");
    }
}

fn there_writes(server: &mut Server, id: &str, lease: &Lease) {
    server.write(id, json!({ "value": lease.to_value() }));
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_found_at_the_next_look() {
    for seed in 0..20 {
        let server = Mutex::default();
        let mut wire = Wire::good(&server);
        (wire.lossy, wire.random) = (40, charmkeeper_base::random::SeededRandom::new(seed));
        let laptop = Desktop::new("Laptop");
        let mut answer = None;
        for _ in 0..1000 {
            let want = Want::Claim { take_over: false };
            match laptop.want(&wire, want, 0).await {
                Ok(found) => {
                    answer = Some(found);
                    break;
                }
                Err(Halt::Line(Trouble::NoAnswer(_))) => {}
                Err(Halt::Line(other)) => panic!("{other:?}"),
                Err(Halt::Store(e)) => panic!("{e} {:?}", e.kind()),
            }
        }
        assert_eq!(answer, Some(Answer::Mine), "seed {seed}");
        assert_eq!(
            commits(&server),
            1,
            "seed {seed}: one claim, whatever was lost"
        );
    }
}

#[tokio::test]
async fn a_space_that_refuses_says_so_and_others_keep_beside_the_value_what_they_want() {
    let server = Mutex::default();
    let id = lease_id(&piece()).id;
    let mut wire = Wire::good(&server);
    let refused: &'static str = Box::leak(id.clone().into_boxed_str());
    wire.refuse = Some(refused);
    let laptop = Desktop::new("Laptop");
    assert_eq!(
        laptop.claims(&wire, 0).await,
        Answer::Refused("no".to_owned())
    );
    wire.refuse = None;
    server
        .lock()
        .expect("the server")
        .write(&id, json!({ "value": "no lease", "label": "kept" }));
    assert_eq!(laptop.claims(&wire, 0).await, Answer::Mine);
    let found = server.lock().expect("the server").document(&id);
    assert_eq!(found.doc.expect("a document")["label"], "kept");
}
