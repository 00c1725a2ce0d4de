//! Module specifiers: which modules the program provides to every charm, and
//! how a relative import names another file of the same charm.
//!
//! Works on virtual paths only (`/util/x.ts`); never touches the disk.

/// The modules that a charm may import besides its own files.
pub const BUILT_IN: [&str; 9] = [
    "commonfabric",
    "commonfabric/schema",
    "commonfabric/jsx-runtime",
    "commonfabric/jsx-dev-runtime",
    "commontools",
    "commontools/schema",
    "commontools/jsx-runtime",
    "commontools/jsx-dev-runtime",
    "turndown",
];

/// File name endings of source files, in the order in which they are tried.
pub(super) const EXTENSIONS: [&str; 4] = [".tsx", ".ts", ".jsx", ".js"];

/// Beginning of the specifier under which a charm's own file is loaded:
/// `charm:///util/x.ts`.
pub const CHARM_SCHEME: &str = "charm://";

/// The built-in module of that name.
pub(super) fn built_in(specifier: &str) -> Option<&'static str> {
    BUILT_IN.into_iter().find(|known| *known == specifier)
}

/// True for `./x` and `../x`.
pub(super) fn is_relative(specifier: &str) -> bool {
    matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../")
}

/// True when `path` ends like a source file.
pub(super) fn is_source(path: &str) -> bool {
    EXTENSIONS
        .iter()
        .any(|ext| path.len() > ext.len() && path.ends_with(ext))
        && !path.ends_with(".d.ts")
}

/// The path that `specifier` names, seen from the file `from`; `None` when it
/// leads above the root. `..` is resolved by name, before any file is looked at.
pub(super) fn join(from: &str, specifier: &str) -> Option<String> {
    let folder = from.rfind('/').map_or("", |i| &from[..i]);
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in specifier.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

/// The paths to try for a joined path, best first: the file itself or the
/// TypeScript file behind a `.js` name, else with an extension added, else an
/// index file.
pub(super) fn candidates(path: &str) -> Vec<String> {
    if is_source(path) {
        let behind = [(".jsx", ".tsx"), (".js", ".ts"), (".js", ".tsx")];
        let behind = behind
            .into_iter()
            .filter_map(|(written, meant)| Some(format!("{}{meant}", path.strip_suffix(written)?)));
        return std::iter::once(path.to_owned()).chain(behind).collect();
    }
    let folder = path.strip_suffix('/').unwrap_or(path);
    let beside = EXTENSIONS.iter().map(|ext| format!("{path}{ext}"));
    beside
        .chain(EXTENSIONS.iter().map(|ext| format!("{folder}/index{ext}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_follows_dots_and_refuses_to_leave_the_root() {
        assert_eq!(join("/a/b/c.ts", "./d.ts").as_deref(), Some("/a/b/d.ts"));
        assert_eq!(join("/a/b/c.ts", "../../d").as_deref(), Some("/d"));
        assert_eq!(join("/c.ts", "./x/../y").as_deref(), Some("/y"));
        assert_eq!(join("/c.ts", "../y"), None);
        assert_eq!(join("/a/c.ts", "./../../y"), None);
    }

    #[test]
    fn the_file_itself_comes_before_guesses() {
        assert_eq!(candidates("/x.ts"), ["/x.ts"]);
        assert_eq!(candidates("/x.test")[0], "/x.test.tsx");
        assert_eq!(candidates("/x")[..2], ["/x.tsx", "/x.ts"]);
        assert!(candidates("/x.js").contains(&"/x.tsx".to_owned()));
        assert!(candidates("/x").contains(&"/x/index.tsx".to_owned()));
    }

    #[test]
    fn declarations_and_data_are_no_source() {
        assert!(is_source("/a.tsx") && is_source("/a.js"));
        assert!(!is_source("/a.d.ts") && !is_source("/a.json") && !is_source(".ts"));
    }
}
