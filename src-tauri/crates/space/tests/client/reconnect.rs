//! Losing the connection and coming back.

use std::time::Duration;

use charmkeeper_base::{ErrorKind, Explain as _};
use charmkeeper_space::client::{Event, SpaceError};
use charmkeeper_space::messages::{
    Command, Commit, Descriptor, Operation, Query, ServerMessage, Sync, SyncEffect, Watch, WatchOk,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Bench, SPACE, exists, me};

fn sync(from_seq: u64, to_seq: u64) -> Sync {
    Sync {
        from_seq,
        to_seq,
        ..Sync::default()
    }
}

fn watch() -> Vec<Watch> {
    vec![Watch {
        id: "w".into(),
        query: Query::from_iter(["of:a"]),
    }]
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_nothing_happens() {
    let bench = Bench::new();
    let mut peer = bench.greet().await;
    for n in 0..20_u8 {
        tokio::time::sleep(Duration::from_secs(15)).await;
        peer.raw(Message::Ping(vec![n].into())).await;
        let answer = tokio::time::timeout(Duration::from_secs(1), peer.message()).await;
        assert_eq!(answer.unwrap(), Message::Pong(vec![n].into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_asked_and_then_left() {
    let mut bench = Bench::new();
    // The scripted peer is not read, so our ping stays without an answer.
    let peer = bench.greet().await;
    let start = Instant::now();
    let error = bench
        .until(|event| match event {
            Event::Disconnected { error, .. } => Some(error),
            _ => None,
        })
        .await;
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(error.kind(), ErrorKind::Offline);
    drop(peer);
    bench.greet().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_ends_though_pings_come() {
    let bench = Bench::new();
    let mut peer = bench.greet().await;
    let session = bench.session();
    peer.accept_open("s", |_| {}).await;
    session.opened().await.unwrap();
    let pings = async {
        loop {
            tokio::time::sleep(Duration::from_secs(15)).await;
            peer.raw(Message::Ping(Default::default())).await;
        }
    };
    let start = Instant::now();
    tokio::select! {
        () = pings => {}
        answer = session.request(exists("of:a")) => {
            assert!(matches!(answer, Err(SpaceError::Lost { .. })));
        }
    }
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn attempts_come_slower_and_slower_and_start_anew_after_a_good_connection() {
    let mut bench = Bench::new();
    let mut waits = Vec::new();
    for _ in 0..14 {
        bench.refuse();
        let Event::Disconnected { error, retry_in } = bench.event().await else {
            panic!();
        };
        assert_eq!(error.kind(), ErrorKind::Offline);
        waits.push(retry_in.as_millis());
    }
    for (n, wait) in waits.iter().enumerate().take(11) {
        let base = 25 << n;
        assert!((base..=base * 6 / 5).contains(wait), "{waits:?}");
    }
    assert_eq!(waits[11..], [30_000; 3]);

    let peer = bench.greet().await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    drop(peer);
    let retry_in = bench
        .until(|event| match event {
            Event::Disconnected { retry_in, .. } => Some(retry_in),
            _ => None,
        })
        .await;
    assert!(retry_in < Duration::from_millis(31), "{retry_in:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_at_once_is_not_hammered() {
    let mut bench = Bench::new();
    let mut last = Duration::ZERO;
    for _ in 0..6 {
        drop(bench.greet().await);
        last = bench
            .until(|event| match event {
                Event::Disconnected { retry_in, .. } => Some(retry_in),
                _ => None,
            })
            .await;
    }
    assert!(last >= Duration::from_millis(800), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_network_ends_the_pause_and_checks_a_connection() {
    let mut bench = Bench::new();
    for _ in 0..12 {
        bench.refuse();
        bench.event().await;
    }
    let start = Instant::now();
    bench.connection.check();
    let peer = bench.greet().await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(matches!(bench.event().await, Event::Connected { .. }));
    // Awake again: the server is asked, and does not answer.
    bench.connection.check();
    assert!(matches!(bench.event().await, Event::Disconnected { .. }));
    assert_eq!(start.elapsed().as_secs(), 5);
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_waiting_and_asking_end_in_offline() {
    let bench = Bench::new();
    let opening = bench
        .connection
        .open_space(SPACE, me(), Descriptor::default());
    let (opened, ()) = tokio::join!(opening, async { bench.refuse() });
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Offline);
    let session = bench.session();
    assert_eq!(
        session.request(exists("of:a")).await,
        Err(SpaceError::NotOpen)
    );
}

#[tokio::test(start_paused = true)]
async fn a_commit_in_doubt_is_told_and_goes_unchanged_into_the_resumed_session() {
    let mut bench = Bench::new();
    let mut peer = bench.greet().await;
    let which = Descriptor {
        session_id: Some("device".into()),
        ..Descriptor::default()
    };
    let session = bench.connection.register(SPACE, me(), which);
    let open = peer.accept_open("device", |_| {}).await;
    assert_eq!(open.session.session_id.as_deref(), Some("device"));
    session.opened().await.unwrap();
    let commit = Commit {
        local_seq: 1,
        operations: vec![Operation::Set {
            id: "of:a".into(),
            scope: None,
            document: serde_json::json!({ "value": { "/": 1 } }),
        }],
        ..Commit::default()
    };
    let (doubt, sent) = tokio::join!(session.transact(commit.clone()), async {
        let sent = peer.request().await;
        drop(peer);
        sent
    });
    let doubt = doubt.unwrap_err();
    assert_eq!(
        (doubt.kind(), doubt.is_permanent()),
        (ErrorKind::Offline, false)
    );
    // What was taken in is told by the next resume, though it was said offline.
    assert!(session.ack(5).await.is_err());

    let mut peer = bench.greet().await;
    let open = peer.accept_open("device", |ok| ok.resumed = true).await;
    assert_eq!(
        open.session,
        Descriptor {
            session_id: Some("device".into()),
            session_token: Some("device-token".into()),
            seen_seq: Some(5),
        }
    );
    bench
        .until(|event| match event {
            Event::Opened { opened, .. } if opened.resumed => Some(()),
            _ => None,
        })
        .await;
    let (_, again) = tokio::join!(session.transact(commit), async {
        let again = peer.request().await;
        peer.answer(
            &again.request_id,
            Err(crate::support::error("ProtocolError", "x")),
        )
        .await;
        again
    });
    assert_eq!(again.command, sent.command);
    assert_eq!(again.session_id, sent.session_id);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_watched_unasked_and_whoever_watches_is_told_that_the_server_forgot() {
    let mut bench = Bench::new();
    let mut peer = bench.greet().await;
    let session = bench.session();
    peer.accept_open("s", |_| {}).await;
    session.opened().await.unwrap();
    let (watched, ()) = tokio::join!(session.watch(watch()), async {
        let request = peer.request().await;
        assert_eq!(request.command, Command::WatchSet(watch()));
        let ok = WatchOk {
            server_seq: 2,
            sync: sync(0, 2),
        };
        peer.answer(&request.request_id, Ok(ok.to_value())).await;
    });
    watched.unwrap();

    let opened = |event| match event {
        Event::Opened { opened, .. } => Some(opened),
        _ => None,
    };
    bench.until(opened).await;
    for (resumed, from_seq, gap) in [(true, 2, false), (true, 3, true), (false, 0, false)] {
        drop(peer);
        peer = bench.greet().await;
        peer.accept_open("s", |ok| {
            ok.resumed = resumed;
            // What came with the watch has arrived; more than that has not.
            ok.sync = resumed.then(|| sync(from_seq, 2));
        })
        .await;
        let opened = bench.until(opened).await;
        assert_eq!((opened.resumed, opened.gap), (resumed, gap), "{from_seq}");
        assert!(peer.is_quiet().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_after_a_resume_is_told() {
    let mut bench = Bench::new();
    let mut peer = bench.greet().await;
    let session = bench.session();
    peer.accept_open("s", |_| {}).await;
    session.opened().await.unwrap();
    peer.say(ServerMessage::Effect(SyncEffect {
        space: SPACE.into(),
        session_id: "s".into(),
        sync: sync(0, 4),
    }))
    .await;
    bench
        .until(|event| matches!(event, Event::Synced { .. }).then_some(()))
        .await;
    for (from_seq, gap) in [(4, false), (7, true)] {
        drop(peer);
        peer = bench.greet().await;
        peer.accept_open("s", |ok| {
            ok.resumed = true;
            ok.sync = Some(sync(from_seq, 5));
        })
        .await;
        let opened = bench
            .until(|event| match event {
                Event::Opened { opened, .. } if opened.resumed => Some(opened),
                _ => None,
            })
            .await;
        assert_eq!((opened.gap, opened.sync), (gap, Some(sync(from_seq, 5))));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_ends_the_connection_and_a_new_one_is_made() {
    for message in [
        Message::text("hello"),
        Message::text("fvj1:{"),
        Message::text(r#"fvj1:{"type":"response"}"#),
        Message::binary(vec![1]),
        Message::Close(None),
    ] {
        let mut bench = Bench::new();
        let mut peer = bench.greet().await;
        assert!(matches!(bench.event().await, Event::Connected { .. }));
        peer.raw(message).await;
        let event = bench.event().await;
        assert!(matches!(event, Event::Disconnected { .. }), "{event:?}");
        bench.greet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_dropped_is_not_opened_again() {
    let bench = Bench::new();
    let mut peer = bench.greet().await;
    let session = bench.session();
    peer.accept_open("s", |_| {}).await;
    session.opened().await.unwrap();
    drop(session);
    drop(peer);
    let mut peer = bench.greet().await;
    assert!(peer.is_quiet().await);
}
