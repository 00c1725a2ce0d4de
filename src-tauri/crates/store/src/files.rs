//! The files around the database: folder, permissions, the damaged one set aside.
//!
//! Owns what is done to files before and after SQLite opens them. Never reads a
//! row. Never changes the permissions of a folder that it did not make, because
//! the person may share that folder for their own reasons.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use charmkeeper_base::UnixMs;

use crate::StoreError;

/// What the first bytes of the file say, read without SQLite so that a file of
/// another version or program stays untouched.
pub(crate) enum Header {
    /// No file, or an empty one.
    Absent,
    /// Not a database, or cut short.
    Malformed,
    /// A database.
    Database {
        application_id: u32,
        user_version: u32,
    },
}

/// Reads the database header (<https://sqlite.org/fileformat2.html#the_database_header>).
pub(crate) fn header(path: &Path) -> Result<Header, StoreError> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Header::Absent),
        Err(e) => return Err(cannot(path, &e)),
    };
    let mut bytes = Vec::new();
    file.by_ref()
        .take(100)
        .read_to_end(&mut bytes)
        .map_err(|e| cannot(path, &e))?;
    let word = |at: usize| {
        bytes
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map_or(0, u32::from_be_bytes)
    };
    Ok(match bytes.len() {
        0 => Header::Absent,
        100 if bytes.starts_with(b"SQLite format 3\0") => Header::Database {
            user_version: word(60),
            application_id: word(68),
        },
        _ => Header::Malformed,
    })
}

/// Makes the folder (0700) and the file (0600) where they are missing, and
/// takes other people's permissions from files that exist. SQLite gives its
/// side files the permissions of the database.
pub(crate) fn prepare(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        make_folder(folder).map_err(|e| cannot(folder, &e))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
                make_private(&file).map_err(|e| cannot(&file, &e))?;
            }
            Ok(())
        }
        Err(e) => Err(cannot(path, &e)),
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    match fs::metadata(file) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(file, fs::Permissions::from_mode(0o600))
        }
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(not(unix))]
fn make_private(_file: &Path) -> std::io::Result<()> {
    // The profile folder's access list already keeps others out.
    Ok(())
}

/// Moves the database and its side files out of the way and returns the new
/// path of the database. The side files keep the names that belong to it, so
/// that it can be opened and searched by hand.
pub(crate) fn set_aside(path: &Path, now: UnixMs) -> Result<PathBuf, StoreError> {
    let stamp: String = now
        .to_rfc3339()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    let stamp = stamp.split('.').next().unwrap_or_default();
    let mut aside = beside(path, &format!(".damaged-{stamp}Z"));
    let mut n = 2;
    while aside.exists() {
        aside = beside(path, &format!(".damaged-{stamp}Z-{n}"));
        n += 1;
    }
    // The database goes last: if this stops half-way, the next start finds it
    // still in place and does the rest.
    for suffix in ["-wal", "-shm", ""] {
        let from = beside(path, suffix);
        match fs::rename(&from, beside(&aside, suffix)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(cannot(&from, &e)),
            _ => {}
        }
    }
    Ok(aside)
}

/// A note, in a file beside the database, that SQLite has called it malformed, so that the
/// next start checks the whole file however big it is.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion(PathBuf);

impl Suspicion {
    pub(crate) fn about(path: &Path) -> Self {
        Self(beside(path, ".check"))
    }
    pub(crate) fn exists(&self) -> bool {
        self.0.exists()
    }
    pub(crate) fn raise(&self) {
        if let Err(e) = fs::write(&self.0, b"") {
            tracing::warn!("cannot write {}: {e}", self.0.display());
        }
    }
    pub(crate) fn clear(&self) {
        match fs::remove_file(&self.0) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {e}", self.0.display());
            }
            _ => {}
        }
    }
}

/// Tells why a file cannot be made beside the database, if it cannot.
pub(crate) fn probe(path: &Path) -> Result<(), StoreError> {
    let file = beside(path, ".probe");
    let tried = fs::write(&file, b"?").and_then(|()| fs::remove_file(&file));
    tried.map_err(|e| cannot(path.parent().unwrap_or(path), &e))
}

/// `path` with `suffix` after its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The error for a file or folder that the system would not give.
pub(crate) fn cannot(path: &Path, error: &std::io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly {
            place: path.display().to_string(),
        },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::DiskFull,
        _ => StoreError::CannotOpen {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    }
}
