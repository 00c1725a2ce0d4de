//! What a charm is told before its first run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use charmkeeper_charms::compile::{
    Cache, CompileError, CompileOptions, Compiled, compile_with, program_from_files,
};
use tempfile::TempDir;

const OPTIONS: CompileOptions = CompileOptions {
    require_bg_updater: false,
};

fn try_out(files: &[(&str, &str)]) -> Result<Compiled, CompileError> {
    let program = program_from_files(files.iter().copied(), files[0].0).unwrap();
    compile_with(&program, &OPTIONS)
}

/// The warnings of a main file: line, column, construct.
fn warnings(text: &str) -> Vec<(u32, u32, String)> {
    let compiled = try_out(&[("main.tsx", text)]).unwrap_or_else(|e| panic!("{e}"));
    let places = compiled.warnings.into_iter();
    places
        .map(|w| (w.place.line, w.place.column, w.construct))
        .collect()
}

fn found(list: &[(u32, u32, &str)]) -> Vec<(u32, u32, String)> {
    let owned = list.iter().map(|(l, c, n)| (*l, *c, (*n).to_owned()));
    owned.collect()
}

#[test]
fn a_charm_without_any_of_it_has_no_warnings() {
    let text = "import { pattern, computed, handler, type Cell } from 'commonfabric';
        interface window { document: string }
        const run = handler<unknown, { n: Cell<number> }>(async (_, { n }) => {
          const response = await fetch('https://example.com/' + encodeURIComponent('a'));
          n.set((await response.json()).n ?? Date.now());
          const { document } = { document: 1 }; console.log(document, crypto.randomUUID(), structuredClone({}));
          if (typeof localStorage !== 'undefined') localStorage.setItem('a', 'b');
        });
        export default pattern<{ n: Cell<number>; w: window }>(({ n }) => ({ bgUpdater: run({ n }), b: computed(() => n.get() + 1) }));";
    assert_eq!(warnings(text), []);
}

#[test]
fn what_is_missing_is_named_once_with_its_first_place() {
    let text = "import { pattern, handler, generateText, navigateTo as go, fetchJson } from 'commonfabric';
import * as cf from 'commonfabric';
const run = handler(async () => {
  window.alert('a'); document.title = 'b'; window.close();
  await import(`./${'x'}.ts`);
  new WebSocket('wss://x'); nothing;
  go({});
});
export default pattern(() => ({ run: run({}), a: generateText({ prompt: 'x' }), b: generateText({ prompt: 'y' }),
  c: cf.llm({}), d: fetchJson({ url: 'https://example.com' }) }));";
    assert_eq!(
        warnings(text),
        found(&[
            (4, 3, "window"),
            (4, 22, "document"),
            (5, 9, "import()"),
            (6, 7, "WebSocket"),
            (6, 29, "nothing"),
            (7, 3, "navigateTo"),
            (9, 50, "generateText"),
            (10, 6, "llm"),
            (10, 21, "fetchJson"),
        ])
    );
    let all = try_out(&[("main.tsx", text)]).unwrap().warnings;
    assert_eq!(
        all[0].to_string(),
        "main.tsx:4:3: `window` does not exist here: a background run has no browser window."
    );
    assert!(all.iter().all(|w| w.message.ends_with('.')), "{all:?}");
}

#[test]
fn a_decision_by_a_reactive_value_and_an_unreadable_default_are_told() {
    let text = "import { pattern, Default } from 'commonfabric';
const COUNT = Math.random();
export default pattern<{ on: boolean; n: number | Default<typeof COUNT>; deep: { x: Default<string, Missing> } }>(({ on, n }) => {
  if (on) return { n };
  const plain = 1;
  if (plain) return { n };
  switch (n) { default: return { on }; }
});
declare type Missing = Parameters<typeof parseInt>[0];";
    let all = try_out(&[("main.tsx", text)]).unwrap().warnings;
    let places: Vec<_> = all
        .iter()
        .map(|w| (w.place.line, w.construct.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (3, "Default"),
            (3, "Default"),
            (4, "decision"),
            (7, "decision")
        ]
    );
    assert!(all[0].message.contains("`deep.x`"), "{all:?}");
    assert!(all[1].message.contains("`n`"), "{all:?}");
}

