//! A person with a piece on a space server, a keychain and the program: what the
//! tests of remote spaces begin with, and how both sides are compared.
//!
//! Owns the processes and their folders. Looks at the server's and the program's
//! databases from outside; never writes to them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use charmkeeper_space::codec;
use charmkeeper_space::identity::Identity;
use charmkeeper_space::pieces::lease_id;
use charmkeeper_toolshed::seed::{PieceSeed, SeededPiece};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::keyring::Keyring;
use crate::program::{self, Done, Going};
use crate::space_server::SpaceServer;
use crate::{database, wait_until};

/// Handle of the piece's charm.
pub const TICKER: &str = "ticker";
/// What the person's key is made of.
pub const PASSPHRASE: &str = "a person of the tests";

/// Counts its runs and appends an element of its own name for each. It takes a
/// moment, so that there is a moment in which it is at work.
const CODE: &str = r#"
import { handler, NAME, pattern, Writable } from "commonfabric";
type Item = { name: string; run: number };
const tick = handler<unknown, { count: Writable<number>; items: Writable<Item[]> }>(
  async (_event, { count, items }) => {
    const run = (count.get() ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, 60));
    count.set(run);
    items.push({ name: "run " + run, run });
  },
);
export default pattern<{ count: number; items: Item[] }, any>(({ count, items }) => ({
  [NAME]: "Ticker", count, items, bgUpdater: tick({ count, items } as any),
}));
"#;

/// See the module. Everything ends when it is dropped.
#[derive(Debug)]
pub struct RemoteStage {
    /// The space server.
    pub server: SpaceServer,
    /// The piece, as it was made.
    pub piece: SeededPiece,
    /// Where the program finds the server, when that is not the server's own
    /// address.
    pub url: Option<String>,
    keyring: Keyring,
    folder: TempDir,
}

impl RemoteStage {
    /// A server with the person's home space, a piece and a star for it.
    ///
    /// # Panics
    /// As all helpers, when something cannot be started.
    pub async fn start() -> Self {
        Self::start_with(CODE).await
    }

    /// The same with a charm of the caller's own; its inputs are a number `count`
    /// and a list `items`.
    ///
    /// # Panics
    /// As all helpers, when something cannot be started.
    pub async fn start_with(code: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("server");
        let seeding = charmkeeper_toolshed::SpaceServer::start(&data).await;
        let seeding = seeding.expect("a server");
        let inputs = json!({ "count": 0, "items": [] });
        let seed = PieceSeed::simple("test pieces", "Ticker", code, inputs);
        let seeded = seeding.seed_home(&Self::person(), &[seed]).expect("seeds");
        let piece = seeded.pieces.into_iter().next().expect("a piece");
        drop(seeding);
        Self {
            server: SpaceServer::start(&data).await,
            piece,
            url: None,
            keyring: Keyring::unlocked(folder.path()).await,
            folder,
        }
    }

    /// The same, with `serve` running, the key in the keychain and the piece's
    /// charm here; it runs when the test says so.
    ///
    /// # Panics
    /// When something of it does not work.
    pub async fn connected() -> (Self, Going) {
        let stage = Self::start().await;
        let serve = stage.join().await;
        (stage, serve)
    }

    /// Starts `serve`, gives it the key, and has the piece's charm here.
    ///
    /// # Panics
    /// When something of it does not work.
    pub async fn join(&self) -> Going {
        let serve = self.serve().await;
        self.connect(&["--passphrase-stdin"], PASSPHRASE).await;
        self.adopt().await;
        self.settled().await;
        serve
    }

    /// The person.
    #[must_use]
    pub fn person() -> Identity {
        Identity::from_passphrase(PASSPHRASE)
    }

    /// A folder of the test's own, also the program's `HOME`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program's data.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The server's data.
    #[must_use]
    pub fn server_data(&self) -> PathBuf {
        self.folder().join("server")
    }

