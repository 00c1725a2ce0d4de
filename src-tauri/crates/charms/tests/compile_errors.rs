//! What is wrong with a charm is said in one sentence, with its place.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use charmkeeper_base::{ErrorKind, Explain};
use charmkeeper_charms::compile::{
    CompileError, CompileOptions, Diagnostic, compile, compile_with, program_from_files,
};

const IMPORTS: &str = "import { cell, handler, pattern, Cell } from 'commonfabric';\n";

fn faults_of(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let program = program_from_files(files.iter().copied(), files[0].0).unwrap();
    match compile(&program) {
        Err(CompileError::Diagnostics(all)) => all,
        other => panic!("{other:?}"),
    }
}

/// The one fault of a file that begins with the usual imports on line 1.
fn fault(body: &str) -> Diagnostic {
    let all = faults_of(&[("main.tsx", &format!("{IMPORTS}{body}"))]);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

fn at(d: &Diagnostic) -> (u32, u32) {
    (d.line, d.column)
}

#[test]
fn syntax_errors_have_a_place_and_the_line() {
    let d = fault("export default pattern(() => {\n  const a = ;\n});");
    assert_eq!(at(&d), (3, 13));
    assert_eq!(d.text, "  const a = ;");
    assert!(d.to_string().starts_with("main.tsx:3:13: "), "{d}");
    assert_eq!(d.render().lines().nth(2), Some("    |             ^"));
    let d = fault("export default pattern(() => ({ a: <b>{1}</c> }));");
    assert_eq!(d.line, 2);
    assert!(d.message.ends_with('.'), "{}", d.message);
    let d = &faults_of(&[("main.ts", "let \u{e9}\u{1f600} = 'x"), ("b.ts", "")])[0];
    assert_eq!((d.file.as_str(), d.line), ("main.ts", 1));
}

#[test]
fn names_that_the_grammar_forbids_are_found_before_running() {
    assert_eq!(
        at(&fault(
            "const a = 1; const a = 2; export default pattern(() => ({}));"
        ))
        .0,
        2
    );
    assert_eq!(
        at(&fault("export default pattern(() => { await x; });")).0,
        2
    );
    assert_eq!(
        fault("export = pattern(() => ({}));").message,
        "This charm has no default export."
    );
}

#[test]
fn what_the_engine_does_not_know_is_refused() {
    let d = fault("@sealed class A {}\nexport default pattern(() => ({ bgUpdater: f(A) }));");
    assert_eq!(
        (at(&d), d.message.as_str()),
        ((2, 1), "Decorators cannot be used in a charm.")
    );
    let d = fault("export declare global {}\nexport default pattern(() => ({ bgUpdater: f() }));");
    assert_eq!(d.message, "A global declaration cannot be exported.");
}

#[test]
fn a_fault_in_any_file_names_that_file() {
    let main = format!("{IMPORTS}import './util/x.ts'; export default pattern(() => ({{}}));");
    let all = faults_of(&[("app/main.tsx", &main), ("app/util/x.ts", "\n\n  }")]);
    assert_eq!(all[0].place().to_string(), "app/util/x.ts:3:3");
}

#[test]
fn unknown_imports_say_what_there_is() {
    let d = fault(
        "import lodash from 'lodash';\nexport default pattern(() => ({ bgUpdater: lodash }));",
    );
    assert_eq!(at(&d), (2, 20));
    assert_eq!(d.message, "There is no module named \"lodash\" here.");
    let hint = d.hint.unwrap();
    for name in [
        "commonfabric",
        "commontools",
        "commonfabric/schema",
        "commontools/schema",
    ] {
        assert!(hint.contains(&format!("\"{name}\"")), "{hint}");
    }
    // Unused, for its effect, handed on, at run time: all are needed.
    for import in [
        "import x from 'npm:x';",
        "import 'x';",
        "export * from 'x';",
        "export { y } from 'x';",
        "const l = () => import('x');",
        "import { type A, b } from 'x';",
    ] {
        let d = fault(&format!(
            "{import}\nexport default pattern(() => ({{ bgUpdater: f() }}));"
        ));
        assert!(
            d.message.starts_with("There is no module named"),
            "{import}: {d}"
        );
        assert_eq!(d.line, 2);
    }
    // Types alone are not.
    for import in [
        "import type X from 'x';",
        "import { type X } from 'x';",
        "import { X } from 'x';",
        "export type { Y } from 'x'; type X = 1;",
        "export type * from 'x'; type X = 1;",
    ] {
        let text =
            format!("{IMPORTS}{import}\nexport default pattern<X>(() => ({{ bgUpdater: f() }}));");
        let program = program_from_files([("main.ts", text)], "main.ts").unwrap();
        compile(&program).unwrap_or_else(|e| panic!("{import}: {e}"));
    }
}

#[test]
fn files_that_are_missing_or_outside_are_named() {
    let d = fault(
        "import { a } from './util/gone';\nexport default pattern(() => ({ bgUpdater: a }));",
    );
    assert_eq!(at(&d), (2, 19));
    assert_eq!(
        d.message,
        "\"./util/gone\" was not found: there is no util/gone."
    );
    assert!(d.hint.unwrap().contains("util/gone.tsx, util/gone.ts"));
    let d =
        fault("import { a } from '../x.ts';\nexport default pattern(() => ({ bgUpdater: a }));");
    assert_eq!(d.message, "\"../x.ts\" leads out of the charm's folder.");
    let d =
        fault("import a from './data.json';\nexport default pattern(() => ({ bgUpdater: a }));");
    assert!(d.message.contains("was not found"), "{d}");
}

#[test]
fn a_module_that_a_comment_asks_for_is_checked_too() {
    let text = format!(
        "/** @jsxImportSource react */\n{IMPORTS}export default pattern(() => ({{ bgUpdater: f(), a: <b/> }}));"
    );
    let all = faults_of(&[("main.tsx", &text)]);
    assert_eq!(
        all[0].message,
        "There is no module named \"react/jsx-runtime\" here."
    );
}

#[test]
fn the_default_export_must_be_a_pattern() {
    let d = fault("export const a = pattern(() => ({}));");
    assert_eq!(
        (at(&d), d.message.as_str()),
        ((1, 1), "This charm has no default export.")
    );
    for (body, what, place) in [
        ("export default 5;", "a number", (2, 16)),
        ("export default { a: 1 };", "an object", (2, 16)),
        ("export default () => 1;", "a function", (2, 16)),
        ("export default function f() {}", "a function", (2, 16)),
        ("export default function () {}", "a function", (2, 16)),
        ("export default class {}", "a class", (2, 16)),
        (
            "const a = 'x' as const;\nexport default a;",
            "a string",
            (2, 11),
        ),
        (
            "const a = handler(() => {});\nexport { a as default };",
            "a handler",
            (2, 11),
        ),
        ("export default cell(1);", "a cell", (2, 16)),
        ("export default <div/>;", "an element", (2, 16)),
    ] {
        let d = fault(body);
        assert_eq!(
            d.message,
            format!("The default export is {what}, not a pattern."),
            "{body}"
        );
        assert_eq!(at(&d), place, "{body}");
    }
    let all = faults_of(&[
        ("main.ts", "import x from './x.ts'; export default x;"),
        ("x.ts", "\nconst x = [1]; export default x;"),
    ]);
    assert_eq!(
        all[0].to_string(),
        "x.ts:2:11: The default export is an array, not a pattern."
    );
}

#[test]
fn a_missing_bg_updater_is_found_where_the_result_is() {
    for (body, place) in [
        ("export default pattern(() => ({ a: 1 }));", (2, 31)),
        (
            "export default pattern(() => {\n  return { a: 1 };\n});",
            (3, 10),
        ),
        (
            "export default pattern(function () { return {}; });",
            (2, 45),
        ),
        (
            "function body() { return {}; }\nexport default pattern(body);",
            (2, 26),
        ),
        (
            "const body = () => ({});\nexport default pattern(body);",
            (2, 21),
        ),
        ("export default pattern(() => {});", (2, 24)),
        (
            "export default pattern(() => { const f = () => { return { bgUpdater: 1 }; }; return { f }; });",
            (2, 85),
        ),
        ("export default pattern(() => 5);", (2, 30)),
    ] {
        let d = fault(body);
        assert_eq!(d.message, "The pattern returns no bgUpdater.", "{body}");
        assert_eq!(at(&d), place, "{body}");
        assert!(d.hint.is_some());
        let program =
            program_from_files([("main.tsx", format!("{IMPORTS}{body}"))], "main.tsx").unwrap();
        let relaxed = compile_with(
            &program,
            &CompileOptions {
                require_bg_updater: false,
            },
        );
        assert_eq!(relaxed.unwrap().facts.bg_updater, None, "{body}");
    }
}

#[test]
fn a_tagged_charm_may_have_no_updater_and_the_place_is_known() {
    let text = |doc: &str| {
        format!(
            "{IMPORTS}/** {doc} */\ninterface Output {{ auth: {{}} }}\n\
             export default pattern<{{}}, Output>(() => ({{ auth: {{}} }}));"
        )
    };
    let of = |doc: &str| program_from_files([("main.tsx", text(doc))], "main.tsx").unwrap();
    let facts = compile(&of("A sign-in. #auth")).unwrap().facts;
    let place = facts.no_bg_updater.unwrap();
    assert_eq!((place.line, place.column), (4, 43));
    assert_eq!(facts.bg_updater, None);
    // Nobody would find it: it is refused.
    let refused = compile(&of("A sign-in.")).unwrap_err();
    assert_eq!(
        refused.diagnostics()[0].message,
        "The pattern returns no bgUpdater."
    );
}

#[test]
fn a_bg_updater_that_can_be_no_stream_is_an_error() {
    for (value, what) in [
        ("5", "a number"),
        ("'x'", "a string"),
        ("`x${1}`", "a string"),
        ("[1]", "an array"),
        ("{ a: 1 }", "an object"),
        ("() => 1", "a function"),
        ("async function () {}", "a function"),
        ("null", "null"),
        ("undefined", "undefined"),
        ("true", "a boolean"),
        ("/x/", "a regular expression"),
        ("<a/>", "an element"),
        ("class {}", "a class"),
        ("(5 as any)!", "a number"),
        ("cell(1)", "a cell"),
        ("pattern(() => ({}))", "a pattern"),
        ("update", "a handler that was not given its state"),
        (
            "handler(() => {})",
            "a handler that was not given its state",
        ),
        ("named", "a function"),
    ] {
        let d = fault(&format!(
            "const update = handler(() => {{}}); function named() {{}}\nexport default pattern(() => ({{ bgUpdater: {value} }}));"
        ));
        assert_eq!(
            d.message,
            format!("bgUpdater is {what}, not a stream."),
            "{value}"
        );
        assert_eq!(at(&d), (3, 33), "{value}");
    }
    let d = fault(
        "const n = 5;\nexport default pattern(() => { const bgUpdater = n; return { bgUpdater }; });",
    );
    assert_eq!(d.message, "bgUpdater is a number, not a stream.");
    let d = fault("export default pattern(() => ({ bgUpdater() {} }));");
    assert_eq!(d.message, "bgUpdater is a function, not a stream.");
    let d = fault(
        "export default pattern(() => { if (a) return { bgUpdater: f() }; return { bgUpdater: 1 }; });",
    );
    assert_eq!(d.message, "bgUpdater is a number, not a stream.");
}

#[test]
fn several_faults_are_all_reported_in_order() {
    let main = "import 'b'; import 'a';\nimport './x.ts'; export default 1;";
    let all = faults_of(&[("main.ts", main), ("x.ts", "import 'c';")]);
    let places: Vec<_> = all.iter().map(|d| d.place().to_string()).collect();
    assert_eq!(
        places,
        ["main.ts:1:8", "main.ts:1:20", "main.ts:2:33", "x.ts:1:8"]
    );
    let program =
        program_from_files([("main.ts", main), ("x.ts", "import 'c';")], "main.ts").unwrap();
    let error = compile(&program).unwrap_err();
    assert_eq!(
        error.to_string(),
        "main.ts:1:8: There is no module named \"b\" here. (and 3 more)"
    );
    assert_eq!(error.kind(), ErrorKind::Charm);
    assert!(error.hint().is_some());
}