#[test]
fn a_default_that_is_never_applied_is_told() {
    let text = "import { pattern, wish } from 'commonfabric';
export default pattern<{ a: string; b: { c: number }; list: { t: string }[] }>(({ a = 'x', b: { c = 1 }, list = make() }) => {
  const { result = null } = wish({ query: '#x' });
  const { plain = 1 } = make();
  return { a, c, result, plain, list: list.map(({ t = '' }) => ({ t })) };
});
function make(): any { return {}; }";
    assert_eq!(
        warnings(text),
        found(&[
            (2, 97, "default"),
            (2, 106, "default"),
            (3, 11, "default"),
            (5, 51, "default"),
        ])
    );
}

#[test]
fn what_would_write_but_is_never_run_is_told() {
    let text = "import { action, computed, pattern, Writable } from 'commonfabric';
const Row = pattern<{ n: number; sum: Writable<number> }>(({ n, sum }) => { computed(() => { sum.set(n); }); return { n }; });
const Plain = pattern<{ n: number }>(({ n }) => ({ n, go: action(() => {}) }));
export default pattern<{ list: number[] }>(({ list }) => {
  const sum = new Writable(0);
  const rows = list.map((n) => Row({ n, sum }));
  const lost = computed(() => list.map((n) => Row({ n, sum })));
  const fine = computed(() => list.map((n) => Plain({ n })));
  const later = action(() => { computed(() => { sum.set(1); }); Row({ n: 1, sum }); });
  return { rows, lost, fine, later, $UI: <b><Row n={1} sum={sum} /><Plain n={1} /></b>,
    shown: computed(() => <Row n={1} sum={sum} />), at_once: <Now sum={sum} /> };
});
const Now = ({ sum }: { sum: Writable<number> }) => { sum.set(1); return <b />; };";
    assert_eq!(
        warnings(text),
        found(&[
            (7, 47, "lost write"),
            (9, 32, "lost write"),
            (11, 27, "lost write"),
            (11, 62, "lost write"),
        ])
    );
}

#[test]
fn files_that_only_give_types_are_not_looked_at() {
    let files = [
        ("main.ts", "import { pattern } from 'commonfabric'; import type { T } from './t.ts'; import { use } from './u.ts';
            export default pattern<{ t: T }>(({ t }) => ({ t, use }));"),
        ("t.ts", "export type T = string; window.close();"),
        ("u.ts", "export const use = () => document.title;"),
    ];
    let all = try_out(&files).unwrap().warnings;
    let places: Vec<_> = all
        .iter()
        .map(|w| (w.place.file.as_str(), w.construct.as_str()))
        .collect();
    assert_eq!(places, [("u.ts", "document")]);
}

#[test]
fn an_import_that_the_framework_does_not_have_is_an_error() {
    let text = "import { pattern, type Nope, AlsoType, dataFile } from 'commonfabric';
        const x: Nope | AlsoType = 1; export default pattern(() => ({ x, y: dataFile('a') }));";
    let Err(CompileError::Diagnostics(all)) = try_out(&[("main.ts", text)]) else {
        panic!("it compiles");
    };
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        all[0].to_string(),
        "main.ts:1:40: \"commonfabric\" has no `dataFile` here."
    );
    let hint = all[0].hint.as_deref().unwrap();
    assert!(hint.contains("a .ts file of the charm"), "{hint}");
}

#[test]
fn warnings_are_kept_with_the_compiled_charm() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path());
    let text = "import { pattern, navigateTo } from 'commonfabric'; export default pattern(() => ({ a: navigateTo({}) }));";
    let program = program_from_files([("main.ts", text)], "main.ts").unwrap();
    let first = cache.compile_with(&program, &OPTIONS).unwrap();
    assert_eq!(first.warnings.len(), 1);
    assert_eq!(cache.compile_with(&program, &OPTIONS).unwrap(), first);
}

#[test]
fn a_wish_that_is_not_granted_as_elsewhere_is_told_with_its_place() {
    let text = "import { pattern, wish } from 'commontools';
export default pattern(() => ({
  a: wish({ query: '#profile' }), b: wish<string>(`#pieceRegistry/0`),
  c: wish('/defaultPattern/x'), d: wish('notes'), e: wish({ query: '#profile' }),
  f: wish('#now/60'), g: wish({ query: '#googleAuth' }), h: wish('#favorites'), i: wish({ query: anything }),
}));
declare const anything: string;";
    assert_eq!(
        warnings(text),
        found(&[
            (3, 6, "wish #profile"),
            (3, 38, "wish #pieceRegistry"),
            (4, 6, "wish /"),
            (4, 36, "wish notes"),
        ])
    );
}
