//! Bad input: one sentence each, the right exit code, and nothing lost.

use charmkeeper_tests::keyring::Keyring;
use charmkeeper_tests::program;
use serde_json::Value;

use crate::{BROKEN, Bare, COUNTER};

#[tokio::test]
async fn an_unknown_charm_is_named_with_what_there_is() {
    let bare = Bare::with_charms().await;
    for command in ["run", "cells", "pause", "resume", "remove"] {
        let done = bare.say(&[command, "nobody"]).await.with_code(2);
        assert!(done.sentence().contains("nobody"), "{done}");
        assert_eq!(done.out, "", "{done}");
    }
    let done = bare.run(&["run", "nobody"]).await.with_code(2);
    assert_eq!(done.json()["error"]["kind"], "usage");
    // A place that is not there is named with the outputs that are.
    let done = bare.say(&["cells", "counter", "typo"]).await.with_code(2);
    assert!(
        done.err.contains("typo") && done.err.contains("count"),
        "{done}"
    );
    let done = bare
        .say(&["disconnect", "nobody@example.com"])
        .await
        .with_code(2);
    assert!(done.sentence().contains("nobody@example.com"), "{done}");
}

#[tokio::test]
async fn a_charm_that_cannot_work_is_refused_with_the_place() {
    let no_default = "export const x = 1;\n";
    let no_updater = "import { pattern, NAME } from \"commonfabric\";\n\
                      export default pattern<{}>(() => ({ [NAME]: \"x\" }));\n";
    let no_stream = "import { pattern, NAME } from \"commonfabric\";\n\
                     export default pattern<{}>(() => ({ [NAME]: \"x\", bgUpdater: 7 }));\n";
    let unknown_import = "import x from \"left-pad\";\nexport default x;\n";
    let unknown_name =
        "import { patern } from \"commonfabric\";\nexport default patern(() => ({}));\n";
    let missing_file = "import x from \"./gone.ts\";\nexport default x;\n";
    for (name, text, place, words) in [
        (
            "syntax.tsx",
            "const a = 1;\nconst = 2;\n",
            "syntax.tsx:2:7",
            "",
        ),
        ("export.tsx", no_default, "export.tsx", "default"),
        ("updater.tsx", no_updater, "updater.tsx:2:", "bgUpdater"),
        ("stream.tsx", no_stream, "stream.tsx:2:", "bgUpdater"),
        ("import.tsx", unknown_import, "import.tsx:1:", "left-pad"),
        ("name.tsx", unknown_name, "name.tsx:1:", "patern"),
        ("file.tsx", missing_file, "file.tsx:1:", "gone.ts"),
    ] {
        let bare = Bare::new();
        let path = bare.write(name, text);
        for command in ["add", "run"] {
            let done = bare.run(&[command, &path]).await;
            assert_eq!(done.code, Some(1), "{command} {name}: {done}");
            let error = done.json()["error"].clone();
            let message = error["message"].as_str().unwrap();
            assert_eq!(error["kind"], "charm", "{name}: {done}");
            assert!(message.contains(place), "{command} {name}: {message}");
            assert!(message.contains(words), "{command} {name}: {message}");
            assert!(message.lines().count() <= 3, "{message}");
        }
        assert_eq!(bare.ask(&["charms"]).await, serde_json::json!([]), "{name}");
    }
}

/// A sign-in of its own that others find by its tag.
const SIGN_IN: &str = r#"
import { Default, handler, NAME, pattern, Stream, Writable } from "commonfabric";

/** A sign-in. #signIn */
export interface Output {
  [NAME]: string;
  auth: { token: string };
  renew: Stream<void>;
}

const renew = handler<void, { auth: Writable<{ token: string }> }>((_event, { auth }) => {
  auth.key("token").set("new");
});

export default pattern<{ auth: { token: string } | Default<{ token: "" }> }, Output>(({ auth }) => ({
  [NAME]: "Sign-in",
  auth,
  renew: renew({ auth }),
}));
"#;

#[tokio::test]
async fn a_tagged_charm_without_bg_updater_is_kept_and_never_runs_by_itself() {
    const SAID: &str = "has no bgUpdater: it will not run by itself";
    let bare = Bare::new();
    let path = bare.write("sign-in.tsx", SIGN_IN);
    let done = bare.say(&["add", &path]).await.with_code(0);
    assert!(done.err.contains("sign-in.tsx:15:101"), "{done}");
    assert!(done.err.contains(SAID), "{done}");
    let charm = bare.ask(&["charms"]).await[0].clone();
    assert_eq!(
        (&charm["state"], &charm["enabled"]),
        (&"off".into(), &false.into())
    );
    assert!(charm["detail"].as_str().unwrap().contains("no bgUpdater"));
    assert_eq!(bare.ask(&["cells", "sign-in", "auth/token"]).await, "");
    for which in ["sign-in", path.as_str()] {
        let run = bare.ask(&["run", which]).await;
        assert_eq!(run["outcome"], "ok-unchanged", "{run}");
        let log = run["log"].to_string();
        assert!(log.contains("nothing to do in the background"), "{log}");
    }

    // The same when only running it tells what it returns.
    let hidden = SIGN_IN
        .replace("=> ({", "=> Object.assign({")
        .replace("}));\n", "}, {}));\n");
    let path = bare.write("hidden.tsx", &hidden);
    let done = bare.say(&["run", &path]).await.with_code(0);
    assert!(done.err.contains("hidden.tsx:15:"), "{done}");
    assert!(done.err.contains(SAID), "{done}");
    let path = bare.write("untagged.tsx", &hidden.replace(" #signIn", ""));
    for command in ["add", "run"] {
        let done = bare.say(&[command, &path]).await.with_code(1);
        let expected = "The pattern returns no bgUpdater.";
        assert!(done.sentence().contains(expected), "{done}");
        assert!(done.sentence().contains("untagged.tsx:15:"), "{done}");
    }
}

