//! What compiling a charm gives: modules, maps and facts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use charmkeeper_charms::compile::{
    CompileOptions, Compiled, Dialect, Kind, compile, compile_with, program_from_files,
};

mod source_map;

use source_map::{original, position};

const UPDATER: &str = "const update = handler<unknown, { n: Cell<number> }>(() => {});\n";

fn try_out(files: &[(&str, &str)]) -> Compiled {
    let program = program_from_files(files.iter().copied(), files[0].0).unwrap();
    compile(&program).unwrap_or_else(|e| panic!("{e}"))
}

/// Compiles one file that need not have a bgUpdater and gives its code.
fn code(name: &str, text: &str) -> String {
    let program = program_from_files([(name, text)], name).unwrap();
    let mut compiled = compile_with(
        &program,
        &CompileOptions {
            require_bg_updater: false,
        },
    )
    .unwrap_or_else(|e| panic!("{e}"));
    compiled.modules.remove(0).code
}

#[test]
fn typescript_becomes_javascript() {
    let out = code(
        "main.ts",
        "import { pattern, type Cell } from 'commonfabric';
        enum Color { Red, Green = 'g' }
        const enum Small { One = 1 }
        abstract class Point { constructor(private x: number, readonly y = 2) {} abstract z(): void; }
        declare const nothing: string;
        function over(a: string): void; function over(a: unknown) { return a as string satisfies string; }
        export type T = Cell<Point>;
        export default pattern(() => ({ c: Color.Red, s: Small.One, over, Point, v: <string>over('x')! }));",
    );
    for gone in [
        "Cell",
        "abstract",
        "declare",
        "interface",
        "private",
        ": string",
        " as ",
        "satisfies",
    ] {
        assert!(!out.contains(gone), "{gone} in\n{out}");
    }
    for there in [
        "this.x = x",
        "this.y = y",
        "Color[Color[\"Red\"] = 0] = \"Red\"",
        "import { pattern } from \"commonfabric\"",
    ] {
        assert!(out.contains(there), "{there} in\n{out}");
    }
}

#[test]
fn jsx_uses_the_runtime_of_the_files_dialect() {
    let jsx =
        "export default pattern(() => ({ [UI]: <cf-screen a=\"1\" {...b}><>{c}</></cf-screen> }));";
    let new = code(
        "main.tsx",
        &format!("import {{ pattern, UI }} from 'commonfabric'; {jsx}"),
    );
    assert!(new.contains("from \"commonfabric/jsx-runtime\""), "{new}");
    assert!(new.contains("_jsx(\"cf-screen\""), "{new}");
    let old = code(
        "main.tsx",
        &format!("import {{ pattern, UI }} from 'commontools'; {jsx}"),
    );
    assert!(old.contains("from \"commontools/jsx-runtime\""), "{old}");
    // Namespaced names and the two-way properties of the framework are kept.
    let names = code(
        "main.tsx",
        "import { pattern } from 'commonfabric';
        export default pattern(() => ({ a: <ct-input $value={x} on:click={y} a-b /> }));",
    );
    assert!(
        names.contains("$value: x") && names.contains("\"on:click\": y"),
        "{names}"
    );
}

#[test]
fn modules_name_each_other_in_full_and_types_are_left_behind() {
    let compiled = try_out(&[
        (
            "app/main.tsx",
            "import { handler, pattern, Cell } from 'commontools';
            import { helper } from './util';
            import type { Shape } from './shapes.ts';
            import { Other } from './gone.ts';
            import { type Third } from 'also-gone';
            export { more } from '../lib/more.js';
            const later = () => import('./later.ts');
            const update = handler<Shape & Third, { c: Cell<Other> }>(() => helper(later));
            export default pattern(() => ({ bgUpdater: update({ c: 1 }) }));",
        ),
        (
            "app/util/index.ts",
            "import { toSchema } from 'commontools/schema'; export const helper = toSchema;",
        ),
        ("app/shapes.ts", "export type Shape = string;"),
        (
            "app/later.ts",
            "export * from './util/index'; export const me = import.meta.url;",
        ),
        ("lib/more.ts", "export const more = 1;"),
        ("lib/unused.ts", "export const unused = 1;"),
    ]);
    let names: Vec<_> = compiled
        .modules
        .iter()
        .map(|m| m.specifier.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "charm:///app/later.ts",
            "charm:///app/main.tsx",
            "charm:///app/util/index.ts",
            "charm:///lib/more.ts"
        ]
    );
    let main = &compiled.modules[1].code;
    for there in [
        "from \"charm:///app/util/index.ts\"",
        "from \"charm:///lib/more.ts\"",
        "import(\"charm:///app/later.ts\")",
    ] {
        assert!(main.contains(there), "{there} in\n{main}");
    }
    assert!(!main.contains("gone") && !main.contains("shapes"), "{main}");
    assert!(
        compiled.modules[0]
            .code
            .contains("export * from \"charm:///app/util/index.ts\"")
    );
    assert_eq!(
        compiled.facts.imports,
        ["commontools", "commontools/schema"]
    );
}

