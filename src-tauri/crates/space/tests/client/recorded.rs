//! A session recorded from a real server, played again: what our client sends is
//! what the recorded client sent, byte for byte.

use std::sync::Arc;

use charmkeeper_space::client::{Event, Session, SpaceError};
use charmkeeper_space::codec;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::messages::{
    ClientMessage, Command, Descriptor, RevokedReason, ServerMessage,
};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Bench, Peer};

/// The rows of one recorded connection: who sent (`C>S`, `S>C`, `CLOSE`) and what.
fn rows(name: &str) -> Vec<(String, String)> {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/space-vectors.json")).unwrap();
    let rows: Vec<_> = vectors["recordedSession"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["conn"] == name)
        .map(|row| {
            let text = |field: &str| row[field].as_str().unwrap().to_owned();
            (text("dir"), text("frame"))
        })
        .collect();
    assert!(rows.len() >= 4, "{name}");
    rows
}

fn read(frame: &str) -> ClientMessage {
    ClientMessage::from_value(codec::decode(frame).unwrap()).unwrap()
}

/// The frame as our encoder writes it: the recorded client always escaped with
/// `/object`, which means the same as the server's own `/quote`.
fn normal(frame: &str) -> String {
    codec::encode(&codec::decode(frame).unwrap()).unwrap()
}

type Answers = JoinSet<Result<Value, SpaceError>>;

/// Plays the rows of one connection: each command of the recorded client is given
/// to ours, and each frame of the server must come out as an event or answer.
async fn play(
    bench: &mut Bench,
    peer: &mut Peer,
    rows: &[(String, String)],
    who: &Arc<Identity>,
) -> Session {
    let mut session: Option<Arc<Session>> = None;
    let mut answers = Answers::new();
    let (mut same, mut rewritten) = (0, 0);
    for (dir, frame) in rows {
        if dir == "C>S" {
            match read(frame) {
                ClientMessage::Hello(_) => {}
                ClientMessage::Open(open) => {
                    let new = bench
                        .connection
                        .register(&open.space, who.clone(), open.session);
                    session = Some(Arc::new(new));
                }
                ClientMessage::Request(request) => {
                    let session = session.clone().unwrap();
                    answers.spawn(async move { session.request(request.command).await });
                }
            }
            let sent = peer.frame().await;
            assert_eq!(sent, normal(frame));
            *(if sent == *frame {
                &mut same
            } else {
                &mut rewritten
            }) += 1;
        } else if dir == "S>C" {
            peer.send(frame).await;
            let message = ServerMessage::from_value(codec::decode(frame).unwrap());
            arrived(message.unwrap(), bench, &mut answers).await;
        }
    }
    assert!(same > rewritten, "{same} {rewritten}");
    Arc::into_inner(session.unwrap()).unwrap()
}

/// What the server said comes out of our client.
async fn arrived(message: ServerMessage, bench: &mut Bench, answers: &mut Answers) {
    let response = match message {
        ServerMessage::Response(response) => response,
        push => {
            let event = bench.event().await;
            match (push, event) {
                (ServerMessage::HelloOk(_), Event::Connected { .. }) => {}
                (ServerMessage::Effect(effect), Event::Synced { sync, .. }) => {
                    assert_eq!(*sync, effect.sync);
                }
                (ServerMessage::Revoked(revoked), Event::Revoked { reason, .. }) => {
                    assert_eq!(reason, revoked.reason);
                }
                other => panic!("{other:?}"),
            }
            return;
        }
    };
    let opened = |ok: &Value| ok.get("sessionToken").is_some();
    if response.result.as_ref().is_ok_and(opened) {
        let event = bench.event().await;
        assert!(matches!(event, Event::Opened { .. }), "{event:?}");
        return;
    }
    let answer = answers.join_next().await.unwrap().unwrap();
    assert_eq!(answer, response.result.map_err(SpaceError::Refused));
}

#[tokio::test(start_paused = true)]
async fn the_owner_writes_and_is_refused_as_recorded() {
    let mut bench = Bench::with_prefix("A-");
    let mut peer = bench.accept().await;
    let who = Arc::new(Identity::from_passphrase("interop user"));
    play(&mut bench, &mut peer, &rows("A"), &who).await;
}

#[tokio::test(start_paused = true)]
async fn the_reader_watches_loses_the_connection_and_resumes_as_recorded() {
    let who = Arc::new(Identity::from_passphrase("interop second user"));
    let mut bench = Bench::with_prefix("C-");
    let mut peer = bench.accept().await;
    play(&mut bench, &mut peer, &rows("C"), &who).await;

    // Two seconds later, as recorded.
    for (name, prefix) in [("C2b", "C2b-"), ("C3", "C3-")] {
        let mut bench = Bench::with_prefix(prefix);
        bench.clock.advance(std::time::Duration::from_secs(2));
        let mut peer = bench.accept().await;
        let mut rows = rows(name);
        // What C3 asks after it was revoked our client does not even send.
        if name == "C3" {
            let revoked = rows
                .iter()
                .position(|(_, frame)| frame.contains("session/revoked"));
            rows.truncate(revoked.unwrap() + 1);
        }
        let session = play(&mut bench, &mut peer, &rows, &who).await;
        let error = session
            .request(Command::Ack { seen_seq: 1 })
            .await
            .unwrap_err();
        assert!(error.is_permanent(), "{error}");
        assert!(peer.is_quiet().await);
        let reason = if name == "C3" {
            RevokedReason::Unauthorized
        } else {
            RevokedReason::TakenOver
        };
        assert_eq!(error, SpaceError::Revoked(reason));
    }
}

#[tokio::test(start_paused = true)]
async fn two_spaces_are_opened_on_one_connection_as_recorded() {
    let bench = Bench::with_prefix("F-");
    bench.clock.advance(std::time::Duration::from_secs(3));
    let mut peer = bench.accept().await;
    let who = Arc::new(Identity::from_passphrase("interop user"));
    // The recorded client tried wrong requests in between; their answers and
    // numbers are left out.
    let rows = rows("F");
    let row = |id: &str, dir: &str| {
        let mark = format!("\"requestId\":\"{id}\"");
        let found = rows
            .iter()
            .find(|(d, frame)| d == dir && frame.contains(&mark));
        found.unwrap().1.clone()
    };
    assert_eq!(peer.frame().await, rows[0].1);
    peer.send(&rows[1].1).await;
    let mut sessions = Vec::new();
    for (ours, theirs) in [("F-1", "F-6"), ("F-2", "F-9"), ("F-3", "F-11")] {
        let number =
            |frame: String| frame.replace(&format!("\"{theirs}\""), &format!("\"{ours}\""));
        let frame = number(row(theirs, "C>S"));
        let ClientMessage::Open(open) = read(&frame) else {
            panic!("{frame}");
        };
        sessions.push(
            bench
                .connection
                .register(&open.space, who.clone(), Descriptor::default()),
        );
        assert_eq!(peer.frame().await, frame);
        peer.raw(Message::text(number(row(theirs, "S>C")))).await;
        sessions.last().unwrap().opened().await.unwrap();
    }
    assert_eq!(sessions[2].space(), who.home_space());
}
