//! Charms that send events to each other, in the real program: each runs its own
//! code in a run of its own, and no charm changes another one's cells otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_tests::database;
use charmkeeper_tests::program::{self, Done};
use serde_json::{Value, json};

/// Keeps a count that others may raise through its stream.
const BOX: &str = r#"
import { Default, handler, NAME, pattern, Stream, Writable } from "commonfabric";

/** Counts what it is sent. #box */
export interface Output {
  [NAME]: string;
  count: number;
  raise: Stream<{ by: number }>;
  bgUpdater: Stream<void>;
}

const raise = handler<{ by: number }, { count: Writable<number> }>(async ({ by }, { count }) => {
  await null;
  if (by < 0) throw new Error("only upwards");
  count.set(count.get() + by);
});
const idle = handler<void, {}>(() => {});

export default pattern<{ count: number | Default<0> }, Output>(({ count }) => ({
  [NAME]: "Box",
  count,
  raise: raise({ count }),
  bgUpdater: idle({}),
}));
"#;

/// Sends `by` to the box that `state` finds.
fn sender(find: &str, by: i32) -> String {
    format!(
        r##"
import {{ handler, NAME, pattern, Stream, wish, Writable }} from "commonfabric";

interface Box {{ count: number; raise: Stream<{{ by: number }}>; }}

const send = handler<void, {{ raise: Stream<{{ by: number }}>; count: Writable<number> }}>(
  (_event, {{ raise, count }}) =>
    new Promise<void>((resolve) => raise.send({{ by: {by} }}, (tx) => {{
      const {{ status, error }} = tx.status();
      console.log(status, count.get(), error?.message ?? "");
      resolve();
    }})),
);

export default pattern<{{ box?: Box }}>(({{ box }}) => {{
  const found = {find};
  return {{ [NAME]: "Sender", bgUpdater: send({{ raise: found.raise, count: found.count }}) }};
}});
"##
    )
}

const BY_WISH: &str = r##"wish<Box>({ query: "#box" }).result"##;

/// A folder with a home in it.
struct Home(tempfile::TempDir);

impl Home {
    async fn with(charms: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (name, text) in charms {
            home.add(name, text).await;
        }
        home
    }

    async fn add(&self, name: &str, text: &str) {
        let path = self.0.path().join(format!("{name}.tsx"));
        std::fs::write(&path, text).unwrap();
        self.run(&["add", path.to_str().unwrap()])
            .await
            .with_code(0);
    }

    async fn run(&self, args: &[&str]) -> Done {
        let mut command = program::command(self.0.path());
        command.args(args).arg("--json");
        program::run(command).await
    }

    /// Runs a charm now; the run.
    async fn run_charm(&self, charm: &str) -> Value {
        self.run(&["run", charm]).await.json()
    }

    async fn count(&self, charm: &str) -> Value {
        self.run(&["cells", charm, "count"]).await.json()
    }

    /// `charm trigger outcome` of all runs, the newest first.
    async fn history(&self) -> Vec<String> {
        let runs = self.run(&["history"]).await.json();
        let text = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
        let mut told = Vec::new();
        for run in runs.as_array().unwrap() {
            let words = ["charm", "trigger", "outcome"].map(|key| text(run, key));
            told.push(words.join(" "));
        }
        told
    }
}

fn log(run: &Value) -> Vec<&str> {
    let lines = run["log"].as_array().expect("a log").iter();
    lines.filter_map(|line| line["text"].as_str()).collect()
}

#[tokio::test]
async fn an_event_is_handled_in_the_receivers_own_run() {
    let home = Home::with(&[("box", BOX), ("sender", &sender(BY_WISH, 5))]).await;
    let run = home.run_charm("sender").await;
    assert_eq!(log(&run), ["done 5 "], "{run:#}");
    assert_eq!(run["outcome"], "ok-unchanged", "{run:#}");
    assert_eq!(home.count("box").await, 5);
    let mut history = home.history().await;
    history.sort();
    assert_eq!(history, ["box event ok", "sender manual ok-unchanged"]);
    home.run_charm("sender").await;
    assert_eq!(home.count("box").await, 10);
}

#[tokio::test]
async fn the_receivers_failure_is_the_receivers_and_is_told() {
    let home = Home::with(&[("box", BOX), ("sender", &sender(BY_WISH, -1))]).await;
    let run = home.run_charm("sender").await;
    let log = log(&run);
    assert!(log.contains(&"error 0 Error: only upwards"), "{log:?}");
    assert_eq!(run["error"], Value::Null, "{run:#}");
    let mut history = home.history().await;
    history.sort();
    assert_eq!(history, ["box event failed", "sender manual ok-unchanged"]);
}

