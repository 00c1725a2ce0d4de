//! Reading a charm's files from disk, and never more than those.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use charmkeeper_base::{ErrorKind, Explain};
use charmkeeper_charms::compile::{
    CompileError, MAX_FILE_BYTES, MAX_FILES, Program, load_program, load_program_within,
};
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn paths(program: &Program) -> Vec<&str> {
    program.files.keys().map(String::as_str).collect()
}

#[test]
fn a_file_brings_what_it_imports_and_nothing_else() {
    let dir = folder(&[
        ("main.tsx", "import a from './a'; import type { B } from './types/b.ts'; export { c } from './lib/c.js';
            const d = () => import('./d.tsx'); import 'commonfabric'; import './gone.ts'; import './data.json';"),
        ("a.ts", "import './main.tsx';"),
        ("types/b.ts", ""),
        ("lib/c.ts", "import '../e';"),
        ("d.tsx", ""),
        ("e/index.tsx", ""),
        ("data.json", "{}"),
        ("unrelated.ts", ""),
    ]);
    let program = load_program(&dir.path().join("main.tsx")).unwrap();
    assert_eq!(program.entry, "/main.tsx");
    assert_eq!(
        paths(&program),
        [
            "/a.ts",
            "/d.tsx",
            "/e/index.tsx",
            "/lib/c.ts",
            "/main.tsx",
            "/types/b.ts"
        ]
    );
}

#[test]
fn a_folder_starts_at_main_index_or_its_own_name() {
    for entry in ["main.tsx", "main.ts", "index.tsx", "mail.tsx"] {
        let dir = folder(&[(&format!("mail/{entry}"), ""), ("mail/other.tsx", "")]);
        let program = load_program(&dir.path().join("mail")).unwrap();
        assert_eq!(program.entry, format!("/{entry}"));
    }
    let dir = folder(&[("mail/other.tsx", "")]);
    let error = load_program(&dir.path().join("mail")).unwrap_err();
    assert!(
        matches!(&error, CompileError::NoEntry { tried, .. } if tried.contains(&"mail.tsx".to_owned()))
    );
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn the_root_rises_to_what_is_imported_but_not_above_the_limit() {
    let files = [
        (
            "repo/google/core/main.tsx",
            "import { a } from '../../auth/a.ts'; import './util/u.ts';",
        ),
        ("repo/google/core/util/u.ts", ""),
        ("repo/auth/a.ts", "import { x } from '../../outside.ts';"),
        ("outside.ts", "export const x = 1;"),
    ];
    let dir = folder(&files);
    let entry = dir.path().join("repo/google/core/main.tsx");
    let program = load_program_within(&entry, dir.path()).unwrap();
    assert_eq!(program.entry, "/repo/google/core/main.tsx");
    assert_eq!(program.files.len(), 4);

    let error = load_program_within(&entry, &dir.path().join("repo")).unwrap_err();
    let [fault] = error.diagnostics() else {
        panic!("{error}")
    };
    assert_eq!(
        fault.to_string(),
        "auth/a.ts:1:19: \"../../outside.ts\" leads out of the charm's folder."
    );
    assert_eq!(fault.text, files[2].1);

    // Without a limit: the repository where there is one, else the folder.
    let error = load_program(&entry).unwrap_err();
    assert_eq!(error.diagnostics()[0].place().to_string(), "main.tsx:1:19");
    fs::create_dir(dir.path().join("repo/.git")).unwrap();
    let error = load_program(&entry).unwrap_err();
    assert_eq!(error.diagnostics()[0].place().to_string(), "auth/a.ts:1:19");
    fs::write(
        dir.path().join("repo/auth/a.ts"),
        "import type { x } from '../../outside.ts';",
    )
    .unwrap();
    assert_eq!(
        paths(&load_program(&entry).unwrap()),
        [
            "/auth/a.ts",
            "/google/core/main.tsx",
            "/google/core/util/u.ts"
        ]
    );

    let error = load_program_within(&entry, &dir.path().join("repo/auth")).unwrap_err();
    assert!(matches!(error, CompileError::NotSource { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn links_may_not_lead_out_and_pipes_are_not_waited_for() {
    use std::os::unix::fs::symlink;
    let dir = folder(&[
        ("charm/main.tsx", "import './inner.ts'; import './link.ts';"),
        ("charm/real.ts", "export const a = 1;"),
        ("secret.ts", "export const s = 1;"),
    ]);
    let at = |p: &str| dir.path().join(p);
    symlink(at("charm/real.ts"), at("charm/inner.ts")).unwrap();
    symlink(at("secret.ts"), at("charm/link.ts")).unwrap();
    let error = load_program(&at("charm")).unwrap_err();
    let [fault] = error.diagnostics() else {
        panic!("{error}")
    };
    assert_eq!(
        fault.to_string(),
        "main.tsx:1:29: \"./link.ts\" leads out of the charm's folder."
    );

    fs::write(at("charm/main.tsx"), "import './inner.ts';").unwrap();
    assert_eq!(
        paths(&load_program(&at("charm")).unwrap()),
        ["/inner.ts", "/main.tsx"]
    );

    fs::write(at("charm/main.tsx"), "import './folder/x.ts';").unwrap();
    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/x.ts"), "").unwrap();
    symlink(at("other"), at("charm/folder")).unwrap();
    assert_eq!(
        load_program(&at("charm")).unwrap_err().diagnostics().len(),
        1
    );

    let made = std::process::Command::new("mkfifo")
        .arg(at("charm/pipe.ts"))
        .status()
        .unwrap();
    assert!(made.success());
    let error = load_program(&at("charm/pipe.ts")).unwrap_err();
    assert!(
        error.to_string().contains("it is not a regular file"),
        "{error}"
    );
    fs::write(at("charm/main.tsx"), "import './pipe.ts';").unwrap();
    assert_eq!(paths(&load_program(&at("charm")).unwrap()), ["/main.tsx"]);
}

#[test]
fn what_is_not_source_is_refused_in_a_sentence() {
    let dir = folder(&[
        ("a.json", "{}"),
        ("b.d.ts", ""),
        ("c.ts", "\u{feff}export default 1;"),
    ]);
    let at = |p: &str| dir.path().join(p);
    for name in ["a.json", "b.d.ts"] {
        let error = load_program(&at(name)).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("its name does not end in .tsx, .ts, .jsx or .js."),
            "{error}"
        );
    }
    fs::write(at("d.ts"), b"\xff\xfe").unwrap();
    assert!(
        load_program(&at("d.ts"))
            .unwrap_err()
            .to_string()
            .contains("not UTF-8")
    );
    let error = load_program(&at("none.tsx")).unwrap_err();
    assert!(matches!(error, CompileError::NotFound { .. }), "{error}");
    assert!(load_program(Path::new("")).is_err());
    assert_eq!(
        load_program(&at("c.ts")).unwrap().files["/c.ts"],
        "export default 1;"
    );
}

#[test]
fn size_and_number_are_limited() {
    let dir = folder(&[("big.ts", &"a".repeat(MAX_FILE_BYTES + 1))]);
    let error = load_program(&dir.path().join("big.ts")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "big.ts is over the limit of 1024 KiB per file."
    );
    let chain: Vec<(String, String)> = (0..=MAX_FILES)
        .map(|i| (format!("f{i}.ts"), format!("import './f{}.ts';", i + 1)))
        .collect();
    let refs: Vec<(&str, &str)> = chain
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let dir = folder(&refs);
    let error = load_program(&dir.path().join("f0.ts")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The number of files of this charm is over the limit of 200 files."
    );
    let last = load_program(&dir.path().join("f1.ts")).unwrap();
    assert_eq!(last.files.len(), MAX_FILES);
}
