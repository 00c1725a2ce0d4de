//! Requests and their answers.

use charmkeeper_space::client::{Event, Session, SpaceError, Verdict};
use charmkeeper_space::codec::{CodecError, MAX_FRAME};
use charmkeeper_space::messages::{
    Command, Commit, CommitOk, Operation, Query, QueryOk, ServerMessage, Sync, SyncEffect, Watch,
    WatchOk, WireError,
};
use serde_json::json;

use crate::support::{Bench, Peer, SPACE, error, exists};

async fn open() -> (Bench, Peer, Session) {
    let mut bench = Bench::new();
    let mut peer = bench.greet().await;
    let session = bench.session();
    peer.accept_open("s1", |_| {}).await;
    bench
        .until(|event| matches!(event, Event::Opened { .. }).then_some(()))
        .await;
    (bench, peer, session)
}

fn commit(local_seq: u64) -> Commit {
    Commit {
        local_seq,
        operations: vec![Operation::Delete {
            id: "of:x".into(),
            scope: None,
        }],
        ..Commit::default()
    }
}

#[tokio::test(start_paused = true)]
async fn requests_overlap_and_each_gets_its_own_answer() {
    let (_bench, mut peer, session) = open().await;
    let ids = ["of:a", "of:b", "of:c"];
    let answers = futures_util::future::join_all(ids.map(|id| session.request(exists(id))));
    let server = async {
        // All three arrive before any is answered.
        let mut requests = Vec::new();
        for id in ids {
            let request = peer.request().await;
            assert_eq!(request.command, exists(id));
            assert_eq!(
                (request.space.as_str(), request.session_id.as_str()),
                (SPACE, "s1")
            );
            requests.push(request);
        }
        // An answer to nothing changes nothing.
        peer.answer("other", Ok(json!(0))).await;
        for n in [1, 0, 2] {
            peer.answer(&requests[n].request_id, Ok(json!(ids[n])))
                .await;
        }
    };
    let (answers, ()) = tokio::join!(answers, server);
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, ids);
}

