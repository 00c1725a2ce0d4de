//! The dependency rule of ARCHITECTURE.md: data goes one way, so the crates
//! that do the work never see each other, and only the desktop program sees a
//! window. Fails when a crate gains a dependency it must not have.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Package name -> every package it is built from, itself excluded.
fn closure() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo metadata starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");

    let mut names = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        names.insert(
            package["id"].as_str().unwrap(),
            package["name"].as_str().unwrap(),
        );
    }
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().expect("nodes") {
        let shipped = node["deps"].as_array().unwrap().iter().filter(|dep| {
            // Tests may use anything; build scripts and code that ships may not.
            dep["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|k| k["kind"] != "dev")
        });
        edges.insert(
            node["id"].as_str().unwrap(),
            shipped.map(|dep| dep["pkg"].as_str().unwrap()).collect(),
        );
    }
    let mut all = BTreeMap::new();
    for (id, name) in &names {
        if !name.starts_with("charmkeeper") {
            continue;
        }
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = edges[id].clone();
        while let Some(next) = open.pop() {
            if seen.insert(names[next].to_owned()) {
                open.extend(&edges[next]);
            }
        }
        all.insert((*name).to_owned(), seen);
    }
    all
}

fn refuse(all: &BTreeMap<String, BTreeSet<String>>, package: &str, forbidden: &[&str]) {
    let used = all
        .get(package)
        .unwrap_or_else(|| panic!("{package} is not in the workspace"));
    for name in forbidden {
        let hits: Vec<_> = used
            .iter()
            .filter(|u| *u == name || u.starts_with(&format!("{name}-")))
            .collect();
        assert!(
            hits.is_empty(),
            "{package} must not depend on {name}, but uses {hits:?}"
        );
    }
}

#[test]
fn crates_see_only_what_the_architecture_allows() {
    let all = closure();
    const CRATES: [&str; 6] = [
        "charmkeeper-accounts",
        "charmkeeper-charms",
        "charmkeeper-space",
        "charmkeeper-store",
        "charmkeeper-sandbox",
        "charmkeeper-keeper",
    ];
    for package in CRATES.iter().take(5) {
        let others: Vec<_> = CRATES.iter().filter(|c| *c != package).copied().collect();
        refuse(&all, package, &others);
    }
    refuse(&all, "charmkeeper-keeper", &["charmkeeper-sandbox"]);
    refuse(
        &all,
        "charmkeeper-base",
        &["tokio", "rusqlite", "reqwest", "deno_core", "charmkeeper"],
    );
    refuse(
        &all,
        "charmkeeper-store",
        &["tokio", "reqwest", "deno_core", "keyring"],
    );
    refuse(
        &all,
        "charmkeeper-charms",
        &["reqwest", "rusqlite", "keyring", "keyring-core"],
    );
    refuse(&all, "charmkeeper-accounts", &["rusqlite", "deno_core"]);
}

#[test]
fn only_the_desktop_program_sees_a_window() {
    for (package, used) in closure() {
        if package == "charmkeeper-desktop" {
            continue;
        }
        let windows: Vec<_> = used
            .iter()
            .filter(|u| ["tauri", "wry", "tao", "gtk"].contains(&u.as_str()))
            .collect();
        assert!(windows.is_empty(), "{package} is linked with {windows:?}");
    }
}
