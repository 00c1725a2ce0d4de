//! The page inside the window, driven by WebKit's own WebDriver
//! (w3.org/TR/webdriver2). The driver starts the program itself.

use std::process::Stdio;
use std::time::Duration;

use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{PATIENCE, wait_until};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::desk;

/// See the module. The program and the driver end when it is dropped.
#[derive(Debug)]
pub struct Page {
    client: reqwest::Client,
    session: String,
    _driver: Child,
}

impl Page {
    /// Starts the program with these arguments and waits for its page.
    ///
    /// # Panics
    /// When the page does not come.
    pub async fn open(stage: &Stage, args: &[&str]) -> Self {
        let port = free_port();
        let mut driver = Command::new("WebKitWebDriver");
        driver
            .env_clear()
            .envs(desk::environment(stage))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .args(["--host=127.0.0.1".to_owned(), format!("--port={port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let driver = driver.spawn().expect("desk.sh looks for WebKitWebDriver");
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .expect("a client");
        let base = format!("http://127.0.0.1:{port}");
        wait_until("the driver", async || {
            client.get(format!("{base}/status")).send().await.is_ok()
        })
        .await;
        let options = json!({ "binary": desk::path(), "args": args });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "webkitgtk:browserOptions": options
        }}});
        let answer = post(&client, &format!("{base}/session"), &wanted).await;
        let id = answer["sessionId"].as_str();
        let id = id.unwrap_or_else(|| panic!("no session: {answer}"));
        let page = Self {
            session: format!("{base}/session/{id}"),
            client,
            _driver: driver,
        };
        page.wait(
            "the page",
            "return document.readyState === 'complete' && location.protocol === 'tauri:'",
        )
        .await;
        page
    }

    /// Runs a script's body in the page; what it returns.
    ///
    /// # Panics
    /// When the page refuses.
    pub async fn run(&self, body: &str) -> Value {
        let script = json!({ "script": body, "args": [] });
        post(
            &self.client,
            &format!("{}/execute/sync", self.session),
            &script,
        )
        .await
    }

    /// Runs the body of an async function in the page; what it returns, or
    /// `{"error": ...}` with what it threw.
    ///
    /// # Panics
    /// When the page refuses.
    pub async fn run_async(&self, body: &str) -> Value {
        let body = format!(
            "const done = arguments[arguments.length - 1];\
             (async () => {{ {body} }})().then(done, e => done({{error: e && e.message || e}}));"
        );
        let script = json!({ "script": body, "args": [] });
        post(
            &self.client,
            &format!("{}/execute/async", self.session),
            &script,
        )
        .await
    }

    /// Calls a command as the page does; its answer, or `{"error": ...}`.
    ///
    /// # Panics
    /// When the page refuses.
    pub async fn invoke(&self, command: &str, args: &Value) -> Value {
        let call = format!("return window.__TAURI_INTERNALS__.invoke({command:?}, {args});");
        self.run_async(&call).await
    }

    /// Waits until a script's body returns true.
    ///
    /// # Panics
    /// When it never does.
    pub async fn wait(&self, what: &str, body: &str) {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.run(body).await != Value::Bool(true) {
                pace.tick().await;
            }
        });
        if waited.await.is_err() {
            let text = self.run("return document.body.innerText").await;
            panic!("gave up waiting: {what}; the page says {text}");
        }
    }

    /// Ends the session, and the program with it.
    ///
    /// # Panics
    /// When the driver does not answer.
    pub async fn close(self) {
        let ended = self.client.delete(&self.session).send().await;
        ended.expect("the driver answers");
    }
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .expect("the driver answers");
    let text = answer.text().await.expect("text");
    let mut answer: Value = serde_json::from_str(&text).expect("JSON");
    let value = answer["value"].take();
    assert!(value["stacktrace"].is_null(), "{value:#}");
    value
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
