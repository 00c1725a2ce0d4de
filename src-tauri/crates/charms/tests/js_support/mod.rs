//! Charms in the real engine with documents in their space.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test binary uses its own part"
)]

use std::collections::BTreeMap;

use charmkeeper_base::cell::{Change, id, patch};
use charmkeeper_charms::compile::{CompileOptions, compile_with, program_from_files};
use charmkeeper_charms::frames::SourceModule;
use charmkeeper_charms::testing::{Evaluated, FakeHost, eval_in_engine, eval_modules};
use serde_json::{Value, json};

/// The charm's space.
pub const SPACE: &str = "did:key:zSpace";
/// The result document.
pub const PIECE: &str = "of:fid1:piece";
/// The argument document.
pub const ARGUMENT: &str = "of:fid1:argument";

/// Documents by (space, id): version and document.
pub type Documents = BTreeMap<(String, String), (u64, Value)>;

/// A space with these documents, at versions 1, 2, ...
pub fn host(documents: impl IntoIterator<Item = (String, Value)>) -> FakeHost {
    let documents: Documents = documents
        .into_iter()
        .enumerate()
        .map(|(i, (id, value))| {
            (
                (SPACE.to_owned(), id),
                (i as u64 + 1, json!({ "value": value })),
            )
        })
        .collect();
    FakeHost {
        documents,
        ..FakeHost::default()
    }
}

/// A space in which the argument document has this value.
pub fn argument(value: Value) -> FakeHost {
    host([(ARGUMENT.to_owned(), value)])
}

/// Runs a charm; the API is in scope by its names, and as `cf`.
pub fn eval(code: &str, host: FakeHost) -> Evaluated {
    let code = format!(
        "import * as cf from 'commonfabric'; const {{ pattern, handler, action, cell, Cell, Writable, derive, computed, lift, ifElse, when, unless, str, wish, NAME, UI, SELF }} = cf;\n{code}"
    );
    eval_in_engine(&[("charm:///main.js", &code)], host)
}

/// The inspection of a charm.
pub fn inspect(code: &str) -> Value {
    let mut host = FakeHost::default();
    host.job["action"] = json!("inspect");
    let report = eval(code, host).report();
    assert_eq!(report["ending"], "ok", "{report}");
    assert_eq!(report["changes"], json!([]));
    report["inspection"].clone()
}

/// The id of a cell of the piece.
#[allow(
    clippy::needless_pass_by_value,
    reason = "reads better with json!(..) in place"
)]
pub fn internal(cause: Value) -> String {
    id::internal(PIECE, &cause).into()
}

/// A link whose place is written through.
pub fn redirect(id: &str, path: &[&str]) -> Value {
    json!({"/": {"link@1": {"id": id, "path": path, "overwrite": "redirect"}}})
}

/// A plain link.
pub fn link(id: &str, path: &[&str]) -> Value {
    json!({"/": {"link@1": {"id": id, "path": path}}})
}

/// The documents after the run, as the parent would store them.
pub fn after(before: &Documents, seen: &Evaluated) -> BTreeMap<String, Value> {
    let report = seen.report();
    assert_eq!(report["ending"], "ok", "{}", report["error"]);
    let mut found: BTreeMap<String, Value> = before
        .iter()
        .map(|((_, id), (_, doc))| (id.clone(), doc.clone()))
        .collect();
    let changes: Vec<Change> = serde_json::from_value(report["changes"].clone()).unwrap();
    for change in changes {
        let known = before.get(&(change.space.clone(), change.id.clone()));
        assert_eq!(
            change.base_version,
            Some(known.map_or(0, |(version, _)| *version))
        );
        let doc = found.entry(change.id.clone()).or_insert(Value::Null);
        if let Some(created) = change.create {
            assert!(
                known.is_none(),
                "a stored document is patched, not replaced"
            );
            *doc = created;
        }
        patch::apply(doc, &change.patches).unwrap();
    }
    found
}

/// The changes of a run that ended well.
pub fn changes(seen: &Evaluated) -> Vec<Value> {
    let report = seen.report();
    assert_eq!(report["ending"], "ok", "{}", report["error"]);
    report["changes"].as_array().unwrap().clone()
}

/// Runs a file of `tests/js` beside `assert.js`: a charm whose `bgUpdater` runs
/// its assertions.
///
/// # Panics
/// With the first assertion that does not hold.
pub fn run(code: &str, host: FakeHost) -> Evaluated {
    let files = [
        ("charm:///main.js", code),
        ("charm:///assert.js", include_str!("../js/assert.js")),
    ];
    let seen = eval_in_engine(&files, host);
    let report = seen.report();
    assert_eq!(
        report["ending"],
        "ok",
        "{}",
        report["error"]["message"].as_str().unwrap_or("")
    );
    seen
}

/// Compiles a charm, with the API's names imported, and runs it.
///
/// # Panics
/// When it does not compile.
pub fn compile_and_run(body: &str, host: FakeHost) -> Evaluated {
    let text = format!(
        "import {{ action, cell, computed, equals, derive, handler, ifElse, lift, pattern, str, wish, Cell, Default, NAME, Stream, UI, Writable }} from 'commonfabric';\n{body}"
    );
    let program = program_from_files([("main.tsx", text)], "main.tsx").unwrap();
    let options = CompileOptions {
        require_bg_updater: true,
    };
    let compiled = compile_with(&program, &options).unwrap_or_else(|e| panic!("{e}"));
    let modules = compiled.modules.into_iter().map(|m| SourceModule {
        specifier: m.specifier,
        code: m.code,
        source_map: m.source_map,
    });
    eval_modules(modules.collect(), host)
}

/// Console lines of a run that ended well.
///
/// # Panics
/// When it did not end well.
pub fn lines(seen: &Evaluated) -> Vec<&str> {
    let report = seen.report();
    assert_eq!(report["ending"], "ok", "{} {:?}", report["error"], seen.log);
    seen.log.iter().map(|(_, text)| text.as_str()).collect()
}