#[test]
fn stack_positions_map_back_to_the_charms_lines() {
    let text = "// one\nimport { handler, pattern, Cell } from 'commonfabric';\n\ntype A = {\n  b: string;\n};\n\n\
        const update = handler<A, { c: Cell<A> }>(() => {\n    const x: number = 1; boom(x);\n});\n\
        export default pattern(() => ({ bgUpdater: update({}) }));\n";
    let compiled = try_out(&[("main.tsx", text)]);
    let module = &compiled.modules[0];
    let map: serde_json::Value = serde_json::from_str(module.source_map.as_ref().unwrap()).unwrap();
    assert_eq!(map["sources"], serde_json::json!(["charm:///main.tsx"]));
    let map_text = module.source_map.as_ref().unwrap();
    assert!(!map_text.contains("boom"), "the source is not in its map");
    for needle in ["boom", "pattern(", "update({"] {
        let at = position(&module.code, module.code.rfind(needle).unwrap());
        assert_eq!(
            original(&map, at),
            position(text, text.rfind(needle).unwrap()),
            "{needle}"
        );
    }
}

#[test]
fn facts_of_a_charm_in_the_newer_dialect() {
    let compiled = try_out(&[(
        "gmail-importer.tsx",
        "import { Default, handler, NAME, pattern, Stream, UI, Writable } from 'commonfabric';
        type Settings = { limit: number | Default<10>; query: string | Default<'in:INBOX'> };
        interface Input { settings: Settings; auth?: Writable<{ token: string | Default<''> }> }
        /** Reads new mail. #gmailEmails */
        export interface Output { bgUpdater: Stream<void> }
        const base = 'https://gmail.googleapis.com/gmail/v1/';
        const update = handler<void, { settings: Writable<Settings> }>(async () => {
            await fetch(`https://www.googleapis.com/calendar/${base}`);
            await fetch(`https://${base}/x`); await fetch('https://half.' + base);
        });
        export default pattern<Input, Output>(({ settings }) => {
            return { [NAME]: 'Gmail', [UI]: <a href='https://click.example/'>x</a>, bgUpdater: update({ settings }) };
        });",
    )]);
    let facts = &compiled.facts;
    assert_eq!(compiled.entry, "charm:///gmail-importer.tsx");
    assert_eq!(facts.name.as_deref(), Some("Gmail"));
    assert_eq!(facts.description.as_deref(), Some("Reads new mail."));
    assert_eq!(facts.tags, ["gmailEmails"]);
    assert_eq!(facts.tags_lower(), ["gmailemails"]);
    assert!(facts.has_tag("#GMAILemails") && !facts.has_tag("gmail"));
    assert_eq!(facts.hosts, ["gmail.googleapis.com", "www.googleapis.com"]);
    assert_eq!(
        facts.defaults,
        serde_json::json!({ "settings": { "limit": 10, "query": "in:INBOX" }, "auth": { "token": "" } })
    );
    assert_eq!(facts.inputs.get("auth"), Some(&Kind::Cell));
    assert_eq!(facts.inputs.get("settings"), Some(&Kind::Plain));
    assert_eq!(
        facts.bg_updater.as_ref().unwrap().to_string(),
        "gmail-importer.tsx:12:85"
    );
    assert_eq!(facts.default_export.to_string(), "gmail-importer.tsx:11:24");
    assert_eq!(facts.imports, ["commonfabric", "commonfabric/jsx-runtime"]);
    assert_eq!(facts.dialect, Dialect::CommonFabric);
}