#[tokio::test]
async fn a_charm_that_a_person_paused_handles_no_event_and_its_sender_is_told() {
    let home = Home::with(&[("box", BOX), ("sender", &sender(BY_WISH, 5))]).await;
    home.run(&["pause", "box"]).await.with_code(0);
    let run = home.run_charm("sender").await;
    assert_eq!(
        log(&run),
        [
            "An event for another charm was not handled: box is paused, so it does not handle events.",
            "error 0 box is paused, so it does not handle events.",
        ],
        "{run:#}"
    );
    assert_eq!(
        run["error"],
        Value::Null,
        "the sender itself is well: {run:#}"
    );
    assert_eq!(home.count("box").await, 0);
    let history = home.history().await;
    assert_eq!(history, ["sender manual ok-unchanged"], "no run of the box");

    home.run(&["resume", "box"]).await.with_code(0);
    let run = home.run_charm("sender").await;
    assert_eq!(log(&run), ["done 5 "], "{run:#}");
}

#[tokio::test]
async fn a_stream_that_was_not_wished_for_cannot_be_sent_to() {
    let home = Home::with(&[("box", BOX), ("sender", &sender("box!", 5))]).await;
    let data = home.0.path().join("data");
    let piece = database::rows(&data, "SELECT piece FROM charms WHERE handle = 'box'");
    let link = json!({"/": {"link@1": {"id": piece[0][0], "path": []}}});
    let argument = json!({ "box": link }).to_string();
    let run = home
        .run(&["run", "sender", "--argument", &argument])
        .await
        .json();
    let log = log(&run).join("\n");
    assert!(log.contains("belongs to no charm"), "{run:#}");
    assert_eq!(home.count("box").await, 0);
}

#[tokio::test]
async fn another_charms_cell_cannot_be_written() {
    let thief = r##"
import { handler, NAME, pattern, wish, Writable } from "commonfabric";
const write = handler<void, { count: Writable<number>; own: Writable<number> }>((_, { count, own }) => {
  own.set(1);
  count.set(99);
});
export default pattern<{}>(() => {
  const own = new Writable(0).for("own");
  const box = wish<{ count: number }>({ query: "#box" }).result;
  return { [NAME]: "Thief", own, bgUpdater: write({ count: box.count, own }) };
});
"##;
    let home = Home::with(&[("box", BOX), ("thief", thief)]).await;
    let run = home.run_charm("thief").await;
    assert_eq!(run["outcome"], "failed", "{run:#}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Nothing was stored"), "{message}");
    assert_eq!(home.count("box").await, 0);
    let own = home.run(&["cells", "thief", "own"]).await.json();
    assert_eq!(own, 0, "a commit is whole or not at all");
}

/// Passes an event on to the charm with the tag `next`.
fn relay(tag: &str, next: &str) -> String {
    format!(
        r##"
import {{ handler, NAME, pattern, Stream, wish, Writable }} from "commonfabric";
/** Passes it on. #{tag} */
export interface Output {{ [NAME]: string; said: string; pass: Stream<void>; bgUpdater: Stream<void>; }}
const pass = handler<void, {{ next: Stream<void>; said: Writable<string> }}>((_event, {{ next, said }}) =>
  new Promise<void>((resolve) => next.send(undefined, (tx) => {{
    const {{ status, error }} = tx.status();
    said.set(`${{status}} ${{error?.message ?? ""}}`);
    resolve();
  }})),
);
export default pattern<{{}}, Output>(() => {{
  const said = new Writable("nothing").for("said");
  const next = wish<{{ pass: Stream<void> }}>({{ query: "#{next}" }}).result;
  const go = pass({{ next: next.pass, said }});
  return {{ [NAME]: "{tag}", said, pass: go, bgUpdater: go }};
}});
"##
    )
}

#[tokio::test]
async fn a_circle_and_a_long_chain_end_with_a_sentence() {
    let home = Home::with(&[("one", &relay("one", "two")), ("two", &relay("two", "one"))]).await;
    let run = home.run_charm("one").await;
    assert_eq!(run["outcome"], "ok", "{run:#}");
    let said = |charm: &'static str| {
        let home = &home;
        async move { home.run(&["cells", charm, "said"]).await.json() }
    };
    assert_eq!(said("one").await, "done ");
    let circle = said("two").await;
    let circle = circle.as_str().unwrap();
    assert!(
        circle.starts_with("error one waits for this run already"),
        "{circle}"
    );

    let names = ["a", "b", "c", "d", "e", "f"];
    for pair in names.windows(2) {
        home.add(pair[0], &relay(pair[0], pair[1])).await;
    }
    let run = home.run_charm("a").await;
    assert_eq!(run["outcome"], "ok", "{run:#}");
    assert_eq!(said("c").await, "done ");
    let long = said("d").await;
    assert!(
        long.as_str().unwrap().contains("would wait for each other"),
        "{long}"
    );
    assert_eq!(said("e").await, "nothing");
}

#[tokio::test]
async fn of_several_the_one_that_ran_last_is_taken_and_told() {
    let home = Home::with(&[
        ("box", BOX),
        ("second", BOX),
        ("sender", &sender(BY_WISH, 5)),
    ])
    .await;
    home.run_charm("second").await;
    let run = home.run_charm("sender").await;
    let log = log(&run);
    assert_eq!(log[0], "2 charms match #box: Box was taken.");
    assert_eq!(home.count("second").await, 5);
    assert_eq!(home.count("box").await, 0);
}
