//! The thread's behaviour, with a keychain that misbehaves on command. The
//! real keychains are in `tests/keychain.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;

use super::*;
use crate::vault::Missing;

/// What the fake does next, and what it saw.
#[derive(Default)]
struct Shared {
    items: Mutex<BTreeMap<String, Vec<u8>>>,
    state: Mutex<Option<VaultStatus>>,
    break_session: AtomicBool,
    swallow_writes: AtomicBool,
    opened: AtomicU32,
    gate: Mutex<Option<mpsc::Receiver<()>>>,
    entered: Mutex<Option<mpsc::Sender<()>>>,
}

struct Fake {
    shared: Arc<Shared>,
    open: bool,
}

impl Backend for Fake {
    fn is_open(&self) -> bool {
        self.open
    }
    fn close(&mut self) {
        self.open = false;
    }
    fn ready(&mut self) -> Result<(), VaultError> {
        let gate = self.shared.gate.lock().unwrap().take();
        if let Some(gate) = gate {
            if let Some(entered) = self.shared.entered.lock().unwrap().take() {
                entered.send(()).unwrap();
            }
            let _ = gate.recv();
        }
        if let Some(status) = self.shared.state.lock().unwrap().clone() {
            return Err(VaultError::Unusable(status));
        }
        if !self.open {
            self.open = true;
            self.shared.opened.fetch_add(1, Ordering::SeqCst);
            self.shared.break_session.store(false, Ordering::SeqCst);
        }
        Ok(())
    }
    fn get(&mut self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        if self.shared.break_session.load(Ordering::SeqCst) {
            return Err(VaultError::Unusable(VaultStatus::Failed(
                "session gone".to_owned(),
            )));
        }
        Ok(self
            .shared
            .items
            .lock()
            .unwrap()
            .get(item)
            .cloned()
            .map(Secret::new))
    }
    fn set(&mut self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        if !self.shared.swallow_writes.load(Ordering::SeqCst) {
            self.shared
                .items
                .lock()
                .unwrap()
                .insert(item.to_owned(), value.expose().clone());
        }
        Ok(())
    }
    fn delete(&mut self, item: &str) -> Result<(), VaultError> {
        self.shared.items.lock().unwrap().remove(item);
        Ok(())
    }
}

fn vault(limit: Duration) -> (KeychainVault, Arc<Shared>) {
    let shared = Arc::new(Shared::default());
    let fake = Fake {
        shared: Arc::clone(&shared),
        open: false,
    };
    (KeychainVault::with_backend(fake, limit).unwrap(), shared)
}

fn secret(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

fn read(vault: &KeychainVault, item: &str) -> Result<Option<Vec<u8>>, VaultError> {
    vault
        .get(item)
        .map(|found| found.map(|s| s.expose().clone()))
}

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(30);

#[test]
fn items_come_and_go() {
    let (vault, _) = vault(LONG);
    assert_eq!(read(&vault, "a"), Ok(None));
    vault.set("a", &secret("one")).unwrap();
    vault.set("a", &secret("two")).unwrap();
    assert_eq!(read(&vault, "a"), Ok(Some(b"two".to_vec())));
    vault.delete("a").unwrap();
    vault.delete("a").unwrap();
    assert_eq!(read(&vault, "a"), Ok(None));
    assert_eq!(vault.status(), VaultStatus::Ready);
}

#[test]
fn a_locked_keychain_is_an_answer_and_recovers_without_a_restart() {
    let (vault, shared) = vault(LONG);
    for status in [VaultStatus::Locked, VaultStatus::Absent(Missing::Service)] {
        *shared.state.lock().unwrap() = Some(status.clone());
        assert_eq!(vault.status(), status);
        assert_eq!(read(&vault, "a"), Err(VaultError::Unusable(status)));
        *shared.state.lock().unwrap() = None;
        assert_eq!(read(&vault, "a"), Ok(None));
    }
}

#[test]
fn a_store_that_breaks_is_reopened_within_the_call() {
    let (vault, shared) = vault(LONG);
    vault.set("a", &secret("one")).unwrap();
    assert_eq!(shared.opened.load(Ordering::SeqCst), 1);
    shared.break_session.store(true, Ordering::SeqCst);
    assert_eq!(read(&vault, "a"), Ok(Some(b"one".to_vec())));
    assert_eq!(shared.opened.load(Ordering::SeqCst), 2);
}

#[test]
fn a_call_that_hangs_ends_at_the_limit_and_later_ones_at_once() {
    let (vault, shared) = vault(SHORT);
    let (open_gate, gate) = mpsc::channel();
    *shared.gate.lock().unwrap() = Some(gate);
    assert_eq!(read(&vault, "a"), Err(hung()));
    // The thread is still in the first call: this one is not even queued.
    while !vault.is_stuck() {
        std::thread::yield_now();
    }
    let before = Instant::now();
    assert_eq!(vault.status(), VaultStatus::Hung);
    assert!(
        before.elapsed() < SHORT,
        "waited {:?} for a stuck keychain",
        before.elapsed()
    );
    open_gate.send(()).unwrap();
    while vault.is_stuck() {
        std::thread::yield_now();
    }
    assert_eq!(vault.status(), VaultStatus::Ready);
}

#[test]
fn what_the_caller_gave_up_on_is_not_done_later() {
    let (vault, shared) = vault(SHORT);
    let (open_gate, gate) = mpsc::channel();
    let (entered, in_call) = mpsc::channel();
    *shared.gate.lock().unwrap() = Some(gate);
    *shared.entered.lock().unwrap() = Some(entered);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(read(&vault, "a"), Err(hung())));
        in_call.recv().unwrap();
        // Queued behind the call that hangs.
        assert_eq!(vault.set("late", &secret("x")), Err(hung()));
    });
    open_gate.send(()).unwrap();
    while vault.is_stuck() {
        std::thread::yield_now();
    }
    assert_eq!(
        read(&vault, "late"),
        Ok(None),
        "an abandoned write must not happen"
    );
}

#[test]
fn a_keychain_that_swallows_writes_is_found_out() {
    let (vault, shared) = vault(LONG);
    shared.swallow_writes.store(true, Ordering::SeqCst);
    assert_eq!(vault.set("a", &secret("one")), Err(VaultError::NotKept));
}

#[test]
fn too_long_a_value_never_reaches_the_keychain() {
    let (vault, shared) = vault(LONG);
    let error = vault.set("a", &Secret::new(vec![0; 2561])).unwrap_err();
    assert_eq!(error, VaultError::TooLong { bytes: 2561 });
    assert_eq!(shared.opened.load(Ordering::SeqCst), 0);
}