#[tokio::test(start_paused = true)]
async fn verdicts_of_commits() {
    let (_bench, mut peer, session) = open().await;
    let accepted = CommitOk {
        seq: 7,
        revisions: Vec::new(),
        replayed: true,
    };
    let conflict = WireError {
        retry_after_seq: Some(9),
        ..error("ConflictError", "stale confirmed read")
    };
    let absent = WireError {
        precondition: Some("receipt-exists".into()),
        ..error("PreconditionFailedError", "exists")
    };
    let refused = error("AuthorizationError", "Principal x lacks WRITE on space y");
    for (answer, expected) in [
        (Ok(accepted.to_value()), Ok(Verdict::Accepted(accepted))),
        (
            Err(conflict.clone()),
            Ok(Verdict::Conflict {
                retry_after_seq: Some(9),
                error: conflict,
            }),
        ),
        (
            Err(absent.clone()),
            Ok(Verdict::Conflict {
                retry_after_seq: None,
                error: absent,
            }),
        ),
        (Err(refused.clone()), Ok(Verdict::Refused(refused))),
        (
            Err(error("TransactionError", "missing object key")),
            Ok(Verdict::Refused(error(
                "TransactionError",
                "missing object key",
            ))),
        ),
    ] {
        let (verdict, ()) = tokio::join!(session.transact(commit(1)), async {
            let request = peer.request().await;
            assert_eq!(request.command, Command::Transact(commit(1)));
            peer.answer(&request.request_id, answer).await;
        });
        assert_eq!(verdict, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_server_forgot_is_opened_again() {
    let (mut bench, mut peer, session) = open().await;
    let (verdict, ()) = tokio::join!(session.transact(commit(1)), async {
        let id = peer.request().await.request_id;
        peer.answer(
            &id,
            Err(error(
                "SessionError",
                "Session is not open on this connection",
            )),
        )
        .await;
    });
    // In doubt, not refused: it is to be sent again.
    assert_eq!(verdict, Err(SpaceError::NotOpen));
    let open = peer.accept_open("s1", |_| {}).await;
    assert_eq!(open.session.session_token.as_deref(), Some("s1-token"));
    bench
        .until(|event| matches!(event, Event::Opened { .. }).then_some(()))
        .await;
}

#[tokio::test(start_paused = true)]
async fn queries_and_watches_ask_without_following_links() {
    let (mut bench, mut peer, session) = open().await;
    let watch = Watch {
        id: "w".into(),
        query: Query::from_iter(["of:a"]),
    };
    let sync = Sync {
        to_seq: 3,
        ..Sync::default()
    };
    let ok = WatchOk {
        server_seq: 3,
        sync: sync.clone(),
    };
    let client = async {
        assert_eq!(
            session.query(Query::from_iter(["of:a"])).await.unwrap(),
            QueryOk::default()
        );
        assert_eq!(session.watch(vec![watch.clone()]).await.unwrap(), ok);
        session.ack(3).await.unwrap();
    };
    let server = async {
        let frame = peer.frame().await;
        assert!(
            frame.contains(
                r#""query":{"roots":[{"id":"of:a","selector":{"path":[],"schema":false}}]}"#
            ),
            "{frame}"
        );
        peer.answer("r2", Ok(QueryOk::default().to_value())).await;
        let request = peer.request().await;
        assert_eq!(request.command, Command::WatchSet(vec![watch.clone()]));
        peer.answer(&request.request_id, Ok(ok.to_value())).await;
        let request = peer.request().await;
        assert_eq!(request.command, Command::Ack { seen_seq: 3 });
        peer.answer(&request.request_id, Ok(json!({ "serverSeq": 3 })))
            .await;
    };
    tokio::join!(client, server);
    // A push for this session comes out; one for another session does not.
    for (space, session_id) in [(SPACE, "s2"), ("did:key:z", "s1"), (SPACE, "s1")] {
        peer.say(ServerMessage::Effect(SyncEffect {
            space: space.into(),
            session_id: session_id.into(),
            sync: sync.clone(),
        }))
        .await;
    }
    peer.say(ServerMessage::Other(json!({ "type": "news" })))
        .await;
    let event = bench.event().await;
    assert_eq!(
        event,
        Event::Synced {
            session: session.key(),
            space: SPACE.into(),
            sync: Box::new(sync)
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_server_cannot_read_is_refused_to_whoever_sent_it() {
    let (_bench, mut peer, session) = open().await;
    let (answers, ()) = tokio::join!(
        async {
            tokio::join!(
                session.request(exists("of:a")),
                session.request(exists("of:b"))
            )
        },
        async {
            peer.request().await;
            let second = peer.request().await;
            peer.answer(
                "invalid",
                Err(error("InvalidMessageError", "Unable to parse")),
            )
            .await;
            peer.answer(&second.request_id, Ok(json!(true))).await;
        }
    );
    assert_eq!(
        answers.0,
        Err(SpaceError::Refused(error(
            "InvalidMessageError",
            "Unable to parse"
        )))
    );
    assert_eq!(answers.1, Ok(json!(true)));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_is_not_sent() {
    let (_bench, mut peer, session) = open().await;
    let long = "x".repeat(MAX_FRAME);
    let error = session.request(exists(&long)).await.unwrap_err();
    assert!(
        matches!(error, SpaceError::Codec(CodecError::TooLong { .. })),
        "{error}"
    );
    let (answer, ()) = tokio::join!(session.request(exists("of:a")), async {
        let id = peer.request().await.request_id;
        peer.answer(&id, Ok(json!(1))).await;
    });
    assert_eq!(answer, Ok(json!(1)));
}

#[tokio::test(start_paused = true)]
async fn frames_of_twenty_mebibytes_pass_in_both_directions() {
    let (_bench, mut peer, session) = open().await;
    let long = "x".repeat(20 << 20);
    let (answer, ()) = tokio::join!(session.request(exists(&long)), async {
        let request = peer.request().await;
        assert!(request.command == exists(&long));
        peer.answer(&request.request_id, Ok(json!(long))).await;
    });
    assert!(answer.unwrap() == long.as_str());
}

#[tokio::test(start_paused = true)]
async fn closing_says_farewell_and_ends_everything() {
    let (mut bench, mut peer, session) = open().await;
    let (answer, ()) = tokio::join!(session.request(exists("of:a")), async {
        peer.request().await;
        bench.connection.close();
        peer.gone().await;
    });
    assert_eq!(answer, Err(SpaceError::Closed));
    assert_eq!(
        session.request(exists("of:a")).await,
        Err(SpaceError::Closed)
    );
    assert_eq!(session.opened().await, Err(SpaceError::Closed));
    while bench.events.next().await.is_some() {}
}
