//! The control endpoint, for tests in other processes and languages. It only
//! does what [`World`](crate::World) and [`Running`](crate::Running) do.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /sandbox/state?account=&bodies=false&from=&to=` | everything that is held; `occurrences` for a window |
//! | `GET /sandbox/requests?after=N` | the request log |
//! | `GET`, `POST`, `DELETE /sandbox/faults`, `DELETE /sandbox/faults/ID` | faults: see [`Fault`](crate::Fault); POST takes one or an array |
//! | `GET`, `PATCH /sandbox/behaviour` | see [`Behaviour`](crate::Behaviour) |
//! | `POST /sandbox/expire_tokens` | every access token ends |
//! | `POST /sandbox/invalid_grant {account}` | every grant of the account ends |
//! | `POST /sandbox/arrive {account, kind, count, mail, event}` | `kind` is `mail`, `event` or `next`; `mail` or `event` give contents |
//! | `POST /sandbox/delete {account, id}` | deletes a message for good |
//! | `POST /sandbox/relabel {account, id, add, remove}` | changes labels |
//! | `POST /sandbox/cancel_event {account, calendar, id}` | cancels an event or an occurrence |
//! | `POST /sandbox/expire_sync {account, what}` | `what` is `history`, `calendar`, or left out for both |
//!
//! `account` may be left out: it is the sample account then. Errors are
//! `{"error": "sentence"}` with status 400 or 404. Pages from elsewhere, which
//! a browser marks with `Origin`, are refused.

mod state;

use http::{StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::SandboxError;
use crate::faults::Fault;
use crate::message::{Reply, Request};
use crate::oauth::userinfo::picture_svg;
use crate::shared::Shared;
use crate::world::{NewEvent, NewMail, SAMPLE_ACCOUNT, World};

/// Why a control request was not done.
struct Refused(StatusCode, String);

impl From<SandboxError> for Refused {
    fn from(e: SandboxError) -> Self {
        Self(StatusCode::NOT_FOUND, e.to_string())
    }
}

type Answer = Result<Value, Refused>;

/// Answers `/sandbox/...`; `path` is what follows.
pub(crate) fn handle(shared: &std::sync::Arc<Shared>, request: &Request, path: &[&str]) -> Reply {
    if let ["picture", file] = path {
        let n = file.strip_suffix(".svg").and_then(|n| n.parse().ok());
        return match n.and_then(picture_svg) {
            Some(svg) => Reply::new(StatusCode::OK, "image/svg+xml", svg),
            None => crate::server::not_found(),
        };
    }
    let result = if request
        .header(header::ORIGIN)
        .is_some_and(|o| !shared.is_own_origin(o))
    {
        Err(Refused(
            StatusCode::FORBIDDEN,
            "Pages from elsewhere may not control the sandbox.".into(),
        ))
    } else {
        answer(&World(shared.clone()), request, path)
    };
    match result {
        Ok(value) => Reply::ok(&value),
        Err(Refused(status, text)) => Reply::json(status, &json!({"error": text})),
    }
}

fn answer(world: &World, request: &Request, path: &[&str]) -> Answer {
    let shared = &world.0;
    match (request.method.as_str(), path) {
        ("GET", ["state"]) => state::state(world, &request.params()),
        ("GET", ["requests"]) => {
            let after = request
                .params()
                .given("after")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            Ok(json!(shared.journal.since(after)))
        }
        ("GET", ["faults"]) => Ok(shared.faults().to_json()),
        ("POST", ["faults"]) => add_faults(shared, read(request)?),
        ("DELETE", ["faults"]) => {
            shared.faults().clear(None);
            Ok(json!({}))
        }
        ("DELETE", ["faults", id]) => {
            let id = id
                .parse()
                .map_err(|_| bad("The id of a fault is a number."))?;
            shared.faults().clear(Some(id));
            Ok(json!({}))
        }
        ("GET", ["behaviour"]) => Ok(json!(shared.lock().behaviour)),
        ("PATCH", ["behaviour"]) => change_behaviour(shared, read(request)?),
        ("POST", ["expire_tokens"]) => Ok(json!({"expired": world.expire_access_tokens()})),
        ("POST", ["invalid_grant"]) => {
            let order: Order = read(request)?;
            Ok(json!({"ended": world.revoke_grants(&order.account)?}))
        }
        ("POST", ["arrive"]) => arrive(world, &read(request)?),
        ("POST", ["delete"]) => {
            let order: Order = read(request)?;
            world.delete_message(&order.account, &order.id)?;
            Ok(json!({}))
        }
        ("POST", ["relabel"]) => {
            let order: Order = read(request)?;
            let (add, remove) = (words(&order.add), words(&order.remove));
            world.relabel(&order.account, &order.id, &add, &remove)?;
            Ok(json!({}))
        }
        ("POST", ["cancel_event"]) => {
            let order: Order = read(request)?;
            let calendar = if order.calendar.is_empty() {
                "primary"
            } else {
                &order.calendar
            };
            world.cancel_event(&order.account, calendar, &order.id)?;
            Ok(json!({}))
        }
        ("POST", ["expire_sync"]) => expire_sync(world, &read(request)?),
        _ => Err(Refused(
            StatusCode::NOT_FOUND,
            "There is no such control request.".into(),
        )),
    }
}

/// What a control request may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    #[serde(default = "sample_account")]
    account: String,
    id: String,
    add: Vec<String>,
    remove: Vec<String>,
    calendar: String,
    /// Of `arrive`.
    kind: String,
    count: Option<u32>,
    mail: Option<NewMail>,
    event: Option<NewEvent>,
    /// Of `expire_sync`.
    what: String,
}

