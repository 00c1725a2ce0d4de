//! One test's own everything: a stand-in for Google that the test holds, a
//! keychain, a home, and the program set up to use them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use charmkeeper_keeper::api::{HistoryFilter, Request};
use charmkeeper_keeper::control;
use charmkeeper_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Fault, Running, SAMPLE_ACCOUNT, Sandbox, SandboxConfig, World,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

use crate::keyring::Keyring;
use crate::program::{self, Done, Going};

/// Handle of the charm that keeps mail.
pub const GMAIL: &str = "gmail-importer";
/// Handle of the charm that keeps events.
pub const CALENDAR: &str = "google-calendar-importer";
/// Scope of Gmail's messages.
pub const GMAIL_SCOPE: &str = "https://www.googleapis.com/auth/gmail.readonly";
/// Scope of Calendar's events.
pub const CALENDAR_SCOPE: &str = "https://www.googleapis.com/auth/calendar.readonly";

/// See the module. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Stage {
    /// The stand-in for Google.
    pub google: Running,
    /// The keychain's bus.
    pub keyring: Keyring,
    folder: TempDir,
}

impl Stage {
    /// A small world in which nothing happens by itself.
    ///
    /// # Panics
    /// As all helpers, when something cannot be started.
    pub async fn start() -> Self {
        Self::with(|config| {
            config.messages = 25;
            config.events = 15;
        })
        .await
    }

