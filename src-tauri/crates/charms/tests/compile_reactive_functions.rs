//! What functions, names and the places of reactive code are compiled to: source
//! against output.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod reactive_code;
mod source_map;

use charmkeeper_charms::compile::{CompileOptions, compile_with, program_from_files};
use reactive_code::{body, code, compiled, has, one_line};
use source_map::{original, position};

#[test]
fn names_keep_to_their_scope() {
    let out = code(
        "export default pattern<{ a: string; b: { c: string } }>((input) => {
          const { a: x, b: { c } } = input;
          const inner = pattern<{ x: number }>(({ x }) => ({ y: x + 1 }));
          const f = (x: number) => x + 1;
          const g = computed(() => { const c = 1; return c + x.length; });
          { const x = 2; const y = x + 1; }
          const z = input.a + c;
          return { x: x + 'a', inner, f, g, z };
        });",
    );
    for wanted in [
        "({ x }) => ({ y: $d([x], () => $v(x) + 1) })",
        "const f = (x) => x + 1;",
        "const c = 1; return c + $at(x, \"length\");",
        "{ const x = 2; const y = x + 1; }",
        "const z = $d([input], () => $at(input, \"a\") + $v(c));",
        "x: $d([x], () => $v(x) + \"a\")",
    ] {
        has(&out, wanted);
    }
}

#[test]
fn functions_that_make_derived_values_are_compiled_like_patterns() {
    let out = compiled(&[
        (
            "main.tsx",
            "import { pattern } from 'commonfabric'; import { use, plain, deep } from './use.ts';
            export default pattern<{ n: number }>(({ n }) => {
              const { ready, text } = use({ n, on: true });
              const other = plain(n);
              return { a: ready ? text : other, d: deep(n), b: use({ n }).ready && n };
            });",
        ),
        (
            "use.ts",
            "import { computed, wish } from 'commonfabric';
            export function use(options: { n: number; on?: boolean }) {
              const found = wish({ query: '#x' });
              const ready = computed(() => !!found.result && options.on);
              return { ready, text: options.on ? found.result : null };
            }
            export const deep = (n: number) => { const u = use({ n }); return !u.ready; };
            export const plain = (n: number) => n > 1 ? 'many' : 'one';",
        ),
    ]);
    let main = one_line(&out.modules[0].code);
    let used = one_line(&out.modules[1].code);
    for wanted in [
        "const { ready, text } = use({ n, on: true });",
        "const other = $d([n], () => plain($v(n)));",
        "a: $ifElse(ready, () => text, () => other)",
        "d: deep(n)",
        "b: $and(use({ n }).ready, () => n)",
    ] {
        has(&main, wanted);
    }
    for wanted in [
        "computed(() => !!$at(found, \"result\") && $at(options, \"on\"))",
        "text: $ifElse(options.on, () => found.result, () => null)",
        "return $d([$ref(u, \"ready\")], () => !$at(u, \"ready\"));",
        "const plain = (n) => n > 1 ? \"many\" : \"one\";",
    ] {
        has(&used, wanted);
    }
}

#[test]
fn tests_of_statements_are_read_at_once() {
    let out = body(
        "if (flag && count > 1) { list.set([]); } while (!flag) {} switch (name) { case user.first: }",
    );
    for wanted in [
        "if ($v(flag) && $v(count) > 1) {",
        "while (!$v(flag)) {}",
        "switch ($v(name)) { case $at(user, \"first\"): }",
    ] {
        has(&out, wanted);
    }
}

#[test]
fn lists_and_expressions_that_write_say_where() {
    for (source, acts) in [
        (
            "items.map((item) => { list.push(item); return item; })",
            true,
        ),
        (
            "items.filter((item) => { out.send(item.title); return item.done; })",
            true,
        ),
        (
            "items.map((item) => computed(() => { list.push(item); }))",
            true,
        ),
        ("items.map((item) => computed(() => item.title))", false),
        (
            "items.map((item) => <b onClick={() => list.push(item)}>{item.title}</b>)",
            false,
        ),
    ] {
        let out = body(&format!("const a = {source};"));
        let marked = out.contains("main.tsx:10");
        assert_eq!(marked, acts, "{out}");
    }
    has(
        &body("const n = items.reduce((n, item) => { list.push(item); return n; }, 0);"),
        "return n; }, 0), \"main.tsx:10\");",
    );
    has(
        &body("flag && out.send(name);"),
        "$d([flag], () => $v(flag) && out.send($v(name)), \"main.tsx:10\");",
    );
}