fn sample_account() -> String {
    SAMPLE_ACCOUNT.to_owned()
}

fn words(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn bad(text: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, text.into())
}

/// The body as JSON; an empty one is an empty object.
fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refused> {
    let body = if request.body.is_empty() {
        b"{}"
    } else {
        &request.body[..]
    };
    serde_json::from_slice(body).map_err(|e| bad(format!("The body cannot be read: {e}.")))
}

fn add_faults(shared: &Shared, body: Value) -> Answer {
    let list = match body {
        Value::Array(list) => list,
        one => vec![one],
    };
    let faults: Vec<Fault> = list
        .into_iter()
        .map(|v| {
            serde_json::from_value(v).map_err(|e| bad(format!("The fault cannot be read: {e}.")))
        })
        .collect::<Result<_, _>>()?;
    for fault in &faults {
        fault.check().map_err(|e| bad(e.to_string()))?;
    }
    let mut plan = shared.faults();
    let ids: Vec<_> = faults.into_iter().map(|f| plan.add(f)).collect();
    Ok(json!({"ids": ids}))
}

fn change_behaviour(shared: &Shared, patch: Value) -> Answer {
    let Value::Object(patch) = patch else {
        return Err(bad("The body must be an object."));
    };
    let mut inner = shared.lock();
    let mut whole = json!(inner.behaviour);
    for (name, value) in patch {
        whole[name] = value;
    }
    let changed = serde_json::from_value(whole.clone());
    inner.behaviour = changed.map_err(|e| bad(format!("The behaviour cannot be read: {e}.")))?;
    Ok(whole)
}

fn arrive(world: &World, order: &Order) -> Answer {
    let account = order.account.as_str();
    let mut ids = Vec::new();
    if let Some(mail) = &order.mail {
        ids.push(world.add_mail(account, mail)?);
    }
    if let Some(event) = &order.event {
        ids.push(world.add_event(account, event)?);
    }
    let own = order.mail.is_some() || order.event.is_some();
    for _ in 0..order.count.unwrap_or(u32::from(!own)).min(10_000) {
        match order.kind.as_str() {
            "mail" => ids.push(world.arrive_mail(account)?),
            "event" => ids.push(world.arrive_event(account)?),
            "" | "next" => world.arrive_next(account)?,
            _ => return Err(bad("kind must be mail, event or next.")),
        }
    }
    Ok(json!({"ids": ids}))
}

fn expire_sync(world: &World, order: &Order) -> Answer {
    if !matches!(order.what.as_str(), "" | "history" | "calendar") {
        return Err(bad("what must be history or calendar, or left out."));
    }
    if order.what != "calendar" {
        world.expire_history(&order.account)?;
    }
    if order.what != "history" {
        world.expire_sync_tokens(&order.account)?;
    }
    Ok(json!({}))
}
