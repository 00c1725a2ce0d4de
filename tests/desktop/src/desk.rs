//! The program on its desktop: how it is started, and what can be seen of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use charmkeeper_sandbox::{CLIENT_ID, CLIENT_SECRET};
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{processes, program, wait_until};
use tokio::process::Command;

/// The display that the harness made.
///
/// # Panics
/// Outside the harness: a desktop test must not use a person's own screen, and
/// must not pass without having run.
#[must_use]
pub fn display() -> String {
    let display = std::env::var("CHARMKEEPER_TEST_DESK");
    display.expect("desktop tests run under tests/harness/desk.sh (`make desktop-test`)")
}

/// The built program.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn path() -> PathBuf {
    let name = format!("charmkeeper-desktop{}", std::env::consts::EXE_SUFFIX);
    let path = program::path().with_file_name(name);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build -p charmkeeper-desktop` first",
        path.display()
    );
    path
}

/// The desktop program with these arguments: the stage's home, keyring, bus and
/// stand-in for Google, and a browser that only notes what it is to open.
///
/// # Panics
/// When the note-taking browser cannot be written.
#[must_use]
pub fn command<S: AsRef<OsStr>>(stage: &Stage, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(path());
    command.env_clear().args(args);
    for (name, value) in environment(stage) {
        command.env(name, value);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What the program finds in its environment.
///
/// # Panics
/// When the note-taking browser cannot be written.
#[must_use]
pub fn environment(stage: &Stage) -> Vec<(String, String)> {
    let home = text(stage.folder());
    let tools = browser(stage.folder());
    let path = std::env::var("PATH").unwrap_or_default();
    let pairs = [
        ("PATH", format!("{}:{path}", text(&tools))),
        ("HOME", home.clone()),
        ("XDG_RUNTIME_DIR", home),
        ("LANG", "C.UTF-8".to_owned()),
        ("DISPLAY", display()),
        ("GDK_BACKEND", "x11".to_owned()),
        ("NO_AT_BRIDGE", "1".to_owned()),
        // Without a graphics card; some versions show an empty window otherwise.
        ("WEBKIT_DISABLE_COMPOSITING_MODE", "1".to_owned()),
        ("WEBKIT_DISABLE_DMABUF_RENDERER", "1".to_owned()),
        ("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()),
        ("CHARMKEEPER_HOME", text(&data(stage))),
        ("DBUS_SESSION_BUS_ADDRESS", stage.keyring.address.clone()),
        (
            "CHARMKEEPER_GOOGLE_BASE_URL",
            stage.google.base_url.to_string(),
        ),
        ("CHARMKEEPER_GOOGLE_CLIENT_ID", CLIENT_ID.to_owned()),
        ("CHARMKEEPER_GOOGLE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// The profile of the stage, which its `charmkeeper` uses as well.
#[must_use]
pub fn data(stage: &Stage) -> PathBuf {
    stage.folder().join("data")
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A folder with an `xdg-open` that notes addresses instead of opening them.
fn browser(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let tools = folder.join("tools");
    std::fs::create_dir_all(&tools).expect("a folder");
    let program = tools.join("xdg-open");
    let note = folder.join("opened");
    let script = format!("#!/bin/sh\necho \"$1\" >>'{}'\n", note.display());
    std::fs::write(&program, script).expect("a file");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    tools
}

/// What the browser was to open, in order.
#[must_use]
pub fn opened(stage: &Stage) -> Vec<String> {
    let note = std::fs::read_to_string(stage.folder().join("opened"));
    note.unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Windows of a process on the display, by the window manager's own ids.
///
/// # Panics
/// When the window manager cannot be asked.
pub async fn windows(pid: u32) -> Vec<String> {
    let output = wmctrl(&["-l", "-p"]).await;
    output
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (id, _, owner) = (words.next()?, words.next()?, words.next()?);
            (owner == pid.to_string()).then(|| id.to_owned())
        })
        .collect()
}

/// Asks the window manager to close a window, as its button does.
///
/// # Panics
/// When the window manager cannot be asked.
pub async fn close(window: &str) {
    wmctrl(&["-i", "-c", window]).await;
}

async fn wmctrl(args: &[&str]) -> String {
    let output = Command::new("wmctrl")
        .args(args)
        .env("DISPLAY", display())
        .output()
        .await
        .expect("desk.sh looks for wmctrl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until a process has this many windows; their ids.
///
/// # Panics
/// When it never has.
pub async fn wait_for_windows(pid: u32, count: usize) -> Vec<String> {
    wait_until("the number of windows", async || {
        windows(pid).await.len() == count
    })
    .await;
    windows(pid).await
}

/// Processes that belong to a page, among the children of this one.
#[must_use]
pub fn web_processes(pid: u32) -> Vec<u32> {
    let is_page = |child: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{child}/comm"));
        // The system keeps fifteen characters of WebKitWebProcess.
        name.unwrap_or_default().trim() == "WebKitWebProces"
    };
    processes::descendants(pid)
        .into_iter()
        .filter(is_page)
        .collect()
}

/// Waits until the stage's home has a keeper; its process id.
///
/// # Panics
/// When none comes.
pub async fn wait_for_keeper(stage: &Stage) -> u32 {
    let home = data(stage);
    wait_until("a keeper", async || {
        home.join("keeper.sock").exists() && processes::keeper(&home).is_some()
    })
    .await;
    processes::keeper(&home).expect("it was there")
}
