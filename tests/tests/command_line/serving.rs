//! A keeper in the background, and the commands that reach it.

use charmkeeper_tests::expected::{RUN_MEMBERS, members};
use charmkeeper_tests::program::{self, Going};
use charmkeeper_tests::{keyring, wait_until};
use serde_json::{Value, json};

use crate::Bare;

async fn serve(bare: &Bare) -> Going {
    let mut serve = Going::start(bare.command(&["serve"]));
    serve.err_line(|l| l.contains("is running on")).await;
    serve
}

#[tokio::test]
async fn commands_reach_the_keeper_that_runs() {
    let bare = Bare::new();
    let path = bare.write("counter.tsx", crate::COUNTER);
    let mut serve = serve(&bare).await;
    let pid = bare.ask(&["status"]).await["pid"].clone();
    bare.ask(&["add", &path]).await;

    // It runs at once, and `serve` prints the run.
    let line = serve.out_line(|l| l.contains("\"added\"")).await;
    let run: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(members(&run), RUN_MEMBERS);
    assert_eq!(
        (&run["charm"], &run["outcome"]),
        (&json!("counter"), &json!("ok"))
    );
    assert_eq!(bare.ask(&["cells", "counter", "count"]).await, 1);

    let paused = bare.ask(&["pause", "counter"]).await;
    assert_eq!(paused["state"], "paused", "{paused}");
    let manual = bare.ask(&["run", "counter"]).await;
    assert_eq!(
        (&manual["outcome"], &manual["trigger"]),
        (&json!("ok"), &json!("manual"))
    );
    let resumed = bare.ask(&["resume", "counter"]).await;
    assert_ne!(resumed["state"], "paused", "{resumed}");
    let history = bare.ask(&["history"]).await;
    assert_eq!(history[0]["run"], manual["run"]);
    let status = bare.ask(&["status"]).await;
    assert_eq!((&status["serving"], &status["pid"]), (&json!(true), &pid));
    assert_eq!(status["charms"][0]["charm"], "counter");
    assert_eq!(bare.ask(&["accounts"]).await, json!([]));

    serve.signal("TERM").await;
    serve.end().await.with_code(0);
    let status = bare.ask(&["status"]).await;
    assert_eq!(status["serving"], false);
    assert_eq!(bare.ask(&["cells", "counter", "count"]).await, 2);
}

#[tokio::test]
async fn a_second_keeper_on_the_same_home_is_refused() {
    let bare = Bare::new();
    let first = serve(&bare).await;
    for command in ["serve", "sandbox"] {
        let second = bare.say(&[command]).await.with_code(3);
        assert!(second.sentence().contains("already running"), "{second}");
    }
    // And the first one does not mind.
    assert_eq!(bare.ask(&["status"]).await["serving"], true);
    drop(first);
}

#[tokio::test]
async fn ctrl_c_and_a_termination_signal_end_it_in_good_order() {
    for signal in ["INT", "TERM"] {
        let bare = Bare::new();
        let serve = serve(&bare).await;
        serve.signal(signal).await;
        let done = serve.end().await.with_code(0);
        assert!(done.err.contains("Stopping"), "{signal}: {done}");
        // The lock is free and nothing is left to listen.
        let again = self::serve(&bare).await;
        drop(again);
    }
}

#[tokio::test]
async fn a_keeper_that_was_killed_leaves_nothing_in_the_way() {
    let bare = Bare::with_charms().await;
    let first = serve(&bare).await;
    bare.ask(&["run", "counter"]).await;
    first.kill().await;
    let count = bare.ask(&["cells", "counter", "count"]).await;
    assert!(count.as_u64() >= Some(1), "{count}");
    let second = serve(&bare).await;
    assert_eq!(bare.ask(&["cells", "counter", "count"]).await, count);
    drop(second);
}

#[tokio::test]
async fn a_command_that_hangs_up_cancels_its_run() {
    let bare = Bare::new();
    let forever = bare.write(
        "forever.tsx",
        r#"
import { handler, NAME, pattern } from "commonfabric";
const wait = handler<void, {}>(async () => {
  console.log("waiting");
  await new Promise((done) => setTimeout(done, 100_000));
});
export default pattern<{}>(() => ({ [NAME]: "Forever", bgUpdater: wait({}) }));
"#,
    );
    // Paused before a keeper can start it by itself.
    bare.ask(&["add", &forever]).await;
    bare.ask(&["pause", "forever"]).await;
    let serve = serve(&bare).await;
    let run = Going::start(bare.command(&["run", "forever"]));
    wait_until("the run goes on", async || {
        let status = bare.ask(&["status"]).await;
        status["running"].as_array().is_some_and(|r| !r.is_empty())
    })
    .await;
    run.signal("INT").await;
    let done = run.end().await.with_code(1);
    assert!(done.sentence().contains("Cancelled"), "{done}");
    wait_until("the run is cancelled", async || {
        let history = bare.ask(&["history", "--charm", "forever"]).await;
        history[0]["outcome"] == "cancelled"
    })
    .await;
    drop(serve);
}

#[tokio::test]
async fn the_sandbox_goes_on_until_it_is_stopped() {
    let bare = Bare::new();
    let bus = keyring::Keyring::absent(bare.folder()).await;
    let mut command = bare.command(&["sandbox", "--messages", "10"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    let mut sandbox = Going::start(command);
    let line = sandbox.out_line(|l| l.contains("gmail-importer")).await;
    let run: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(run["outcome"], "ok", "{run:#}");
    // Other commands reach it like any keeper.
    let charms = program::run(bare.command(&["charms"])).await.with_code(0);
    assert_eq!(charms.json().as_array().unwrap().len(), 3);
    sandbox.signal("INT").await;
    sandbox.end().await.with_code(0);
}
