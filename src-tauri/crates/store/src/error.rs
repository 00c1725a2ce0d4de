//! What can go wrong with the store, each with its own sentence.
//!
//! Owns the translation of SQLite's result codes. Never holds a document's
//! content or a path inside one beyond what names the place.

use std::path::PathBuf;

use charmkeeper_base::cell::patch::PatchError;
use charmkeeper_base::{ErrorKind, Explain};
use rusqlite::ErrorCode;

/// Why the store could not do what was asked. When an operation returns an
/// error, it has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space left on the device, or over quota.
    #[error("the disk is full, so nothing could be saved")]
    DiskFull,
    /// Another connection held the database for longer than the busy timeout.
    #[error("another program is using Charmkeeper's database")]
    Locked,
    /// The folder or the file cannot be written.
    #[error("Charmkeeper may not write to {place}")]
    ReadOnly {
        /// The path, where it is known.
        place: String,
    },
    /// The folder or the file cannot be made or opened, for another reason.
    #[error("cannot open {path}: {reason}", path = path.display())]
    CannotOpen {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Made by a newer Charmkeeper. The file was not touched.
    #[error(
        "{path} was written by a newer Charmkeeper (data version {found}, this one knows {known})",
        path = path.display()
    )]
    NewerVersion {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// A database of another program. The file was not touched.
    #[error("{path} is the database of another program", path = path.display())]
    NotOurs {
        /// The database.
        path: PathBuf,
    },
    /// SQLite found the file to be malformed. At the next start it is checked
    /// and set aside.
    #[error("Charmkeeper's database is damaged ({detail})")]
    Damaged {
        /// What SQLite said.
        detail: String,
    },
    /// Reading or writing the file failed for a reason other than a full disk.
    #[error("reading or writing Charmkeeper's database failed ({detail})")]
    Io {
        /// What SQLite said.
        detail: String,
    },
    /// The document changed since the commit was computed.
    #[error("document {id} is at version {found}, but the change was made for version {expected}")]
    Conflict {
        /// `did:key` of the space.
        space: String,
        /// The document.
        id: String,
        /// The version that the change is based on; 0 for none.
        expected: u64,
        /// The version that is stored; 0 for none.
        found: u64,
    },
    /// A charm tried to write a document of another charm.
    #[error("document {id} belongs to {owner}, so {writer} may not write it")]
    NotOwner {
        /// The document.
        id: String,
        /// Handle of the charm that it belongs to.
        owner: String,
        /// Handle of the charm that tried.
        writer: String,
    },
    /// A charm tried to create a document in a space that is not its own.
    #[error("{writer} may not create documents outside its own space (in {space})")]
    ForeignSpace {
        /// Handle of the charm that tried.
        writer: String,
        /// `did:key` of the space.
        space: String,
    },
    /// A change does not fit the document.
    #[error("the change does not fit document {id}: {source}")]
    Patch {
        /// The document.
        id: String,
        /// What does not fit.
        source: PatchError,
    },
    /// A document that is no object, or is nested too deep.
    #[error("document {id} cannot be stored: {reason}")]
    BadDocument {
        /// The document.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What was named is not there.
    #[error("there is no {what} {name}")]
    NotFound {
        /// Space, charm, run or account.
        what: &'static str,
        /// As it was named.
        name: String,
    },
    /// A name, handle or id that must be unique is in use.
    #[error("there is already a {what} {name}")]
    Taken {
        /// Space, charm or run.
        what: &'static str,
        /// As it was named.
        name: String,
    },
    /// The run has ended already.
    #[error("run {run} has ended already")]
    RunEnded {
        /// Its id.
        run: String,
    },
    /// A fault of the program itself.
    #[error("the database refused an operation ({detail})")]
    Internal {
        /// What SQLite said.
        detail: String,
    },
}

impl Explain for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotOwner { .. }
            | Self::ForeignSpace { .. }
            | Self::Patch { .. }
            | Self::BadDocument { .. } => ErrorKind::Charm,
            Self::NotFound { .. } | Self::Taken { .. } => ErrorKind::Usage,
            _ => ErrorKind::Local,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::DiskFull => {
                "Free some space and try again; what was saved before is still there."
            }
            Self::Locked => "Quit the other copy of Charmkeeper and try again.",
            Self::ReadOnly { .. } => {
                "Give yourself write permission there, or choose another folder with --home."
            }
            Self::CannotOpen { .. } | Self::NotOurs { .. } => "Choose another folder with --home.",
            Self::NewerVersion { .. } => {
                "Install the newer Charmkeeper again; nothing in the file was touched."
            }
            Self::Damaged { .. } => {
                "Start Charmkeeper again: it sets the damaged file aside and begins a new one."
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly {
                place: "its own database".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { detail },
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Io { detail },
            _ => Self::Internal { detail },
        }
    }
}

/// True when `error` is a violated `UNIQUE` or primary key.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    // Extended result codes: https://sqlite.org/rescode.html
    const UNIQUE: i32 = 2067;
    const PRIMARY_KEY: i32 = 1555;
    let code = error.sqlite_error().map(|e| e.extended_code);
    matches!(code, Some(UNIQUE | PRIMARY_KEY))
}
