//! Charms with reactive code, and what they are compiled to.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; each binary uses its own part"
)]

use charmkeeper_charms::compile::{CompileOptions, Compiled, compile_with, program_from_files};

/// The names that most charms import.
const IMPORTS: &str = "import { action, cell, computed, derive, handler, ifElse, lift, navigateTo, pattern, recipe, str, wish, equals, patternTool, Cell, Default, NAME, Stream, UI, Writable } from 'commonfabric';\n";

/// Compiles files, the first of which is the entry.
pub fn compiled(files: &[(&str, &str)]) -> Compiled {
    let program = program_from_files(files.iter().copied(), files[0].0).unwrap();
    let options = CompileOptions {
        require_bg_updater: false,
    };
    compile_with(&program, &options).unwrap_or_else(|e| panic!("{e}"))
}

/// The code of a main file with the usual imports, in one line, with one space
/// where there is space, and without what surrounds it.
pub fn code(body: &str) -> String {
    let text = format!("{IMPORTS}{body}");
    let mut all = compiled(&[("main.tsx", &text)]).modules;
    one_line(&all.remove(0).code)
}

/// Code in one line, with the helpers' module as `$`.
pub fn one_line(code: &str) -> String {
    let mut line = String::new();
    for word in code.split_whitespace() {
        line.push_str(word);
        line.push(' ');
    }
    line.replace("__ck.", "$")
}

/// Compiles statements in the body of a pattern with inputs of every kind.
pub fn body(statements: &str) -> String {
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

/// Asserts that the output holds a piece of code.
#[track_caller]
pub fn has(out: &str, wanted: &str) {
    assert!(out.contains(wanted), "{wanted}\nin\n{out}");
}
