//! One test per rule of the type analysis, through the text that is injected.

mod calls;
mod defaults;
mod kinds;

use serde_json::Value;

use crate::compile::{CompileOptions, Compiled, compile_with, program_from_files};

const HEAD: &str =
    "import { Cell, Default, handler, pattern, Stream, Writable } from 'commonfabric';\n";

fn compiled(files: &[(&str, &str)]) -> Compiled {
    let program = program_from_files(files.iter().copied(), "main.ts").unwrap();
    compile_with(
        &program,
        &CompileOptions {
            require_bg_updater: false,
        },
    )
    .unwrap_or_else(|e| panic!("{e}"))
}

/// What was injected into `main.ts`, in order.
fn metas(files: &[(&str, &str)]) -> Vec<Value> {
    let compiled = compiled(files);
    let main = compiled
        .modules
        .iter()
        .find(|m| m.specifier == "charm:///main.ts")
        .unwrap();
    main.code
        .match_indices("\"ck:")
        .map(|(at, _)| {
            let mut values = serde_json::Deserializer::from_str(&main.code[at..]).into_iter();
            let text: String = values.next().unwrap().unwrap();
            serde_json::from_str(text.strip_prefix("ck:").unwrap()).unwrap()
        })
        .collect()
}

/// The meta of a handler whose state is `state`, after `declarations`.
fn handler(declarations: &str, state: &str) -> Value {
    let text = format!(
        "{HEAD}{declarations}\nexport const h = handler<unknown, {state}>(() => {{}});\n\
         export default pattern(() => ({{}}));"
    );
    let mut all = metas(&[("main.ts", &text)]);
    all.retain(|m| m["kind"] == "handler");
    all.remove(0)
}

/// The kind of a property of type `ty`; null when it was left out.
fn kind(declarations: &str, ty: &str) -> Value {
    handler(declarations, &format!("{{ p: {ty} }}"))["state"]["p"].clone()
}

/// The default of a pattern's input of type `ty`; null when there is none.
fn default(declarations: &str, ty: &str) -> Value {
    let text =
        format!("{HEAD}{declarations}\nexport default pattern<{{ p: {ty} }}>(() => ({{}}));");
    metas(&[("main.ts", &text)])[0]["defaults"]["p"].clone()
}
