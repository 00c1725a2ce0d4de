//! What reactive code in a charm is compiled to: source against output.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use charmkeeper_charms::compile::{CompileOptions, Compiled, compile_with, program_from_files};

mod source_map;

use source_map::{original, position};

const IMPORTS: &str = "import { action, cell, computed, derive, handler, ifElse, lift, navigateTo, pattern, recipe, str, wish, equals, patternTool, Cell, Default, NAME, Stream, UI, Writable } from 'commonfabric';\n";

fn compiled(files: &[(&str, &str)]) -> Compiled {
    let program = program_from_files(files.iter().copied(), files[0].0).unwrap();
    let options = CompileOptions {
        require_bg_updater: false,
    };
    compile_with(&program, &options).unwrap_or_else(|e| panic!("{e}"))
}

/// The code of a main file with the usual imports, in one line, with one space
/// where there is space, and without what surrounds it.
fn code(body: &str) -> String {
    let text = format!("{IMPORTS}{body}");
    let mut all = compiled(&[("main.tsx", &text)]).modules;
    one_line(&all.remove(0).code)
}

fn one_line(code: &str) -> String {
    let mut line = String::new();
    for word in code.split_whitespace() {
        line.push_str(word);
        line.push(' ');
    }
    line.replace("__ck.", "$")
}

/// Compiles statements in the body of a pattern with inputs of every kind.
fn body(statements: &str) -> String {
    code(&format!(
        "interface Item {{ title: string; done: boolean; tags: string[] }}
        const CONSTANT = ['x'];
        function plain(...all: unknown[]): any {{ return all; }}
        const bound = handler<unknown, {{ a: unknown }}>(() => {{}});
        const Sub = pattern<{{ item: unknown }}>(() => ({{}}));
        const lifted = lift((x: number) => x);
        interface Input {{ name: string; count: number; items: Item[]; user: {{ first: string }}; flag: boolean;
          list: Writable<Item[]>; maybe?: Cell<Item>; out: Stream<string> }}
        export default pattern<Input>(({{ name, count, items, user, flag, list, maybe, out }}) => {{ {statements} }});"
    ))
}

#[track_caller]
fn has(out: &str, wanted: &str) {
    assert!(out.contains(wanted), "{wanted}\nin\n{out}");
}

