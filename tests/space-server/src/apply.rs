//! What a commit does, and what it may not rest on.

use charmkeeper_base::cell::patch::{apply, empty_document};
use charmkeeper_base::cell::pointer;
use charmkeeper_space::messages::{
    Commit, CommitOk, Operation, Precondition, WireError, error_name,
};

use crate::state::Space;

/// What a change touched of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// All of it.
    Whole,
    /// These places, as steps from the document on.
    Places(Vec<Vec<String>>),
}

impl Touched {
    /// Whether a read of `path` sees the change.
    fn meets(&self, path: &[String]) -> bool {
        match self {
            Self::Whole => true,
            Self::Places(places) => places
                .iter()
                .any(|place| place.starts_with(path) || path.starts_with(place)),
        }
    }
}

/// Fails when the commit rests on an older state.
pub(crate) fn conflict(space: &Space, commit: &Commit) -> Result<(), WireError> {
    let error = |name: &str, words: String, precondition: Option<&str>| WireError {
        retry_after_seq: Some(space.seq),
        precondition: precondition.map(str::to_owned),
        ..WireError::new(name, words)
    };
    for read in &commit.confirmed {
        let Some(stored) = space.documents.get(&read.id) else {
            continue;
        };
        let newer = stored
            .changes
            .iter()
            .find(|(seq, touched)| *seq > read.seq && touched.meets(&read.path));
        if let Some((seq, _)) = newer {
            let words = format!(
                "stale confirmed read: {} at seq {} conflicted with seq {seq}",
                read.id, read.seq
            );
            return Err(error(error_name::CONFLICT, words, None));
        }
    }
    for precondition in &commit.preconditions {
        if let Precondition::EntityAbsent { id } = precondition
            && space
                .documents
                .get(id)
                .is_some_and(|stored| stored.doc.is_some())
        {
            let words = format!("entity-absent precondition failed: {id}");
            return Err(error(
                error_name::PRECONDITION,
                words,
                Some("receipt-exists"),
            ));
        }
    }
    Ok(())
}

/// Carries all operations out, or none.
pub(crate) fn applied(space: &mut Space, commit: &Commit, seq: u64) -> Result<CommitOk, WireError> {
    let refuse = |words: String| WireError::new(error_name::TRANSACTION, words);
    if commit.operations.is_empty() {
        return Err(refuse("a commit has operations".to_owned()));
    }
    let mut documents = space.documents.clone();
    for operation in &commit.operations {
        let stored = documents.entry(operation.id().to_owned()).or_default();
        let touched = match operation {
            Operation::Set { document, .. } => {
                if !document.is_object() {
                    return Err(refuse("a document is an object".to_owned()));
                }
                stored.doc = Some(document.clone());
                Touched::Whole
            }
            Operation::Delete { .. } => {
                stored.doc = None;
                Touched::Whole
            }
            Operation::Patch { patches, .. } => {
                let mut doc = stored.doc.clone().unwrap_or_else(empty_document);
                apply(&mut doc, patches).map_err(|e| refuse(e.to_string()))?;
                stored.doc = Some(doc);
                let places = patches
                    .iter()
                    .filter_map(|patch| pointer::split(patch.path()));
                Touched::Places(places.collect())
            }
        };
        stored.seq = seq;
        stored.changes.push((seq, touched));
    }
    space.documents = documents;
    Ok(CommitOk {
        seq,
        revisions: Vec::new(),
        replayed: false,
    })
}
