//! Signing in that does not work, and a Google that is not there.

use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::program::{self, Done, Going};
use charmkeeper_tests::stage::{GMAIL, Stage};
use serde_json::json;
use url::Url;

/// Signs in with a changed environment.
async fn connect_with(stage: &Stage, variable: &str, value: &str) -> Done {
    let mut command = stage.command(["connect", "google", "--print-url"]);
    command.env(variable, value);
    let mut connect = Going::start(command);
    let line = connect.out_line(|l| l.contains("\"url\"")).await;
    let printed: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut url = Url::parse(printed["url"].as_str().unwrap()).unwrap();
    // The page itself is asked where it is.
    url.set_port(stage.google.base_url.port()).unwrap();
    let world = stage.world();
    let status = world.complete(&url, SAMPLE_ACCOUNT, None).await.unwrap();
    assert!((200..=599).contains(&status));
    connect.end().await
}

#[tokio::test]
async fn a_consent_that_is_denied_is_said() {
    let stage = Stage::start().await;
    let (connect, url) = stage.begin_connect(&[]).await;
    let back = stage.world().deny(&url).await.unwrap();
    stage.world().deliver(&back).await.unwrap();
    let done = connect.end().await.with_code(1);
    assert_eq!(done.json()["error"]["kind"], "sign-in", "{done}");
    assert!(!done.sentence().is_empty());
    assert_eq!(stage.ask(["accounts"]).await, json!([]));
    assert_eq!(stage.ask(["charms"]).await, json!([]));
}

#[tokio::test]
async fn a_client_secret_that_google_does_not_take_is_said() {
    let stage = Stage::start().await;
    let done = connect_with(&stage, "CHARMKEEPER_GOOGLE_CLIENT_SECRET", "GOCSPX-wrong").await;
    let done = done.with_code(1);
    let said = done.sentence();
    assert!(said.contains("client"), "{said}");
    assert!(
        !format!("{done}").contains("GOCSPX"),
        "the secret is shown: {done}"
    );
    assert_eq!(stage.ask(["accounts"]).await, json!([]));
}

#[tokio::test]
async fn a_client_id_that_is_none_is_refused_before_a_browser_opens() {
    let stage = Stage::start().await;
    let mut command = stage.plain(["connect", "google", "--print-url"]);
    command.env("CHARMKEEPER_GOOGLE_CLIENT_ID", "not a client id");
    let done = program::run(command).await.with_code(2);
    assert!(done.sentence().contains("client"), "{done}");

    let mut command = stage.plain(["connect", "google", "--print-url"]);
    command.env_remove("CHARMKEEPER_GOOGLE_CLIENT_ID");
    command.env_remove("CHARMKEEPER_GOOGLE_CLIENT_SECRET");
    let done = program::run(command).await;
    assert_ne!(done.code, Some(0));
    assert!(done.err.contains("--client"), "the way is named: {done}");
    assert_eq!(done.out, "");
}

#[tokio::test]
async fn the_downloaded_client_file_is_enough() {
    let stage = Stage::start().await;
    let installed = json!({"installed": {
        "client_id": charmkeeper_sandbox::CLIENT_ID,
        "client_secret": charmkeeper_sandbox::CLIENT_SECRET,
        "project_id": "charms",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "redirect_uris": ["http://localhost"],
    }});
    let file = stage.write("client_secret_1.json", &installed.to_string());
    let without = |mut command: tokio::process::Command| {
        command.env_remove("CHARMKEEPER_GOOGLE_CLIENT_ID");
        command.env_remove("CHARMKEEPER_GOOGLE_CLIENT_SECRET");
        command
    };
    let args = [
        "connect",
        "google",
        "--print-url",
        "--client",
        file.to_str().unwrap(),
    ];
    let mut connect = Going::start(without(stage.plain(args)));
    let url = connect.out_line(|l| l.starts_with("http")).await;
    let url = Url::parse(&url).unwrap();
    stage
        .world()
        .complete(&url, SAMPLE_ACCOUNT, None)
        .await
        .unwrap();
    connect.end().await.with_code(0);

    // It is remembered.
    let run = program::run(without(stage.command(["run", GMAIL])))
        .await
        .with_code(0);
    assert_eq!(run.json()["outcome"], "ok");
    let home = stage.folder().join("data");
    for entry in std::fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        let secret = charmkeeper_sandbox::CLIENT_SECRET.as_bytes();
        let text = std::fs::read(&path).unwrap_or_default();
        let found = text.windows(secret.len()).any(|w| w == secret);
        assert!(!found, "the client's secret is in {}", path.display());
    }

    for (name, text) in [("empty.json", ""), ("other.json", "{\"web\": 1}")] {
        let file = stage.write(name, text);
        let args = [
            "connect",
            "google",
            "--print-url",
            "--client",
            file.to_str().unwrap(),
        ];
        let done = program::run(stage.plain(args)).await;
        assert!(matches!(done.code, Some(1 | 2)), "{done}");
        assert!(!done.sentence().is_empty());
    }
}

#[tokio::test]
async fn a_closed_port_is_a_network_that_is_not_there() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    let held = stage.cells(GMAIL, "emails").await;
    // Nothing listens on the port of a listener that is gone.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);

    let mut command = stage.command(["run", GMAIL]);
    command.env("CHARMKEEPER_GOOGLE_BASE_URL", &closed);
    let run = program::run(command).await.with_code(1).json();
    assert_eq!(run["error"]["kind"], "offline", "{run:#}");
    assert_eq!(run["changed"], 0);
    let accounts = stage.ask(["accounts"]).await;
    assert_eq!(
        accounts[0]["state"], "ready",
        "nobody is signed out by that"
    );
    assert_eq!(stage.cells(GMAIL, "emails").await, held);

    let done = connect_with(&stage, "CHARMKEEPER_GOOGLE_BASE_URL", &closed).await;
    let done = done.with_code(1);
    assert_eq!(done.json()["error"]["kind"], "offline", "{done}");
    assert!(!done.sentence().is_empty());
}

#[tokio::test]
async fn a_base_url_that_is_none_is_wrong_usage() {
    let stage = Stage::start().await;
    for text in ["nonsense", "ftp://127.0.0.1/"] {
        let mut command = stage.plain(["charms"]);
        command.env("CHARMKEEPER_GOOGLE_BASE_URL", text);
        let done = program::run(command).await.with_code(2);
        let said = done.sentence();
        assert!(said.contains(text), "{said}");
    }
}
