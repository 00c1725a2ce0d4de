//! A charm of a piece that lives in a remote space.
//!
//! In: the piece's documents and its program. Out: a charm whose handler works on
//! those very documents. Cells that the piece does not export get documents that
//! stay on this computer. Nothing is stored unless the program can be set up.

use std::sync::Arc;

use charmkeeper_base::cell::{Change, DocRef, document};
use charmkeeper_charms::compile::Program;
use charmkeeper_store::{Charm, NewCharm, Schedule};
use serde_json::{Map, Value};

use super::read::fetch_missing;
use crate::api::ApiError;
use crate::core::Core;
use crate::inspect::inspect;
use crate::scheduler::{DEFAULT_INTERVAL, Saved, Star};
use crate::{handles, registry, updater};

/// What the source of a charm begins with that came from a space.
pub(crate) const SOURCE: &str = "space:";

/// What is known of the piece.
pub(crate) struct FromSpace {
    pub(crate) piece: DocRef,
    pub(crate) argument: DocRef,
    pub(crate) name: Option<String>,
    pub(crate) tags: Vec<String>,
    /// What is stored as the charm's source.
    pub(crate) source: String,
    /// Whether it is a favorite: one that is not needs no star to run.
    pub(crate) listed: bool,
}

/// Makes the charm, switched on.
///
/// # Errors
/// Kind `charm` when the program cannot be compiled or set up, `offline` when its
/// inputs are not here and cannot be asked for now.
pub(crate) async fn adopt(
    core: &Arc<Core>,
    program: Program,
    from: FromSpace,
) -> Result<Charm, ApiError> {
    let compiled = registry::compile(core, &program).await?;
    let argument = inputs(core, &from.argument).await?;
    let name = from.name.clone().filter(|name| !name.trim().is_empty());
    let mut charm = Charm {
        id: crate::ids::uuid(core),
        handle: handles::slug(name.as_deref().unwrap_or("favorite")),
        name: name.unwrap_or_else(|| "Favorite".to_owned()),
        space: from.piece.space.clone(),
        piece: from.piece.id.clone(),
        argument: from.argument.id.clone(),
        source: from.source,
        program_hash: compiled.hash.clone(),
        facts: Value::Null,
        tags: Vec::new(),
        hosts: registry::hosts(&compiled.facts.hosts, &[]),
        account: None,
        enabled: true,
        paused_reason: None,
        interval_ms: u64::try_from(DEFAULT_INTERVAL.as_millis()).unwrap_or(60_000),
        created_at: core.now(),
        position: 0,
        schedule: Schedule {
            memory: if from.listed { Value::Null } else { unlisted() },
            ..Schedule::default()
        },
    };
    let seen = inspect(core, &charm, &compiled, &argument).await?;
    charm.facts = updater::facts(&compiled, &seen)?;
    charm.tags = registry::tags(&compiled, &seen);
    for tag in from.tags {
        if !charm
            .tags
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&tag))
        {
            charm.tags.push(tag);
        }
    }
    let made = seen.documents;
    let program = registry::program_to_json(&program);
    core.store(move |store| {
        charm.handle = store.free_handle(&charm.handle)?;
        let mut documents = Vec::new();
        for new in made {
            let target = DocRef {
                space: charm.space.clone(),
                id: new.id,
            };
            let here = store.documents(std::slice::from_ref(&target))?;
            let taken = here.first().is_some_and(|found| found.doc.is_some());
            if !taken && !store.is_told(&target.space, &target.id)? {
                documents.push(Change::create(target, Some(0), new.doc));
            }
        }
        store.add_charm(&NewCharm {
            charm: charm.clone(),
            program,
            documents,
        })?;
        Ok(charm)
    })
    .await
}

/// What the scheduler remembers of a charm that the person wants without a star.
fn unlisted() -> Value {
    let saved = Saved {
        star: Star::Kept,
        ..Saved::default()
    };
    serde_json::to_value(saved).unwrap_or_default()
}

/// The piece's inputs as they are now.
async fn inputs(core: &Core, argument: &DocRef) -> Result<Value, ApiError> {
    fetch_missing(core, std::slice::from_ref(argument)).await?;
    let at = argument.clone();
    let found = core.store(move |store| store.documents(&[at])).await?;
    let doc = found.into_iter().next().and_then(|found| found.doc);
    let value = doc.as_ref().and_then(document::value).cloned();
    Ok(value.unwrap_or_else(|| Value::Object(Map::new())))
}
