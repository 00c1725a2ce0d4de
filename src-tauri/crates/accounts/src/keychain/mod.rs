//! The system's keychain as a vault: one thread, one call at a time, with a
//! limit.
//!
//! Owns: the thread that alone speaks to the keychain, the time limit, and the
//! reopening of the store after a failure. Never shows an unlock dialog on
//! Linux: a locked keychain is an answer, not a question. Never caches items.
//!
//! The thread exists because the stores block, without limit where a dialog is
//! open, and because some of them panic inside an async runtime.

mod backend;
#[cfg(target_os = "linux")]
mod secret_service;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use charmkeeper_base::Secret;

use crate::vault::{Vault, VaultError, VaultStatus, check_length};
use backend::{Backend, SystemBackend};

/// The longest a call waits.
pub const LIMIT: Duration = Duration::from_secs(3);

/// A vault on macOS Keychain, Windows Credential Manager, or a Secret Service
/// (GNOME Keyring, KWallet, KeePassXC).
pub struct KeychainVault {
    jobs: mpsc::Sender<Job>,
    current: Arc<Mutex<Option<Instant>>>,
    limit: Duration,
}

enum Op {
    Get(String),
    Set(String, Secret<Vec<u8>>),
    Delete(String),
    Status,
}

type Answer = Result<Option<Secret<Vec<u8>>>, VaultError>;

struct Job {
    op: Op,
    reply: SyncSender<Answer>,
    abandoned: Arc<AtomicBool>,
}

impl KeychainVault {
    /// A vault whose items are apart from those of other namespaces: the
    /// service name is `charmkeeper`, followed by `-` and `namespace` unless
    /// that is empty. Touches no keychain yet.
    ///
    /// # Errors
    /// [`VaultError`] when the thread cannot be started.
    pub fn open(namespace: &str) -> Result<Self, VaultError> {
        let service = match namespace {
            "" => "charmkeeper".to_owned(),
            name => format!("charmkeeper-{name}"),
        };
        Self::with_backend(SystemBackend::new(service), LIMIT)
    }

    fn with_backend(backend: impl Backend, limit: Duration) -> Result<Self, VaultError> {
        let (jobs, inbox) = mpsc::channel();
        let current = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&current);
        std::thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || serve(backend, &inbox, &shared))
            .map_err(|e| VaultError::Unusable(VaultStatus::Failed(e.to_string())))?;
        Ok(Self {
            jobs,
            current,
            limit,
        })
    }

    fn call(&self, op: Op) -> Answer {
        if self.is_stuck() {
            return Err(hung());
        }
        let (reply, answer) = mpsc::sync_channel(1);
        let abandoned = Arc::new(AtomicBool::new(false));
        let job = Job {
            op,
            reply,
            abandoned: Arc::clone(&abandoned),
        };
        self.jobs.send(job).map_err(|_| stopped())?;
        match answer.recv_timeout(self.limit) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                // What has not begun is not done behind the caller's back.
                abandoned.store(true, Ordering::SeqCst);
                Err(hung())
            }
            Err(RecvTimeoutError::Disconnected) => Err(stopped()),
        }
    }

    /// True while the thread sits in a call that went past the limit: others
    /// need not wait three seconds each to learn the same.
    fn is_stuck(&self) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.is_some_and(|since| since.elapsed() > self.limit)
    }
}

impl Vault for KeychainVault {
    fn get(&self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        self.call(Op::Get(item.to_owned()))
    }
    fn set(&self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        check_length(value)?;
        self.call(Op::Set(item.to_owned(), value.clone()))
            .map(|_| ())
    }
    fn delete(&self, item: &str) -> Result<(), VaultError> {
        self.call(Op::Delete(item.to_owned())).map(|_| ())
    }
    fn status(&self) -> VaultStatus {
        match self.call(Op::Status) {
            Ok(_) => VaultStatus::Ready,
            Err(error) => error.into(),
        }
    }
}

fn hung() -> VaultError {
    VaultError::Unusable(VaultStatus::Hung)
}

fn stopped() -> VaultError {
    VaultError::Unusable(VaultStatus::Failed("its thread has stopped".to_owned()))
}

/// The thread: ends when the vault is dropped.
fn serve(mut backend: impl Backend, inbox: &mpsc::Receiver<Job>, current: &Mutex<Option<Instant>>) {
    let set_current = |at| *current.lock().unwrap_or_else(PoisonError::into_inner) = at;
    for job in inbox {
        if job.abandoned.load(Ordering::SeqCst) {
            continue;
        }
        set_current(Some(Instant::now()));
        let answer = perform(&mut backend, &job.op);
        set_current(None);
        // The caller may have given up; then there is no one to tell.
        let _ = job.reply.try_send(answer);
    }
}

/// One operation: checked first, tried once more with a reopened store when an
/// open one failed, for the keychain may have been restarted in between.
fn perform(backend: &mut impl Backend, op: &Op) -> Answer {
    let was_open = backend.is_open();
    let first = attempt(backend, op);
    let retry = was_open
        && matches!(
            first,
            Err(VaultError::Unusable(VaultStatus::Failed(_)) | VaultError::NotKept)
        );
    let answer = if retry {
        backend.close();
        attempt(backend, op)
    } else {
        first
    };
    if answer.is_err() {
        backend.close();
    }
    answer
}

fn attempt(backend: &mut impl Backend, op: &Op) -> Answer {
    backend.ready()?;
    match op {
        Op::Get(item) => backend.get(item),
        Op::Delete(item) => backend.delete(item).map(|()| None),
        Op::Status => Ok(None),
        Op::Set(item, value) => {
            backend.set(item, value)?;
            // A store that swallows writes loses the sign-in at the next start.
            match backend.get(item)? {
                Some(kept) if kept.expose() == value.expose() => Ok(None),
                _ => Err(VaultError::NotKept),
            }
        }
    }
}

#[cfg(test)]
mod tests;
