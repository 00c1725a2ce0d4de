//! The page inside the window, driven by WebKit's own WebDriver
//! (w3.org/TR/webdriver2). The driver starts the program itself.

use std::process::Stdio;
use std::time::Duration;

use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{PATIENCE, wait_until};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::desk;

/// Name under which the driver hands out an element (the same in every driver).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

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

/// What is drawn, and a person's hand on it: elements are clicked by the driver,
/// which refuses what cannot be seen or is covered.
impl Page {
    /// Texts of the elements that a CSS selector finds, as they are drawn: the
    /// page's own `innerText`, because the driver's leaves out what a cell cuts.
    ///
    /// # Panics
    /// When the driver does not answer.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let body = format!(
            "return [...document.querySelectorAll({css:?})]\
             .filter(e => e.getClientRects().length > 0).map(e => e.innerText.trim())"
        );
        let texts = self.run(&body).await;
        let texts = texts.as_array().into_iter().flatten();
        texts
            .filter_map(|t| t.as_str().map(str::to_owned))
            .collect()
    }

    /// Waits until what a selector finds is drawn as wanted; the texts.
    ///
    /// # Panics
    /// When it never is.
    pub async fn see(&self, css: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut last = Vec::new();
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                last = self.texts(css).await;
                if wanted(&last) {
                    return;
                }
                pace.tick().await;
            }
        });
        if waited.await.is_err() {
            let page = self.run("return document.body.innerText").await;
            panic!("gave up waiting for {css}, which says {last:#?}; the page says {page}");
        }
        last
    }

    /// Waits until an element that a selector finds contains these words.
    ///
    /// # Panics
    /// When it never does.
    pub async fn see_words(&self, css: &str, words: &str) {
        self.see(css, |texts| texts.iter().any(|t| t.contains(words)))
            .await;
    }

    /// Clicks the button or link with exactly this name.
    ///
    /// # Panics
    /// When there is none that can be clicked.
    pub async fn press(&self, name: &str) {
        let path = format!(
            "//*[self::button or self::a][normalize-space(.)={name:?} or @aria-label={name:?}]"
        );
        self.click("xpath", &path).await;
    }

    /// Clicks the first element that is found, once there is one that can be.
    ///
    /// # Panics
    /// When there never is.
    pub async fn click(&self, using: &str, value: &str) {
        let mut last = Value::Null;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(element) = self.find(using, value).await.first() {
                    let url = format!("{}/element/{element}/click", self.session);
                    last = ask(&self.client, &url, &json!({})).await;
                    if last.is_null() {
                        return;
                    }
                }
                pace.tick().await;
            }
        });
        if waited.await.is_err() {
            let page = self.run("return document.body.innerText").await;
            panic!("{value} cannot be clicked: {last:#}; the page says {page}");
        }
    }

    /// Goes on in the window that was opened after the last one was closed.
    ///
    /// # Panics
    /// When none is opened.
    pub async fn wait_for_next_window(&mut self) {
        let handles = format!("{}/window/handles", self.session);
        let mut pace = tokio::time::interval(Duration::from_millis(2));
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let answer = self.client.get(&handles).send().await;
                let text = answer.expect("the driver answers").text().await;
                let answer: Value = serde_json::from_str(&text.expect("text")).expect("JSON");
                if let Some(handle) = answer["value"][0].as_str() {
                    let url = format!("{}/window", self.session);
                    let switched = ask(&self.client, &url, &json!({ "handle": handle })).await;
                    if switched.is_null() {
                        return;
                    }
                }
                pace.tick().await;
            }
        });
        waited.await.expect("a window is opened");
    }

    async fn find(&self, using: &str, value: &str) -> Vec<String> {
        let url = format!("{}/elements", self.session);
        let wanted = json!({ "using": using, "value": value });
        let found = ask(&self.client, &url, &wanted).await;
        let elements = found.as_array().into_iter().flatten();
        elements
            .filter_map(|e| Some(e[ELEMENT].as_str()?.to_owned()))
            .collect()
    }
}

/// Sends a command; its value, which must not be an error.
async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Value {
    let value = ask(client, url, body).await;
    assert!(value["stacktrace"].is_null(), "{value:#}");
    value
}

/// Sends a command; its value, which may be an error.
async fn ask(client: &reqwest::Client, url: &str, body: &Value) -> Value {
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .expect("the driver answers");
    let text = answer.text().await.expect("text");
    let mut answer: Value = serde_json::from_str(&text).expect("JSON");
    answer["value"].take()
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
