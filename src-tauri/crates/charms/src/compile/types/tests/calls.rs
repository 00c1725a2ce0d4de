//! Which calls are recognised, and what is told about them.

use serde_json::{Value, json};

use super::{HEAD, compiled, metas};

#[test]
fn a_shadowed_name_is_not_the_frameworks() {
    let text = "import { handler, pattern } from 'commonfabric';
        type Cell<T> = { value: T };
        export const h = handler<unknown, { p: Cell<string> }>(() => {});
        export default pattern(() => ({}));";
    assert_eq!(
        metas(&[("main.ts", text)])[0]["state"],
        json!({ "p": "plain" })
    );
    let inner = format!(
        "{HEAD}export function make<T>() {{
            type Stream<E> = E[];
            return handler<unknown, {{ a: T, b: Stream<1>, c: Cell<1> }}>(() => {{}});
        }}
        export default pattern(() => ({{}}));"
    );
    assert_eq!(
        metas(&[("main.ts", &inner)])[0]["state"],
        json!({ "b": "plain", "c": "cell" })
    );
    let local = "const handler = (f: unknown) => f; handler(1);
        import { pattern } from 'commonfabric'; export default pattern(() => ({}));";
    assert_eq!(metas(&[("main.ts", local)]).len(), 1);
}

#[test]
fn renamed_namespaced_and_handed_on_names_are_recognised() {
    let text = "import * as cf from 'commonfabric';
        import { handler as make } from 'commonfabric';
        import { H, type C } from './names.ts';
        export const a = make<unknown, { p: cf.Cell<1> }>(() => {});
        export const b = H<unknown, { p: C<1>, q: cf.Stream<1> }>(() => {});
        export default cf.pattern(() => ({}));";
    let names = "export { handler as H } from 'commontools'; export * from './more.ts';";
    let more = "export type { Writable as C } from 'commontools';";
    let all = metas(&[("main.ts", text), ("names.ts", names), ("more.ts", more)]);
    assert_eq!(
        all[0],
        json!({ "kind": "handler", "state": { "p": "cell" }, "name": "a" })
    );
    assert_eq!(all[1]["state"], json!({ "p": "cell", "q": "stream" }));
    assert_eq!(all[2]["kind"], "pattern");
}

#[test]
fn types_are_followed_across_files_including_cycles() {
    let main = format!(
        "{HEAD}import type {{ State }} from './types.ts';
        export const h = handler<unknown, State>(() => {{}});
        export default pattern(() => ({{}}));"
    );
    let types = "import type { Auth } from './auth'; import { Cell } from 'commonfabric';
        export interface State { auth: Cell<Auth>; next: State | null; back: Back }
        export type Back = Auth['cell'];";
    let auth = "import type { Back } from './types'; import { Cell } from 'commonfabric';
        export type Auth = { cell: Cell<string>; back: Back };";
    let files = [
        ("main.ts", main.as_str()),
        ("types.ts", types),
        ("auth.ts", auth),
    ];
    assert_eq!(
        metas(&files)[0]["state"],
        json!({ "auth": "cell", "next": "plain", "back": "cell" })
    );
    // Files that only give types are not needed at run time.
    assert_eq!(compiled(&files).modules.len(), 1);
}

#[test]
fn kinds_come_from_parameters_where_no_type_arguments_are_given() {
    let text = format!(
        "{HEAD}
        export const a = handler((_: unknown, {{ p }}: {{ p: Cell<1> }}) => p);
        export const b = handler(named);
        function named(_: unknown, s: {{ q: Stream<1> }}) {{ return s; }}
        export const c = handler<unknown>((_, s: {{ r: Writable<1> }}) => s);
        export const d = handler({{}}, {{}}, (_, s) => s);
        export default pattern(({{ x }}: {{ x: Cell<1>, y: number | Default<2> }}) => ({{ x }}));"
    );
    let all = metas(&[("main.ts", &text)]);
    assert_eq!(all[0]["state"], json!({ "p": "cell" }));
    assert_eq!(all[1]["state"], json!({ "q": "stream" }));
    assert_eq!(all[2]["state"], json!({ "r": "cell" }));
    assert_eq!(all[3], json!({ "kind": "handler", "name": "d" }));
    assert_eq!(all[4]["inputs"], json!({ "x": "cell", "y": "plain" }));
    assert_eq!(all[4]["defaults"], json!({ "y": 2 }));
}

#[test]
fn names_of_handlers_come_from_where_they_are_kept() {
    let text = format!(
        "{HEAD}
        export const first = (handler(() => {{}}) as unknown);
        export const all = {{ second: handler(() => {{}}), 'third': handler(() => {{}}) }};
        handler(function fourth() {{}});
        handler(() => {{}});
        export default pattern(() => ({{}}));"
    );
    let names: Vec<_> = metas(&[("main.ts", &text)])
        .into_iter()
        .filter(|m| m["kind"] == "handler")
        .map(|m| m["name"].clone())
        .collect();
    assert_eq!(
        names,
        [
            json!("first"),
            json!("second"),
            json!("third"),
            json!("fourth"),
            Value::Null
        ]
    );
}

#[test]
fn tags_and_description_come_from_the_result_type() {
    let doc = |text: &str| {
        let meta = metas(&[("main.ts", &format!("{HEAD}{text}"))])
            .pop()
            .unwrap();
        (meta["tags"].clone(), meta["description"].clone())
    };
    let named = "/** Wrong #wrong */ type In = {};
        /**
         * Reads mail. Every minute.
         * #gmailEmails #mail-box
         */
        export interface Output { /** #inner */ a: 1 }
        export default pattern<In, Output>(() => ({ a: 1 }));";
    assert_eq!(
        doc(named),
        (json!(["gmailEmails", "mail"]), json!("Reads mail."))
    );
    let alias = "/** First. #one */ interface A {} type B = A;
        export default pattern<{}, B>(() => ({}));";
    assert_eq!(doc(alias), (json!(["one"]), json!("First.")));
    let inline = "export default pattern<{}, /** Here. #two */ { a: 1 }>(() => ({ a: 1 }));";
    assert_eq!(doc(inline), (json!(["two"]), json!("Here.")));
    let returned = "/** #three */ type R = {}; export default pattern((i: {}): R => i);";
    assert_eq!(doc(returned).0, json!(["three"]));
    let none = "// #no\n/* #no */ interface O {} export default pattern<{}, O>(() => ({}));";
    assert_eq!(doc(none), (json!([]), Value::Null));
}
