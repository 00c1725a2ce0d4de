//! The program under test: how it is found, started, read and stopped.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::PATIENCE;

/// The built program: the development build, or the one that
/// `CHARMKEEPER_TEST_BUILD` names, as in `release`.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn path() -> PathBuf {
    of("charmkeeper", "charmkeeper")
}

/// The built program of this name, which this package makes.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn of(name: &str, package: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let program = target
        .join(std::env::var_os("CHARMKEEPER_TEST_BUILD").unwrap_or_else(|| "debug".into()))
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is missing: these tests drive the built program, so run `cargo build -p {package}` first",
        program.display()
    );
    program.canonicalize().expect("a path that is there")
}

/// The program with an empty environment of its own: no display, no keychain,
/// no proxy, and `home` for everything it could look for.
#[must_use]
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(path());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("LANG", "C.UTF-8")
        .env("CHARMKEEPER_HOME", home.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// How a command ended and what it printed.
#[derive(Debug)]
pub struct Done {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Done {
    /// The JSON on standard output.
    ///
    /// # Panics
    /// When it is not exactly one JSON value.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("not one JSON value: {e}\n{self}"))
    }

    /// Asserts the exit code.
    ///
    /// # Panics
    /// When it is another one.
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The one sentence of a failure, without the program's name.
    ///
    /// # Panics
    /// When standard error does not hold exactly one, or it does not read like
    /// one.
    #[must_use]
    pub fn sentence(&self) -> &str {
        let mut said = self
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("charmkeeper: "));
        let (Some(sentence), None) = (said.next(), said.next()) else {
            panic!("expected exactly one sentence\n{self}");
        };
        assert!(
            sentence.ends_with(['.', '!', '?', '"']) && !sentence.contains("Error("),
            "not a sentence: {sentence}"
        );
        sentence
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, out, err } = self;
        write!(f, "exit code {code:?}\n--- out\n{out}\n--- err\n{err}")
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it does not end in time.
pub async fn run(mut command: Command) -> Done {
    let output = timeout(PATIENCE, command.output())
        .await
        .unwrap_or_else(|_| panic!("did not end in time: {command:?}"))
        .expect("the program can be started");
    Done {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the program prints UTF-8")
}

/// A program that goes on, read line by line. Killed when dropped.
#[derive(Debug)]
pub struct Going {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Going {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program can be started");
        let out = child.stdout.take().expect("stdout is piped");
        let err = child.stderr.take().expect("stderr is piped");
        Self {
            child,
            out: BufReader::new(out).lines(),
            err: BufReader::new(err).lines(),
        }
    }

    /// The next line on standard output that fits.
    ///
    /// # Panics
    /// When none comes.
    pub async fn out_line(&mut self, fits: impl Fn(&str) -> bool) -> String {
        next(&mut self.out, fits).await
    }

    /// The next line on standard error that fits.
    ///
    /// # Panics
    /// When none comes.
    pub async fn err_line(&mut self, fits: impl Fn(&str) -> bool) -> String {
        next(&mut self.err, fits).await
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the program is still there")
    }

    /// Sends a signal by its name, as in `TERM`.
    ///
    /// # Panics
    /// When the program is gone already.
    pub async fn signal(&self, name: &str) {
        let pid = self.pid();
        let sent = Command::new("kill")
            .args(["-s".as_ref(), OsStr::new(name), pid.to_string().as_ref()])
            .status()
            .await
            .expect("kill can be started");
        assert!(sent.success(), "signal {name} to {pid}");
    }

    /// Kills it without warning.
    ///
    /// # Panics
    /// When that is not possible.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn end(self) -> Done {
        let Self {
            mut child,
            out,
            err,
        } = self;
        let ended = timeout(PATIENCE, async {
            tokio::join!(child.wait(), rest(out), rest(err))
        });
        let (status, out, err) = ended.await.expect("it ends in time");
        Done {
            code: status.expect("a status").code(),
            out,
            err,
        }
    }
}

async fn next<R: tokio::io::AsyncRead + Unpin>(
    lines: &mut Lines<BufReader<R>>,
    fits: impl Fn(&str) -> bool,
) -> String {
    let mut seen = Vec::new();
    let looking = timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.expect("UTF-8") {
            if fits(&line) {
                return Some(line);
            }
            seen.push(line);
        }
        None
    });
    match looking.await {
        Ok(Some(line)) => line,
        Ok(None) => panic!("the output ended without the line; it was {seen:#?}"),
        Err(_) => panic!("the line did not come; so far {seen:#?}"),
    }
}

async fn rest<R: tokio::io::AsyncRead + Unpin>(lines: Lines<BufReader<R>>) -> String {
    let mut text = String::new();
    lines
        .into_inner()
        .read_to_string(&mut text)
        .await
        .expect("UTF-8");
    text
}
