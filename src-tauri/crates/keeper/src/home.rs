//! The data folder: where everything of one profile is kept, and the lock that
//! lets only one keeper work on it.
//!
//! Owns: paths, folder and file modes, the lock file and the note that tells
//! other processes where the keeper listens. Never opens the database.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use charmkeeper_base::{ErrorKind, Explain};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The folder cannot be made or written.
    #[error("The data folder {} cannot be used: {source}.", path.display())]
    Unusable {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another keeper holds the lock.
    #[error("Another Charmkeeper is already running on {}{}.", path.display(), pid_text(*pid))]
    Taken {
        /// The folder.
        path: PathBuf,
        /// Its process id, where known.
        pid: Option<u32>,
    },
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map(|p| format!(" (process {p})")).unwrap_or_default()
}

impl Explain for HomeError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Local
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unusable { .. } => {
                "Choose another folder with --home, or make this one writable.".to_owned()
            }
            Self::Taken { .. } => "Use that one, or choose another folder with --home.".to_owned(),
        })
    }
}

/// The data folder of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    dir: PathBuf,
}

/// What a running keeper writes into the lock file for others to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Process id.
    pub pid: u32,
    /// Path of its local socket.
    pub socket: PathBuf,
    /// True when its timers run; false for a command that does one thing.
    pub serving: bool,
}

/// The exclusive right to work on a home. Given back when dropped, and by the
/// system when the process dies.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

impl Home {
    /// Makes the folder (mode 0700) where it is missing.
    ///
    /// # Errors
    /// [`HomeError::Unusable`] when it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, HomeError> {
        let unusable = |source| HomeError::Unusable {
            path: dir.to_owned(),
            source,
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir).map_err(unusable)?;
        let dir = dir.canonicalize().map_err(unusable)?;
        Ok(Self { dir })
    }

    /// The folder itself, absolute.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.dir.join("charmkeeper.sqlite")
    }
    /// Compiled charms; may be deleted at any time.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.dir.join("cache")
    }
    /// Logs of the keeper itself.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }
    /// A short name for this folder, for the keychain and the socket, so that
    /// two profiles never meet.
    #[must_use]
    pub fn namespace(&self) -> String {
        let digest = Sha256::digest(self.dir.as_os_str().as_encoded_bytes());
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// Where the keeper of this home listens. In the folder itself, unless the
    /// path would be longer than a socket's name may be (108 bytes on Linux,
    /// 104 on macOS, with the final zero).
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        if cfg!(windows) {
            return PathBuf::from(format!(r"\\.\pipe\charmkeeper-{}", self.namespace()));
        }
        let here = self.dir.join("keeper.sock");
        if here.as_os_str().len() < 100 {
            return here;
        }
        let base = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|p| p.is_dir())
            .unwrap_or_else(std::env::temp_dir);
        base.join(format!("charmkeeper-{}.sock", self.namespace()))
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("keeper.lock")
    }

    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// [`HomeError::Taken`] when another process holds it,
    /// [`HomeError::Unusable`] when the lock file cannot be opened.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let path = self.lock_path();
        let unusable = |source| HomeError::Unusable {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { file }),
            Err(TryLockError::WouldBlock) => Err(HomeError::Taken {
                path: self.dir.clone(),
                pid: self.presence().map(|p| p.pid),
            }),
            Err(TryLockError::Error(e)) => Err(unusable(e)),
        }
    }

    /// The note of the keeper that holds the lock now; nothing when none does.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        let mut file = File::open(self.lock_path()).ok()?;
        match file.try_lock_shared() {
            // Nobody holds it: what the file says is from a keeper that is gone.
            Ok(()) => None,
            Err(_) => {
                let mut text = String::new();
                file.read_to_string(&mut text).ok()?;
                serde_json::from_str(&text).ok()
            }
        }
    }
}

impl HomeLock {
    /// Tells other processes where to reach this one.
    ///
    /// # Errors
    /// The system's, when the note cannot be written (a full disk).
    pub fn announce(&self, presence: &Presence) -> std::io::Result<()> {
        let mut file = &self.file;
        let text = serde_json::to_vec(presence).map_err(std::io::Error::other)?;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&text)?;
        file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lock_at_a_time_and_its_note_is_read_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        assert_eq!(home.presence(), None);
        let lock = home.lock().unwrap();
        let note = Presence {
            pid: 7,
            socket: home.socket(),
            serving: true,
        };
        lock.announce(&note).unwrap();
        assert_eq!(home.presence(), Some(note));
        let refused = home.lock().unwrap_err();
        assert!(refused.to_string().contains("process 7"), "{refused}");
        drop(lock);
        assert_eq!(home.presence(), None, "a note without its lock is stale");
        home.lock().unwrap();
    }

    #[test]
    fn a_long_home_still_has_a_socket_that_can_be_bound() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("x".repeat(120));
        let home = Home::open(&deep).unwrap();
        assert!(
            home.socket().as_os_str().len() < 104,
            "{}",
            home.socket().display()
        );
        let other = Home::open(&dir.path().join("y".repeat(120))).unwrap();
        assert_ne!(home.socket(), other.socket());
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(&dir.path().join("new")).unwrap();
        let mode = std::fs::metadata(home.dir()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
