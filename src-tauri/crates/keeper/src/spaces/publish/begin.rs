//! The first step: everything that the server is to have goes to the outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_charms::compile::{Program, specifiers};
use charmkeeper_space::outbox::{Entry, Wanted};
use charmkeeper_space::pieces::{Module, SourceDocuments, source_documents};
use charmkeeper_store::{Charm, NewChange, RemoteSpace};
use serde_json::Value;

use super::note::{Note, Phase, key};
use super::{lists, plan};
use crate::api::ApiError;
use crate::core::Core;
use crate::registry;
use crate::spaces::outgoing::SEEN;

/// Most of a commit, in bytes of JSON: a server takes 40 MiB in one frame, and
/// answers with all of it.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most documents of a commit.
const MAX_DOCUMENTS: usize = 2_000;

/// Plans, and writes the outbox and the note; what the person should know.
pub(super) async fn begin(
    core: &Arc<Core>,
    charm: &Charm,
    to: &RemoteSpace,
    favorite: bool,
) -> Result<Vec<String>, ApiError> {
    let sources = sources(core, charm, &to.did).await?;
    let accounts = accounts(core);
    let (of, space, pattern) = (charm.clone(), to.did.clone(), sources.identity.clone());
    let planned = core
        .store(move |store| plan::plan(store, &of, &space, &pattern, &accounts))
        .await?;
    let warnings = plan::warnings(&planned.published);
    let listed = lists::registered(core, &to.did, &charm.piece).await?;
    let told = planned.published.told;
    let all: Vec<(String, Value)> = sources
        .documents
        .into_iter()
        .chain(told.iter().cloned())
        .collect();
    let mut entries = chunks(all);
    entries.extend(listed);
    let changes = changes(core, charm, &to.did, &entries);
    let note = Note {
        space: to.did.clone(),
        favorite,
        phase: Phase::Sending {
            changes: Vec::new(),
            told: told.into_iter().collect(),
            pattern: sources.identity,
        },
    };
    let key = key(&charm.id);
    core.store(move |store| {
        let with_ids = |ids: &[u64]| {
            let mut note = note;
            if let Phase::Sending { changes, .. } = &mut note.phase {
                *changes = ids.to_vec();
            }
            Some(note.to_value())
        };
        store.enqueue_with_note(&changes, &key, with_ids, SEEN)
    })
    .await?;
    Ok(warnings)
}

/// Changes for the outbox. All of them count as touching the piece, so that none
/// goes out once the server refused one before it.
pub(super) fn changes(
    core: &Core,
    charm: &Charm,
    space: &str,
    entries: &[Entry],
) -> Vec<NewChange> {
    let change = |entry: &Entry| {
        let mut documents: BTreeSet<String> = entry.documents.keys().cloned().collect();
        documents.insert(charm.piece.clone());
        NewChange {
            space: space.to_owned(),
            run: None,
            charm: charm.name.clone(),
            made_at: core.now(),
            entry: entry.to_text(),
            documents: documents.into_iter().collect(),
        }
    };
    entries.iter().map(change).collect()
}

/// The ids whose placeholders stay on this computer.
pub(super) fn accounts(core: &Core) -> Vec<String> {
    let all = core.accounts.list();
    all.into_iter().map(|account| account.id).collect()
}

/// The documents in their order, in commits of a reasonable size.
fn chunks(documents: Vec<(String, Value)>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut entry = Entry::default();
    let mut bytes = 0;
    for (id, doc) in documents {
        let size = doc.to_string().len();
        let full = bytes + size > MAX_BYTES || entry.documents.len() == MAX_DOCUMENTS;
        if full && !entry.documents.is_empty() {
            entries.push(std::mem::take(&mut entry));
            bytes = 0;
        }
        bytes += size;
        entry.documents.insert(id, Wanted::created(&doc));
    }
    entries.push(entry);
    entries
}

/// The program as documents.
async fn sources(
    core: &Arc<Core>,
    charm: &Charm,
    space: &str,
) -> Result<SourceDocuments, ApiError> {
    let hash = charm.program_hash.clone();
    let kept = core.store(move |store| store.program(&hash)).await?;
    let missing = || ApiError::new(ErrorKind::Charm, "The charm's source is not here any more.");
    let program = kept
        .as_ref()
        .and_then(registry::program_from_json)
        .ok_or_else(missing)?;
    let space = space.to_owned();
    let made = tokio::task::spawn_blocking(move || documents(&program, &space));
    let made = made.await.unwrap_or_else(|e| {
        let words = format!("Reading the charm's source failed: {e}.");
        Err(ApiError::new(ErrorKind::Charm, words))
    })?;
    made.ok_or_else(missing)
}

fn documents(program: &Program, space: &str) -> Result<Option<SourceDocuments>, ApiError> {
    let mut imports = specifiers(program).map_err(|e| ApiError::of(&e))?;
    let modules: BTreeMap<String, Module> = program
        .files
        .iter()
        .map(|(path, code)| {
            let module = Module {
                code: code.clone(),
                imports: imports.remove(path).unwrap_or_default(),
            };
            (path.clone(), module)
        })
        .collect();
    Ok(source_documents(space, &program.entry, &modules))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commits_have_a_reasonable_size_and_keep_the_order() {
        let big = "x".repeat(3 * 1024 * 1024);
        let documents = (0..4).map(|n| (format!("of:{n}"), json!({ "value": big })));
        let entries = chunks(documents.collect());
        assert_eq!(entries.len(), 4);
        assert!(entries[0].documents.contains_key("of:0"));
        let many = (0..5_000).map(|n| (format!("of:{n:05}"), json!({ "value": n })));
        let entries = chunks(many.collect());
        let sizes: Vec<usize> = entries.iter().map(|e| e.documents.len()).collect();
        assert_eq!(sizes, [2_000, 2_000, 1_000]);
        assert!(entries[2].documents.contains_key("of:04999"));
    }
}
