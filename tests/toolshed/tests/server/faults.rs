//! What goes wrong on purpose, seen by the real client over a real socket.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::SystemClock;
use charmkeeper_base::random::SystemRandom;
use charmkeeper_space::client::{
    Connection, Event, Events, Network, ServerAddress, Session, Settings, Verdict,
};
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{Commit, ConfirmedRead, Descriptor, Operation};
use charmkeeper_toolshed::{Action, Rule, SpaceServer};
use serde_json::{Value, json};

use crate::support::me;

pub(crate) struct World {
    pub(crate) server: SpaceServer,
    pub(crate) space: String,
    pub(crate) connection: Connection,
    pub(crate) session: Session,
    pub(crate) events: Events,
    _folder: tempfile::TempDir,
}

/// Ends a test that would hang.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("in time")
}

pub(crate) fn connect(url: &str) -> (Connection, Events) {
    Connection::open(Settings {
        dial: Arc::new(Network::new(ServerAddress::parse(url).unwrap(), Vec::new()).unwrap()),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
        request_prefix: "t".to_owned(),
    })
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let server = SpaceServer::start(folder.path()).await.unwrap();
    let space = Identity::of_named_space("faults").did().to_owned();
    let list = json!({"value": { me().did(): "OWNER", "*": "WRITE" }});
    server.write(&space, &format!("of:{space}"), list).unwrap();
    let (connection, events) = connect(&server.url());
    let device = Descriptor {
        session_id: Some("device".into()),
        ..Descriptor::default()
    };
    let session = connection.register(&space, Arc::new(me()), device);
    let mut world = World {
        server,
        space,
        connection,
        session,
        events,
        _folder: folder,
    };
    world.opened().await;
    world
}

impl World {
    async fn until(&mut self, fits: impl Fn(&Event) -> bool) {
        in_time(async {
            loop {
                let event = self.events.next().await.expect("an open connection");
                if fits(&event) {
                    return;
                }
            }
        })
        .await;
    }

    async fn opened(&mut self) {
        self.until(|event| matches!(event, Event::Opened { .. }))
            .await;
    }

    fn value(&self, id: &str) -> Option<Value> {
        self.server.value(&self.space, id)
    }
}

fn put(local_seq: u64, id: &str, value: Value) -> Commit {
    let document = json!({ "value": value });
    let operations = vec![Operation::Set {
        id: id.into(),
        scope: None,
        document,
    }];
    Commit {
        local_seq,
        operations,
        ..Commit::default()
    }
}

#[tokio::test]
async fn a_commit_in_doubt_is_made_once() {
    let mut world = world().await;
    for (n, action, made) in [(1, Action::DropBefore, 0), (2, Action::DropAfter, 1)] {
        let id = format!("of:{n}");
        world.server.fault(Rule::next(action));
        let lost = in_time(world.session.transact(put(n, &id, json!(n)))).await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(world.server.commits_of(&world.space, &id).unwrap(), made);
        world.opened().await;
        let again = in_time(world.session.transact(put(n, &id, json!(n))))
            .await
            .unwrap();
        assert!(matches!(again, Verdict::Accepted(_)), "{again:?}");
        assert_eq!(world.server.commits_of(&world.space, &id).unwrap(), 1);
        assert_eq!(world.value(&id), Some(json!(n)));
    }
}

#[tokio::test]
async fn an_answer_is_held_until_it_is_released() {
    let world = world().await;
    for (n, action, made) in [(1, Action::HoldBefore, 0), (2, Action::HoldAfter, 1)] {
        let id = format!("of:{n}");
        world
            .server
            .fault(Rule::next(action).document(&id).space(&world.space));
        let answer = world.session.transact(put(n, &id, json!(n)));
        let release = async {
            world.server.held(1).await;
            assert_eq!(world.server.commits_of(&world.space, &id).unwrap(), made);
            world.server.release();
        };
        // The answer cannot come first: only the other one lets it go.
        let (answer, ()) = in_time(async { tokio::join!(answer, release) }).await;
        let answer = answer.unwrap();
        assert!(matches!(answer, Verdict::Accepted(_)), "{answer:?}");
        assert_eq!(world.server.commits_of(&world.space, &id).unwrap(), 1);
    }
}

#[tokio::test]
async fn commits_are_refused_and_conflicts_forced() {
    let world = world().await;
    let (name, message) = ("TransactionError".to_owned(), "no".to_owned());
    world
        .server
        .fault(Rule::next(Action::Refuse { name, message }).after(1));
    let first = in_time(world.session.transact(put(1, "of:a", json!(1))))
        .await
        .unwrap();
    assert!(matches!(first, Verdict::Accepted(_)), "{first:?}");
    let second = in_time(world.session.transact(put(2, "of:a", json!(2))))
        .await
        .unwrap();
    assert!(matches!(second, Verdict::Refused(_)), "{second:?}");
    assert_eq!(
        world.value("of:a"),
        Some(json!(1)),
        "the second one of the two"
    );

    world.server.fault(Rule::next(Action::Conflict));
    let forced = in_time(world.session.transact(put(3, "of:a", json!(3))))
        .await
        .unwrap();
    assert!(matches!(forced, Verdict::Conflict { .. }), "{forced:?}");

    // A real one: somebody else is first.
    let first = json!([{"op": "set", "id": "of:a", "value": {"value": "browser"}}]);
    let operations = first.as_array().unwrap().clone();
    world
        .server
        .fault(Rule::next(Action::WriteFirst { operations }));
    let seq = world.server.document(&world.space, "of:a").unwrap().seq;
    let read = ConfirmedRead {
        id: "of:a".into(),
        scope: None,
        path: vec!["value".into()],
        seq,
        non_recursive: false,
    };
    let commit = Commit {
        confirmed: vec![read],
        ..put(4, "of:a", json!(4))
    };
    let met = in_time(world.session.transact(commit)).await.unwrap();
    assert!(matches!(met, Verdict::Conflict { .. }), "{met:?}");
    assert_eq!(world.value("of:a"), Some(json!("browser")));
}

#[tokio::test]
async fn the_server_goes_away_and_comes_back() {
    let mut world = world().await;
    let made = in_time(world.session.transact(put(1, "of:a", json!(1))))
        .await
        .unwrap();
    assert!(matches!(made, Verdict::Accepted(_)), "{made:?}");
    world.server.restart().unwrap();
    world.opened().await;
    // The answer of before the restart.
    let again = in_time(world.session.transact(put(1, "of:a", json!(1))))
        .await
        .unwrap();
    assert!(
        matches!(&again, Verdict::Accepted(ok) if ok.replayed),
        "{again:?}"
    );
    assert_eq!(world.server.accepted(&world.space).unwrap().len(), 2);

    world.server.flap(3);
    world.opened().await;
    world.server.set_offline(true);
    world
        .until(|event| matches!(event, Event::Disconnected { .. }))
        .await;
    world.server.set_offline(false);
    world.connection.check();
    world.opened().await;

    world.server.take_over(&world.space, None);
    world
        .until(|event| matches!(event, Event::Revoked { .. }))
        .await;
}

#[tokio::test]
async fn revoked_sessions_are_told() {
    let mut world = world().await;
    assert_eq!(world.server.sessions(&world.space), ["device"]);
    world.server.revoke(&world.space, None);
    world
        .until(|event| matches!(event, Event::Revoked { .. }))
        .await;
    assert!(world.server.sessions(&world.space).is_empty());
}
