//! Damaged sources give errors: no panic, no hang, no overflow.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use charmkeeper_base::random::SeededRandom;
use charmkeeper_charms::compile::{
    CompileError, CompileOptions, compile, compile_with, program_from_files,
};

const MAIN: &str = r##"
import { action, Cell, computed, Default, handler, NAME, pattern, Stream, str, UI, Writable, type VNode } from "commonfabric";
import { helper, type Shape } from "./util.ts";
type Syncable<T> = Writable<T> & { sync(): Promise<void> };
/** Reads things. #things #more-or-less */
export interface Output<T = string> extends Base { [NAME]: string; [UI]: VNode; items: T[]; bgUpdater: Stream<void> }
interface Base { base: Shape["inner"]["value"] | Default<-1>; readonly deep: Partial<Record<"a" | "b", Shape>> }
enum Mode { Slow = "slow", Fast = 2, More }
const LIMITS = { one: 1, list: ["x", `y`] } as const;
const update = handler<{ detail: { value: string } }, {
  items: Syncable<Array<Writable<Shape>>>; mode: Mode | Default<Mode.Fast>; limits: Default<object, typeof LIMITS>;
}>(async ({ detail }, state) => {
  for (const [k, v] of Object.entries(state)) if (k && (v as any)?.get?.() !== detail) await helper(k)`${v}`;
  try { throw new Error(`https://api.example.com/${k ? (a, b = (c) => c) : /[/"'`(]+/gi.exec(k)}`); } catch { }
});
class Store<const T extends object> { #x = 1; static { this.y = 2; } constructor(private a: T, public b?: T) {} get [`k`]() { return this.#x ** 2; } }
export default pattern<{ items: Shape[] | Default<[]>; q: { [K in keyof Base]?: Base[K] } }, Output>(({ items, q }) => {
  const label: string = (q as any)!;
  const open = items.filter((i) => !i.inner && label).map(({ inner: { value = 1 } }, n) => ({ value, [n]: value > 2 ? label : q?.a?.["b"] }));
  const sum = computed(() => { const { a, ...rest } = q; if (!rest) return; return items?.find((i) => i.inner.value === a)!.self?.inner ?? `${label}`; });
  if (label) items.forEach((i) => console.log(i, sum)); else while (!open) { new Date(label); }
  const go = action((e) => { items.push(e && label); q.a.set(q["b"]); state: for (const x of items) { x.inner.value += label.length; } });
  return { [NAME]: str`Things ${items}`, [UI]: (<cf-box $value={q} on:x={() => <>{items.map((i) => <b key={i}>don't & {i}</b>)}</>} {...q} />), items, bgUpdater: update({ items }) };
});
"##;
const UTIL: &str = r#"
import type { Output } from "./main.tsx";
export type Shape = { inner: { value: number | Default<3> }; self?: Shape; out: Output<Shape> };
export * from "./more.js";
export const helper = <T,>(x: T) => (s: TemplateStringsArray, ...r: unknown[]) => [x, s, ...r];
declare global { interface Window { a: 1 } }
namespace N { export const n = 1; export namespace M { export type Q = keyof typeof N } }
abstract class A { abstract m(): asserts this is A; declare x: string; accessor y = 1; }
label: for (let i = 0, j = 1n; i < 10; i++) { if (i % 2) continue label; else break label; }
"#;
const MORE: &str = "export let q = 1, { a: [w = 2] = [], ...e } = {}; export default async function* () { yield* [await 1]; }";

/// Pieces that turn one construct into another, or open one without end.
const PIECES: [&str; 40] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "</",
    "/>",
    "`",
    "${",
    "\"",
    "'",
    "/",
    "//",
    "/*",
    "*/",
    "=>",
    "=",
    "?",
    ":",
    ";",
    ",",
    "...",
    "\\",
    "@",
    "#",
    "\u{0}",
    "\u{2028}",
    "\u{feff}",
    "\u{1f600}",
    "type A = A;",
    "extends ",
    "await ",
    "export default ",
    "import ",
    "<T,>(",
    "keyof ",
    "\r",
];

fn mutate(random: &SeededRandom, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let below = |n: usize| usize::try_from(random.next_u64() >> 33).unwrap() % n.max(1);
    for _ in 0..=below(1 + below(8)) {
        let at = below(chars.len());
        let end = (at + below(40)).min(chars.len());
        match below(7) {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, PIECES[below(PIECES.len())].chars())),
            2 => drop(chars.splice(at..end, PIECES[below(PIECES.len())].chars())),
            3 => {
                let copy: Vec<char> = chars[at..end].to_vec();
                let to = below(chars.len());
                for _ in 0..=below(5) {
                    chars.splice(to..to, copy.iter().copied());
                }
            }
            4 => chars.truncate(at.max(1)),
            5 => {
                let (a, b) = (below(chars.len()), below(chars.len()));
                chars.swap(a, b);
            }
            _ => {
                let piece = PIECES[below(PIECES.len())].repeat(below(300));
                chars.splice(at..at, piece.chars());
            }
        }
        if chars.is_empty() {
            chars.push(' ');
        }
    }
    chars.into_iter().collect()
}

