//! The JavaScript that is part of the program: web shims and the charm API.
//!
//! Owns what is embedded. Never reads a file at run time: the
//! `esm = [...]` form of `deno_core::extension!` stores absolute source paths
//! and opens them in the user's process, which works only on the machine that
//! built the program (and never inside the sandbox). Hence
//! `ascii_str_include!`, which also demands 7-bit ASCII at compile time.

use deno_core::{ExtensionFileSource, ascii_str_include};

/// The name of the script that sets everything up.
pub(crate) const ENTRY: &str = "ext:ck/rt.js";

/// That script, joined from the files of `js/` by `build.rs`.
pub(crate) fn runtime() -> &'static str {
    ascii_str_include!(concat!(env!("OUT_DIR"), "/rt.js")).as_str()
}

/// Modules that charms import and that stand for themselves, by name: their
/// code is read by the engine only in a charm that imports them.
pub(crate) fn on_demand() -> [(&'static str, &'static str); 1] {
    let turndown = ascii_str_include!("../../js/lazy/turndown.js");
    [("turndown", turndown.as_str())]
}

/// The code behind a global that most charms never touch; see `js/locale.js`.
pub(crate) fn lazy(name: &str) -> Option<&'static str> {
    let locale = ascii_str_include!("../../js/lazy/locale.js");
    (name == "locale").then(|| locale.as_str())
}

/// A script that runs before all modules.
pub(crate) fn prelude() -> ExtensionFileSource {
    ExtensionFileSource::new("ext:ck/prelude.js", ascii_str_include!("prelude.js"))
}
