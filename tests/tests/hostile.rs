//! Charms that break, hang, grow and lie, on the real program: each ends its
//! own run with the right word, and its neighbours of the same tick run on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_tests::program::Going;
use charmkeeper_tests::{database, stage::Stage, wait_until};
use serde_json::Value;

/// A charm with one cell, whose update sets the cell and then does `body`.
fn charm(body: &str) -> String {
    format!(
        r#"import {{ Default, handler, pattern, Writable }} from "commonfabric";
interface Input {{
  count: number | Default<0>;
}}
const update = handler<void, {{ count: Writable<number> }}>(async (_event, {{ count }}) => {{
  count.set(count.get() + 1);
  {body}
}});
export default pattern<Input>(({{ count }}) => ({{ count, bgUpdater: update({{ count }}) }}));
"#
    )
}

fn write(stage: &Stage, name: &str, text: &str) -> String {
    let path = stage.write(&format!("{name}.tsx"), text);
    path.to_str().unwrap().to_owned()
}

/// Three requests to Google with the signed-in account; line 19 throws.
const THROWER: &str = r##"import { Default, handler, pattern, wish, Writable } from "commonfabric";

interface Input {
  seen: number | Default<0>;
  notes: string[] | Default<[]>;
}

type Auth = { token: string };
type State = { seen: Writable<number>; notes: Writable<string[]>; auth: Writable<Auth> };

const update = handler<void, State>(async (_event, { seen, notes, auth }) => {
  const headers = { Authorization: `Bearer ${auth.get().token}` };
  for (const what of ["profile", "labels", "messages"]) {
    const answer = await fetch(`https://gmail.googleapis.com/gmail/v1/users/me/${what}`, { headers });
    if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
    notes.push(what);
    seen.set(seen.get() + 1);
  }
  throw new TypeError(`deliberate, after ${seen.get()}`);
});

export default pattern<Input>(({ seen, notes }) => {
  const auth = wish<{ auth: Writable<Auth> }>({ query: "#googleAuth" }).result.auth;
  return { seen, notes, bgUpdater: update({ seen, notes, auth }) };
});
"##;

