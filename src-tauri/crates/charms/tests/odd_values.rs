//! What charms do to cells and to their handlers that nobody expects: each is a
//! right value, or a failed run with a sentence that says what is wrong.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod js_support;

use charmkeeper_charms::testing::Evaluated;
use js_support::{argument, compile_and_run, lines};
use serde_json::json;

/// A charm whose update has this body; `any` and `n` are cells, `other` a stream.
fn run(body: &str) -> Evaluated {
    let text = format!(
        "const update = handler<unknown, {{ n: Writable<number>; any: Writable<any>; other: Stream<any> }}>(async (_event, {{ n, any, other }}) => {{ {body} }});
        export default pattern(() => {{
          const n = new Writable<number>(0).for('n');
          const any = new Writable<any>(null).for('any');
          const other = action(() => {{ n.set(n.get() + 1); }});
          return {{ n, any, bgUpdater: update({{ n, any, other }}) }};
        }});"
    );
    compile_and_run(&text, argument(json!({})))
}

#[test]
fn values_are_stored_as_json_has_them() {
    let cases = [
        (
            "{ a: NaN, b: [Infinity, -Infinity], c: -0 }",
            r#"{"a":null,"b":[null,null],"c":0}"#,
        ),
        (
            "{ a: new Date(0), b: new Date(NaN) }",
            r#"{"a":"1970-01-01T00:00:00.000Z","b":null}"#,
        ),
        ("{ a: undefined, b: [undefined, 1] }", r#"{"b":[null,1]}"#),
        (
            "{ a: new String('x'), b: new Number(3), c: new Boolean(false) }",
            r#"{"a":"x","b":3,"c":false}"#,
        ),
        ("{ [Symbol('x')]: 1, y: 2 }", r#"{"y":2}"#),
        (
            "new (class { x = 1; #y = 2; get z() { return 3; } })()",
            r#"{"x":1}"#,
        ),
        (
            "(() => { let k = 0; return { get a() { return ++k; } }; })()",
            r#"{"a":1}"#,
        ),
        (
            "new Proxy({ a: 1 }, { get: (t: any, k) => (k === 'a' ? 5 : t[k]) })",
            r#"{"a":5}"#,
        ),
    ];
    for (value, stored) in cases {
        let seen = run(&format!(
            "any.set({value}); console.log(JSON.stringify(any.get()));"
        ));
        assert_eq!(lines(&seen).last(), Some(&stored), "{value}");
    }
}

#[test]
fn what_no_cell_can_hold_is_refused_with_its_place() {
    let cases = [
        (
            "any.set({ a: { b: 5n } });",
            "A BigInt (store text instead) cannot be stored in a cell at a.b",
        ),
        (
            "any.set({ a: Object(5n) });",
            "A BigInt (store text instead) cannot be stored in a cell at a",
        ),
        (
            "any.set({ a: new Map() });",
            "A Map (store an array of pairs instead) cannot be stored in a cell at a",
        ),
        (
            "any.set({ a: Promise.resolve(1) });",
            "A Promise (store what it resolves to (is an await missing?) instead) cannot be stored in a cell at a",
        ),
        (
            "any.set({ a: () => 1 });",
            "A function cannot be stored in a cell at a",
        ),
        (
            "any.set({ a: Symbol('x') });",
            "A symbol cannot be stored in a cell at a",
        ),
        (
            "const o: any = { a: {} }; o.a.b = o; any.set(o);",
            "An object that contains itself cannot be stored in a cell at a.b",
        ),
        (
            "let o: any = {}; for (let i = 0; i < 100000; i++) o = { o }; any.set(o);",
            "A value that is nested more than 100 levels deep cannot be stored in a cell at o.o.o",
        ),
        (
            "const p = (): any => new Proxy({}, { ownKeys: () => ['x'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (_t, k) => (k === 'x' ? p() : undefined) }); any.set(p());",
            "A value that is nested more than 100 levels deep cannot be stored in a cell at x.x.x",
        ),
        ("any.set({ get a() { throw new Error('no'); } });", "no"),
        (
            "any.set(JSON.parse('{\"__proto__\": 1}'));",
            "A property named __proto__ cannot be stored in a cell",
        ),
    ];
    for (body, wanted) in cases {
        let report = run(body).report();
        assert_eq!(report["error"]["message"], wanted, "{body}");
        assert_eq!(report["changes"], json!([]));
    }
    // What is as deep as a document may be is stored.
    let seen = run(
        "let o: any = 1; for (let i = 0; i < 99; i++) o = { o }; any.set(o); console.log('stored');",
    );
    assert_eq!(lines(&seen), ["stored"]);
}

#[test]
fn whatever_is_thrown_fails_the_run_with_a_sentence() {
    let cases = [
        (
            "throw 'just text';",
            "The charm threw \"just text\", which is not an Error",
        ),
        (
            "throw undefined;",
            "The charm threw undefined, which is not an Error",
        ),
        ("throw null;", "The charm threw null, which is not an Error"),
        (
            "await Promise.reject();",
            "The charm threw undefined, which is not an Error",
        ),
        (
            "const kept = Promise.reject(new Error('stored')); (globalThis as any).kept = kept; n.set(1);",
            "stored",
        ),
        (
            "other.send({}, () => { throw new Error('in commit'); });",
            "in commit",
        ),
        (
            "other.send({}, async () => { await null; throw new Error('after commit'); });",
            "after commit",
        ),
        (
            "return { then(_ok: any, no: any) { no(new Error('thenable')); } } as any;",
            "thenable",
        ),
        (
            "const f = (x: number): number => f(x + 1) + 1; n.set(f(0));",
            "Maximum call stack size exceeded",
        ),
        (
            "throw new Error('\\x1b[31mred\\n\\u202Eevil');",
            "\\u001b[31mred\n\\u202eevil",
        ),
    ];
    for (body, wanted) in cases {
        let report = run(body).report();
        assert_eq!(report["ending"], "error", "{body}");
        assert_eq!(report["error"]["message"], wanted, "{body}");
    }
    let seen = run(
        "const kept = Promise.reject(new Error('stored')); await new Promise((r) => setTimeout(r, 5)); try { await kept; } catch { n.set(2); }",
    );
    assert_eq!(seen.report()["ending"], "ok", "handled late is handled");
    let seen = run(
        "other.send({}, () => { other.send({}, () => { console.log('second', n.get()); }); });",
    );
    assert_eq!(lines(&seen), ["second 2"]);
    let seen = run("console.log('\\x07a\\tb\\r\\nc');");
    assert_eq!(lines(&seen), ["\\u0007a\tb\r\nc"]);
}
