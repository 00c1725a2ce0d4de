//! The space server as a process of its own, which can be killed at a moment that
//! the test chooses.
//!
//! Owns the process, its folder's path and its ports. What it can be told is in
//! `charmkeeper_toolshed`'s control port.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use url::Url;

use crate::{PATIENCE, program, wait_until};

/// See the module. The process ends when this is dropped.
#[derive(Debug)]
pub struct SpaceServer {
    folder: PathBuf,
    child: Option<Child>,
    url: String,
    control: String,
    http: reqwest::Client,
}

impl SpaceServer {
    /// Starts a server that keeps its spaces in `folder`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(folder: &Path) -> Self {
        let mut server = Self {
            folder: folder.to_owned(),
            child: None,
            url: String::new(),
            control: String::new(),
            http: reqwest::Client::new(),
        };
        assert!(server.try_start(0).await, "it can be started");
        server
    }

    async fn try_start(&mut self, port: u16) -> bool {
        let mut child = Command::new(program::of("space-server", "charmkeeper-toolshed"))
            .args(["--until-stdin-closes", "--port", &port.to_string(), "--dir"])
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server can be started");
        let out = child.stdout.take().expect("stdout is piped");
        let line = timeout(PATIENCE, BufReader::new(out).lines().next_line()).await;
        // It ends without a line when its port is not free yet.
        let Some(line) = line.expect("it starts in time").expect("UTF-8") else {
            return false;
        };
        let line: Value = serde_json::from_str(&line).expect("a line of JSON");
        let text = |key: &str| line[key].as_str().expect("an address").to_owned();
        (self.url, self.control) = (text("url"), text("control"));
        self.child = Some(child);
        true
    }

    /// Where clients connect; the same after a new start.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it as a power cut does, in the middle of whatever it does.
    ///
    /// # Panics
    /// When it is not running.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it is running");
        child.kill().await.expect("it can be killed");
    }

    /// Starts it again on the same folder and port; nothing goes wrong on purpose
    /// any more.
    ///
    /// # Panics
    /// When its port is never free again.
    pub async fn start_again(&mut self) {
        let port = Url::parse(&self.url).ok().and_then(|url| url.port());
        let port = port.expect("a port");
        let again = timeout(PATIENCE, async {
            while !self.try_start(port).await {
                tokio::task::yield_now().await;
            }
        });
        again.await.expect("the port is free again");
    }

    /// Tells it something over its control port; the answer.
    ///
    /// # Panics
    /// When it does not do it.
    pub async fn tell(&self, command: &str, body: Value) -> Value {
        let asked = self
            .http
            .post(format!("{}/{command}", self.control))
            .body(body.to_string())
            .send();
        let answer = timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| panic!("{command} is done in time"));
        let answer = answer.expect("the control port answers");
        assert!(answer.status().is_success(), "{command}: {answer:?}");
        let text = answer.text().await.expect("UTF-8");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Something goes wrong from now on: `action` to the next request of this type
    /// in this space.
    ///
    /// # Panics
    /// When there is no such action.
    pub async fn fault(&self, action: &str, on: &str, space: &str) {
        let rule = json!({ "action": action, "on": on, "space": space });
        self.tell("fault", rule).await;
    }

    /// Ends when a request is held, which is the moment to act in.
    ///
    /// # Panics
    /// When none is in time.
    pub async fn held(&self) {
        self.tell("held", json!({ "count": 1 })).await;
    }

    /// Turns connections away, or takes them again.
    ///
    /// # Panics
    /// When it does not do it.
    pub async fn offline(&self, on: bool) {
        self.tell("offline", json!({ "on": on })).await;
    }

    /// Forgets the sessions of clients that are gone, as it does by itself after
    /// 30 s.
    ///
    /// # Panics
    /// When one in this space has a client for good.
    pub async fn forget(&self, space: &str) {
        wait_until("sessions without a client", async || {
            self.tell("expire", json!({})).await;
            let left = self.tell("sessions", json!({ "space": space })).await;
            left["sessions"].as_array().is_some_and(Vec::is_empty)
        })
        .await;
    }

    /// Nothing goes wrong any more, and nothing is held.
    ///
    /// # Panics
    /// When it does not do it.
    pub async fn calm(&self) {
        self.tell("clear-faults", json!({})).await;
        self.tell("release", json!({})).await;
        self.offline(false).await;
    }
}
