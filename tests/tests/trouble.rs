//! What can go wrong with the folder and the disk: each gets one clear
//! sentence and an exit code, and loses nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use charmkeeper_tests::needle::files;
use charmkeeper_tests::program::{self, Done, Going};
use charmkeeper_tests::{database, wait_until};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A list that grows by 20 kB in each run.
const GROWING: &str = r#"import { Default, handler, pattern, Writable } from "commonfabric";
interface Input {
  list: string[] | Default<[]>;
}
const update = handler<void, { list: Writable<string[]> }>(async (_event, { list }) => {
  list.push(String(list.get().length).repeat(20000));
});
export default pattern<Input>(({ list }) => ({ list, bgUpdater: update({ list }) }));
"#;

/// A home without Google and without a keychain, in which one charm ran once.
struct Bench {
    folder: TempDir,
    home: PathBuf,
    wrapper: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Others may enter, for tests that run the program as another user.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        std::fs::write(folder.path().join("growing.tsx"), GROWING).unwrap();
        let home = folder.path().join("data");
        Self {
            folder,
            home,
            wrapper: Vec::new(),
        }
    }

    async fn used() -> Self {
        let bench = Self::new();
        bench.use_once().await;
        bench
    }

    async fn use_once(&self) {
        let source = self.folder.path().join("growing.tsx");
        let added = self.run(&["add", source.to_str().unwrap()]).await;
        assert_eq!(added.code, Some(0), "{added}");
        let run = self.run(&["run", "growing"]).await.with_code(0).json();
        assert_eq!(run["outcome"], "ok");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut plain = program::command(self.folder.path());
        plain
            .env("CHARMKEEPER_HOME", &self.home)
            .arg("--json")
            .args(args);
        let Some((first, rest)) = self.wrapper.split_first() else {
            return plain;
        };
        let plain = plain.as_std();
        let mut wrapped = Command::new(first);
        wrapped
            .args(rest)
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        wrapped
    }

    async fn run(&self, args: &[&str]) -> Done {
        program::run(self.command(args)).await
    }

    /// Runs something that must fail with this exit code; its one sentence.
    async fn refused(&self, args: &[&str], code: i32) -> String {
        let done = self.run(args).await.with_code(code);
        let said = done.sentence().to_owned();
        assert!(said.len() < 250, "{said}");
        assert!(done.err.contains("\nhint: "), "no way out is named\n{done}");
        assert_eq!(done.json()["error"]["message"], Value::from(said.as_str()));
        said
    }

    /// The length of the charm's list, and the number of its good runs.
    async fn kept(&self) -> (usize, usize) {
        let list = self.run(&["cells", "growing", "list"]).await.with_code(0);
        let history = self.run(&["history", "--outcome", "ok"]).await.with_code(0);
        let len = |done: &Done| done.json().as_array().unwrap().len();
        (len(&list), len(&history))
    }

    fn database(&self) -> PathBuf {
        self.home.join("charmkeeper.sqlite")
    }
}

async fn serve(bench: &Bench) -> Going {
    let mut serve = Going::start(bench.command(&["serve"]));
    serve.err_line(|l| l.contains("is running on")).await;
    serve
}

#[tokio::test]
async fn a_damaged_database_is_set_aside_and_the_program_starts() {
    for damage in ["head", "middle"] {
        let bench = Bench::used().await;
        // Closing the last connection moves everything from the WAL into it.
        assert_eq!(
            database::number(&bench.home, "SELECT count(*) FROM charms"),
            1
        );
        let mut bytes = std::fs::read(bench.database()).unwrap();
        let range = match damage {
            "head" => 0..64,
            _ => 4096..bytes.len(),
        };
        bytes[range]
            .iter_mut()
            .for_each(|b| *b = b.wrapping_mul(31) ^ 0x5a);
        std::fs::write(bench.database(), &bytes).unwrap();

        let charms = bench.run(&["charms"]).await.with_code(0);
        assert_eq!(charms.json(), Value::Array(Vec::new()), "{damage}");
        assert!(charms.err.contains("damaged"), "{damage}: {charms}");
        let checks = bench.run(&["doctor"]).await.json();
        let checks = checks.as_array().unwrap();
        let data = checks.iter().find(|c| c["name"] == "Data").unwrap();
        assert_eq!(data["state"], "warning", "{data:#}");
        let detail = data["detail"].as_str().unwrap();
        assert!(detail.contains("set aside"), "{detail}");
        let aside = files(&bench.home).into_iter();
        assert_eq!(
            aside.filter(|(_, b)| *b == bytes).count(),
            1,
            "{damage}: kept as it was"
        );
        bench.use_once().await;
        assert_eq!(bench.kept().await, (1, 1));
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let bench = Bench::used().await;
    let known = database::number(&bench.home, "PRAGMA user_version");
    database::open(&bench.home)
        .pragma_update(None, "user_version", 999)
        .unwrap();
    let before = std::fs::read(bench.database()).unwrap();
    for args in [&["status"][..], &["serve"], &["run", "growing"]] {
        let said = bench.refused(args, 3).await;
        assert!(said.contains("newer") && said.contains("999"), "{said}");
    }
    assert_eq!(std::fs::read(bench.database()).unwrap(), before);
    database::open(&bench.home)
        .pragma_update(None, "user_version", known)
        .unwrap();
    assert_eq!(bench.kept().await, (1, 1));
}

/// Root may write anywhere, so that root runs the program as somebody else.
fn as_nobody() -> Vec<String> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Vec::new();
    }
    let words = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    words.map(str::to_owned).to_vec()
}

