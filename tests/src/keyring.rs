//! A session bus of a test's own, and a real gnome-keyring on it.
//!
//! Needs `dbus-daemon`, `dbus-send` and `gnome-keyring-daemon`, which `make
//! test` installs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::wait_until;

const PASSWORD: &[u8] = b"correct-horse";
const NEEDED: &str = "`make test` installs what the keychain tests need";

/// A private session bus, with or without a keyring on it. Both end when it is
/// dropped.
#[derive(Debug)]
pub struct Keyring {
    /// The value of `DBUS_SESSION_BUS_ADDRESS` for programs that are to use it.
    pub address: String,
    folder: PathBuf,
    daemon: Option<Child>,
    _bus: Child,
}

impl Keyring {
    /// A bus on which nothing provides a keychain. Everything is kept below
    /// `folder`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn absent(folder: &Path) -> Self {
        let folder = folder.join("keyring");
        std::fs::create_dir_all(folder.join("run")).expect("a folder");
        // Without a service folder nothing is started on demand.
        let config = folder.join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:dir={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.join("run").display()
        );
        std::fs::write(&config, text).expect("a file");
        let mut bus = Command::new("dbus-daemon")
            .arg("--config-file")
            .arg(&config)
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect(NEEDED);
        let out = bus.stdout.take().expect("stdout is piped");
        let address = BufReader::new(out).lines().next_line().await;
        Self {
            address: address.expect("UTF-8").expect("an address"),
            folder,
            daemon: None,
            _bus: bus,
        }
    }

    /// A bus with a keyring that is unlocked.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn unlocked(folder: &Path) -> Self {
        let mut keyring = Self::absent(folder).await;
        keyring.appear().await;
        keyring
    }

    /// A bus with a keyring that is there and locked.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn locked(folder: &Path) -> Self {
        let mut keyring = Self::unlocked(folder).await;
        keyring.lock().await;
        keyring
    }

    /// An unlocked keyring comes onto the bus, or takes the place of a locked one.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn appear(&mut self) {
        self.disappear().await;
        let mut daemon = self.start_daemon(&["--unlock"]);
        let mut stdin = daemon.stdin.take().expect("stdin is piped");
        stdin.write_all(PASSWORD).await.expect("it reads");
        drop(stdin);
        self.daemon = Some(daemon);
        self.wait_for(true).await;
    }

    /// What [`appear`](Self::appear) made is locked now.
    ///
    /// # Panics
    /// When that fails.
    pub async fn lock(&mut self) {
        self.disappear().await;
        self.daemon = Some(self.start_daemon(&[]));
        self.wait_for(true).await;
    }

    /// The keyring leaves the bus.
    ///
    /// # Panics
    /// When that fails.
    pub async fn disappear(&mut self) {
        let Some(mut daemon) = self.daemon.take() else {
            return;
        };
        // In good order, so that what it holds is written.
        let pid = daemon.id().expect("it has not ended").to_string();
        let asked = Command::new("kill").arg(pid).status().await;
        assert!(asked.expect("kill can be started").success());
        daemon.wait().await.expect("it ends");
        self.wait_for(false).await;
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("XDG_RUNTIME_DIR", self.folder.join("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn start_daemon(&self, args: &[&str]) -> Child {
        self.command("gnome-keyring-daemon")
            .args(args)
            .args(["--foreground", "--components=secrets"])
            .spawn()
            .expect(NEEDED)
    }

    async fn wait_for(&self, there: bool) {
        let wanted = format!("boolean {there}");
        wait_until("the keyring on its bus", async || {
            let asked = self
                .command("dbus-send")
                .args(["--session", "--print-reply"])
                .args(["--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
                .args(["org.freedesktop.DBus.NameHasOwner"])
                .arg("string:org.freedesktop.secrets")
                .stdout(Stdio::piped())
                .output()
                .await
                .expect(NEEDED);
            String::from_utf8_lossy(&asked.stdout).contains(&wanted)
        })
        .await;
    }
}
