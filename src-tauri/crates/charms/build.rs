//! Joins the JavaScript modules of `js/` into the one script that is embedded.
//!
//! Why not embed them one by one: deno_core instantiates every embedded module
//! on its own, and the QuickJS binding then asks again for the imports of all
//! modules below it. With 33 modules that is 6 of 12 ms of every start, and
//! deno_core's debug assertion on import edges fails as soon as two modules
//! import each other's neighbours in another order than they are listed.
//! Why a script: of a module's text the engine keeps four copies for good.
//!
//! Each module becomes a function that is called once and gives its exports;
//! its imports become constants. Understands the plain forms of `import` and
//! `export` at the beginning of a line and refuses the rest. Never minifies:
//! what is embedded can be read.

use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path};

const ENTRY: &str = "rt.js";
const PREFIX: &str = "ext:ck/";

type Failure = Box<dyn Error>;

/// A module taken apart.
struct Module {
    /// Names of the files it imports, in order.
    imports: Vec<String>,
    /// Constants that stand for its imports, then its own lines.
    body: String,
    /// Exported name and local name.
    exports: Vec<(String, String)>,
}

fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-changed=js");
    let folder = Path::new("js");
    let mut modules = BTreeMap::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default()
            .to_owned();
        if name.ends_with(".js") {
            let module =
                take_apart(&fs::read_to_string(&path)?).map_err(|e| format!("{name}: {e}"))?;
            modules.insert(name, module);
        }
    }
    let mut order = Vec::new();
    place(ENTRY, &modules, &mut Vec::new(), &mut order)?;
    if let Some(unused) = modules.keys().find(|name| !order.contains(name)) {
        return Err(format!("js/{unused} is imported by nothing").into());
    }
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join(ENTRY), join(&order, &modules)?)?;
    Ok(())
}

/// Puts a module behind everything it imports. Import circles are refused.
fn place(
    name: &str,
    modules: &BTreeMap<String, Module>,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
) -> Result<(), Failure> {
    if order.iter().any(|done| done == name) {
        return Ok(());
    }
    if path.iter().any(|above| above == name) {
        return Err(format!(
            "imports go round in a circle: {} and {name}",
            path.join(", ")
        )
        .into());
    }
    let module = modules
        .get(name)
        .ok_or_else(|| format!("there is no js/{name}"))?;
    path.push(name.to_owned());
    for import in &module.imports {
        place(import, modules, path, order)?;
    }
    path.pop();
    order.push(name.to_owned());
    Ok(())
}

fn take_apart(source: &str) -> Result<Module, Failure> {
    let mut module = Module {
        imports: vec![],
        body: String::new(),
        exports: vec![],
    };
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("import ") {
            let mut statement = line.to_owned();
            while !statement.ends_with(';') {
                statement.push(' ');
                statement.push_str(lines.next().ok_or("an import without an end")?.trim());
            }
            import(&statement, &mut module)?;
        } else if let Some(rest) = line.strip_prefix("export ") {
            export(rest, &mut module)?;
        } else {
            module.body.push_str(line);
            module.body.push('\n');
        }
    }
    Ok(module)
}

/// `import "x";`, `import * as a from "x";` or `import { a, b as c } from "x";`.
fn import(statement: &str, module: &mut Module) -> Result<(), Failure> {
    let refused = || format!("this form of import is not known: {statement}");
    let from = statement.split('"').nth(1).ok_or_else(refused)?;
    let file = from.strip_prefix(PREFIX).ok_or_else(refused)?;
    module.imports.push(file.to_owned());
    let what = statement
        .trim_start_matches("import ")
        .split(" from ")
        .next()
        .unwrap_or_default();
    let variable = variable(file);
    if let Some(name) = what.strip_prefix("* as ") {
        writeln!(module.body, "const {name} = {variable};")?;
    } else if what.starts_with('{') {
        writeln!(
            module.body,
            "const {} = {variable};",
            what.replace(" as ", ": ")
        )?;
    } else if !what.starts_with('"') {
        return Err(refused().into());
    }
    Ok(())
}

fn export(rest: &str, module: &mut Module) -> Result<(), Failure> {
    if let Some(list) = rest.strip_prefix("{ ").and_then(|r| r.strip_suffix(" };")) {
        for item in list.split(", ") {
            let (local, exported) = item.split_once(" as ").unwrap_or((item, item));
            module.exports.push((exported.to_owned(), local.to_owned()));
        }
        return Ok(());
    }
    let declared = ["async function ", "function ", "class ", "const "]
        .iter()
        .find_map(|keyword| rest.strip_prefix(keyword))
        .ok_or_else(|| format!("this form of export is not known: {rest}"))?;
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$');
    let name = declared.split(end).next().filter(|name| !name.is_empty());
    let name = name
        .ok_or_else(|| format!("this export has no name: {rest}"))?
        .to_owned();
    module.exports.push((name.clone(), name));
    module.body.push_str(rest);
    module.body.push('\n');
    Ok(())
}

fn variable(file: &str) -> String {
    format!("$${}", file.trim_end_matches(".js"))
}

fn join(order: &[String], modules: &BTreeMap<String, Module>) -> Result<String, Failure> {
    // A function of its own, so that no name of it is one of the charm's.
    let mut out = String::from("\"use strict\";\n(() => {\n");
    for (name, module) in order.iter().filter_map(|name| modules.get_key_value(name)) {
        let exports: Vec<String> = module
            .exports
            .iter()
            .map(|(name, local)| format!("{name}: {local}"))
            .collect();
        let exports = exports.join(", ");
        writeln!(
            out,
            "const {} = (() => {{\n{}return {{ {exports} }};\n}})();",
            variable(name),
            module.body
        )?;
    }
    out.push_str("})();\n");
    Ok(out)
}