    /// A world of the test's choice.
    ///
    /// # Panics
    /// When something cannot be started.
    pub async fn with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = SandboxConfig::default();
        change(&mut config);
        let google = Sandbox::start(config).await.expect("a sandbox");
        let keyring = Keyring::unlocked(folder.path()).await;
        Self {
            google,
            keyring,
            folder,
        }
    }

    /// A small world with the sample account signed in.
    ///
    /// # Panics
    /// When signing in does not work.
    pub async fn connected() -> Self {
        let stage = Self::start().await;
        let connected = stage.connect(SAMPLE_ACCOUNT, None).await;
        assert_eq!(connected["missing"], serde_json::json!([]), "{connected}");
        stage
    }

    /// What the stand-in holds.
    #[must_use]
    pub fn world(&self) -> &World {
        self.google.world()
    }

    /// A folder of the test's own, also the program's `HOME`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a source file; its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The program with these arguments, and `--json`.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.plain(args);
        command.arg("--json");
        command
    }

    /// The program with these arguments, as a person uses it.
    #[must_use]
    pub fn plain<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = program::command(self.folder());
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.keyring.address)
            .env("CHARMKEEPER_GOOGLE_BASE_URL", self.google.base_url.as_str())
            .env("CHARMKEEPER_GOOGLE_CLIENT_ID", CLIENT_ID)
            .env("CHARMKEEPER_GOOGLE_CLIENT_SECRET", CLIENT_SECRET)
            .args(args);
        // A release build refuses another address for Google unless told.
        if std::env::var_os("CHARMKEEPER_TEST_BUILD").is_some_and(|build| build == "release") {
            command.arg("--allow-insecure-endpoints");
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Done {
        program::run(self.command(args)).await
    }

    /// Runs a command that must succeed; its JSON.
    ///
    /// # Panics
    /// When the exit code is not 0.
    pub async fn ask<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Value {
        self.run(args).await.with_code(0).json()
    }

    /// Runs a charm now, whatever comes of it; the run.
    ///
    /// # Panics
    /// When there is no run to speak of.
    pub async fn run_charm(&self, charm: &str) -> Value {
        let done = self.run(["run", charm]).await;
        let run = done.json();
        let good = matches!(run["outcome"].as_str(), Some("ok" | "ok-unchanged"));
        assert_eq!(done.code, Some(i32::from(!good)), "{done}");
        run
    }

    /// Runs a charm now; fails unless the outcome is this one. The run.
    ///
    /// # Panics
    /// When the outcome is another.
    pub async fn expect_run(&self, charm: &str, outcome: &str) -> Value {
        let run = self.run_charm(charm).await;
        assert_eq!(run["outcome"], outcome, "{run:#}");
        run
    }

    /// Lets a charm's timer come once a day. The keeper must be running.
    ///
    /// # Panics
    /// When the keeper refuses.
    pub async fn once_a_day(&self, charm: &str) {
        let charm = charm.to_owned();
        let seconds = 86_400;
        self.keeper(&Request::SetInterval { charm, seconds }).await;
    }

    /// How many of a charm's runs have ended. The keeper must be running.
    ///
    /// # Panics
    /// When the keeper refuses.
    pub async fn ended(&self, charm: &str) -> usize {
        let filter = HistoryFilter {
            charm: Some(charm.to_owned()),
            limit: 500,
            ..HistoryFilter::default()
        };
        let runs = self.keeper(&Request::History(filter)).await;
        let runs = runs.as_array().into_iter().flatten();
        runs.filter(|run| run["outcome"].is_string()).count()
    }

    async fn keeper(&self, request: &Request) -> Value {
        let socket = self.folder().join("data/keeper.sock");
        let answer = control::call(&socket, request, |_| {}).await;
        answer.unwrap_or_else(|e| panic!("{request:?}: {e}"))
    }

    /// What a charm's cell holds.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn cells(&self, charm: &str, path: &str) -> Value {
        self.ask(["cells", charm, path]).await
    }

    /// `serve` in the background, once it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn serve(&self) -> Going {
        let mut serve = Going::start(self.command(["serve"]));
        serve.err_line(|l| l.contains("is running on")).await;
        serve
    }

    /// Begins `connect google --print-url` and reads the address it prints.
    ///
    /// # Panics
    /// When it prints none.
    pub async fn begin_connect(&self, more: &[&str]) -> (Going, Url) {
        let args = ["connect", "google", "--print-url"];
        let mut connect = Going::start(self.command(args.iter().chain(more)));
        let line = connect.out_line(|l| l.contains("\"url\"")).await;
        let printed: Value = serde_json::from_str(&line).expect("a line of JSON");
        let url = printed["url"].as_str().expect("an address");
        (connect, Url::parse(url).expect("an address"))
    }

    /// Signs an account in, with all boxes ticked or only these; the answer.
    ///
    /// # Panics
    /// When that fails.
    pub async fn connect(&self, account: &str, scopes: Option<&[&str]>) -> Value {
        let (connect, url) = self.begin_connect(&[]).await;
        let status = self.world().complete(&url, account, scopes).await;
        assert_eq!(status.expect("the page answers"), 200);
        connect.end().await.with_code(0).json()
    }

    /// Switches a fault on; its id.
    ///
    /// # Panics
    /// When its target is not known.
    pub fn fault(&self, target: &str, change: impl FnOnce(&mut Fault)) -> u64 {
        let mut fault = Fault {
            target: target.to_owned(),
            ..Fault::default()
        };
        change(&mut fault);
        self.google.add_fault(fault).expect("a known target")
    }

    /// Asserts that the importer's cells are the sample mailbox, one for one.
    ///
    /// # Panics
    /// When they are not.
    pub async fn assert_mail(&self) {
        let held = self.cells(GMAIL, "emails").await;
        let truth = self.world().messages(SAMPLE_ACCOUNT).expect("an account");
        crate::expected::assert_mail(&held, &truth);
    }

    /// Asserts that the importer's cells are the sample calendars' events within
    /// the window that a run at `at` keeps, one for one.
    ///
    /// # Panics
    /// When they are not.
    pub async fn assert_events(&self, run: &Value) {
        let held = self.cells(CALENDAR, "events").await;
        let (from, to) = crate::expected::window(run);
        let truth = self
            .world()
            .occurrences(SAMPLE_ACCOUNT, Some(from), Some(to))
            .expect("an account");
        let calendars = self.world().calendars(SAMPLE_ACCOUNT).expect("an account");
        crate::expected::assert_events(&held, &truth, &calendars);
    }
}