#[tokio::test]
async fn a_source_that_is_not_there_is_named() {
    let bare = Bare::new();
    let empty = bare.folder().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for path in [
        "./nowhere.tsx",
        empty.to_str().unwrap(),
        "http://example.com/a.tsx",
    ] {
        let done = bare.run(&["add", path]).await;
        assert!(matches!(done.code, Some(1 | 2)), "{path}: {done}");
        assert!(!done.sentence().is_empty());
    }
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2() {
    let bare = Bare::with_charms().await;
    for args in [
        &["run"][..],
        &["frobnicate"],
        &["charms", "--frobnicate"],
        &["connect", "yahoo"],
        &["run", "counter", "--argument", "{"],
        &["run", "counter", "--argument", "[1]"],
        &["add", "x.tsx", "--argument", "7"],
        &["sandbox", "--messages", "-4"],
    ] {
        let done = bare.say(args).await;
        assert_eq!(done.code, Some(2), "{args:?}: {done}");
        assert_eq!(done.out, "", "{args:?}");
        assert!(!done.err.is_empty());
    }
    let done = bare.say(&["run", "counter", "--argument", "{"]).await;
    assert!(done.sentence().contains("--argument"));
    assert_eq!(
        bare.ask(&["cells", "counter", "count"]).await,
        0,
        "nothing ran"
    );
}

#[tokio::test]
async fn without_a_display_the_way_out_is_named() {
    let bare = Bare::new();
    for args in [&[][..], &["--background"]] {
        let done = bare.say(args).await.with_code(69);
        assert!(done.sentence().contains("display"), "{done}");
        assert!(done.err.contains("charmkeeper serve"), "{done}");
    }
}

#[tokio::test]
async fn a_home_that_cannot_be_used_is_exit_code_3() {
    let bare = Bare::new();
    let file = bare.write("a-file", "not a folder");
    for command in ["serve", "charms", "status"] {
        let done = bare.say(&[command, "--home", &file]).await.with_code(3);
        assert!(done.sentence().contains("a-file"), "{done}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_set_aside_and_said() {
    let bare = Bare::with_charms().await;
    let database = bare.folder().join("data/charmkeeper.sqlite");
    for ending in ["-wal", "-shm"] {
        let beside = format!("{}{ending}", database.display());
        let _ = std::fs::remove_file(beside);
    }
    std::fs::write(&database, "this is not a database ".repeat(500)).unwrap();

    let done = bare.run(&["charms"]).await.with_code(0);
    assert_eq!(done.json(), Value::Array(vec![]));
    let kept = std::fs::read_dir(bare.folder().join("data"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .any(|p| std::fs::read(p).is_ok_and(|t| t.starts_with(b"this is not a database")));
    assert!(kept, "the damaged file is gone");
    let checks = bare.run(&["doctor"]).await.json();
    let data = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == "Data");
    assert_eq!(data.unwrap()["state"], "warning", "{checks:#}");
    // Said by the history and by the state, until a person has read it there.
    for args in [&["history"][..], &["status", "--json"], &["status"]] {
        let done = bare.say(args).await.with_code(0);
        assert!(done.err.contains("was damaged"), "{args:?}: {done}");
        assert!(!done.out.contains("warning: "), "{args:?}: {done}");
    }
    for args in [["history"], ["status"]] {
        let done = bare.say(&args).await.with_code(0);
        assert!(!done.err.contains("damaged"), "{args:?}: {done}");
    }
}

#[tokio::test]
async fn one_bad_charm_leaves_its_neighbour_alone() {
    let bare = Bare::new();
    let good = bare.write("counter.tsx", COUNTER);
    let bad = bare.write("broken.tsx", BROKEN);
    bare.ask(&["add", &good]).await;
    bare.ask(&["add", &bad]).await;
    let done = bare.say(&["run", "broken"]).await.with_code(1);
    assert!(done.out.contains("broken.tsx:5:"), "{done}");
    let run = bare.ask(&["run", "counter"]).await;
    assert_eq!(run["outcome"], "ok");
}

#[tokio::test]
async fn without_a_keychain_connecting_says_what_is_missing() {
    let bare = Bare::new();
    let bus = Keyring::absent(bare.folder()).await;
    for address in [Some(bus.address.as_str()), None] {
        let mut command = bare.plain(&["connect", "google", "--print-url"]);
        command
            .env("CHARMKEEPER_GOOGLE_BASE_URL", "http://127.0.0.1:9/")
            .env(
                "CHARMKEEPER_GOOGLE_CLIENT_ID",
                charmkeeper_sandbox::CLIENT_ID,
            )
            .env(
                "CHARMKEEPER_GOOGLE_CLIENT_SECRET",
                charmkeeper_sandbox::CLIENT_SECRET,
            )
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        if let Some(address) = address {
            command.env("DBUS_SESSION_BUS_ADDRESS", address);
        }
        let done = program::run(command).await.with_code(1);
        let said = done.sentence().to_lowercase();
        assert!(
            said.contains("keychain") || said.contains("keyring"),
            "{done}"
        );
        assert_eq!(done.out, "", "no address is printed that leads nowhere");
    }
}