#[tokio::test(flavor = "multi_thread")]
async fn three_requests_and_a_throw_give_the_stack_the_calls_and_no_change() {
    let stage = Stage::connected().await;
    let charm = write(&stage, "thrower", THROWER);
    stage.ask(["add", &charm]).await;
    let before = stage.cells("thrower", "").await;
    let run = stage.expect_run("thrower", "failed").await;

    assert_eq!(run["error"]["kind"], "charm", "{run:#}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("deliberate, after 3"), "{message}");
    let stack = run["error"]["stack"].as_str().unwrap();
    let top = stack.lines().find(|l| l.trim_start().starts_with("at "));
    assert!(top.unwrap().contains("thrower.tsx:19:"), "{stack}");

    let calls = run["calls"].as_array().unwrap();
    let paths: Vec<_> = calls.iter().map(|c| c["path"].as_str().unwrap()).collect();
    let base = "/gmail/v1/users/me/";
    assert_eq!(
        paths,
        ["profile", "labels", "messages"].map(|p| format!("{base}{p}"))
    );
    assert!(calls.iter().all(|c| c["status"] == 200), "{calls:#?}");

    assert_eq!(run["changed"], 0);
    assert_eq!(run["cells_changed"], serde_json::json!([]));
    assert_eq!(stage.cells("thrower", "").await, before);
    let row = &stage.ask(["history", "--charm", "thrower"]).await[0];
    assert_eq!(
        (&row["outcome"], &row["calls"]),
        (&run["outcome"], &3.into())
    );
}

/// Name, body and the outcome that must come of it.
const CHARMS: &[(&str, &str, &str)] = &[
    ("neighbour-first", "", "ok"),
    ("loop", "while (true) {}", "timed-out"),
    ("neighbour-a", "", "ok"),
    (
        "bomb",
        "const all: unknown[] = []; for (;;) all.push(new Array(1000).fill({ n: all.length }));",
        "out-of-memory",
    ),
    ("neighbour-b", "", "ok"),
    ("native", "new Array(1e9).indexOf(5);", "timed-out"),
    ("neighbour-c", "", "ok"),
    (
        "proxy",
        "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } });",
        "failed",
    ),
    ("neighbour-d", "", "ok"),
    ("never", "await new Promise(() => {});", "failed"),
    (
        "rejection",
        "void Promise.resolve().then(() => { throw new Error('nobody waits'); });",
        "failed",
    ),
    (
        "recursion",
        "const f = (n: number): number => f(n + 1) + 1; f(0);",
        "failed",
    ),
    ("interval", "setInterval(() => {}, 1);", "ok"),
    (
        "chatter",
        "for (let n = 0; n < 1e5; n++) console.log('line', n);",
        "ok",
    ),
    (
        "tamper",
        "Object.prototype.toJSON = () => 'forged'; Array.prototype.push = () => { throw 1; }; \
         Promise.prototype.then = undefined as never;",
        "failed",
    ),
    ("neighbour-last", "", "ok"),
];

/// The first run of each charm, by name, once all have ended.
async fn first_runs(stage: &Stage) -> std::collections::BTreeMap<String, Value> {
    let home = stage.folder().join("data");
    let wanted = CHARMS.len();
    wait_until("every charm ran", async || {
        let ended = "SELECT count(DISTINCT charm) FROM runs WHERE outcome IS NOT NULL";
        database::number(&home, ended) == i64::try_from(wanted).unwrap()
    })
    .await;
    let history = stage.ask(["history", "--limit", "0"]).await;
    // Newest first, so that the first run is what stays.
    let rows = history.as_array().unwrap().iter();
    rows.map(|r| (r["charm"].as_str().unwrap().to_owned(), r.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_charms_end_their_own_runs_and_no_others() {
    let stage = Stage::start().await;
    for (name, body, _) in CHARMS {
        let path = write(&stage, name, &charm(body));
        stage.ask(["add", &path, "--space", "zoo"]).await;
    }
    let mut serve = Going::start(stage.command(["serve", "--run-limit", "2"]));
    serve.err_line(|l| l.contains("is running on")).await;
    let runs = first_runs(&stage).await;
    for (name, _, outcome) in CHARMS {
        let run = &runs[*name];
        assert_eq!(run["outcome"], *outcome, "{name}: {run:#}");
        let good = *outcome == "ok";
        assert_eq!(run["changed"], i32::from(good), "{name}: {run:#}");
        assert_eq!(run["error"].is_null(), good, "{name}: {run:#}");
        if !good {
            assert_eq!(run["error"]["kind"], "charm", "{name}: {run:#}");
        }
    }
    // One tick: the batch's rows are written together, before its first charm.
    let starts: std::collections::BTreeSet<_> =
        runs.values().map(|r| r["started_at"].to_string()).collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
    serve.signal("TERM").await;
    assert_eq!(serve.end().await.code, Some(0));
    for (name, _, outcome) in CHARMS {
        let count = stage.cells(name, "count").await;
        let runs = database::number(
            &stage.folder().join("data"),
            &format!(
                "SELECT count(*) FROM runs JOIN run_charms c ON c.seq = runs.charm \
                 WHERE c.handle = '{name}' AND outcome = 'ok'"
            ),
        );
        assert_eq!(
            count, runs,
            "{name} ended {outcome}: cells hold whole runs only"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn console_output_is_cut_and_says_so() {
    let stage = Stage::start().await;
    let body = "for (let n = 0; n < 1e5; n++) console.log('line', n);";
    let path = write(&stage, "chatter", &charm(body));
    let run = stage.expect_run(&path, "ok").await;
    let log = run["log"].as_array().unwrap();
    assert!((100..=210).contains(&log.len()), "{} lines", log.len());
    assert_eq!(log[0]["text"], "line 0");
    let last = log.last().unwrap()["text"].as_str().unwrap();
    assert!(last.contains("99"), "how many were dropped: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_workers_locked_in() {
    let stage = Stage::start().await;
    let checks = stage.run(["doctor"]).await.json();
    let checks = checks.as_array().unwrap();
    let worker = checks.iter().find(|c| c["name"] == "Worker isolation");
    let worker = worker.unwrap();
    assert_eq!(worker["state"], "ok", "{worker:#}");
    let detail = worker["detail"].as_str().unwrap();
    for tried in ["read /etc/passwd", "open a TCP connection", "start "] {
        assert!(detail.contains(tried), "{tried} was not tried: {detail}");
    }
}
