//! The importer here and in Node: the same compiled bundle, the same mailbox,
//! no network.
//!
//! Both sides read the modules, set the pattern up, run its `bgUpdater` on an
//! empty mailbox of ours, take in every message and write what came of it as
//! JSON. What they made of each message is compared, so that neither is fast by
//! doing less. Requests are answered from memory, or in Node from files whose
//! reading does not count, so that Node's memory does not pay for the mailbox
//! either. Time is processor time, of all threads; the start of the two programs
//! is not in it. Memory is the peak of what is resident, shared pages included:
//! in the worker `ru_maxrss` of the process that ran the charm, in Node
//! `process.resourceUsage().maxRSS`.
//!
//! `node/charm.mjs` says what the API's stand-in in Node does and leaves out.

mod mail;
mod ours;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use charmkeeper_charms::compile::{self, CompileOptions, Compiled, Program};
use serde_json::{Value, json};

use crate::Bench;
use mail::Mailbox;

/// Names the importer to measure, a file with whatever it imports beside it;
/// without it, the one in `patterns/`.
const CHARM: &str = "CHARMKEEPER_BENCH_CHARM";
/// Runs of each side; the best counts, as both have the machine to share.
const RUNS: usize = 3;
/// Time: at most so many times Node's.
const TIME: f64 = 2.0;
/// Memory: at most this part of Node's.
const MEMORY: f64 = 0.25;

/// Before the path of a module of the charm.
const CHARM_SCHEME: &str = "charm:///";
/// What compiled code calls by itself.
const REACTIVE: &str = include_str!("../../../../src-tauri/crates/charms/js/reactive.js");

/// Work on texts is left to Node, which is good at it.
const BYTES: &str = "
export const copyCodes = () => 0;
export const fromCodes = (Type, text, each) => Type.from(text, each);
export const replaceChain = (text, steps, literals) => {
  const pairs = literals();
  for (let i = 0; i < pairs.length; i += 2) text = text.replace(pairs[i], pairs[i + 1]);
  return text;
};
";

/// One run of one side.
struct Measured {
    cpu_ms: f64,
    wall_ms: f64,
    peak_mib: f64,
    /// What it made of the messages, by id.
    emails: BTreeMap<String, Value>,
}

/// What the charm is given.
struct Inputs {
    argument: Value,
    auth: Value,
}

/// Compiles the importer and runs it on both sides.
pub(crate) fn measure(bench: &mut Bench, worker: &Path) {
    let given = std::env::var_os(CHARM).map(PathBuf::from);
    let path = given.clone().unwrap_or_else(own);
    match &given {
        Some(path) => println!("      the importer is {} ({CHARM})", path.display()),
        None => println!(
            "      the importer is patterns/gmail-importer.tsx of this repository; \
             {CHARM}=FILE measures another"
        ),
    }
    let compiled = compile_times(bench, &path);
    let folder = tempfile::tempdir().expect("a folder");
    let mailbox = Arc::new(Mailbox::new());
    let inputs = inputs();
    lay_out(folder.path(), &compiled, &mailbox, &inputs);
    let ours = best((0..RUNS).map(|_| ours::run(worker, &compiled, &mailbox, &inputs)));
    let node = best((0..RUNS).map(|_| in_node(folder.path())));
    compare(&ours, &node);
    for (who, one) in [("here", &ours), ("in Node", &node)] {
        println!(
            "      {} messages {who}: {:.0} ms of processor time ({:.0} ms on the clock), {:.1} MiB at most",
            one.emails.len(),
            one.cpu_ms,
            one.wall_ms,
            one.peak_mib
        );
    }
    bench.figure(
        "importer, 1,000 messages of 5 KB: processor time, times Node's",
        ours.cpu_ms / node.cpu_ms,
        "",
        TIME,
    );
    bench.figure(
        "importer, 1,000 messages of 5 KB: peak memory, part of Node's",
        ours.peak_mib / node.peak_mib,
        "",
        MEMORY,
    );
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../patterns/gmail-importer.tsx")
}

/// Reads and compiles the charm as if for the first time, and then again.
fn compile_times(bench: &mut Bench, path: &Path) -> Arc<Compiled> {
    let options = CompileOptions::default();
    let load = || compile::load_program(path).expect("the importer is read");
    let cold = least(|| {
        let program = load();
        compile::compile_with(&program, &options).expect("the importer compiles");
    });
    bench.figure("compile of the importer, cold", cold, "ms", 50.0);
    let folder = tempfile::tempdir().expect("a folder");
    let program: Program = load();
    let keep = compile::Cache::new(folder.path());
    let compiled = keep
        .compile_with(&program, &options)
        .expect("the importer compiles");
    // As in a new process: nothing of the first one is left but the file.
    let cached = least(|| {
        let fresh = compile::Cache::new(folder.path());
        fresh.compile_with(&program, &options).expect("it is there");
    });
    bench.figure("compile of the importer, cached", cached, "ms", 2.0);
    compiled
}

