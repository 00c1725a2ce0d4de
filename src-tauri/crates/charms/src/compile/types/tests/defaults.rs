//! Defaults that types state.

use serde_json::{Value, json};

use super::{HEAD, default, kind, metas};

#[test]
fn defaults_of_the_older_and_the_newer_dialect() {
    for (ty, value) in [
        ("Default<string, 'in:INBOX'>", json!("in:INBOX")),
        ("string | Default<''>", json!("")),
        ("number | Default<-7>", json!(-7)),
        ("Default<number, 1.5>", json!(1.5)),
        ("boolean | Default<false>", json!(false)),
        ("string | null | Default<null>", json!(null)),
        ("string[] | Default<[]>", json!([])),
        ("Default<string[], ['a', 'b']>", json!(["a", "b"])),
        ("Default<Record<string, number>, {}>", json!({})),
        (
            "Default<Record<string, 1>, Record<string, never>>",
            json!({}),
        ),
        (
            "Default<{ a: number }, { a: 1, b: [true, { c: 'x' }] }>",
            json!({ "a": 1, "b": [true, { "c": "x" }] }),
        ),
        ("Default<string, `text`>", json!("text")),
        ("Cell<Default<string, 'x'>>", json!("x")),
        ("Writable<string | Default<'y'>>", json!("y")),
        ("Default<unknown[], never[]>", json!([])),
        ("Readonly<{ a: Default<number, 3> }>", json!({ "a": 3 })),
    ] {
        assert_eq!(default("", ty), value, "{ty}");
    }
}

#[test]
fn a_default_that_is_no_literal_is_left_out() {
    for ty in [
        "Default<string, string>",
        "Default<string>",
        "string",
        "Default<'a' | 'b'>",
        "Default<number, 1n>",
        "Default<{ a: 1 }, { a: number }>",
        "string | Default<Missing>",
        "Stream<Default<string, ''>>",
        "Array<Default<string, ''>>",
        "Default<undefined>",
        "Default<string, typeof missing>",
    ] {
        assert_eq!(default("", ty), Value::Null, "{ty}");
    }
}

#[test]
fn defaults_of_properties_complete_those_of_the_object() {
    let decl = "type Settings = { limit: number | Default<10>, query: Default<string, 'q'>, other: string };
        type Auth = { token: Secret<string> | Default<''>, user: { email: string } | Default<{ email: '' }> };
        type Secret<T> = T;";
    assert_eq!(
        default(decl, "Settings"),
        json!({ "limit": 10, "query": "q" })
    );
    assert_eq!(
        default(decl, "Settings | Default<{ limit: 5 }>"),
        json!({ "limit": 5, "query": "q" })
    );
    assert_eq!(
        default(decl, "Default<Settings, {}>"),
        json!({ "limit": 10, "query": "q" })
    );
    assert_eq!(
        default(decl, "Writable<Auth>"),
        json!({ "token": "", "user": { "email": "" } })
    );
    assert_eq!(
        default(decl, "Settings & { more: Default<1, 1> }"),
        json!({ "limit": 10, "query": "q", "more": 1 })
    );
    assert_eq!(
        default(decl, "{ in: Settings }"),
        json!({ "in": { "limit": 10, "query": "q" } })
    );
    assert_eq!(default(decl, "Settings | Auth"), Value::Null);
}

#[test]
fn defaults_may_name_constants_enums_and_aliases() {
    assert_eq!(
        default(
            "const D = { a: 1, b: ['x'] } as const;",
            "Default<{ a: 1 }, typeof D>"
        ),
        json!({ "a": 1, "b": ["x"] })
    );
    assert_eq!(default("const D = 'x';", "Default<string, typeof D>"), "x");
    assert_eq!(
        default("const D = { a: 1 };", "Default<{ a: 1 }, typeof D>"),
        json!({ "a": 1 })
    );
    assert_eq!(
        default(
            "let D = 'x'; D = 'y'; export { D };",
            "Default<string, typeof D>"
        ),
        Value::Null
    );
    assert_eq!(
        default(
            "enum M { Slow = 'slow', Fast = 'fast' }",
            "M | Default<M.Fast>"
        ),
        "fast"
    );
    assert_eq!(default("enum M { A, B = 4, C }", "M | Default<M.C>"), 5);
    assert_eq!(
        default(
            "type None = ''; type Text = string | Default<None>;",
            "Text"
        ),
        ""
    );
    assert_eq!(
        default("interface V { a: 1; b?: 2 }", "Default<{ a: 1 }, V>"),
        json!({ "a": 1 })
    );
}

#[test]
fn types_that_contain_themselves_end() {
    let decl = "type Node = { label: string | Default<'n'>, next: Node, list: Node[] };
        type Tree<T> = { value: T, kids: Tree<T>, own: Default<number, 1> };";
    assert_eq!(default(decl, "Node"), json!({ "label": "n" }));
    assert_eq!(default(decl, "Tree<string>"), json!({ "own": 1 }));
    let main = format!(
        "{HEAD}import type {{ Node }} from './node.ts';
        export default pattern<{{ p: Node }}>(() => ({{}}));"
    );
    let node = "import { Default } from 'commonfabric';
        export type Node = { label: string | Default<'n'>; next: Node };";
    let all = metas(&[("main.ts", &main), ("node.ts", node)]);
    assert_eq!(all[0]["defaults"], json!({ "p": { "label": "n" } }));
    assert_eq!(
        kind(
            "type Json = string | Json[] | { [k: string]: Json };",
            "Json"
        ),
        "plain"
    );
}

#[test]
fn a_type_that_doubles_itself_is_cut_off_soon() {
    let mut decl = String::from("type T0<A> = A | A; type O0<A> = { a: A, b: A };\n");
    for i in 1..32 {
        let below = i - 1;
        decl.push_str(&format!("type T{i}<A> = T{below}<A | A>;\n"));
        decl.push_str(&format!(
            "type O{i}<A> = {{ a: O{below}<A>, b: O{below}<A[]>, c: A }};\n"
        ));
    }
    // Followed to the end, either would take days.
    let started = std::time::Instant::now();
    assert_eq!(kind(&decl, "T31<Cell<1>>"), Value::Null);
    let _ = default(&decl, "O31<Default<1, 1>>");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn cells_made_without_a_value_get_the_default_of_their_type() {
    let text = "import { cell, Cell, Default, pattern, Writable } from 'commonfabric';
        export default pattern(() => {
            const a = new Writable<string | Default<'x'>>();
            const b = Cell.of<Default<number, 3>>();
            const c = cell<Default<number, 3>>(4);
            const d = new Cell<string>();
            return { a, b, c, d };
        });";
    let cells: Vec<_> = metas(&[("main.ts", text)])
        .into_iter()
        .filter(|m| m["kind"] == "cell")
        .collect();
    assert_eq!(
        cells,
        [
            json!({ "kind": "cell", "default": "x" }),
            json!({ "kind": "cell", "default": 3 })
        ]
    );
}