#[test]
fn facts_of_a_charm_in_the_older_dialect() {
    let compiled = try_out(&[(
        "google-calendar-importer.tsx",
        "/// <cts-enable />
        import { Cell, cell, Default, derive, handler, NAME, recipe, str } from 'commontools';
        interface Settings { daysBack: Default<number, 7>; debug: Default<boolean, false> }
        interface Input { settings: Default<Settings, { daysBack: 14 }>; events: Default<string[], []> }
        const update = handler<unknown, { events: Cell<string[]>; auth: Cell<string> | null }>(
            async (_event, state) => { state.events.set([]); });
        export default recipe<Input, { a: 1 }>('Calendar', ({ settings, events }) => {
            const auth = cell('');
            return { [NAME]: str`Calendar ${auth}`, events, bgUpdater: update({ events, auth }),
                count: derive(events, (e) => e.length) };
        });",
    )]);
    let facts = &compiled.facts;
    assert_eq!(facts.name.as_deref(), Some("Google calendar importer"));
    assert_eq!(
        facts.defaults,
        serde_json::json!({ "settings": { "daysBack": 14, "debug": false }, "events": [] })
    );
    assert_eq!(facts.dialect, Dialect::CommonTools);
    let code = &compiled.modules[0].code;
    assert!(
        code.contains(r#"\"state\":{\"events\":\"cell\",\"auth\":\"cell\"}"#),
        "{code}"
    );
    assert!(
        code.contains(r#"\"nullable\":[\"auth\"]"#),
        "only one of them may be nothing: {code}"
    );
    assert!(code.contains("recipe(\"Calendar\", ("), "{code}");
}

#[test]
fn the_extra_argument_comes_last_and_nothing_else_changes() {
    let out = code(
        "main.ts",
        "import { handler, pattern, cell, lift } from 'commonfabric';
        export const a = handler({ type: 'object' }, { b: { asCell: true } }, (e, s) => s, ...rest);
        export const b = handler((e, s) => s, { proxy: true },);
        export const c = lift((x) => x)(cell(1));
        export default pattern(() => ({}), { x: 1 });",
    );
    let flat: String = out.split_whitespace().collect();
    assert!(
        flat.contains(r#",...rest,"ck:{\"kind\":\"handler\",\"name\":\"a\"}")"#),
        "{out}"
    );
    assert!(
        flat.contains(r#"{proxy:true},"ck:{\"kind\":\"handler\",\"name\":\"b\"}")"#),
        "{out}"
    );
    assert!(flat.contains("lift((x)=>x)(cell(1))"), "{out}");
    assert_eq!(out.matches("ck:").count(), 3, "{out}");
}

#[test]
fn the_default_export_may_be_named_and_handed_on() {
    for (main, other) in [
        (format!("import {{ handler, pattern, Cell }} from 'commonfabric'; {UPDATER}
            const charm = pattern<{{ a: string }}>(() => ({{ bgUpdater: update({{}}) }})) as unknown;
            export {{ charm as default }};"), String::new()),
        ("export { default } from './other.ts';".to_owned(),
         format!("import {{ handler, pattern, Cell }} from 'commonfabric'; {UPDATER}
            export default (pattern(() => {{ const bgUpdater = update({{}}); return {{ bgUpdater }}; }}))!;")),
        ("import charm from './other.ts'; export default charm;".to_owned(),
         format!("import * as cf from 'commonfabric'; const {{ handler }} = cf; type Cell<T> = cf.Cell<T>; {UPDATER}
            const body = function () {{ return {{ bgUpdater: update({{}}) }}; }};
            export default cf.pattern(body);")),
    ] {
        let compiled = try_out(&[("main.ts", &main), ("other.ts", &other)]);
        assert!(compiled.facts.bg_updater.is_some(), "{main}\n{other}");
    }
}

#[test]
fn what_cannot_be_seen_is_left_to_the_runtime() {
    for body in [
        "export default make();",
        "export default cond ? pattern(() => ({})) : other;",
        "export default pattern(() => ({ ...rest }));",
        "export default pattern(() => ({ [key]: 1 }));",
        "export default pattern(() => make());",
        "export default pattern(fn);",
        "export default pattern(() => { const out = { a: 1 }; out.bgUpdater = update({}); return out; });",
        "export default pattern(() => { if (a) return {}; return make(); });",
        "export default pattern(() => ({ bgUpdater: make() }));",
        "export default pattern(({ bgUpdater }) => ({ bgUpdater }));",
    ] {
        let text = format!("import {{ handler, pattern }} from 'commonfabric'; {body}");
        let program = program_from_files([("main.ts", text)], "main.ts").unwrap();
        compile(&program).unwrap_or_else(|e| panic!("{body}: {e}"));
    }
}
