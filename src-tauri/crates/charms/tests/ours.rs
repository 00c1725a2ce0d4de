//! Our own charms and roots keep to what the reference's client compiles and runs,
//! so that a published one opens in a browser. The rules are those that its compiler
//! and its sandbox named when it was given these files (labs at 0c0261df); the whole
//! compiler is not here, so this sees only what once was wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// Every file of `patterns/` that travels with a charm.
fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../patterns");
    let mut found = Vec::new();
    for folder in ["", "util", "roots"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let code = name.ends_with(".ts") || name.ends_with(".tsx");
            if code && !name.ends_with(".d.ts") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// What the reference refuses in a line, if it does.
fn refused(line: &str) -> Option<&'static str> {
    let bare = line
        .trim_start_matches("export ")
        .trim_start_matches("default ");
    if bare.starts_with("class ") || bare.starts_with("abstract class ") {
        return Some("a class at the top of a module");
    }
    if line.contains("<!--") || line.contains("-->") {
        return Some("the ends of an HTML comment");
    }
    if line.contains("derive(") || line.trim() == "derive," {
        return Some("a name that the reference has no more");
    }
    if line.contains("| Default<null>") {
        return Some("a default of null, which a type guard does not take away");
    }
    let wished = line.split_once("wish").map(|(_, rest)| rest);
    if wished.is_some_and(|rest| rest.contains(").result") || rest.contains(")!.result")) {
        return Some("a part of a wish that has no name of its own");
    }
    None
}

#[test]
fn our_charms_hold_nothing_that_the_reference_refuses() {
    let files = files();
    assert!(files.len() > 6, "{files:?}");
    for (path, text) in files {
        for (n, line) in text.lines().enumerate() {
            if let Some(why) = refused(line) {
                panic!("{}:{}: {why}", path.display(), n + 1);
            }
        }
    }
}

#[test]
fn each_rule_refuses_what_it_is_for() {
    for line in [
        "export class GoogleError extends Error {",
        r#"    .replace(/<!--[\s\S]*?-->/g, "")"#,
        "  derive,",
        "  const emailCount = derive(emails, (all) => all.length);",
        "  walk: Walk | null | Default<null>;",
        r##"  const auth = wish<{ auth: Auth }>({ query: "#googleAuth" }).result.auth;"##,
    ] {
        assert!(refused(line).is_some(), "{line}");
    }
    assert_eq!(refused("  const auth = google.result!.auth;"), None);
}