fn set_modes(folder: &Path, folders: u32, others: u32) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_modes(&path, folders, others);
        } else {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(others)).unwrap();
        }
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(folders)).unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let mut bench = Bench::used().await;
    set_modes(&bench.home, 0o555, 0o444);
    bench.wrapper = as_nobody();
    for args in [&["status"][..], &["serve"], &["run", "growing"]] {
        let said = bench.refused(args, 3).await;
        assert!(said.contains(bench.home.to_str().unwrap()), "{said}");
    }
    // The same where the folder is still to be made.
    let home = std::mem::replace(&mut bench.home, bench.folder.path().join("data/below"));
    let said = bench.refused(&["status"], 3).await;
    assert!(said.contains("data/below"), "{said}");
    bench.home = home;
    bench.wrapper = Vec::new();
    set_modes(&bench.home, 0o700, 0o600);
    assert_eq!(bench.kept().await, (1, 1));
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named() {
    let bench = Bench::used().await;
    let away = bench.folder.path().join("away.sqlite");
    std::fs::rename(bench.database(), &away).unwrap();
    std::fs::create_dir(bench.database()).unwrap();
    let said = bench.refused(&["status"], 3).await;
    assert!(said.contains("charmkeeper.sqlite"), "{said}");
    std::fs::remove_dir(bench.database()).unwrap();
    std::fs::rename(&away, bench.database()).unwrap();
    assert_eq!(bench.kept().await, (1, 1));
}

/// A disk of 4 MB that only processes of its own mount namespace see.
struct SmallDisk {
    _holder: Child,
    pid: u32,
    place: PathBuf,
}

impl SmallDisk {
    async fn at(place: PathBuf) -> Self {
        std::fs::create_dir_all(&place).unwrap();
        let mut unshare = Command::new("unshare");
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            unshare.args(["--user", "--map-root-user"]);
        }
        let mount = format!(
            "mount -t tmpfs -o size=4m,mode=700 disk '{}'",
            place.display()
        );
        let holder = unshare
            .args(["--mount", "sh", "-c"])
            .arg(format!(
                "{mount} && touch '{}/mounted' && exec cat",
                place.display()
            ))
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let disk = Self {
            pid: holder.id().unwrap(),
            _holder: holder,
            place,
        };
        wait_until("the small disk is there", async || {
            disk.file("mounted").exists()
        })
        .await;
        disk
    }

    /// The way to a file on it from outside.
    fn file(&self, name: &str) -> PathBuf {
        let inside = self.place.strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.pid))
            .join(inside)
            .join(name)
    }

    /// What a command is to be started with to see it.
    fn wrapper(&self) -> Vec<String> {
        let mut words = vec!["nsenter".to_owned(), format!("--target={}", self.pid)];
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            words.extend(["--user".to_owned(), "--preserve-credentials".to_owned()]);
        }
        words.push("--mount".to_owned());
        words
    }

    /// Takes all space that is left.
    fn fill(&self) {
        use std::io::Write;
        let mut options = std::fs::File::options();
        let ballast = options.append(true).create(true).open(self.file("ballast"));
        let mut ballast = ballast.unwrap();
        let mut size = 65536;
        while size > 0 {
            if ballast.write_all(&vec![b'x'; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.file("ballast")).unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let mut bench = Bench::new();
    let disk = SmallDisk::at(bench.folder.path().join("disk")).await;
    bench.home = disk.place.join("data");
    bench.wrapper = disk.wrapper();
    bench.use_once().await;

    for _ in 0..2 {
        disk.fill();
        let done = bench.run(&["run", "growing"]).await;
        // It cannot even start where there is no space for its note in the lock file.
        assert!(matches!(done.code, Some(1 | 3)), "{done}");
        let said = done.sentence().to_lowercase();
        assert!(said.contains("full") || said.contains("space"), "{said}");
    }
    disk.free();
    assert_eq!(bench.kept().await, (1, 1));

    // And under a keeper that goes on.
    let serve = serve(&bench).await;
    let run = bench.run(&["run", "growing"]).await;
    assert_eq!(run.code, Some(0), "{run}");
    let before = bench.kept().await;
    disk.fill();
    let mut runs = 0;
    // SQLite has some room of its own left in the WAL.
    let full = loop {
        let done = bench.run(&["run", "growing"]).await;
        if done.code != Some(0) {
            break done;
        }
        runs += 1;
        assert!(runs < 300, "the disk does not get full");
    };
    assert_eq!(full.code, Some(1), "{full}");
    let said = format!("{}{}", full.out, full.err).to_lowercase();
    assert!(said.contains("disk is full"), "{full}");
    let kept = bench.kept().await;
    assert_eq!(
        kept,
        (before.0 + runs, before.1 + runs),
        "what was kept before is there"
    );
    disk.free();
    let again = bench.run(&["run", "growing"]).await.with_code(0).json();
    assert_eq!(again["outcome"], "ok", "the same keeper goes on: {again:#}");
    serve.signal("TERM").await;
    assert_eq!(serve.end().await.code, Some(0));
    assert_eq!(bench.kept().await, (kept.0 + 1, kept.1 + 1));
}

#[tokio::test]
async fn a_second_keeper_is_refused_and_the_first_goes_on() {
    let bench = Bench::used().await;
    let first = serve(&bench).await;
    let said = bench.refused(&["serve"], 3).await;
    assert!(said.contains("already running"), "{said}");
    let run = bench.run(&["run", "growing"]).await.with_code(0).json();
    assert_eq!(run["outcome"], "ok");
    first.signal("TERM").await;
    assert_eq!(first.end().await.code, Some(0));
    // Its lock and its note do not outlive it.
    let second = serve(&bench).await;
    second.signal("TERM").await;
    assert_eq!(second.end().await.code, Some(0));
    assert!(bench.kept().await.0 >= 2);
}
