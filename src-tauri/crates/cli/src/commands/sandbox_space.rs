//! `sandbox --space-url`: the try-out charms keep their cells in a remote space.
//!
//! Owns connecting the home space and a named one with the key that was given, or
//! with one that everybody knows, and placing the importers there. Never the run.

use std::sync::Arc;

use charmkeeper_base::Secret;
use charmkeeper_keeper::api::{CharmView, PublishView, Request, SpaceView};
use charmkeeper_keeper::{Keeper, KeyForm};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::sandbox::{ask, odd_answer};
use super::space::{KeySource, key};
use crate::args::SandboxArgs;
use crate::failure::{FAILED, Failure};
use crate::output::{self, plain};

/// Signs for the sandbox when no key is given. Worth nothing.
const PASSPHRASE: &str = "charmkeeper sandbox";
/// The space when none is named.
const SPACE: &str = "charmkeeper sandbox";
/// How long the server may take for everything, at the end.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
/// Handle of the charm that stays here: it keeps the sign-in.
const STAYS: &str = "google-auth";

/// Connects the spaces and places the charms; what was placed where.
pub(super) async fn place(keeper: &Arc<Keeper>, args: &SandboxArgs) -> Result<Value, Failure> {
    let Some(url) = &args.space_url else {
        return Ok(Value::Null);
    };
    let given = KeySource {
        file: args.key_file.as_deref(),
        words: args.mnemonic_stdin,
        passphrase: args.passphrase_stdin,
    };
    let (form, text) = if given.is_none() {
        output::note(&format!(
            "The key is made of the passphrase \"{PASSPHRASE}\"."
        ));
        let text = Secret::new(PASSPHRASE.to_owned());
        (KeyForm::Passphrase, text)
    } else {
        key(&given)?
    };
    let identity = keeper.add_identity(form, &text).await?;
    let connect = |space: Option<String>| Request::ConnectSpace {
        url: url.clone(),
        identity: identity.clone(),
        space,
        claim: true,
    };
    let home: SpaceView = answer(keeper, connect(None)).await?;
    let name = args.space.clone().unwrap_or_else(|| SPACE.to_owned());
    let space: SpaceView = answer(keeper, connect(Some(name))).await?;
    let charms: Vec<CharmView> = answer(keeper, Request::Charms).await?;
    let mut pieces = Map::new();
    for charm in charms.iter().filter(|charm| charm.charm != STAYS) {
        let request = Request::Publish {
            charm: charm.charm.clone(),
            space: space.space.clone(),
            favorite: true,
        };
        let placed: PublishView = answer(keeper, request).await?;
        output::note(&format!("{}: {}", plain(&charm.name), placed.detail));
        pieces.insert(charm.charm.clone(), json!(placed.piece));
    }
    output::note(&format!(
        "The charms are in the space {} ({}).",
        plain(&space.name),
        space.space
    ));
    Ok(json!({ "home": home.space, "space": space.space, "pieces": pieces }))
}

/// Waits until the server has everything.
pub(super) async fn told(keeper: &Arc<Keeper>) -> Result<(), Failure> {
    let mut events = keeper.events();
    let all = async {
        loop {
            let spaces: Vec<SpaceView> = answer(keeper, Request::Spaces).await?;
            if let Some(stuck) = spaces.iter().flat_map(|space| &space.stuck).next() {
                let words = format!("The server refused a change: {}", plain(&stuck.reason));
                return Err(failed(words));
            }
            if spaces.iter().all(|space| space.queued == 0) {
                return Ok(());
            }
            // Every step of a sync ends in an event; a missed one is one, too.
            let _ = events.recv().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, all).await;
    waited.unwrap_or_else(|_| {
        Err(failed(
            "The space's server did not take everything in time.",
        ))
    })
}

fn failed(words: impl Into<String>) -> Failure {
    Failure {
        code: FAILED,
        ..Failure::usage(words.into())
    }
}

async fn answer<T: DeserializeOwned>(keeper: &Arc<Keeper>, request: Request) -> Result<T, Failure> {
    serde_json::from_value(ask(keeper, request).await?).map_err(odd_answer)
}
