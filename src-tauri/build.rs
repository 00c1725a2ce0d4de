//! Builds the window's page with npm where it can, declares the commands that
//! the page may call, and lets the window library read its configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

include!("src/commands/list.rs");

macro_rules! names {
    (requests { $($name:ident => $kind:literal,)* } shell { $($own:ident,)* }) => {
        &[$(stringify!($name),)* $(stringify!($own),)*]
    };
}

const COMMANDS: &[&str] = each_command!(names);

/// What the page is built from, inside `ui/`.
const SOURCES: [&str; 8] = [
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
];

fn main() {
    println!("cargo:rerun-if-changed=src/commands/list.rs");
    page();
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(e) = tauri_build::try_build(attributes) {
        fail(&format!(
            "the window library refused the configuration: {e:#}"
        ));
    }
}

/// Builds `ui/dist`. Without Node.js a page that was built before is used; the
/// variable is for packagers who build it themselves.
fn page() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
    println!("cargo:rerun-if-env-changed=CHARMKEEPER_SKIP_UI");
    for source in SOURCES {
        let path = ui.join(source);
        if path.exists() {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    let built = ui.join("dist/index.html");
    let skipped = std::env::var_os("CHARMKEEPER_SKIP_UI").is_some();
    if !skipped && ui.join("package.json").is_file() && npm(&ui, &["--version"]).is_ok() {
        install(&ui);
        if let Err(e) = npm(&ui, &["run", "build"]) {
            fail(&format!("the window's page was not built: {e}"));
        }
    }
    if !built.is_file() {
        fail("ui/dist is missing: install Node.js 20 or newer, which builds it");
    }
}

/// Installs what the page needs, when the list of it changed.
fn install(ui: &Path) {
    let (lock, done) = (
        ui.join("package-lock.json"),
        ui.join("node_modules/.package-lock.json"),
    );
    let time = |path: &PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    if time(&done).is_some() && time(&done) >= time(&lock) {
        return;
    }
    let quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    if let Err(e) = npm(ui, &[&["ci"], quiet.as_slice()].concat()) {
        fail(&format!(
            "what the window's page needs was not installed: {e}"
        ));
    }
}

/// What npm said.
#[derive(Debug)]
struct NpmError(String);

impl std::fmt::Display for NpmError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn npm(ui: &Path, arguments: &[&str]) -> Result<(), NpmError> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(ui)
        .output()
        .map_err(|e| NpmError(format!("npm cannot be started: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    Err(NpmError(format!("{out}\n{err}")))
}

#[allow(clippy::print_stderr, reason = "how a build script tells")]
fn fail(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(1);
}
