//! Which identity the files of a program have, and the documents that hold them.
//!
//! In: the text of each file and what it imports, as written. Out: an identity
//! for each file, and the documents `pattern:<identity>` from which any client
//! can read the program. The identity is a hash over the file, its path and the
//! identities of what it imports, as the reference computes it
//! (`packages/runner/src/harness/module-identity.ts` at 0c0261df): a client checks
//! it before it runs the code, and a recorded program in the tests proves it.
//!
//! Owns no state, does no I/O.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::cell::hash::hash;
use charmkeeper_base::cell::link::Link;
use serde_json::{Value, json};

use super::source_id;

/// Goes into every identity; changes when the way of computing it does.
const VERSION: &str = "cf/module-id/v1";
/// Endings that are tried for what an import names, in this order.
const ENDINGS: [&str; 13] = [
    ".ts",
    ".tsx",
    ".js",
    ".jsx",
    ".mts",
    ".mjs",
    ".d.ts",
    "/index.ts",
    "/index.tsx",
    "/index.js",
    "/index.jsx",
    "/index.mts",
    "/index.mjs",
];
/// Begins the name of a link that only holds a program together: it is no import
/// and part of no identity.
const ROOT_LINK: &str = "cf:cache-root/";

/// One file of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Its text.
    pub code: String,
    /// What it imports, as written; types count.
    pub imports: BTreeSet<String>,
}

/// A program as documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceDocuments {
    /// Identity of the first file.
    pub identity: String,
    /// By document id; each is the same wherever the same program is stored.
    pub documents: BTreeMap<String, Value>,
}

/// The edges of one file.
#[derive(Default)]
struct Node {
    /// Specifier and path of what is another file of the program.
    internal: Vec<(String, String)>,
    /// Specifiers of everything else.
    external: Vec<String>,
}

/// The documents of a program whose files are named by their paths
/// (`/main.tsx`). Nothing when `entry` is not among them.
#[must_use]
pub fn source_documents(
    space: &str,
    entry: &str,
    files: &BTreeMap<String, Module>,
) -> Option<SourceDocuments> {
    files.get(entry)?;
    let nodes = nodes(files);
    let identities = identities(files, &nodes);
    let reached = reached(&nodes, entry);
    let mut documents = BTreeMap::new();
    for (path, module) in files {
        let link = |specifier: String, identity: &str| {
            let to = Link::to(source_id(space, identity).id).to_value();
            json!({ "specifier": specifier, "link": to })
        };
        let mut imports: Vec<Value> = nodes[path]
            .internal
            .iter()
            .map(|(specifier, target)| link(specifier.clone(), &identities[target]))
            .collect();
        if path == entry {
            let rest = files.keys().filter(|path| !reached.contains(path.as_str()));
            imports.extend(rest.map(|path| {
                let identity = &identities[path];
                link(format!("{ROOT_LINK}{identity}"), identity)
            }));
        }
        let identity = &identities[path];
        let value = json!({
            "kind": "source", "identity": identity, "code": module.code,
            "filename": path, "imports": imports,
        });
        documents.insert(source_id(space, identity).id, json!({ "value": value }));
    }
    Some(SourceDocuments {
        identity: identities[entry].clone(),
        documents,
    })
}

fn nodes(files: &BTreeMap<String, Module>) -> BTreeMap<String, Node> {
    let node = |(path, module): (&String, &Module)| {
        let mut node = Node::default();
        for specifier in &module.imports {
            match target(files, path, specifier) {
                Some(target) if target == *path => {}
                Some(target) => node.internal.push((specifier.clone(), target)),
                None => node.external.push(specifier.clone()),
            }
        }
        (path.clone(), node)
    };
    files.iter().map(node).collect()
}

/// The file that a specifier names, as the reference looks for it.
fn target(files: &BTreeMap<String, Module>, from: &str, specifier: &str) -> Option<String> {
    let path = if specifier.starts_with("./") || specifier.starts_with("../") {
        joined(from, specifier)
    } else {
        specifier.to_owned()
    };
    let endings = ENDINGS.iter().map(|ending| format!("{path}{ending}"));
    endings
        .chain([path.clone()])
        .find(|candidate| files.contains_key(candidate))
}

/// A relative path seen from a file; what would climb above the root stays there.
fn joined(from: &str, relative: &str) -> String {
    let folder = from.rfind('/').map_or("", |end| &from[..end]);
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(relative.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            name => steps.push(name),
        }
    }
    format!("/{}", steps.join("/"))
}

/// Everything that a file leads to, itself included.
fn reached<'n>(nodes: &'n BTreeMap<String, Node>, from: &'n str) -> BTreeSet<&'n str> {
    let mut seen = BTreeSet::from([from]);
    let mut rest = vec![from];
    while let Some(path) = rest.pop() {
        let edges = nodes.get(path).map(|node| &node.internal);
        for (_, target) in edges.into_iter().flatten() {
            if seen.insert(target) {
                rest.push(target);
            }
        }
    }
    seen
}

/// The identity of each file. Files that import each other in a circle are
/// hashed as one.
fn identities(
    files: &BTreeMap<String, Module>,
    nodes: &BTreeMap<String, Node>,
) -> BTreeMap<String, String> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = nodes
        .keys()
        .map(|path| (path.as_str(), reached(nodes, path)))
        .collect();
    let circle = |path: &str| -> Vec<&str> {
        let mutual = |other: &&&str| reach[**other].contains(path);
        reach[path].iter().filter(mutual).copied().collect()
    };
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    // What leads to fewer files is hashed before what leads to more: an import
    // outside a file's circle always leads to fewer.
    let mut order: Vec<&str> = reach.keys().copied().collect();
    order.sort_by_key(|path| reach[path].len());
    for path in order {
        if known.contains_key(path) {
            continue;
        }
        let members = circle(path);
        let entries: Vec<Value> = members
            .iter()
            .map(|member| entry(files, nodes, member, &members, &known))
            .collect();
        let whole = text(&json!({ "v": VERSION, "members": entries }));
        for member in members {
            let own = text(&json!([VERSION, "module", whole, member]));
            known.insert(member.to_owned(), own);
        }
    }
    known
}

/// What of one file goes into the hash.
fn entry(
    files: &BTreeMap<String, Module>,
    nodes: &BTreeMap<String, Node>,
    path: &str,
    circle: &[&str],
    known: &BTreeMap<String, String>,
) -> Value {
    let node = &nodes[path];
    let external = node.external.iter().map(|specifier| {
        // The part behind the `@` is empty in every program that was seen.
        json!({ "specifier": specifier, "leaf": format!("runtime:{specifier}@") })
    });
    let (mut cross, mut intra) = (Vec::new(), Vec::new());
    for (specifier, target) in &node.internal {
        if circle.contains(&target.as_str()) {
            intra.push(json!({ "specifier": specifier, "target": target }));
        } else {
            cross.push(json!({ "specifier": specifier, "hash": known.get(target) }));
        }
    }
    json!({
        "path": path,
        "src": files[path].code.replace("\r\n", "\n"),
        "external": external.collect::<Vec<_>>(),
        "crossDeps": cross,
        "intraDeps": intra,
    })
}

fn text(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(hash(value))
}
