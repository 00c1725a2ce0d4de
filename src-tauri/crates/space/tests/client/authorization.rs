//! Who may open what, and when to try again.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{ErrorKind, Explain as _};
use charmkeeper_space::client::{Event, Refusal, SpaceError};
use charmkeeper_space::identity::{Identity, verify};
use charmkeeper_space::messages::{
    Descriptor, Flags, Revoked, RevokedReason, ServerMessage, WireError,
};

use crate::support::{Bench, NOW, SPACE, auth, challenge_of, error, exists, hello_ok, me, open_ok};

const OTHER: &str = "did:key:z6Mkn7dHa3wE3phdsUwt4jpuSM6Dbd48BmwK5gxJwa26NKtX";

fn denied() -> WireError {
    error(
        "AuthorizationError",
        &format!("Principal x lacks READ on space {SPACE}"),
    )
}

fn retriable(message: &str) -> WireError {
    WireError {
        retriable: true,
        ..error("AuthorizationError", message)
    }
}

#[tokio::test(start_paused = true)]
async fn flags_that_do_not_fit_stop_everything_with_a_sentence() {
    for (flags, flag) in [
        (
            Flags::default().with("modernCellRep", true),
            "modernCellRep",
        ),
        (
            Flags::default().with("serverExecution", true),
            "serverExecution",
        ),
    ] {
        let mut bench = Bench::new();
        let mut peer = bench.accept().await;
        let session = bench.session();
        peer.read().await;
        peer.say(hello_ok(flags, 1)).await;
        let Event::Stopped { error } = bench.event().await else {
            panic!();
        };
        assert_eq!(error, SpaceError::Incompatible { flag: flag.into() });
        assert_eq!(error.kind(), ErrorKind::Space);
        assert!(error.to_string().contains(flag) && error.hint().is_some());
        assert_eq!(session.opened().await, Err(error.clone()));
        assert_eq!(session.request(exists("of:a")).await, Err(error));
        peer.gone().await;
    }
    for (name, message) in [
        ("ProtocolError", "memory flag mismatch: client={} server={}"),
        ("UnsupportedProtocol", "Unsupported protocol: memory"),
    ] {
        let mut bench = Bench::new();
        let mut peer = bench.accept().await;
        peer.read().await;
        peer.answer("handshake", Err(error(name, message))).await;
        let Event::Stopped { error } = bench.event().await else {
            panic!();
        };
        assert!(
            error.is_permanent() && error.kind() == ErrorKind::Space,
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn capabilities_that_we_do_not_use_are_no_obstacle() {
    let mut bench = Bench::new();
    let mut peer = bench.accept().await;
    peer.read().await;
    let flags = Flags::default()
        .with("commitPreconditions", true)
        .with("syncSchemaTableV2", true);
    peer.say(hello_ok(flags, 1)).await;
    assert!(matches!(bench.event().await, Event::Connected { .. }));
}

#[tokio::test(start_paused = true)]
async fn each_open_is_signed_for_its_challenge() {
    let bench = Bench::new();
    let mut peer = bench.greet().await;
    let _first = bench.session();
    let _second = bench
        .connection
        .register(OTHER, me(), Descriptor::default());
    for (n, space) in [(1_u64, SPACE), (2, OTHER)] {
        let open = peer.open().await;
        assert_eq!(
            (open.space.as_str(), challenge_of(&open)),
            (space, format!("{n:064x}").as_str())
        );
        let digest = open.invocation.digest().unwrap();
        assert!(verify(me().did(), &digest, &open.signature));
        assert_eq!(open.invocation.value()["iat"], NOW);
        assert_eq!(open.invocation.value()["exp"], NOW + 300);
        // The next is not opened before this one is answered.
        assert!(peer.is_quiet().await);
        peer.answer(&open.request_id, Ok(open_ok("s").to_value()))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_one_space_and_the_other_gets_a_new_connection() {
    let mut bench = Bench::new();
    let mut peer = bench.greet().await;
    let refused = bench.session();
    let good = bench
        .connection
        .register(OTHER, me(), Descriptor::default());
    let open = peer.open().await;
    peer.answer(&open.request_id, Err(denied())).await;
    let error = bench
        .until(|event| match event {
            Event::Refused { session, error, .. } => {
                assert_eq!(session, refused.key());
                Some(error)
            }
            _ => None,
        })
        .await;
    assert_eq!(error.to_string(), "your key may not read this space");
    assert_eq!(
        (error.kind(), error.is_permanent()),
        (ErrorKind::Space, true)
    );
    assert_eq!(Refusal::of(&denied()), Refusal::NoRead);
    assert_eq!(refused.opened().await, Err(error));

    // The challenge is used up: no second attempt on this connection.
    let mut next = bench.greet().await;
    peer.gone().await;
    let open = next.accept_open("s", |_| {}).await;
    assert_eq!(open.space, OTHER);
    good.opened().await.unwrap();
    assert!(
        next.is_quiet().await,
        "the refused space is not tried again"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_new_challenge_heals_is_tried_again_on_a_new_connection() {
    let bench = Bench::new();
    let mut peer = bench.greet().await;
    let session = bench.session();
    for message in [
        "memory session.open challenge expired",
        "memory session.open authorization expired",
    ] {
        let open = peer.open().await;
        peer.answer(&open.request_id, Err(retriable(message))).await;
        let next = bench.greet().await;
        std::mem::replace(&mut peer, next).gone().await;
    }
    let (opened, _) = tokio::join!(session.opened(), peer.accept_open("s", |_| {}));
    assert_eq!(opened.unwrap().which.session_id.as_deref(), Some("s"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_failure_is_retried_and_told_to_whoever_waits() {
    let bench = Bench::new();
    let session = bench.session();
    let server = async {
        for _ in 0..3 {
            let mut peer = bench.greet().await;
            let open = peer.open().await;
            peer.answer(&open.request_id, Err(error("Error", "database is locked")))
                .await;
            peer.gone().await;
        }
    };
    let (opened, ()) = tokio::join!(session.opened(), server);
    assert_eq!(
        opened,
        Err(SpaceError::Refused(error("Error", "database is locked")))
    );
    let mut peer = bench.greet().await;
    peer.accept_open("s", |_| {}).await;
    session.opened().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stale_token_is_tried_until_the_server_must_have_forgotten_it() {
    let mut bench = Bench::new();
    let which = Descriptor {
        session_id: Some("device".into()),
        session_token: Some("old".into()),
        seen_seq: Some(4),
    };
    let _session = bench.connection.register(SPACE, me(), which.clone());
    let start = tokio::time::Instant::now();
    let mut tries = 0;
    let script = bench.script.clone();
    let server = async {
        loop {
            let mut peer = script.greet().await;
            let open = peer.open().await;
            // Always the same session: commits are counted by its id.
            assert_eq!(open.session, which);
            tries += 1;
            let stale = error("SessionRevokedError", "resume token is no longer valid");
            peer.answer(&open.request_id, Err(stale)).await;
            peer.gone().await;
        }
    };
    let reason = tokio::select! {
        () = server => unreachable!(),
        reason = async {
            loop {
                match bench.events.next().await.unwrap() {
                    Event::Revoked { reason, .. } => break reason,
                    Event::Refused { error, .. } => panic!("{error}"),
                    _ => {}
                }
            }
        } => reason,
    };
    assert_eq!(reason, RevokedReason::TakenOver);
    let waited = start.elapsed();
    assert!((75..90).contains(&waited.as_secs()), "{waited:?}");
    assert!((8..=10).contains(&tries), "{tries}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_revoked_is_over_and_not_opened_again() {
    for reason in [RevokedReason::TakenOver, RevokedReason::Unauthorized] {
        let mut bench = Bench::new();
        let mut peer = bench.greet().await;
        let session = bench.session();
        peer.accept_open("s1", |_| {}).await;
        session.opened().await.unwrap();
        peer.say(ServerMessage::Revoked(Revoked {
            space: SPACE.into(),
            session_id: "s1".into(),
            reason,
        }))
        .await;
        let told = bench
            .until(|event| match event {
                Event::Revoked { reason, .. } => Some(reason),
                _ => None,
            })
            .await;
        assert_eq!(told, reason);
        drop(peer);
        let mut next = bench.greet().await;
        assert!(next.is_quiet().await);
        assert_eq!(
            session.request(exists("of:a")).await,
            Err(SpaceError::Revoked(reason))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_far_off_is_put_right_by_the_challenge() {
    let bench = Bench::new();
    bench.clock.advance(Duration::from_secs(86_400));
    let mut peer = bench.greet().await;
    let _session = bench.session();
    let open = peer.open().await;
    assert_eq!(open.invocation.value()["iat"], NOW);
    assert_eq!(open.invocation.value()["exp"], NOW + 300);
}

#[tokio::test(start_paused = true)]
async fn a_space_added_after_the_challenge_expired_gets_a_new_connection() {
    let bench = Bench::new();
    let mut peer = bench.greet().await;
    let keep = async {
        loop {
            // The server pings while nothing happens.
            tokio::time::sleep(Duration::from_secs(15)).await;
            peer.raw(tokio_tungstenite::tungstenite::Message::Ping(
                Default::default(),
            ))
            .await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(301), keep).await;
    let _session = bench.connection.register(
        SPACE,
        Arc::new(Identity::from_passphrase("a")),
        Descriptor::default(),
    );
    let mut next = bench.accept().await;
    next.greet(9).await;
    let open = next.open().await;
    assert_eq!(challenge_of(&open), auth(9).challenge.value);
    peer.gone().await;
}
