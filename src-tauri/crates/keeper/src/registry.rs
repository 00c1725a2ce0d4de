//! Which charms exist: adding, finding, updating and removing them.
//!
//! In: a source. Out: a row with its documents, written at once. A charm is
//! compiled and looked at in a worker before anything is stored, so that one
//! that cannot run is refused with the reason and leaves nothing behind.

use std::path::Path;
use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{Change, DocRef, did, id};
use charmkeeper_charms::compile::{Compiled, Program, load_program, program_from_files};
use charmkeeper_charms::runner::Inspection;
use charmkeeper_store::{
    Charm, CharmUpdate, NewCharm, ProgramUpdate, Schedule, Space, SpaceKind, Writer,
};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::core::Core;
use crate::inspect::inspect;
use crate::scheduler::DEFAULT_INTERVAL;
use crate::{spaces, updater};

mod parts;

use parts::{documents, lay_over, merged, name_of};
pub(crate) use parts::{facts, hosts, tags};

/// Name of the space that charms are put in when none is named.
pub(crate) const DEFAULT_SPACE: &str = "local";

/// A charm to be added.
pub(crate) struct Addition {
    pub(crate) program: Program,
    /// What is stored as its source.
    pub(crate) source: String,
    /// Wanted handle; made unique.
    pub(crate) handle: String,
    pub(crate) space: Option<String>,
    pub(crate) argument: Option<Value>,
    pub(crate) hosts: Vec<String>,
    pub(crate) account: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) position: i64,
}

/// A program as the store keeps it.
pub(crate) fn program_to_json(program: &Program) -> Value {
    json!({ "entry": program.entry, "files": program.files })
}

/// The reverse; nothing when the JSON is not a program.
pub(crate) fn program_from_json(value: &Value) -> Option<Program> {
    let files = value.get("files")?.as_object()?;
    let texts: Option<Vec<_>> = files
        .iter()
        .map(|(path, text)| Some((path.as_str(), text.as_str()?)))
        .collect();
    program_from_files(texts?, value.get("entry")?.as_str()?).ok()
}

/// Reads a charm's files from disk.
pub(crate) async fn load(path: &str) -> Result<Program, ApiError> {
    let path = path.to_owned();
    let loaded = tokio::task::spawn_blocking(move || load_program(Path::new(&path))).await;
    match loaded {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(error)) => Err(ApiError::of(&error)),
        Err(e) => Err(ApiError::new(
            ErrorKind::Charm,
            format!("Reading the charm failed: {e}."),
        )),
    }
}

/// The charm named by handle, id or name.
pub(crate) async fn find(core: &Core, which: &str) -> Result<Charm, ApiError> {
    let charms = core.store(charmkeeper_store::Store::charms).await?;
    let by = |test: &dyn Fn(&Charm) -> bool| charms.iter().find(|c| test(c)).cloned();
    by(&|c| c.handle == which)
        .or_else(|| by(&|c| c.id == which))
        .or_else(|| by(&|c| c.name.to_lowercase() == which.to_lowercase()))
        .ok_or_else(|| {
            let known: Vec<_> = charms.iter().map(|c| c.handle.as_str()).collect();
            let hint = if known.is_empty() {
                "There are no charms yet; add one with `charmkeeper add FILE`.".to_owned()
            } else {
                format!("Known charms: {}.", known.join(", "))
            };
            ApiError::new(
                ErrorKind::Usage,
                format!("There is no charm named \"{which}\"."),
            )
            .with_hint(hint)
        })
}

/// A charm that was compiled and looked at, and is not stored.
pub(crate) struct Draft {
    pub(crate) charm: Charm,
    pub(crate) argument: Value,
    pub(crate) seen: Inspection,
}

/// Makes a charm of a program, in the space with this DID. Stores nothing.
pub(crate) async fn draft(
    core: &Arc<Core>,
    addition: &Addition,
    space: &str,
) -> Result<Draft, ApiError> {
    let compiled = compile(core, &addition.program).await?;
    let uuid = crate::ids::uuid(core);
    let piece = id::piece(&uuid).as_str().to_owned();
    let argument_id = id::argument_of(&piece, space).as_str().to_owned();
    let argument = merged(&compiled.facts.defaults, addition.argument.as_ref())?;
    let mut charm = Charm {
        id: uuid,
        handle: addition.handle.clone(),
        name: String::new(),
        space: space.to_owned(),
        piece,
        argument: argument_id,
        source: addition.source.clone(),
        program_hash: compiled.hash.clone(),
        facts: Value::Null,
        tags: Vec::new(),
        hosts: hosts(&compiled.facts.hosts, &addition.hosts),
        account: addition.account.clone(),
        enabled: addition.enabled,
        paused_reason: None,
        interval_ms: u64::try_from(DEFAULT_INTERVAL.as_millis()).unwrap_or(60_000),
        created_at: core.now(),
        position: addition.position,
        schedule: Schedule::default(),
    };
    let seen = inspect(core, &charm, &compiled, &argument).await?;
    charm.facts = updater::facts(&compiled, &seen)?;
    charm.name = name_of(&charm, &compiled, &seen);
    charm.tags = tags(&compiled, &seen);
    Ok(Draft {
        charm,
        argument,
        seen,
    })
}