/// The least of several times, in milliseconds.
fn least(mut work: impl FnMut()) -> f64 {
    let times = (0..9).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed().as_secs_f64() * 1000.0
    });
    times.fold(f64::INFINITY, f64::min)
}

/// Settings under which any importer reads the whole mailbox in one run, and an
/// account.
fn inputs() -> Inputs {
    Inputs {
        argument: json!({"settings": {
            "gmailFilterQuery": "in:INBOX", "limit": mail::MESSAGES, "perRun": mail::MESSAGES,
            "debugMode": false, "autoFetchOnAuth": false, "resolveInlineImages": false,
        }}),
        auth: json!({"auth": {
            "token": "kc:bench", "tokenType": "Bearer", "refreshToken": "kc:bench",
            "scope": ["https://www.googleapis.com/auth/gmail.readonly"],
            "expiresIn": 3600, "expiresAt": 4_102_444_800_000_u64,
            "user": {"email": "ada@example.com", "name": "Ada", "picture": ""},
        }}),
    }
}

/// Writes what Node needs: the modules, the mailbox, the inputs.
fn lay_out(folder: &Path, compiled: &Compiled, mailbox: &Mailbox, inputs: &Inputs) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file is written");
    };
    for module in &compiled.modules {
        let name = module.specifier.trim_start_matches(CHARM_SCHEME);
        write(
            &format!("modules/{name}.mjs"),
            &for_node(&module.code, folder),
        );
    }
    let api = include_str!("node/charm.mjs");
    write("modules/charm-api/charm.mjs", api);
    let helpers = for_node(REACTIVE, folder) + BYTES;
    write("modules/charm-api/reactive.mjs", &helpers);
    for (id, text) in &mailbox.messages {
        write(&format!("mail/{id}.json"), text);
    }
    let ids: Vec<&str> = mailbox.messages.iter().map(|(id, _)| id.as_str()).collect();
    let bench = json!({
        "entry": compiled.entry, "ids": ids, "profile": mail::profile(),
        "argument": inputs.argument, "auth": inputs.auth,
        "defaults": compiled.facts.defaults,
    });
    write("bench.json", &bench.to_string());
}

/// Names in `import` lines, as files that Node finds.
fn for_node(code: &str, folder: &Path) -> String {
    let modules = url::Url::from_directory_path(folder.join("modules")).expect("an absolute path");
    let renamed = code.lines().map(|line| {
        let statement = line.starts_with("import ") || line.starts_with("export ");
        let split = line.trim_end_matches(';').rsplit_once(" from \"");
        let Some((before, name)) = split.filter(|_| statement) else {
            return format!("{line}\n");
        };
        let name = name.trim_end_matches('"');
        let file = match name.strip_prefix(CHARM_SCHEME) {
            Some(own) => format!("{own}.mjs"),
            None if name == "charmkeeper/reactive" => "charm-api/reactive.mjs".to_owned(),
            None => "charm-api/charm.mjs".to_owned(),
        };
        format!("{before} from \"{modules}{file}\";\n")
    });
    renamed.collect()
}

fn in_node(folder: &Path) -> Measured {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/bench/node");
    let done = Command::new("node")
        .arg(scripts.join("run.mjs"))
        .arg(folder)
        .output()
        .expect("node is installed");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let answer: Value = serde_json::from_slice(&done.stdout).expect("what run.mjs prints");
    let number = |name: &str| answer[name].as_f64().expect("a number");
    let emails = std::fs::read(folder.join("emails.json")).expect("the messages");
    let emails: Vec<Value> = serde_json::from_slice(&emails).expect("the messages");
    Measured {
        cpu_ms: number("cpu_ms"),
        wall_ms: number("wall_ms"),
        peak_mib: number("peak_kib") / 1024.0,
        emails: emails
            .into_iter()
            .map(|email| (email["id"].as_str().unwrap_or_default().to_owned(), email))
            .collect(),
    }
}

/// The best of some runs: the least time, and the least memory.
fn best(runs: impl Iterator<Item = Measured>) -> Measured {
    runs.reduce(|a, b| Measured {
        cpu_ms: a.cpu_ms.min(b.cpu_ms),
        wall_ms: a.wall_ms.min(b.wall_ms),
        peak_mib: a.peak_mib.min(b.peak_mib),
        emails: b.emails,
    })
    .expect("at least one run")
}

/// Both must have made the same of every message.
fn compare(ours: &Measured, node: &Measured) {
    assert_eq!(ours.emails.len(), mail::MESSAGES, "messages here");
    assert_eq!(node.emails.len(), mail::MESSAGES, "messages in Node");
    for (id, email) in &ours.emails {
        assert_eq!(Some(email), node.emails.get(id), "message {id}");
    }
}
