//! Cells, streams and data.

use serde_json::{Value, json};

use super::{handler, kind};

#[test]
fn handles_of_both_dialects_are_told_apart_from_data() {
    for ty in [
        "Cell<string>",
        "Writable<string[]>",
        "Writable<{ a: Cell<number> }>",
        "(Cell<1>)",
    ] {
        assert_eq!(kind("", ty), "cell", "{ty}");
    }
    for ty in ["Stream<void>", "Stream<{ a: 1 }>"] {
        assert_eq!(kind("", ty), "stream", "{ty}");
    }
    for ty in [
        "string",
        "boolean",
        "null",
        "'a' | 'b'",
        "string[]",
        "Array<Cell<string>>",
        "[number, 1]",
        "{ a: string }",
        "Record<string, number>",
        "Date",
        "() => void",
        "`a${string}`",
        "keyof Date",
        "readonly string[]",
        "{ [K in 'a']: Cell<1> }",
    ] {
        assert_eq!(kind("", ty), "plain", "{ty}");
    }
}

#[test]
fn what_cannot_be_known_is_left_out() {
    for ty in [
        "any",
        "unknown",
        "Missing",
        "Cell<1> | string",
        "Cell<1> | Stream<1>",
        "Missing & { a: 1 }",
        "string extends infer X ? X : 1",
        "typeof globalThis",
        "Readonly<Cell<string>>",
        "import('./x').T",
        "Cell<1> & Stream<1>",
    ] {
        assert_eq!(kind("", ty), Value::Null, "{ty}");
    }
    assert_eq!(
        kind("import type { T } from './gone.ts';", "T"),
        Value::Null
    );
    assert_eq!(kind("type A = B; type B = A;", "A"), Value::Null);
    assert_eq!(kind("type A<T> = A<T[]>;", "A<string>"), Value::Null);
    assert_eq!(handler("", "any")["state"], Value::Null);
    assert_eq!(handler("", "Missing")["state"], Value::Null);
}

#[test]
fn nothing_and_defaults_beside_a_type_do_not_change_its_kind() {
    assert_eq!(kind("", "Cell<string> | null"), "cell");
    assert_eq!(kind("", "Stream<void> | undefined | void"), "stream");
    assert_eq!(kind("", "string | Default<''>"), "plain");
    assert_eq!(kind("", "Default<string, ''>"), "plain");
    assert_eq!(kind("", "Default<Cell<string>, ''>"), "cell");
    assert_eq!(kind("", "Default<'x'>"), "plain");
    assert_eq!(kind("", "Cell<1> | Writable<2> | null"), "cell");
}

#[test]
fn aliases_interfaces_and_generics_are_followed() {
    assert_eq!(kind("type A = B; type B = Cell<1>;", "A"), "cell");
    assert_eq!(
        kind(
            "type S<T> = Writable<T> & { sync(): Promise<void> };",
            "S<string[]>"
        ),
        "cell"
    );
    assert_eq!(kind("type Id<T> = T;", "Id<Stream<1>>"), "stream");
    assert_eq!(kind("type D<T = Cell<1>> = T;", "D"), "cell");
    assert_eq!(
        kind("type P<A, B> = A | B | null;", "P<Cell<1>, Writable<1>>"),
        "cell"
    );
    assert_eq!(
        kind("interface I extends Cell<string> { extra: 1 }", "I"),
        "cell"
    );
    assert_eq!(kind("interface I { a: Cell<1> }", "I"), "plain");
    assert_eq!(
        kind("interface I extends Missing { a: 1 }", "I"),
        Value::Null
    );
    assert_eq!(kind("enum E { A } ", "E"), "plain");
    assert_eq!(kind("class C {}", "C"), "plain");
    assert_eq!(kind("type O = { x: Cell<1> };", "O['x']"), "cell");
    assert_eq!(kind("", "Array<Cell<1>>[number]"), Value::Null);
    assert_eq!(kind("", "Cell<1>[][number]"), "cell");
}

#[test]
fn utility_types_pick_and_change_properties() {
    let decl = "type O = { a: Cell<1>, b: string, c?: Stream<1> };";
    let state = |ty: &str| handler(decl, ty)["state"].clone();
    assert_eq!(
        state("Pick<O, 'a' | 'b'>"),
        json!({ "a": "cell", "b": "plain" })
    );
    assert_eq!(
        state("Omit<O, 'a'>"),
        json!({ "b": "plain", "c": "stream" })
    );
    assert_eq!(state("Partial<Readonly<Required<O>>>")["c"], "stream");
    assert_eq!(
        state("Record<'x' | 'y', Cell<1>>"),
        json!({ "x": "cell", "y": "cell" })
    );
    assert_eq!(
        state("{ [K in keyof O]: O[K] }"),
        json!({ "a": "cell", "b": "plain", "c": "stream" })
    );
    assert_eq!(state("O & { d: Cell<1> }")["d"], "cell");
    assert_eq!(state("O | null")["a"], "cell");
    assert_eq!(state("O | { z: 1 }"), Value::Null);
}

#[test]
fn a_part_that_is_not_known_makes_plain_uncertain_but_not_cells() {
    let state = handler("", "{ a: Cell<1>, b: string } & Missing")["state"].clone();
    assert_eq!(state, json!({ "a": "cell" }));
    let both = handler("", "{ a: Cell<1>, b: string } & { b: Cell<string> }")["state"].clone();
    assert_eq!(both, json!({ "a": "cell", "b": "cell" }));
}

#[test]
fn interfaces_inherit_override_and_merge() {
    let decl = "interface Base { a: Cell<1>; b: string }
        interface I extends Base { b: Stream<1> }
        interface I { c: Writable<1> }
        interface G<T> extends Base { d: T }";
    assert_eq!(
        handler(decl, "I")["state"],
        json!({ "a": "cell", "b": "stream", "c": "cell" })
    );
    assert_eq!(handler(decl, "G<Stream<1>>")["state"]["d"], "stream");
}

#[test]
fn cells_inside_other_data_are_named_with_their_path() {
    let decl = "type Email = { id: string };
        type S<T> = Writable<T> & { sync(): void };
        type Piece = { auth: Cell<Email>, refresh: Stream<1>, parts: Cell<1>[] };
        interface Tree { cell: Cell<1>; kids: Tree[] }";
    let inside = |ty: &str| handler(decl, &format!("{{ p: {ty} }}"))["inside"]["p"].clone();
    assert_eq!(
        inside("S<Array<Writable<Email>>>"),
        json!([{ "path": ["*"], "kind": "cell" }])
    );
    assert_eq!(
        inside("Piece | null"),
        json!([
            { "path": ["auth"], "kind": "cell" },
            { "path": ["refresh"], "kind": "stream" },
            { "path": ["parts", "*"], "kind": "cell" },
        ])
    );
    assert_eq!(inside("Cell<Email>"), Value::Null);
    assert_eq!(
        inside("Tree")[0],
        json!({ "path": ["cell"], "kind": "cell" })
    );
    assert_eq!(inside("Cell<Email[] | Default<[]>>"), Value::Null);
}
