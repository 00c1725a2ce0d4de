//! The window's page through WebDriver: it loads, it can do what it must, and
//! nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::{GMAIL, Stage};
use charmkeeper_tests::{processes, wait_until};
use serde_json::{Value, json};

/// What the page tried, and must not have been able to do.
const PROBES: &str = r#"
const invoke = (command, args) => window.__TAURI_INTERNALS__.invoke(command, args)
  .then(() => "allowed", e => String(e && e.message || e));
const fetched = (url) => fetch(url).then(() => "allowed", () => "refused");
const found = {};
found.title = await invoke("plugin:window|set_title", { label: "main", value: "x" });
found.emit = await invoke("plugin:event|emit", { event: "x", payload: 1 });
found.opener = await invoke("plugin:opener|open_url", { url: "https://example.com/" });
found.reveal = await invoke("plugin:opener|reveal_item_in_dir", { paths: ["/etc/passwd"] });
found.autostart = await invoke("plugin:autostart|enable", {});
found.dialog = await invoke("plugin:dialog|open", { options: {} });
found.files = await invoke("plugin:fs|read_text_file", { path: "/etc/passwd" });
found.unknown = await invoke("delete_everything", {});
found.fetch_out = await fetched("https://example.com/");
found.fetch_own = await fetched("/index.html");
found.fetch_local = await fetched("http://127.0.0.1:1/");
try { found.eval = String(eval("1 + 1")); } catch (e) { found.eval = "refused"; }
try { found.made = String(new Function("return 1")()); } catch (e) { found.made = "refused"; }
const script = document.createElement("script");
script.textContent = "window.inlineRan = true";
document.head.append(script);
found.inline = window.inlineRan ? "allowed" : "refused";
const styled = document.createElement("div");
styled.setAttribute("style", "position: fixed");
document.body.append(styled);
found.style = getComputedStyle(styled).position === "fixed" ? "allowed" : "refused";
styled.remove();
found.window = window.open("https://example.com/") ? "allowed" : "refused";
try { Object.prototype.planted = 1; } catch (e) { }
found.prototype = ({}).planted === undefined ? "refused" : "allowed";
found.global = window.__TAURI__ === undefined ? "refused" : "allowed";
found.image = await new Promise((done) => {
  const image = new Image();
  image.onload = () => done("allowed");
  image.onerror = () => done("refused");
  image.src = "asset://localhost/etc/passwd";
});
return found;
"#;

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_page_loads_and_can_do_nothing_it_should_not() {
    let stage = Stage::start().await;
    let page = Page::open(&stage, &[]).await;
    let found = page.run_async(PROBES).await;
    let probes = found.as_object().unwrap_or_else(|| panic!("{found}"));
    assert_eq!(probes.len(), 19, "{found:#}");
    for (probe, answer) in probes {
        let answer = answer.as_str().unwrap();
        let denied =
            answer == "refused" || answer.contains("not allowed") || answer.contains("not found");
        assert!(denied, "{probe}: {answer}");
    }
    // Leaving the page: it stays where it is.
    for place in [
        "https://example.com/",
        "file:///etc/passwd",
        "http://127.0.0.1:1/",
    ] {
        page.run(&format!("location.href = {place:?};")).await;
        let here = page.run("return location.protocol").await;
        assert_eq!(here, "tauri:", "{place}");
    }
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_request_that_is_malformed_is_an_error_with_a_kind() {
    let stage = Stage::start().await;
    let page = Page::open(&stage, &[]).await;
    for (command, args) in [
        ("run", json!({ "args": {} })),
        ("run", json!({ "args": [1] })),
        (
            "set_interval",
            json!({ "args": { "charm": "x", "seconds": "often" } }),
        ),
        ("cells", json!({})),
    ] {
        let call = format!(
            "return window.__TAURI_INTERNALS__.invoke({command:?}, {args})\
             .then(() => null, e => e);"
        );
        let error = page.run_async(&call).await;
        assert_eq!(error["kind"], "usage", "{command} {args}: {error}");
        assert!(error["message"].as_str().unwrap().ends_with('.'), "{error}");
    }
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn connecting_goes_through_the_persons_browser() {
    let stage = Stage::start().await;
    let page = Page::open(&stage, &["--page", "/connect?services=gmail"]).await;
    let hash = page.run("return location.hash").await;
    assert_eq!(hash, "#/connect?services=gmail");
    let account = charmkeeper_sandbox::SAMPLE_ACCOUNT;
    let started = page.run(
        "window.answer = null; window.__TAURI_INTERNALS__.invoke('connect', {args: \
         {services: ['gmail'], client: null, print_url: false, account: null}})\
         .then(a => window.answer = a, e => window.answer = {error: e}); return true",
    );
    assert_eq!(started.await, true);
    wait_until("the browser", async || !desk::opened(&stage).is_empty()).await;
    let url = url::Url::parse(&desk::opened(&stage)[0]).unwrap();
    stage.world().complete(&url, account, None).await.unwrap();
    page.wait("the answer", "return window.answer !== null")
        .await;
    let answer = page.run("return window.answer").await;
    assert_eq!(answer["granted"], json!(["gmail"]), "{answer}");

    // The importer runs by itself, and its run is in the history.
    wait_until("the first run", async || {
        let runs = stage.ask(["history", "--charm", GMAIL]).await;
        runs[0]["outcome"] == "ok"
    })
    .await;
    let rows = page
        .invoke(
            "history",
            &json!({ "args": { "charm": GMAIL, "changed": false, "limit": 10 } }),
        )
        .await;
    assert_eq!(rows[0]["charm"], GMAIL, "{rows}");
    assert_eq!(rows[0]["outcome"], "ok", "{rows}");
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn start_at_login_is_a_switch() {
    let stage = Stage::start().await;
    let home = desk::data(&stage);
    let page = Page::open(&stage, &["--allow-debug-autostart"]).await;
    let folder = stage.folder().join(".config/autostart");
    let before = page.invoke("autostart_get", &json!({})).await;
    assert_eq!(before, json!({ "enabled": false, "available": true }));
    let on = page
        .invoke("autostart_set", &json!({ "args": { "on": true } }))
        .await;
    assert_eq!(on["enabled"], true, "{on}");
    let entries: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(entries.len(), 1);
    let text = std::fs::read_to_string(entries[0].as_ref().unwrap().path()).unwrap();
    let program = desk::path();
    let exec = format!(
        "Exec={} --background --home {}\n",
        program.display(),
        home.display()
    );
    assert!(text.contains(&exec), "{text}");
    let off = page
        .invoke("autostart_set", &json!({ "args": { "on": false } }))
        .await;
    assert_eq!(off["enabled"], false, "{off}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_development_build_does_not_start_at_login() {
    let stage = Stage::start().await;
    let page = Page::open(&stage, &[]).await;
    let view = page.invoke("autostart_get", &json!({})).await;
    assert_eq!(view["available"], false, "{view}");
    assert!(
        view["reason"].as_str().is_some_and(|r| r.ends_with('.')),
        "{view}"
    );
    let refused = page
        .run_async(
            "return window.__TAURI_INTERNALS__.invoke('autostart_set', {args: {on: true}})\
             .then(() => null, e => e);",
        )
        .await;
    assert_eq!(refused["kind"], "usage", "{refused}");
    assert!(!stage.folder().join(".config/autostart").exists());
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_shells_own_commands_answer() {
    let stage = Stage::start().await;
    let page = Page::open(&stage, &[]).await;
    let info = page.invoke("app_info", &json!({})).await;
    assert_eq!(info["home"], json!(desk::data(&stage)), "{info}");
    assert_eq!(
        (&info["sandbox"], &info["debug"]),
        (&json!(false), &json!(true))
    );
    let refused = page
        .run_async(
            "return window.__TAURI_INTERNALS__.invoke('open_url', {args: {url: 'file:///etc/passwd'}})\
             .then(() => null, e => e);",
        )
        .await;
    assert_eq!(refused["kind"], "usage", "{refused}");
    assert!(desk::opened(&stage).is_empty());
    let opened = page
        .invoke(
            "open_url",
            &json!({ "args": { "url": "https://example.com/a?b=c" } }),
        )
        .await;
    assert_eq!(opened, Value::Null);
    wait_until("the browser", async || {
        desk::opened(&stage) == ["https://example.com/a?b=c"]
    })
    .await;
    let pasted = page
        .invoke(
            "use_client_text",
            &json!({ "args": { "text": "some-id\nsome-secret" } }),
        )
        .await;
    assert_eq!(pasted["client"]["client_id"], "some-id", "{pasted}");
    let identity = page
        .invoke(
            "space_identity",
            &json!({ "args": { "how": "passphrase", "value": "some-secret" } }),
        )
        .await;
    let did = identity["identity"].as_str();
    assert!(
        did.is_some_and(|d| d.starts_with("did:key:z6Mk")),
        "{identity}"
    );
    let left = std::fs::read_dir(desk::data(&stage)).unwrap().flatten();
    for file in left {
        let held = std::fs::read(file.path()).unwrap_or_default();
        let found = held.windows(11).any(|w| w == b"some-secret");
        assert!(!found, "the secret is in {}", file.path().display());
    }
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_menu_takes_an_open_window_to_its_page() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let page = Page::open(&stage, &[]).await;
    let item = panel.item().await;
    item.click("Connect Calendar…").await;
    page.wait(
        "the page",
        "return location.hash === '#/connect?services=calendar'",
    )
    .await;
    item.click("Settings").await;
    page.wait("the page", "return location.hash === '#/settings'")
        .await;
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_keeper_outlives_the_pages_process() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let mut program = Going::start(desk::command(&stage, ["--verbose"]));
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    desk::wait_for_windows(pid, 1).await;
    wait_until("the page's process", async || {
        desk::web_processes(pid).len() == 1
    })
    .await;
    program.err_line(|l| l.contains("the page is loaded")).await;
    let page = desk::web_processes(pid)[0];
    let killed = std::process::Command::new("kill")
        .args(["-9", &page.to_string()])
        .status();
    assert!(killed.unwrap().success());
    desk::wait_for_windows(pid, 0).await;
    assert!(processes::is_alive(pid));
    assert_eq!(stage.ask(["status"]).await["pid"], pid);
    item.click("Open Charmkeeper").await;
    desk::wait_for_windows(pid, 1).await;
    item.click("Quit").await;
    program.end().await.with_code(0);
}
