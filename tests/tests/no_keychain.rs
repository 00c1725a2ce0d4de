//! Signing in without a usable keychain: one sentence that says what to do,
//! nothing kept, and no more trouble once the keychain is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::needle::{Needle, assert_absent, files};
use charmkeeper_tests::program::{Done, Going};
use charmkeeper_tests::stage::{GMAIL, Stage};
use charmkeeper_tests::{database, wait_until};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use url::Url;

/// `connect`, with a person who consents if they are asked.
async fn try_to_connect(stage: &Stage) -> Done {
    let mut command = stage.command(["connect", "google", "--print-url"]);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut out = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let printed: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(url) = printed["url"].as_str() {
            let url = Url::parse(url).unwrap();
            // How the program answers its own page is not the point here.
            let _ = stage.world().complete(&url, SAMPLE_ACCOUNT, None).await;
        }
        out.push(line);
    }
    let ended = child.wait_with_output().await.unwrap();
    Done {
        code: ended.status.code(),
        out: out.join("\n"),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

async fn assert_nothing_kept(stage: &Stage) {
    let home = stage.folder().join("data");
    assert_eq!(stage.ask(["accounts"]).await, json!([]));
    assert_eq!(stage.ask(["charms"]).await, json!([]));
    assert_eq!(database::number(&home, "SELECT count(*) FROM accounts"), 0);
    let issued = stage.world().issued_tokens();
    let tokens: Vec<_> = issued.iter().map(|t| Needle::new("a token", t)).collect();
    for (path, bytes) in files(&home) {
        assert_absent(&tokens, &path.display().to_string(), &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keychain_nobody_is_signed_in_until_one_appears() {
    let mut stage = Stage::start().await;
    stage.keyring.disappear().await;
    let done = try_to_connect(&stage).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.sentence().contains("no keychain"), "{done}");
    assert!(done.err.contains("hint: Install one"), "{done}");
    assert_nothing_kept(&stage).await;

    stage.keyring.appear().await;
    stage.connect(SAMPLE_ACCOUNT, None).await;
    stage.expect_run(GMAIL, "ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bus_the_sentence_says_so() {
    let stage = Stage::start().await;
    let mut command = stage.command(["connect", "google", "--print-url"]);
    command.env_remove("DBUS_SESSION_BUS_ADDRESS");
    let done = charmkeeper_tests::program::run(command).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.sentence().contains("no D-Bus"), "{done}");
    assert_nothing_kept(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keychain_waits_for_its_person() {
    let mut stage = Stage::start().await;
    stage.keyring.lock().await;
    let done = try_to_connect(&stage).await;
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.sentence().contains("keychain is locked"), "{done}");
    assert!(done.err.contains("hint: Unlock your keychain"), "{done}");
    assert_nothing_kept(&stage).await;

    stage.keyring.appear().await;
    stage.connect(SAMPLE_ACCOUNT, None).await;
    stage.expect_run(GMAIL, "ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_keychain_is_locked_goes_on_by_itself_afterwards() {
    let mut stage = Stage::connected().await;
    stage.keyring.lock().await;
    let mut serve = Going::start(stage.command(["serve"]));
    serve.err_line(|l| l.contains("is running on")).await;
    let done = stage.run(["run", GMAIL]).await;
    assert_eq!(done.code, Some(1), "{done}");
    let run = done.json();
    let error = if run["error"].is_null() {
        &run
    } else {
        &run["error"]
    };
    assert_eq!(error["kind"], "keychain", "{done}");
    let account = &stage.ask(["accounts"]).await[0];
    assert_eq!(account["state"], "keychain", "{account:#}");

    stage.keyring.appear().await;
    wait_until("the importer runs again", async || {
        let run = stage.run(["run", GMAIL]).await.json();
        matches!(run["outcome"].as_str(), Some("ok" | "ok-unchanged"))
    })
    .await;
    let account = &stage.ask(["accounts"]).await[0];
    assert_eq!(account["state"], "ready", "{account:#}");
    serve.kill().await;
}
