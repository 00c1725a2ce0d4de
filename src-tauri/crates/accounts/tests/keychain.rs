//! The vault on a real Secret Service, or on the lack of one. Each test needs
//! a session bus in the state that its name begins with:
//!
//! ```sh
//! tests/harness/keyring.sh ready cargo test -p charmkeeper-accounts \
//!     --test keychain -- --ignored --test-threads=1 ready_
//! ```
#![cfg(target_os = "linux")]
// Helpers outside #[test] functions count as ordinary code for the lints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use charmkeeper_accounts::vault::Missing;
use charmkeeper_accounts::{KeychainVault, Vault, VaultError, VaultStatus};
use charmkeeper_base::Secret;
use tokio::sync::Semaphore;
use zbus::blocking::{Connection, Proxy, connection, fdo::DBusProxy};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// Without the harness these tests would touch the person's own keychain.
fn harness(state: &str) {
    let actual = std::env::var("CHARMKEEPER_TEST_KEYRING").unwrap_or_default();
    assert_eq!(
        actual, state,
        "run this with tests/harness/keyring.sh {state}"
    );
}

fn secret(bytes: &[u8]) -> Secret<Vec<u8>> {
    Secret::new(bytes.to_vec())
}

fn read(vault: &KeychainVault, item: &str) -> Result<Option<Vec<u8>>, VaultError> {
    vault
        .get(item)
        .map(|found| found.map(|bytes| bytes.expose().clone()))
}

fn unusable<T>(status: VaultStatus) -> Result<T, VaultError> {
    Err(VaultError::Unusable(status))
}

/// Panics when an answer takes as long as a dialog or a hanging call would.
fn quickly<T>(call: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = call();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "took {:?}",
        started.elapsed()
    );
    result
}

/// Every call fails with `status`, at once.
fn refuses_everything(vault: &KeychainVault, status: &VaultStatus) {
    assert_eq!(quickly(|| vault.status()), *status);
    assert_eq!(quickly(|| read(vault, "a")), unusable(status.clone()));
    assert_eq!(
        quickly(|| vault.set("a", &secret(b"x"))),
        unusable(status.clone())
    );
    assert_eq!(quickly(|| vault.delete("a")), unusable(status.clone()));
}

/// A keyring daemon of the test's own, ended with the test.
struct Daemon(Child);

