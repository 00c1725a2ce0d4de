//! One WebSocket: frames to the engine, frames from it, pings when it is quiet.
//!
//! Owns the socket. What a frame means is the engine's to say; what goes wrong on
//! purpose is done here, around it.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_space::codec;
use charmkeeper_space::messages::{ClientMessage, Response, ServerMessage};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::engine::{ConnectionId, Outgoing};
use crate::faults::{Action, Picked, conflict, operations};
use crate::server::Shared;

/// After so long without a sign of the other end it is asked for one.
const QUIET: Duration = Duration::from_secs(15);
/// After so long it is taken for gone.
const GONE: Duration = Duration::from_secs(30);

/// Serves a connection to its end.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shared: Arc<Shared>) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(codec::MAX_FRAME))
        .max_frame_size(Some(codec::MAX_FRAME));
    let accepted = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await;
    let Ok(socket) = accepted else { return };
    let (out, outgoing) = mpsc::unbounded_channel();
    let id = shared.connect(out);
    let (frames, queue) = mpsc::unbounded_channel();
    // Requests wait for each other, not for the socket: one that is held must not
    // keep pings from being answered.
    tokio::select! {
        () = pump(socket, outgoing, frames) => {}
        () = work(queue, id, &shared) => {}
    }
    shared.disconnect(id);
}

async fn work(mut queue: mpsc::UnboundedReceiver<String>, id: ConnectionId, shared: &Shared) {
    while let Some(frame) = queue.recv().await {
        handle(&frame, id, shared).await;
    }
    // The pump goes on until the connection is closed.
    std::future::pending::<()>().await;
}

async fn handle(frame: &str, id: ConnectionId, shared: &Shared) {
    let message = shared
        .faults
        .any()
        .then(|| codec::decode(frame).ok())
        .flatten()
        .and_then(|value| ClientMessage::from_value(value).ok());
    let picked = match &message {
        Some(ClientMessage::Request(request)) => Some((
            Picked::of(&request.space, &request.command),
            &request.request_id,
        )),
        Some(ClientMessage::Open(open)) => {
            let picked = Picked {
                kind: "session.open",
                space: &open.space,
                commit: None,
            };
            Some((picked, &open.request_id))
        }
        _ => None,
    };
    let Some((picked, request_id)) = picked else {
        return shared.receive(id, frame);
    };
    let refuse = |error| {
        let response = Response {
            request_id: request_id.clone(),
            result: Err(error),
        };
        if let Ok(frame) = ServerMessage::Response(response).encode() {
            shared.send(id, Outgoing::Frame(frame));
        }
    };
    match shared.faults.take(&picked) {
        None => shared.receive(id, frame),
        Some(Action::DropBefore) => shared.abort(id),
        Some(Action::DropAfter) => shared.receive_unanswered(id, frame),
        Some(Action::HoldBefore) => {
            shared.faults.hold().wait().await;
            shared.receive(id, frame);
        }
        Some(Action::HoldAfter) => {
            let hold = shared.faults.hold();
            let answer = shared.receive_quietly(id, frame);
            hold.wait().await;
            shared.deliver(answer);
        }
        Some(Action::Refuse { name, message }) => {
            refuse(charmkeeper_space::messages::WireError::new(&name, message));
        }
        Some(Action::Conflict) => refuse(conflict(picked.commit, shared.seq(picked.space))),
        Some(Action::WriteFirst { operations: wire }) => {
            if let Some(operations) = operations(&wire) {
                // A write that cannot be carried out makes no conflict, which the
                // test that asked for one sees.
                let _ = shared.write(picked.space, "another writer", operations);
            }
            shared.receive(id, frame);
        }
    }
}

/// Moves frames in both directions until either end has enough.
async fn pump<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    frames: mpsc::UnboundedSender<String>,
) {
    let (mut sink, mut source) = socket.split();
    let close = |code: u16, reason: &'static str| {
        Message::Close(Some(CloseFrame {
            code: CloseCode::from(code),
            reason: reason.into(),
        }))
    };
    let mut heard = Instant::now();
    let mut asked = false;
    loop {
        let alarm = heard + if asked { GONE } else { QUIET };
        let next = tokio::select! {
            message = source.next() => {
                heard = Instant::now();
                asked = false;
                match message {
                    Some(Ok(Message::Text(text))) => {
                        // Nobody takes them once the connection is given up.
                        let _ = frames.send(text.to_string());
                        continue;
                    }
                    Some(Ok(Message::Binary(_))) => {
                        close(1003, "Memory websocket expects text frames")
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
            }
            out = outgoing.recv() => match out {
                Some(Outgoing::Frame(frame)) => Message::text(frame),
                Some(Outgoing::Close(code, reason)) => close(code, reason),
                Some(Outgoing::Abort) | None => return,
            },
            () = tokio::time::sleep_until(alarm) => {
                if asked {
                    close(1001, "No response from ping frame.")
                } else {
                    asked = true;
                    Message::Ping(Bytes::new())
                }
            }
        };
        let last = next.is_close();
        if sink.send(next).await.is_err() {
            return;
        }
        if last {
            // Until the other end has answered the close.
            while let Some(Ok(_)) = source.next().await {}
            return;
        }
    }
}