#[test]
fn operators_on_inputs_become_derived_values() {
    for (source, wanted) in [
        ("const a = !flag;", "a = $d([flag], () => !$v(flag));"),
        ("const a = -count;", "a = $d([count], () => -$v(count));"),
        (
            "const a = count + 1;",
            "a = $d([count], () => $v(count) + 1);",
        ),
        (
            "const a = name === 'x';",
            "a = $d([name], () => $v(name) === \"x\");",
        ),
        (
            "const a = 'first' in user;",
            "a = $d([user], () => \"first\" in $v(user));",
        ),
        (
            "const a = typeof name;",
            "a = $d([name], () => typeof $v(name));",
        ),
        (
            "const a = `${name}!`;",
            "a = $d([name], () => `${$v(name)}!`);",
        ),
        (
            "const a = user.first.length > 2;",
            "a = $d([user], () => $at(user, \"first\", \"length\") > 2);",
        ),
        (
            "const a = user?.first ? 1 : 2;",
            "a = $ifElse(user?.first, () => 1, () => 2);",
        ),
        ("const a = flag && name;", "a = $and(flag, () => name);"),
        (
            "const a = name || 'none';",
            "a = $or(name, () => \"none\");",
        ),
        (
            "const a = user.first ?? name;",
            "a = $nullish(user.first, () => name);",
        ),
        (
            "const a = flag ? (count > 1 ? name : user.first) : null;",
            "a = $ifElse(flag, () => $ifElse($d([count], () => $v(count) > 1), () => name, () => user.first), () => null);",
        ),
        (
            "const a = (flag as boolean)! ? name! : '';",
            "a = $ifElse(flag, () => name, () => \"\");",
        ),
        (
            "const a = items[count];",
            "a = $d([items], () => $at(items, $v(count)));",
        ),
        (
            "const a = new Date(count);",
            "a = $d([count], () => new Date($v(count)));",
        ),
        (
            "const a = plain(user.first, 1);",
            "a = $d([user], () => plain($at(user, \"first\"), 1));",
        ),
        (
            "const a = Math.max(count, 2);",
            "a = $d([count], () => Math.max($v(count), 2));",
        ),
        (
            "const a = { b: !flag, c: [count * 2] };",
            "a = { b: $d([flag], () => !$v(flag)), c: [$d([count], () => $v(count) * 2)] };",
        ),
        (
            "return { [NAME]: name + '!', flag };",
            "return { [NAME]: $d([name], () => $v(name) + \"!\"), flag };",
        ),
        (
            "const a = equals(list, maybe);",
            "a = $d([list], () => equals(list, maybe));",
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn what_is_not_reactive_stays_as_it_is() {
    for source in [
        "const a = user.first;",
        "const a = user[\"first\"];",
        "const a = CONSTANT.length > 1 ? 1 : 2;",
        "const one = 1; const a = one + 2;",
        "const a = list.key(0);",
        "const a = new Writable(\"\").for(\"a\");",
        "const a = str`Hi ${name}`;",
        "const a = plain(1, CONSTANT);",
        "const a = plain();",
        "const a = `x${CONSTANT[0]}`;",
    ] {
        let out = body(source);
        has(&out, source);
        assert!(!out.contains("charmkeeper"), "{out}");
    }
    let out = code("export default pattern(() => ({ a: 1 > 2 }));");
    assert!(!out.contains("__ck"), "{out}");
}

#[test]
fn the_framework_and_its_products_get_cells_with_every_argument_a_site() {
    for (source, wanted) in [
        (
            "const a = bound({ a: items, b: !flag });",
            "bound({ a: items, b: $d([flag], () => !$v(flag)) })",
        ),
        ("const a = Sub({ item: user });", "a = Sub({ item: user })"),
        ("const a = lifted(count);", "a = lifted(count)"),
        (
            "const a = lift((x) => x + 1)(count);",
            "a = lift((x) => x + 1)(count)",
        ),
        (
            "const a = ifElse(count > 1, name, user);",
            "ifElse($d([count], () => $v(count) > 1), name, user)",
        ),
        (
            "const a = wish({ query: `#${name}` });",
            "wish({ query: $d([name], () => `#${$v(name)}`) })",
        ),
        (
            "const a = wish({ query: '#a' }).result ? 1 : 2;",
            "a = $ifElse(wish({ query: \"#a\" }).result, () => 1, () => 2)",
        ),
        (
            "const a = !wish({ query: '#a' }).result;",
            "a = $d(null, () => !",
        ),
        (
            "const a = list.key(0).key(\"tags\").key(count - 1);",
            "a = list.key(0).key(\"tags\").key($d([count], () => $v(count) - 1));",
        ),
        (
            "list.set(flag ? [] : items);",
            "list.set($ifElse(flag, () => [], () => items));",
        ),
        (
            "console.log(name, !flag);",
            "{ console.log($v(name), !$v(flag));",
        ),
        (
            "items.forEach((i) => plain(i.title));",
            "$v(items).forEach((i) => plain(i.title));",
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn lists_are_mapped_in_place_and_computed_with_by_value() {
    for (source, wanted) in [
        (
            "const a = items.map((i) => i.title);",
            "a = $list(items, \"map\", (i) => i.title);",
        ),
        (
            "const a = items?.map((i) => !i.done);",
            "$list(items, \"map\", (i) => $d([i], () => !$at(i, \"done\")))",
        ),
        (
            "const a = items.map(({ title: t }, n) => t + n + name);",
            "(({ title: t }, n) => $d([t], () => $v(t) + n + $v(name)))".trim_matches(['(', ')']),
        ),
        (
            "const a = items.flatMap((i) => i.tags);",
            "a = $list(items, \"flatMap\", (i) => i.tags);",
        ),
        (
            "const a = items.map(plain);",
            "a = $list(items, \"map\", plain);",
        ),
        (
            "const a = items.filter((i) => i.done && flag);",
            "a = $d([items], () => $v(items).filter((i) => i.done && $v(flag)));",
        ),
        (
            "const a = items.filter((i) => i.done).map((i) => i.title);",
            "a = $list($d([items], () => $v(items).filter((i) => i.done)), \"map\", (i) => i.title);",
        ),
        (
            "const a = items.map((i) => i.title + name).join();",
            "a = $d([items], () => $v(items).map((i) => i.title + $v(name)).join());",
        ),
        (
            "const a = items.find((i) => i.done)?.title;",
            "a = $d([items], () => $v(items).find((i) => i.done)?.title);",
        ),
        ("const a = items.some((i) => i.done);", "$v(items).some("),
        (
            "const a = items.reduce((n, i) => n + i.tags.length, 0);",
            "$v(items).reduce((n, i) => n + i.tags.length, 0)",
        ),
        (
            "const a = user?.first.trim();",
            "a = $d([user], () => $at(user, \"first\")?.trim());",
        ),
        (
            "const a = CONSTANT.map((c) => ({ c, on: c === name }));",
            "CONSTANT.map((c) => ({ c, on: $d([name], () => c === $v(name)) }))",
        ),
        (
            "const a = CONSTANT.filter((c) => c === name);",
            "a = $d([name], () => CONSTANT.filter((c) => c === $v(name)));",
        ),
        (
            "const a = list.get().filter((i) => i.done).length;",
            "a = $d([list], () => list.get().filter((i) => i.done).length);",
        ),
        (
            "const a = list.map((i) => i);",
            "a = $list(list, \"map\", (i) => i);",
        ),
        (
            "const a = list.get().map((i) => !i.done);",
            "a = $list($d([list], () => list.get()), \"map\", (i) => $d([i], () => !$at(i, \"done\")));",
        ),
        (
            "const a = [...items].sort();",
            "a = $d([items], () => [...$v(items)].sort());",
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn captured_names_are_read_as_values_and_written_cells_keep_their_link() {
    for (source, wanted) in [
        (
            "const a = computed(() => name.length + user.first.length);",
            "computed(() => $at(name, \"length\") + $at(user, \"first\", \"length\"))",
        ),
        (
            "const a = computed(() => ({ name, n: count }));",
            "computed(() => ({ name: $v(name), n: $v(count) }))",
        ),
        (
            "const a = computed(() => { if (!flag) return list.get().length; });",
            "if (!$v(flag)) return list.get().length;",
        ),
        (
            "const a = computed(() => maybe?.get());",
            "computed(() => maybe?.get())",
        ),
        (
            "const a = computed(() => maybe ? 1 : 2);",
            "computed(() => $c(maybe) ? 1 : 2)",
        ),
        (
            "const n = cell(0); const a = computed(() => n ? plain(n) : 0);",
            "computed(() => n ? plain(n) : 0)",
        ),
        (
            "const a = action(() => list.push({ title: name, done: !flag, tags: [] }));",
            "action(() => list.push({ title: $v(name), done: !$v(flag), tags: [] }))",
        ),
        (
            "const a = action((e: { n: number }) => { const name = e.n; list.set([name]); });",
            "const name = e.n; list.set([name]);",
        ),
        (
            "const a = action(() => out.send(name));",
            "action(() => out.send($v(name)))",
        ),
        (
            "const a = action(() => navigateTo(user.first));",
            "navigateTo($ref(user, \"first\"))",
        ),
        (
            "const a = action(() => { user.first.set('x'); });",
            "$ref(user, \"first\").set(\"x\");",
        ),
        (
            "const a = derive(items, (items) => items.filter((i) => i.title === name));",
            "derive(items, (items) => items.filter((i) => i.title === $v(name)))",
        ),
        (
            "const a = computed(() => items.map((i) => `${i.title} ${name}`));",
            "computed(() => $v(items).map((i) => `${i.title} ${$v(name)}`))",
        ),
        (
            "const a = computed(() => items[count]?.title);",
            "$at(items, $v(count), \"title\")",
        ),
        (
            "const a = computed(() => { const { first } = user; return first; });",
            "const { first } = $v(user);",
        ),
        (
            "return { [UI]: <b onClick={() => list.set(items)}>{name}</b> };",
            "onClick: () => list.set($v(items)),",
        ),
        (
            "const a = handler<unknown, { x: number }>((_, { x }) => { list.set([x, name]); });",
            "list.set([x, $v(name)]);",
        ),
        ("const a = action(() => out);", "action(() => out)"),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn elements_are_sites_and_their_handlers_compute() {
    let out = body(
        "const row = (i: Item) => <li>{i.title}</li>;
        return { [UI]: <div hidden={!flag} $value={user.first} title={`a ${name}`}>
          {flag ? <b>{name}</b> : null}{count > 2 && <i>{count}</i>}{items.map((i) => <li key={i.title}>{i.done ? 'y' : name}</li>)}
          {row(items[0])}{items.map(row)}<Sub item={user} /></div> };",
    );
    for wanted in [
        "hidden: $d([flag], () => !$v(flag))",
        "$value: user.first,",
        "title: $d([name], () => `a ${$v(name)}`)",
        "$ifElse(flag, () => _jsx(\"b\", { children: name }), () => null)",
        "$and($d([count], () => $v(count) > 2), () => _jsx(\"i\", { children: count }))",
        "$list(items, \"map\", (i) => _jsx(\"li\", { children: $ifElse(i.done, () => \"y\", () => name) }, i.title))",
        "$d([items], () => row($at(items, 0)))",
        "$list(items, \"map\", row)",
        "_jsx(Sub, { item: user })",
    ] {
        has(&out, wanted);
    }
}

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