/// Adds a charm. Nothing is stored unless everything is.
pub(crate) async fn add(core: &Arc<Core>, addition: Addition) -> Result<Charm, ApiError> {
    // Compiled before the space is made, so that a bad charm leaves none.
    compile(core, &addition.program).await?;
    let space = space(core, addition.space.as_deref()).await?;
    let Draft {
        mut charm,
        argument,
        seen,
    } = draft(core, &addition, &space.did).await?;
    let documents = documents(&charm, &argument, &seen);
    let program = program_to_json(&addition.program);
    core.store(move |store| {
        charm.handle = store.free_handle(&charm.handle)?;
        store.add_charm(&NewCharm {
            charm: charm.clone(),
            program,
            documents,
        })?;
        Ok(charm)
    })
    .await
}

/// Brings a charm's stored sources up to date with its files, when they changed.
/// Its cells stay; those that the new version adds are made.
pub(crate) async fn refresh(
    core: &Arc<Core>,
    charm: Charm,
    program: Program,
) -> Result<Charm, ApiError> {
    let compiled = compile(core, &program).await?;
    if compiled.hash == charm.program_hash {
        return Ok(charm);
    }
    let argument = merged(&compiled.facts.defaults, None)?;
    let seen = inspect(core, &charm, &compiled, &argument).await?;
    let update = CharmUpdate {
        name: Some(name_of(&charm, &compiled, &seen)),
        hosts: Some(hosts(&compiled.facts.hosts, &charm.hosts)),
        program: Some(ProgramUpdate {
            hash: compiled.hash.clone(),
            program: program_to_json(&program),
            facts: updater::facts(&compiled, &seen)?,
            tags: tags(&compiled, &seen),
        }),
        ..CharmUpdate::default()
    };
    // What a remote space holds of it is the space's: others may have changed it.
    let remote = core.desk.spaces().contains(&charm.space);
    let fresh = if remote {
        Vec::new()
    } else {
        documents(&charm, &argument, &seen)
    };
    core.store(move |store| {
        let targets: Vec<DocRef> = fresh.iter().map(Change::target).collect();
        let known = store.documents(&targets)?;
        let missing = |change: &Change| {
            // The result document lists the outputs, which may be others now.
            change.id == charm.piece || known.iter().any(|k| k.id == change.id && k.doc.is_none())
        };
        let changes: Vec<Change> = fresh
            .into_iter()
            .filter(missing)
            .map(|change| Change {
                base_version: None,
                ..change
            })
            .collect();
        store.write_documents(
            &Writer::Keeper {
                owner: Some(charm.id.clone()),
            },
            &changes,
        )?;
        store.update_charm(&charm.id, &update)?;
        Ok(store.charm(&charm.id)?.unwrap_or(charm))
    })
    .await
}

/// Sets inputs of a charm; what is not given stays.
pub(crate) async fn set_argument(
    core: &Core,
    charm: &Charm,
    argument: &Value,
) -> Result<(), ApiError> {
    if !argument.is_object() {
        return Err(ApiError::new(
            ErrorKind::Usage,
            "The argument must be a JSON object.",
        ));
    }
    let (space, id, inputs) = (
        charm.space.clone(),
        charm.argument.clone(),
        argument.clone(),
    );
    let (owner, name, now) = (charm.id.clone(), charm.name.clone(), core.now());
    let remote = core.desk.spaces().contains(&charm.space);
    core.store(move |store| {
        let target = DocRef { space, id };
        let stored = store
            .documents(std::slice::from_ref(&target))?
            .pop()
            .and_then(|s| s.doc);
        let before = stored.clone();
        let mut doc = stored.unwrap_or_else(|| json!({ "value": {} }));
        if !doc.get("value").is_some_and(Value::is_object) {
            doc["value"] = json!({});
        }
        lay_over(&mut doc["value"], &inputs);
        if remote {
            return spaces::outgoing::tell(store, &name, now, &target, before, doc);
        }
        let change = Change::create(target, None, doc);
        store
            .write_documents(&Writer::Keeper { owner: Some(owner) }, &[change])
            .map(|_| ())
    })
    .await?;
    core.desk.wake(&charm.space);
    Ok(())
}

/// Compiles a program, or takes it from the cache on disk, on a thread for it.
pub(crate) async fn compile(
    core: &Arc<Core>,
    program: &Program,
) -> Result<Arc<Compiled>, ApiError> {
    let (core, program) = (Arc::clone(core), program.clone());
    let compiled = tokio::task::spawn_blocking(move || {
        core.cache.compile(&program).map_err(|e| ApiError::of(&e))
    });
    compiled.await.unwrap_or_else(|e| {
        Err(ApiError::new(
            ErrorKind::Charm,
            format!("The compiler failed on this charm: {e}."),
        ))
    })
}

/// The named local space, made when it does not exist.
async fn space(core: &Core, name: Option<&str>) -> Result<Space, ApiError> {
    let name = name.unwrap_or(DEFAULT_SPACE).trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(ApiError::new(
            ErrorKind::Usage,
            "A space's name has 1 to 100 characters, none of them a control character.",
        ));
    }
    let mut key = [0u8; 32];
    core.random.fill(&mut key);
    let now = core.now();
    core.store(move |store| {
        if let Some(space) = store.space(&name)? {
            return Ok(space);
        }
        let space = Space {
            did: did::from_public_key(&key),
            name,
            kind: SpaceKind::Local,
            created_at: now,
        };
        store.add_space(&space)?;
        Ok(space)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_survive_the_store() {
        let program = program_from_files([("/main.tsx", "export default 1")], "/main.tsx").unwrap();
        assert_eq!(program_from_json(&program_to_json(&program)), Some(program));
        assert_eq!(
            program_from_json(&json!({"entry": "/a.ts", "files": {}})),
            None
        );
    }
}
