//! A running `charmkeeper serve`, spoken to over its local socket.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use charmkeeper_base::UnixMs;
use charmkeeper_keeper::api::{HistoryFilter, Request};
use charmkeeper_keeper::control;
use charmkeeper_keeper::home::Home;
use serde_json::Value;
use tokio::runtime::Runtime;

pub(crate) struct Serve {
    child: Child,
    lines: Receiver<String>,
    socket: PathBuf,
    runtime: Runtime,
}

impl Serve {
    pub(crate) fn start(binary: &Path, home: &Path) -> Self {
        let mut child = Command::new(binary)
            .args(["serve", "--json", "--home", &home.to_string_lossy()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("charmkeeper starts");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        // Read all the time, so that a full pipe never holds the keeper up.
        let (line, lines) = channel();
        std::thread::spawn(move || {
            for text in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line.send(text).is_err() {
                    return;
                }
            }
        });
        let socket = Home::open(home).expect("the home is there").socket();
        let runtime = Runtime::new().expect("a runtime");
        let serve = Self {
            child,
            lines,
            socket,
            runtime,
        };
        while serve.try_call(&Request::Accounts).is_none() {
            std::thread::yield_now();
        }
        serve
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next run that it prints.
    pub(crate) fn next_run(&self) -> Value {
        let line = self.lines.recv().expect("a line");
        serde_json::from_str(&line).expect("a run")
    }

    fn try_call(&self, request: &Request) -> Option<Value> {
        self.runtime
            .block_on(control::call(&self.socket, request, |_| {}))
            .ok()
    }

    fn call(&self, request: &Request) -> Value {
        let answer = self
            .runtime
            .block_on(control::call(&self.socket, request, |_| {}));
        answer.unwrap_or_else(|e| panic!("{request:?}: {e}"))
    }

    pub(crate) fn run(&self, charm: &str) {
        let run = self.call(&Request::Run {
            charm: charm.to_owned(),
            argument: None,
        });
        assert_eq!(run["outcome"], "ok-unchanged", "{run}");
    }

    pub(crate) fn set_interval(&self, charm: &str, seconds: u64) {
        self.call(&Request::SetInterval {
            charm: charm.to_owned(),
            seconds,
        });
    }

    pub(crate) fn add(&self, file: &Path, space: &str) {
        self.call(&Request::Add {
            source: file.to_string_lossy().into_owned(),
            space: Some(space.to_owned()),
            argument: None,
            hosts: Vec::new(),
        });
    }

    pub(crate) fn now(&self) -> UnixMs {
        use charmkeeper_base::Clock;
        charmkeeper_base::SystemClock::default().now()
    }

    /// When each charm is to run next.
    pub(crate) fn planned(&self) -> HashMap<String, UnixMs> {
        let charms = self.call(&Request::Charms);
        let of = |c: &Value| {
            let at = UnixMs::parse_rfc3339(c["next_run_at"].as_str()?)?;
            Some((c["charm"].as_str()?.to_owned(), at))
        };
        charms
            .as_array()
            .expect("charms")
            .iter()
            .filter_map(of)
            .collect()
    }

    /// How late, in seconds, each charm's first run since then began.
    pub(crate) fn lateness(&self, planned: &HashMap<String, UnixMs>, since: &UnixMs) -> Vec<f64> {
        let filter = HistoryFilter {
            since: Some(*since),
            limit: u32::MAX,
            ..Default::default()
        };
        let runs = self.call(&Request::History(filter));
        let mut first: HashMap<String, UnixMs> = HashMap::new();
        for run in runs.as_array().expect("runs") {
            let (Some(charm), Some(at)) = (run["charm"].as_str(), run["started_at"].as_str())
            else {
                continue;
            };
            // Newest first, so the last one seen is the first one run.
            first.insert(charm.to_owned(), UnixMs::parse_rfc3339(at).expect("a time"));
        }
        planned
            .iter()
            .filter_map(|(charm, due)| Some(first.get(charm)?.since(*due).as_secs_f64()))
            .collect()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