#[test]
fn damaged_sources_never_panic_or_hang() {
    let random = SeededRandom::new(20_260_301);
    let (mut good, mut bad) = (0, 0);
    for round in 0..2_500 {
        let mut files = [
            ("main.tsx", MAIN.to_owned()),
            ("util.ts", UTIL.to_owned()),
            ("more.ts", MORE.to_owned()),
        ];
        // One file in most rounds, so that the others get past the parser.
        let which = usize::try_from(random.next_u64() % 4).unwrap();
        for (i, file) in files.iter_mut().enumerate() {
            if round > 0 && (which == i || which == 3) {
                file.1 = mutate(&random, &file.1);
            }
        }
        let texts = files.clone();
        let program = program_from_files(files, "main.tsx").unwrap();
        let started = Instant::now();
        match compile(&program) {
            Ok(_) => good += 1,
            Err(CompileError::Diagnostics(all)) => {
                bad += 1;
                assert!(!all.is_empty());
                for fault in all {
                    assert!(fault.line >= 1 && fault.column >= 1 && !fault.message.is_empty());
                    let _ = fault.render();
                }
            }
            Err(other) => panic!("round {round}: {other}\n{texts:?}"),
        }
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "round {round} took too long: {texts:?}"
        );
    }
    // The sources as they are must compile, and some damage is harmless.
    assert!(good > 40 && bad > 1_000, "{good} good, {bad} bad");
}

/// Rewriting asks again and again what a part depends on; it must not ask about
/// the same deep part at every level.
#[test]
fn deep_reactive_code_compiles_in_reasonable_time() {
    const HEAD: &str = "import { pattern } from 'commonfabric';\nexport default pattern<{ a: number }>(({ a }) => { const big = ";
    let payload = format!("[{}]", "a, 1, plain.x, ".repeat(2_000));
    let plain = format!("[{}]", "1, plain.x, ".repeat(2_000));
    for inner in [&payload, &plain] {
        for (open, close, times) in [
            ("!", "", 900),
            ("-", "", 900),
            ("a + ", "", 900),
            ("a ? 1 : ", "", 600),
            ("a && ", "", 900),
            ("a?.b[", "]", 300),
            ("{ x: ", "}", 300),
            ("[", "]", 300),
            ("a.map((a) => ", ")", 150),
            ("f(", ")", 150),
        ] {
            let text = format!(
                "{HEAD}{}{inner}{}; return {{ big }}; }});\ndeclare const plain: any, f: any;",
                format!("{open} ").repeat(times),
                close.repeat(times),
            );
            let started = Instant::now();
            let program = program_from_files([("main.ts", text)], "main.ts").unwrap();
            let options = CompileOptions {
                require_bg_updater: false,
            };
            compile_with(&program, &options).unwrap_or_else(|e| panic!("{open}: {e}"));
            let took = started.elapsed();
            assert!(took < Duration::from_secs(20), "{open} took {took:?}");
        }
    }
}
