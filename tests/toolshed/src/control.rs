//! Steering a server that runs as a process of its own.
//!
//! `POST /<command>` with a JSON body on the second port does what the methods of
//! the handle do; the answer is JSON. Commands: `fault` (a rule), `clear-faults`,
//! `release`, `held {count}` (answers when so many wait), `drop`, `offline {on}`,
//! `flap {times}`, `restart`, `expire`, `revoke {space, session?}`,
//! `take-over {space, session?}`, `sessions {space}`, `write {space, writer?,
//! operations}`, `document {space, id}`, `commits {space}`, `count {space, id}`.
//!
//! Owns the commands' forms. Only listens on this computer.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use crate::error::ServerError;
use crate::faults::{Rule, operations};
use crate::http;
use crate::server::{Shared, done};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Control {
    Fault(Rule),
    ClearFaults,
    Release,
    Held {
        count: usize,
    },
    Drop,
    Offline {
        on: bool,
    },
    Flap {
        times: u32,
    },
    Restart,
    Expire,
    Revoke {
        space: String,
        session: Option<String>,
    },
    TakeOver {
        space: String,
        session: Option<String>,
    },
    Sessions {
        space: String,
    },
    Write {
        space: String,
        writer: Option<String>,
        operations: Vec<Value>,
    },
    Document {
        space: String,
        id: String,
    },
    Commits {
        space: String,
    },
    Count {
        space: String,
        id: String,
    },
}

pub(crate) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Ok(head) = http::head(&mut stream).await else {
        return;
    };
    let name = head.path.trim_start_matches('/').to_owned();
    let Ok(body) = http::body(&mut stream, head).await else {
        return;
    };
    let mut request: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
    request.insert("do".to_owned(), name.into());
    let (status, json) = match serde_json::from_value(Value::Object(request)) {
        Err(error) => ("400 Bad Request", json!({ "error": error.to_string() })),
        Ok(control) => match run(control, &shared).await {
            Ok(json) => ("200 OK", json),
            Err(error) => ("409 Conflict", json!({ "error": error.to_string() })),
        },
    };
    // Who asked may have gone.
    let _ = http::answer(&mut stream, status, &json).await;
}

async fn run(control: Control, shared: &Shared) -> Result<Value, ServerError> {
    match control {
        Control::Fault(rule) => shared.faults.add(rule),
        Control::ClearFaults => shared.faults.clear(),
        Control::Release => shared.faults.release(),
        Control::Held { count } => shared.faults.held(count).await,
        Control::Drop => shared.drop_all(),
        Control::Offline { on } => shared.set_offline(on),
        Control::Flap { times } => shared.flap(times),
        Control::Restart => shared.restart()?,
        Control::Expire => shared.engine(|engine| (engine.expire(), Vec::new())),
        Control::Revoke { space, session } => {
            shared.engine(|engine| ((), engine.revoke(&space, session.as_deref())));
        }
        Control::TakeOver { space, session } => {
            shared.engine(|engine| ((), engine.take_over(&space, session.as_deref())));
        }
        other => return look(other, shared),
    }
    Ok(done())
}

fn look(control: Control, shared: &Shared) -> Result<Value, ServerError> {
    Ok(match control {
        Control::Sessions { space } => json!({ "sessions": shared.hub().engine.sessions(&space) }),
        Control::Write {
            space,
            writer,
            operations: wire,
        } => {
            let Some(operations) = operations(&wire) else {
                return Err(ServerError::Refused {
                    name: "ProtocolError".to_owned(),
                    message: "an operation is malformed".to_owned(),
                });
            };
            let writer = writer.unwrap_or_else(|| "browser".to_owned());
            json!({ "seq": shared.write(&space, &writer, operations)? })
        }
        Control::Document { space, id } => {
            let head = shared.hub().engine.document(&space, &id)?;
            json!({ "seq": head.seq, "document": head.document })
        }
        Control::Commits { space } => {
            let accepted = shared.hub().engine.commits(&space)?;
            let commits = accepted.iter().map(|one| {
                let commit = one.commit()?.to_value();
                Ok(json!({
                    "seq": one.seq, "principal": one.principal, "session": one.session,
                    "localSeq": one.local_seq, "commit": commit,
                }))
            });
            json!({ "commits": commits.collect::<Result<Vec<_>, ServerError>>()? })
        }
        Control::Count { space, id } => {
            json!({ "count": shared.hub().engine.commits_of(&space, &id)? })
        }
        _ => done(),
    })
}
