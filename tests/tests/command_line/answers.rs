//! What each command answers when all is well.

use charmkeeper_tests::expected::{RUN_MEMBERS, members};
use charmkeeper_tests::stage::{CALENDAR, GMAIL, Stage};
use serde_json::{Value, json};

use crate::Bare;

const CHARM: [&str; 19] = [
    "charm",
    "id",
    "name",
    "description",
    "space",
    "space_name",
    "tags",
    "hosts",
    "account",
    "source",
    "warnings",
    "state",
    "detail",
    "interval_seconds",
    "enabled",
    "next_run_at",
    "last_run_at",
    "last_outcome",
    "failures",
];

#[tokio::test]
async fn a_charm_is_added_run_paused_and_removed() {
    let bare = Bare::new();
    let path = bare.write("counter.tsx", crate::COUNTER);
    let added = bare
        .ask(&[
            "add",
            &path,
            "--argument",
            r#"{"step": 5}"#,
            "--space",
            "mine",
        ])
        .await;
    assert_eq!(members(&added), CHARM);
    assert_eq!(added["charm"], "counter");
    assert_eq!(added["name"], "Counter");
    assert_eq!(added["tags"], json!(["counter"]));
    assert_eq!(added["space_name"], "mine");
    assert_eq!(added["interval_seconds"], 60);
    assert_eq!(added["enabled"], true);

    let run = bare.ask(&["run", "counter"]).await;
    let full = [&RUN_MEMBERS[..], &["log", "cells_changed"]].concat();
    assert_eq!(members(&run), full);
    assert_eq!(run["outcome"], "ok");
    assert_eq!(run["log"][0]["text"], "adding 5");
    assert_eq!(run["log"][0]["level"], "info");
    let change = &run["cells_changed"][0];
    assert_eq!(
        members(change),
        ["id", "path", "op", "before", "after", "truncated"]
    );
    assert_eq!(
        (&change["before"], &change["after"]),
        (&json!(0), &json!(5))
    );
    assert_eq!(run["changed"], 1);

    assert_eq!(bare.ask(&["cells", "counter", "count"]).await, 5);
    let run = bare
        .ask(&["run", "counter", "--argument", r#"{"step": 2}"#])
        .await;
    assert_eq!(run["outcome"], "ok");
    let cells = bare.ask(&["cells", "counter"]).await;
    assert_eq!(cells["count"], 7);
    let again = bare
        .ask(&["run", "counter", "--argument", r#"{"step": 0}"#])
        .await;
    assert_eq!(again["outcome"], "ok-unchanged");

    let paused = bare.ask(&["pause", "counter"]).await;
    assert_eq!(members(&paused), CHARM);
    // A pause outlasts the command, and is shown without a keeper as well.
    assert_eq!(bare.ask(&["charms"]).await[0]["state"], "paused");
    bare.ask(&["resume", "counter"]).await;
    assert_ne!(bare.ask(&["charms"]).await[0]["state"], "paused");
    let charms = bare.ask(&["charms"]).await;
    assert_eq!(charms.as_array().unwrap().len(), 1);
    assert_eq!(members(&charms[0]), CHARM);
    assert_eq!(charms[0]["last_outcome"], "ok-unchanged");

    let removed = bare.ask(&["remove", "counter"]).await;
    assert_eq!(members(&removed), CHARM);
    assert_eq!(bare.ask(&["charms"]).await, json!([]));
    let history = bare.ask(&["history"]).await;
    assert_eq!(history.as_array().unwrap().len(), 3, "the history stays");
}

/// Takes the count of another charm over.
const ASKER: &str = r##"
import { Default, handler, NAME, pattern, Stream, wish, Writable } from "commonfabric";

interface Input {
  seen: number | Default<0>;
}

export interface Output {
  [NAME]: string;
  seen: number;
  bgUpdater: Stream<void>;
}

const look = handler<void, { seen: Writable<number>; count: number }>((_event, { seen, count }) => {
  seen.set(count);
});

export default pattern<Input, Output>(({ seen }) => {
  const counter = wish<{ count: number }>({ query: "#counter" }).result;
  return { [NAME]: "Asker", seen, bgUpdater: look({ seen, count: counter.count }) };
});
"##;

#[tokio::test]
async fn a_person_chooses_which_charm_a_wish_gets() {
    let bare = Bare::new();
    for (name, count) in [("one", 1), ("two", 20)] {
        let path = bare.write(&format!("{name}.tsx"), crate::COUNTER);
        let argument = json!({ "count": count, "step": 0 }).to_string();
        bare.ask(&["add", &path, "--argument", &argument]).await;
    }
    let path = bare.write("asker.tsx", ASKER);
    bare.ask(&["add", &path]).await;
    let seen = async || {
        let run = bare.ask(&["run", "asker"]).await;
        assert!(run["error"].is_null(), "{run:#}");
        bare.ask(&["cells", "asker", "seen"]).await
    };
    let wishes = bare.ask(&["use", "asker"]).await;
    let wish = &wishes[0];
    assert_eq!(members(wish), ["tag", "matches", "chosen", "taken"]);
    assert_eq!(wish["tag"], "#counter");
    assert_eq!(wish["matches"].as_array().unwrap().len(), 2);
    assert_eq!(wish["chosen"], json!(null));
    assert_eq!(wish["taken"], wish["matches"][0]["id"]);
    let first = seen().await;
    let other = if first == 1 { ("two", 20) } else { ("one", 1) };

    let chosen = bare.ask(&["use", "asker", "#Counter", other.0]).await;
    assert_eq!(chosen[0]["chosen"], chosen[0]["taken"]);
    assert_eq!(seen().await, other.1);
    let told = bare.say(&["use", "asker"]).await.with_code(0);
    let line = format!("#counter: {} (Counter), as you chose.", other.0);
    assert!(told.out.contains(&line), "{told}");

    let back = bare.ask(&["use", "asker", "counter", "--automatic"]).await;
    assert_eq!(back[0]["chosen"], json!(null));
    assert_eq!(seen().await, first);

    let done = bare.say(&["use", "asker", "#counter", "nobody"]).await;
    let done = done.with_code(2);
    assert!(done.err.contains("Choose one of: "), "{done}");
    let done = bare.say(&["use", "asker", "#weather", "one"]).await;
    assert!(done.with_code(2).err.contains("It looks for #counter."));
}

#[tokio::test]
async fn a_path_runs_without_being_added_to_the_timer() {
    let bare = Bare::new();
    let path = bare.write("counter.tsx", crate::COUNTER);
    let first = bare.ask(&["run", &path]).await;
    assert_eq!(first["outcome"], "ok", "{first:#}");
    let second = bare.ask(&["run", &path]).await;
    assert_eq!(second["cells_changed"][0]["after"], 2, "its cells are kept");
    let charms = bare.ask(&["charms"]).await;
    let on = charms
        .as_array()
        .unwrap()
        .iter()
        .any(|c| c["enabled"] == true);
    assert!(!on, "{charms:#}");
}

#[tokio::test]
async fn accounts_and_status_say_what_is_there() {
    let stage = Stage::start().await;
    let connected = stage
        .connect(charmkeeper_sandbox::SAMPLE_ACCOUNT, None)
        .await;
    assert_eq!(
        members(&connected),
        ["account", "granted", "missing", "charms"]
    );
    assert_eq!(connected["granted"], json!(["gmail", "calendar"]));
    let mut charms: Vec<_> = connected["charms"].as_array().unwrap().clone();
    charms.sort_by_key(Value::to_string);
    assert_eq!(charms, [GMAIL, "google-auth", CALENDAR]);

    let accounts = stage.ask(["accounts"]).await;
    assert_eq!(accounts, json!([connected["account"]]));
    assert_eq!(
        members(&accounts[0]),
        [
            "account",
            "email",
            "name",
            "services",
            "scopes",
            "state",
            "detail",
            "connected_at"
        ]
    );
    assert_eq!(accounts[0]["email"], charmkeeper_sandbox::SAMPLE_ACCOUNT);

    let status = stage.ask(["status"]).await;
    assert_eq!(
        members(&status),
        [
            "summary",
            "synced_at",
            "icon",
            "serving",
            "pid",
            "version",
            "home",
            "online",
            "warning",
            "paused",
            "running",
            "charms",
            "accounts"
        ]
    );
    assert_eq!(status["serving"], false);
    assert_eq!(status["charms"].as_array().unwrap().len(), 3);
    assert_eq!(status["running"], json!([]));

    let email = charmkeeper_sandbox::SAMPLE_ACCOUNT;
    let gone = stage.ask(["disconnect", email]).await;
    assert_eq!(members(&gone), ["account", "email", "revoked", "stopped"]);
    assert_eq!(gone["revoked"], true);
    assert_eq!(stage.ask(["accounts"]).await, json!([]));
    let requests = stage.google.requests();
    assert!(
        requests
            .iter()
            .any(|r| r.path == "/revoke" && r.status == 200)
    );
}

#[tokio::test]
async fn the_doctor_looks_at_everything() {
    let stage = Stage::start().await;
    let report = stage.run(["doctor"]).await;
    let checks = report.json();
    for check in checks.as_array().unwrap() {
        assert_eq!(members(check), ["name", "state", "detail", "hint"]);
        let state = check["state"].as_str().unwrap();
        assert!(["ok", "warning", "problem"].contains(&state), "{check}");
    }
    let state = |name: &str| {
        let all = checks.as_array().unwrap();
        all.iter().find(|c| c["name"] == name).unwrap()["state"].clone()
    };
    assert_eq!(state("Keychain"), "ok", "{checks:#}");
    assert_eq!(state("Worker isolation"), "ok", "{checks:#}");
    assert_eq!(state("Data"), "ok", "{checks:#}");
}

#[tokio::test]
async fn in_words_every_command_says_something_on_standard_output() {
    let bare = Bare::with_charms().await;
    for args in [
        &["charms"][..],
        &["accounts"],
        &["status"],
        &["history"],
        &["cells", "counter"],
        &["pause", "counter"],
        &["resume", "counter"],
        &["run", "counter"],
    ] {
        let done = bare.say(args).await.with_code(0);
        assert!(!done.out.trim().is_empty(), "{args:?}: {done}");
        assert!(!done.out.contains('\u{1b}'), "colour in a pipe: {done}");
    }
}

#[tokio::test]
async fn help_has_examples_and_every_command_explains_itself() {
    let bare = Bare::new();
    let help = bare.say(&["--help"]).await.with_code(0);
    assert!(
        help.out.contains("Examples:") && help.out.contains("Exit codes:"),
        "{help}"
    );
    assert!(!help.out.contains("worker process"), "{help}");
    for command in [
        "serve",
        "sandbox",
        "connect",
        "disconnect",
        "add",
        "run",
        "cells",
        "history",
    ] {
        let help = bare.say(&[command, "--help"]).await.with_code(0);
        assert!(help.out.contains("Example"), "{command}: {help}");
        assert!(
            help.out.contains(&format!("charmkeeper {command}")),
            "{command}: {help}"
        );
        assert!(
            help.out.contains("--home") && help.out.contains("--json"),
            "{help}"
        );
    }
    let version = bare.say(&["--version"]).await.with_code(0);
    assert!(version.out.starts_with("charmkeeper 0."), "{version}");
}