    /// The program with these arguments, and `--json`.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program::command(self.folder());
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.keyring.address)
            .args(args)
            .arg("--json");
        command
    }

    /// Starts the keeper.
    ///
    /// # Panics
    /// When it does not begin.
    pub async fn serve(&self) -> Going {
        let mut serve = Going::start(self.command(&["serve"]));
        serve.err_line(|line| line.contains("is running on")).await;
        serve
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn run(&self, args: &[&str]) -> Done {
        program::run(self.command(args)).await
    }

    /// Runs a command that must succeed; its JSON.
    ///
    /// # Panics
    /// When the exit code is not 0.
    pub async fn ask(&self, args: &[&str]) -> Value {
        self.run(args).await.with_code(0).json()
    }

    /// `space connect`, with the key as these arguments say and `typed` on standard
    /// input.
    ///
    /// # Panics
    /// When it fails.
    pub async fn connect(&self, key: &[&str], typed: &str) -> Done {
        let url = self.url.as_deref().unwrap_or(self.server.url());
        let mut command = self.command(&["space", "connect", "--url", url]);
        command.args(key).stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // It does not read where the key is in a file.
        let _ = stdin.write_all(typed.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(crate::PATIENCE, child.wait_with_output());
        let output = output.await.expect("it ends in time").expect("an end");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Done {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
        .with_code(0)
    }

    /// Runs the starred piece here, when the test says so and not by a timer.
    ///
    /// # Panics
    /// When it fails.
    pub async fn adopt(&self) {
        let (space, piece) = (&self.piece.piece.space, &self.piece.piece.id);
        let piece = piece.trim_start_matches("of:");
        let args = ["register", "--space", space, "--piece", piece];
        let args = [&args[..], &["--integration", "test"]].concat();
        assert_eq!(self.ask(&args).await["on"], true);
        self.ask(&["pause", TICKER]).await;
        self.rest().await;
    }

    /// Runs the charm now; the run.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn tick(&self) -> Value {
        let run = self.ask(&["run", TICKER]).await;
        assert_eq!(run["outcome"], "ok", "{run:#}");
        run
    }

    /// Waits until no run is going on.
    ///
    /// # Panics
    /// When one goes on and on.
    pub async fn rest(&self) {
        wait_until("no run goes on", async || {
            self.number("SELECT count(*) FROM runs WHERE outcome IS NULL") == 0
        })
        .await;
    }

    /// Waits until all spaces are open and nothing waits for them.
    ///
    /// # Panics
    /// When that never is.
    pub async fn settled(&self) {
        self.rest().await;
        wait_until("nothing waits for the server", async || {
            self.number("SELECT count(*) FROM outbox") == 0
        })
        .await;
        wait_until("all spaces are open", async || {
            let spaces = self.ask(&["space", "status"]).await;
            let spaces = spaces.as_array().expect("spaces");
            spaces.len() == 2 && spaces.iter().all(|space| space["state"] == "synced")
        })
        .await;
    }

    /// The single number that a query of the program's database gives.
    ///
    /// # Panics
    /// When it gives something else.
    #[must_use]
    pub fn number(&self, sql: &str) -> i64 {
        database::number(&self.home(), sql)
    }

    /// How many runs ended well and changed something.
    #[must_use]
    pub fn good_runs(&self) -> u64 {
        let good = self.number("SELECT count(*) FROM runs WHERE outcome = 'ok'");
        good.unsigned_abs()
    }

    fn server_db(&self) -> Connection {
        let path = self.server_data().join("spaces.sqlite");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database")
    }

    /// All documents that a server's space holds.
    ///
    /// # Panics
    /// When the server's files cannot be read.
    #[must_use]
    pub fn on_server(&self, space: &str) -> Vec<(String, u64, Option<Value>)> {
        let db = self.server_db();
        let sql = "SELECT id, seq, doc FROM head WHERE space = ?1 AND scope = 'space'";
        let mut query = db.prepare(sql).expect("SQL");
        let rows = query
            .query_map([space], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .expect("a query");
        let value = |text: String| codec::decode(&text).expect("a document");
        rows.map(|row| {
            let (id, seq, doc): (String, i64, Option<String>) = row.expect("a row");
            (id, seq.unsigned_abs(), doc.map(value))
        })
        .collect()
    }

    /// The numbers that the program's commits have when each of these runs made
    /// one: what it says of its lease on the piece counts too.
    ///
    /// # Panics
    /// When the server's files cannot be read.
    #[must_use]
    pub fn numbers_of(&self, runs: u64) -> Vec<u64> {
        let lease = lease_id(&self.piece.piece);
        let sql = "SELECT count(*) FROM revision r JOIN accepted a ON a.space = r.space
                   AND a.seq = r.seq WHERE r.space = ?1 AND r.id = ?2";
        let count = self
            .server_db()
            .query_row(sql, [&lease.space, &lease.id], |row| row.get::<_, i64>(0));
        (1..=runs + count.expect("a number").unsigned_abs()).collect()
    }

    /// The numbers of the program's own commits in the piece's space, in the order
    /// in which the server took them.
    ///
    /// # Panics
    /// When the server's files cannot be read.
    #[must_use]
    pub fn numbers(&self) -> Vec<u64> {
        let sql = "SELECT session_id FROM remote_spaces WHERE did = '{}'";
        let sql = sql.replace("{}", &self.piece.piece.space);
        let session = database::rows(&self.home(), &sql)[0][0].clone();
        let db = self.server_db();
        let sql = "SELECT local_seq FROM accepted WHERE space = ?1 AND session = ?2 ORDER BY seq";
        let mut query = db.prepare(sql).expect("SQL");
        let args = [&self.piece.piece.space, session.as_str().expect("an id")];
        let rows = query.query_map(args, |row| row.get::<_, i64>(0));
        let rows = rows.expect("a query");
        rows.map(|n| n.expect("a row").unsigned_abs()).collect()
    }

    /// The names of the piece's elements as the server has them, and its count.
    ///
    /// # Panics
    /// When an element leads nowhere.
    #[must_use]
    pub fn elements(&self) -> (u64, Vec<String>) {
        let all = self.on_server(&self.piece.piece.space);
        let value = |wanted: &str| {
            let found = all.iter().find(|(id, ..)| id == wanted);
            let doc = found.and_then(|(.., doc)| doc.as_ref());
            doc.unwrap_or_else(|| panic!("{wanted} is not on the server"))["value"].clone()
        };
        let inputs = value(&self.piece.argument.id);
        let items = inputs["items"].as_array().expect("a list");
        let name = |item: &Value| {
            let id = item.pointer("/~1/link@1/id").and_then(Value::as_str);
            let item = id.map_or_else(|| item.clone(), value);
            item["name"].as_str().expect("a name").to_owned()
        };
        let count = inputs["count"].as_f64().expect("a count");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (count as u64, items.iter().map(name).collect())
    }

    /// What is not the same on both sides, if anything: each document that the
    /// program holds of the piece's space, and each that it wrote there.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        let space = &self.piece.piece.space;
        let sql = format!(
            "SELECT r.id, r.seq, r.json, d.json FROM replica r LEFT JOIN documents d
             ON d.space = r.space AND d.id = r.id WHERE r.space = '{space}'"
        );
        let server = self.on_server(space);
        let mut here = BTreeSet::new();
        let parse = |text: &Value| -> Option<Value> {
            serde_json::from_str(text.as_str()?).expect("a stored document")
        };
        for row in database::rows(&self.home(), &sql) {
            let id = row[0].as_str().unwrap_or_default().to_owned();
            let there = server.iter().find(|(other, ..)| *other == id);
            let (seq, doc) = there.map_or((0, None), |(_, seq, doc)| (*seq, doc.clone()));
            let (confirmed, seen) = (parse(&row[2]), parse(&row[3]));
            if row[1] != seq || confirmed != doc || seen != doc {
                return Some(format!(
                    "{id}: the server has {seq} {doc:?}, the replica {} {confirmed:?}, charms see {seen:?}",
                    row[1]
                ));
            }
            here.insert(id);
        }
        let wrote = |id: &String| self.wrote(id) && !here.contains(id);
        let lost = server.iter().find(|(id, ..)| wrote(id));
        lost.map(|(id, ..)| format!("{id} was written by the program, which does not hold it"))
    }

    /// True when the program wrote a document of the piece's space.
    fn wrote(&self, id: &str) -> bool {
        let sql = "SELECT count(*) FROM revision r JOIN accepted a ON a.space = r.space
                   AND a.seq = r.seq WHERE r.space = ?1 AND r.id = ?2 AND a.principal = ?3";
        let person = Self::person();
        let args = [&self.piece.piece.space, id, person.did()];
        let count: i64 = self
            .server_db()
            .query_row(sql, args, |row| row.get(0))
            .expect("a number");
        count > 0
    }

    /// Asserts that both sides hold the same, each run's element once and in
    /// order, and that the server took one commit for each run, numbered without a
    /// gap.
    ///
    /// # Panics
    /// When not.
    pub async fn assert_once(&self, when: &str) {
        let runs = self.good_runs();
        let (count, names) = self.elements();
        let wanted: Vec<String> = (1..=runs).map(|n| format!("run {n}")).collect();
        assert_eq!(names, wanted, "{when}");
        assert_eq!(count, runs, "{when}");
        let numbers = self.numbers_of(runs);
        assert_eq!(self.numbers(), numbers, "{when}: commits of this computer");
        wait_until(&format!("{when}: both sides are the same"), async || {
            self.difference().is_none()
        })
        .await;
        let other = "SELECT count(*) FROM runs WHERE outcome = 'ok' AND sync <> 'synced'";
        assert_eq!(self.number(other), 0, "{when}: runs that are not told");
    }
}
