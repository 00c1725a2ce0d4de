//! The greeting at the start of a connection.
//!
//! Owns which servers this program can work with. Never opens a session.

use std::time::Duration;

use tokio::time::timeout;

use super::dial::{Incoming, Socket};
use super::error::SpaceError;
use super::task::End;
use crate::codec;
use crate::messages::{
    ClientMessage, Flags, Hello, HelloOk, PROTOCOL, Response, ServerMessage, WireError, error_name,
};

/// For the answer to `hello`.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// Says hello and reads the answer.
pub(super) async fn handshake(socket: &mut Socket) -> Result<HelloOk, End> {
    let hello = ClientMessage::Hello(Hello::ours()).encode();
    socket.send(hello.map_err(SpaceError::from)?);
    let answer = async {
        loop {
            if let Incoming::Text(text) = socket.next().await? {
                break Ok::<_, SpaceError>(text);
            }
        }
    };
    let text = timeout(HELLO_LIMIT, answer)
        .await
        .map_err(|_| SpaceError::Lost {
            detail: "the server does not answer".to_owned(),
        })??;
    let value = codec::decode(&text).map_err(SpaceError::from)?;
    match ServerMessage::from_value(value).map_err(SpaceError::from)? {
        ServerMessage::HelloOk(hello) => accept(hello),
        ServerMessage::Response(Response {
            result: Err(error), ..
        }) => Err(refusal(error)),
        _ => Err(SpaceError::Lost {
            detail: "the server sent something else than a greeting".to_owned(),
        }
        .into()),
    }
}

fn accept(hello: HelloOk) -> Result<HelloOk, End> {
    if hello.protocol != PROTOCOL {
        return Err(End::Stopped(SpaceError::Protocol {
            message: hello.protocol,
        }));
    }
    match hello.flags.obstacle() {
        Some(flag) => Err(End::Stopped(SpaceError::Incompatible {
            flag: flag.to_owned(),
        })),
        None => Ok(hello),
    }
}

fn refusal(error: WireError) -> End {
    if error.name == error_name::UNSUPPORTED {
        return End::Stopped(SpaceError::Protocol {
            message: error.message,
        });
    }
    if error.message.contains("flag mismatch") {
        return End::Stopped(SpaceError::Incompatible {
            flag: Flags::MODERN_CELL_REP.to_owned(),
        });
    }
    SpaceError::Lost {
        detail: error.message,
    }
    .into()
}