#[test]
fn the_older_dialect_is_the_same() {
    let text = "import { recipe, derive, Cell, cell } from 'commontools';
        export default recipe<{ a: Cell<string>; b: number }>('old', ({ a, b }) => {
          const c = cell(1);
          return { d: b > 1 ? a : c, e: derive({ a, b }, ({ a, b }) => a + b + c.get()) };
        });";
    let out = one_line(&compiled(&[("main.tsx", text)]).modules[0].code);
    has(
        &out,
        "d: $ifElse($d([b], () => $v(b) > 1), () => a, () => c)",
    );
    has(&out, "e: derive({ a, b }, ({ a, b }) => a + b + c.get())");
}

#[test]
fn the_helpers_name_gives_way_and_charms_cannot_import_them() {
    let text = "import { pattern } from 'commonfabric'; const __ck = 1;
        export default pattern<{ a: number }>(({ a }) => ({ b: a + __ck }));";
    let out = &compiled(&[("main.tsx", text)]).modules[0].code;
    has(out, "import * as __ck_ from \"charmkeeper/reactive\";");
    has(out, "__ck_.d([a], () => __ck_.v(a) + __ck)");
    let text = "import * as r from 'charmkeeper/reactive'; export default r;";
    let program = program_from_files([("main.ts", text)], "main.ts").unwrap();
    let e = compile_with(&program, &CompileOptions::default()).unwrap_err();
    assert!(e.to_string().contains("There is no module named"), "{e}");
}

#[test]
fn inputs_get_the_defaults_that_their_parameter_states() {
    let text = "import { pattern, Default } from 'commonfabric';
        export default pattern<{ a: string; b: number | Default<2>; c: string[] }>(({ a = 'x', b = 3, c: d = [] }) => ({ a, b, d }));";
    let compiled = compiled(&[("main.tsx", text)]);
    assert_eq!(
        compiled.facts.defaults,
        serde_json::json!({ "a": "x", "b": 2, "c": [] })
    );
}

#[test]
fn lifted_functions_are_told_of_cells_in_their_input() {
    let out = code(
        "interface Piece { auth?: Cell<string>; n: number }
        const a = lift<{ piece?: Piece | null; n: number }, unknown>(({ piece }) => piece?.auth?.get());
        const b = lift<{ n: number }, unknown>(({ n }) => n);
        export default pattern<{ n: number }>(({ n }) => ({ a, b, c: derive({ n }, ({ n }: { n: Cell<number> }) => n.get()), d: derive({ n }, ({ n }) => n) }));",
    );
    has(
        &out,
        r#"({ n }) => n.get(), "ck:{\"kind\":\"lift\",\"state\":{\"n\":\"cell\"},\"inside\":{}}")"#,
    );
    has(&out, "d: derive({ n }, ({ n }) => n)");
    has(
        &out,
        r#"\"inside\":{\"piece\":[{\"path\":[\"auth\"],\"kind\":\"cell\"}]}"#,
    );
    has(&out, "const b = lift(({ n }) => n);");
}

#[test]
fn positions_in_rewritten_code_map_back_to_the_charms_own() {
    let text = "// one\nimport { action, computed, pattern, Writable, UI } from 'commonfabric';\n\n\
        type Item = {\n  title: string;\n};\n\
        export default pattern<{ items: Item[]; flag: boolean }>(({ items, flag }) => {\n\
        \x20   const count = new Writable(0);\n\
        \x20   const first = flag ? alpha(items[0].title) : `x ${beta(flag)}`;\n\
        \x20   const open = items.filter((i) => gamma(i.title, flag)).map((i) => delta(i));\n\
        \x20   const sum = computed(() =>\n        items.length + epsilon(flag));\n\
        \x20   const go = action(() => { count.set(zeta(items)); });\n\
        \x20   return { first, open, sum, go, [UI]: <b hidden={!flag}>{iota(flag).length}</b> };\n});\n\
        declare function alpha(...all: unknown[]): string; declare const beta: typeof alpha, gamma: typeof alpha, delta: typeof alpha;\n\
        declare const epsilon: typeof alpha, zeta: (x: unknown) => number, iota: typeof alpha;\n";
    let compiled = compiled(&[("main.tsx", text)]);
    let module = &compiled.modules[0];
    let map: serde_json::Value = serde_json::from_str(module.source_map.as_ref().unwrap()).unwrap();
    for name in ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "iota"] {
        let needle = format!("{name}(");
        let at = position(&module.code, module.code.find(&needle).unwrap());
        assert_eq!(
            original(&map, at),
            position(text, text.find(&needle).unwrap()),
            "{name} in\n{}",
            module.code
        );
    }
}
