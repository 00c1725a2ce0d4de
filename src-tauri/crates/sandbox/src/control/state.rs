//! `GET /sandbox/state`: what the sandbox really holds. Never a token.

use charmkeeper_base::UnixMs;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, Refused};
use crate::config::SandboxError;
use crate::message::Params;
use crate::world::{Profile, World};

/// The whole state, or that of one account. `bodies=false` leaves bodies out;
/// `from` and `to` (RFC 3339) bound the occurrences.
pub(super) fn state(world: &World, params: &Params) -> Answer {
    let time = |name: &str| match params.given(name) {
        None => Ok(None),
        Some(text) => UnixMs::parse_rfc3339(text).map(Some).ok_or_else(|| {
            Refused(
                StatusCode::BAD_REQUEST,
                format!("{name} is not an RFC 3339 time."),
            )
        }),
    };
    let window = (time("from")?, time("to")?);
    let bodies = params.flag("bodies", true);
    let chosen = params.given("account");
    let accounts: Vec<_> = world
        .accounts()
        .iter()
        .filter(|p| chosen.is_none_or(|c| p.email.eq_ignore_ascii_case(c)))
        .map(|p| account(world, p, bodies, window))
        .collect::<Result<_, _>>()?;
    let shared = &world.0;
    let (seed, consents) = {
        let inner = shared.lock();
        (inner.seed, json!(inner.grants.consents()))
    };
    Ok(json!({
        "now": shared.clock.now(),
        "seed": seed,
        "base_url": shared.base_url,
        "accounts": accounts,
        "grants": consents,
        "faults": shared.faults().to_json(),
    }))
}

fn account(
    world: &World,
    profile: &Profile,
    bodies: bool,
    window: (Option<UnixMs>, Option<UnixMs>),
) -> Result<Value, SandboxError> {
    let email = profile.email;
    let mut messages = world.messages(email)?;
    if !bodies {
        for message in &mut messages {
            message.text = None;
            message.html = None;
        }
    }
    Ok(json!({
        "profile": profile,
        "history_id": world.history_id(email)?,
        "gmail_units": world.gmail_units(email),
        "messages": messages,
        "calendars": world.calendars(email)?,
        "events": world.events(email)?,
        "occurrences": world.occurrences(email, window.0, window.1)?,
    }))
}