impl Daemon {
    /// Takes the place of one that runs, unlocked with the harness's password.
    fn start() -> Self {
        let password = std::env::var("CHARMKEEPER_TEST_KEYRING_PASSWORD").unwrap();
        let bus = Connection::session().unwrap();
        let dbus = DBusProxy::new(&bus).unwrap();
        let mut changes = dbus.receive_name_owner_changed().unwrap();
        let mut child = Command::new("gnome-keyring-daemon")
            .args([
                "--replace",
                "--unlock",
                "--foreground",
                "--components=secrets",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(password.as_bytes())
            .unwrap();
        // Until the new daemon, and not the old one, has the name.
        let taken = changes.any(|change| {
            let args = change.args().unwrap();
            args.name() == SERVICE && args.new_owner().is_some()
        });
        assert!(taken);
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn service(bus: &Connection) -> Proxy<'_> {
    Proxy::new(bus, SERVICE, ROOT, "org.freedesktop.Secret.Service").unwrap()
}

fn lock() {
    let bus = Connection::session().unwrap();
    let paths = vec![ObjectPath::try_from(LOGIN).unwrap()];
    let _: (Vec<OwnedObjectPath>, OwnedObjectPath) = service(&bus).call("Lock", &(paths,)).unwrap();
}

/// What the desktop's login does, through gnome-keyring's own interface.
fn unlock() {
    let bus = Connection::session().unwrap();
    let (_, session): (OwnedValue, OwnedObjectPath) = service(&bus)
        .call("OpenSession", &("plain", Value::from("")))
        .unwrap();
    let password = std::env::var("CHARMKEEPER_TEST_KEYRING_PASSWORD").unwrap();
    let secret = (
        session,
        Vec::<u8>::new(),
        password.into_bytes(),
        "text/plain",
    );
    let interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
    let keyring = Proxy::new(&bus, SERVICE, ROOT, interface).unwrap();
    let collection = ObjectPath::try_from(LOGIN).unwrap();
    keyring
        .call::<_, _, ()>("UnlockWithMasterPassword", &(collection, secret))
        .unwrap();
}

/// What a program like “Passwords and Keys” sees of an item.
fn attributes_of(namespace_service: &str) -> Vec<HashMap<String, String>> {
    let bus = Connection::session().unwrap();
    let wanted = HashMap::from([("service", namespace_service)]);
    let (unlocked, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service(&bus).call("SearchItems", &(wanted,)).unwrap();
    let of = |path: OwnedObjectPath| {
        let item = Proxy::new(&bus, SERVICE, path, "org.freedesktop.Secret.Item").unwrap();
        item.get_property::<HashMap<String, String>>("Attributes")
            .unwrap()
    };
    unlocked.into_iter().map(of).collect()
}

#[test]
#[ignore = "needs tests/harness/keyring.sh ready"]
fn ready_items_are_written_read_replaced_and_deleted() {
    harness("ready");
    let vault = KeychainVault::open("crud").unwrap();
    assert_eq!(vault.status(), VaultStatus::Ready);
    assert_eq!(read(&vault, "a"), Ok(None));
    vault
        .set("a", &secret(b"{\"refresh_token\":\"1//x\"}"))
        .unwrap();
    vault.set("b", &secret(b"other")).unwrap();
    vault.set("a", &secret(b"second \0\xff")).unwrap();
    assert_eq!(read(&vault, "a"), Ok(Some(b"second \0\xff".to_vec())));
    // Another start of the program.
    let again = KeychainVault::open("crud").unwrap();
    assert_eq!(read(&again, "a"), Ok(Some(b"second \0\xff".to_vec())));
    assert_eq!(
        attributes_of("charmkeeper-crud").len(),
        2,
        "one item per name"
    );
    again.delete("a").unwrap();
    again.delete("a").unwrap();
    assert_eq!(read(&vault, "a"), Ok(None));
    assert_eq!(read(&vault, "b"), Ok(Some(b"other".to_vec())));
}

#[test]
#[ignore = "needs tests/harness/keyring.sh ready"]
fn ready_namespaces_do_not_see_each_other() {
    harness("ready");
    let (plain, one, two) = (
        KeychainVault::open("").unwrap(),
        KeychainVault::open("home-1").unwrap(),
        KeychainVault::open("home-2").unwrap(),
    );
    plain.set("a", &secret(b"plain")).unwrap();
    one.set("a", &secret(b"one")).unwrap();
    assert_eq!(read(&two, "a"), Ok(None));
    two.set("a", &secret(b"two")).unwrap();
    one.delete("a").unwrap();
    assert_eq!(read(&plain, "a"), Ok(Some(b"plain".to_vec())));
    assert_eq!(read(&two, "a"), Ok(Some(b"two".to_vec())));
    let seen = attributes_of("charmkeeper");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["username"], "a");
}

#[test]
#[ignore = "needs tests/harness/keyring.sh ready"]
fn ready_the_longest_item_fits_and_a_longer_one_is_refused() {
    harness("ready");
    let vault = KeychainVault::open("length").unwrap();
    let longest = vec![b'x'; 2560];
    vault.set("a", &secret(&longest)).unwrap();
    let error = vault.set("a", &secret(&[b'y'; 2561])).unwrap_err();
    assert_eq!(error, VaultError::TooLong { bytes: 2561 });
    assert_eq!(read(&vault, "a"), Ok(Some(longest)));
}

#[test]
#[ignore = "needs tests/harness/keyring.sh ready"]
fn ready_it_can_be_used_from_inside_an_async_runtime() {
    harness("ready");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // On the runtime's own thread, where some stores panic.
        let vault = Arc::new(KeychainVault::open("async").unwrap());
        vault.set("a", &secret(b"x")).unwrap();
        let calls = (0..8).map(|n| {
            let vault = vault.clone();
            tokio::task::spawn_blocking(move || {
                vault.set(&format!("item-{n}"), &secret(&[n])).unwrap();
                read(&vault, &format!("item-{n}")).unwrap()
            })
        });
        let found = futures_util::future::join_all(calls).await;
        for (n, found) in found.into_iter().enumerate() {
            assert_eq!(found.unwrap(), Some(vec![u8::try_from(n).unwrap()]));
        }
    });
}

#[test]
#[ignore = "needs tests/harness/keyring.sh ready"]
fn ready_it_survives_a_restart_of_the_keyring() {
    harness("ready");
    let vault = KeychainVault::open("restart").unwrap();
    vault.set("a", &secret(b"kept")).unwrap();
    let _daemon = Daemon::start();
    assert_eq!(
        read(&vault, "a"),
        Ok(Some(b"kept".to_vec())),
        "the first call already"
    );
    let daemon = Daemon::start();
    vault.set("a", &secret(b"new")).unwrap();
    assert_eq!(read(&vault, "a"), Ok(Some(b"new".to_vec())));
    drop(daemon);
    let absent = VaultStatus::Absent(Missing::Service);
    assert_eq!(quickly(|| vault.status()), absent);
    let last = Daemon::start();
    assert_eq!(read(&vault, "a"), Ok(Some(b"new".to_vec())));
    // For the tests that follow; it ends with its bus.
    std::mem::forget(last);
}

#[test]
#[ignore = "needs tests/harness/keyring.sh locked"]
fn locked_is_an_answer_without_a_dialog_and_passes_with_the_lock() {
    harness("locked");
    let vault = KeychainVault::open("").unwrap();
    refuses_everything(&vault, &VaultStatus::Locked);
    assert!(VaultStatus::Locked.hint().unwrap().contains("Unlock"));
    unlock();
    assert_eq!(vault.status(), VaultStatus::Ready);
    vault.set("a", &secret(b"x")).unwrap();
    lock();
    refuses_everything(&vault, &VaultStatus::Locked);
    unlock();
    assert_eq!(read(&vault, "a"), Ok(Some(b"x".to_vec())));
    lock();
}

#[test]
#[ignore = "needs tests/harness/keyring.sh nocollection"]
fn nocollection_is_told_from_an_empty_keyring() {
    harness("nocollection");
    let vault = KeychainVault::open("").unwrap();
    let status = VaultStatus::Absent(Missing::Collection);
    refuses_everything(&vault, &status);
    assert!(status.hint().unwrap().contains("Create a keyring"));
}

#[test]
#[ignore = "needs tests/harness/keyring.sh none"]
fn none_says_what_to_install_and_works_once_it_is_there() {
    harness("none");
    let vault = KeychainVault::open("").unwrap();
    let status = VaultStatus::Absent(Missing::Service);
    refuses_everything(&vault, &status);
    assert!(status.hint().unwrap().contains("apt install gnome-keyring"));
    let _daemon = Daemon::start();
    assert_eq!(vault.status(), VaultStatus::Ready);
    vault.set("a", &secret(b"x")).unwrap();
    assert_eq!(read(&vault, "a"), Ok(Some(b"x".to_vec())));
}

/// A Secret Service that answers when it is allowed to.
struct Silent(Arc<Semaphore>);

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl Silent {
    async fn read_alias(&self, _name: String) -> OwnedObjectPath {
        self.0.acquire().await.unwrap().forget();
        OwnedObjectPath::try_from("/").unwrap()
    }
}

#[test]
#[ignore = "needs tests/harness/keyring.sh none"]
fn none_a_service_that_hangs_is_given_up_after_three_seconds() {
    harness("none");
    let gate = Arc::new(Semaphore::new(0));
    let service = connection::Builder::session()
        .unwrap()
        .serve_at(ROOT, Silent(gate.clone()))
        .unwrap()
        .name(SERVICE)
        .unwrap()
        .build()
        .unwrap();
    let vault = KeychainVault::open("").unwrap();
    let started = Instant::now();
    assert_eq!(read(&vault, "a"), unusable(VaultStatus::Hung));
    let waited = started.elapsed();
    assert!((3..5).contains(&waited.as_secs()), "waited {waited:?}");
    assert_eq!(
        quickly(|| vault.status()),
        VaultStatus::Hung,
        "the next caller does not wait"
    );
    // It comes to life again: the first call ends, and the vault is free.
    gate.add_permits(1000);
    let answers = VaultStatus::Absent(Missing::Collection);
    let deadline = Instant::now() + Duration::from_secs(10);
    while vault.status() != answers {
        assert!(Instant::now() < deadline, "still {:?}", vault.status());
    }
    service.close().unwrap();
}

#[test]
#[ignore = "needs tests/harness/keyring.sh nobus"]
fn nobus_is_said_as_such() {
    harness("nobus");
    let vault = KeychainVault::open("").unwrap();
    let status = VaultStatus::Absent(Missing::Bus);
    refuses_everything(&vault, &status);
    assert!(status.hint().unwrap().contains("dbus-run-session"));
}
