//! From a charm's TypeScript to modules that a worker can run.
//!
//! Owns: reading a charm's files ([`load_program`]), compiling them
//! ([`compile`]) and keeping the result on disk ([`Cache`]). The output is plain
//! ES modules plus what only the types knew: defaults, kinds, tags, hosts.
//!
//! Never runs a charm's code and never needs the network. It does run in the
//! keeper's own process, so hostile sources must not take it down: sizes are
//! limited, recursion is bounded ([`parse`]), and type analysis runs on fuel.
//!
//! The steps: parse all files, resolve scopes ([`unit`]), follow names
//! ([`names`]), read types ([`types`]), check the entry ([`entry`]), decide what
//! to inject ([`calls`]), find what is reactive ([`reactive`]) and what will not
//! work ([`warnings`]), then edit, rewrite, transform and print each file
//! ([`emit`]).

mod cache;
mod calls;
mod driver;
mod emit;
mod entry;
mod error;
mod framework;
mod function;
mod hosts;
mod idioms;
mod imports;
mod load;
mod maker;
mod missing;
mod names;
mod parse;
mod program;
mod reactive;
mod requests;
mod returned;
mod shape;
mod source;
mod specifier;
mod types;
mod unit;
mod warnings;
mod writing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use cache::Cache;
pub use calls::META_PREFIX;
pub use driver::{compile, compile_with};
pub use error::{CompileError, Diagnostic, Place};
pub use load::{load_program, load_program_within, readable_name};
pub use program::{MAX_FILE_BYTES, MAX_FILES, MAX_PROGRAM_BYTES, Program, program_from_files};
pub use requests::specifiers;
pub use specifier::{BUILT_IN, CHARM_SCHEME};
pub use types::kinds::Kind;
pub use warnings::Warning;

/// Raised whenever the same source compiles to something else than before.
pub const COMPILER_VERSION: u32 = 6;

/// What is asked of a charm beyond being valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    /// A pattern that plainly returns no `bgUpdater` is an error, unless its
    /// result has a tag by which others find it, as a sign-in charm does.
    pub require_bg_updater: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            require_bg_updater: true,
        }
    }
}

/// The name under which a charm imports the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The present name.
    CommonFabric,
    /// The name until 2025.
    CommonTools,
}

impl Dialect {
    /// The module's specifier.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Self::CommonFabric => "commonfabric",
            Self::CommonTools => "commontools",
        }
    }
}

/// A compiled charm.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// SHA-256 in hex of the sources, the compiler's version and the options.
    pub hash: String,
    /// Specifier of the module with the default export: `charm:///main.tsx`.
    pub entry: String,
    /// The modules that are needed at run time, the entry among them, in the
    /// order of their specifiers.
    pub modules: Vec<Module>,
    /// What the sources say about the charm.
    pub facts: Facts,
    /// What will not work here, or not as elsewhere, in source order: to be
    /// shown when the charm is added and before its first run.
    pub warnings: Vec<Warning>,
}

/// One ES module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// `charm:///util/x.ts`. Imports of other files of the charm are written in
    /// this form too, so that a loader looks them up as they stand.
    pub specifier: String,
    /// JavaScript, without types and without JSX.
    pub code: String,
    /// Source map (version 3, JSON) whose one source is `specifier`, with its
    /// text.
    pub source_map: Option<String>,
}

/// What the sources say about a charm without running it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// `[NAME]: "..."` of the result, else the entry's file name made readable;
    /// `None` when the file is only called `main` or `index`.
    pub name: Option<String>,
    /// First sentence of the documentation of the result's type.
    pub description: Option<String>,
    /// Tags of the result's type, as written, without `#`. Compare them with
    /// [`Facts::has_tag`].
    pub tags: Vec<String>,
    /// Hosts of the absolute URLs in the sources, sorted; with a port where it
    /// is not the usual one.
    pub hosts: Vec<String>,
    /// Defaults of the argument: a JSON object, empty when there are none.
    pub defaults: serde_json::Value,
    /// How the pattern wants its inputs, as far as that is known.
    pub inputs: BTreeMap<String, Kind>,
    /// Where `bgUpdater` is given its value; `None` when that cannot be seen.
    /// It is the place to blame when it turns out to be no stream.
    pub bg_updater: Option<Place>,
    /// Where a result is returned that plainly has no `bgUpdater`; `None` when
    /// there is one, or when that cannot be seen.
    #[serde(default)]
    pub no_bg_updater: Option<Place>,
    /// Where the default export is.
    pub default_export: Place,
    /// The built-in modules that are imported at run time, sorted.
    pub imports: Vec<String>,
    /// The framework's name in the entry file.
    pub dialect: Dialect,
}

impl Facts {
    /// The tags in lower case, the form in which they are matched and stored.
    #[must_use]
    pub fn tags_lower(&self) -> Vec<String> {
        self.tags.iter().map(|t| t.to_lowercase()).collect()
    }

    /// True when `tag`, with or without `#` and in any case, is among the tags.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        let wanted = tag.strip_prefix('#').unwrap_or(tag).to_lowercase();
        self.tags.iter().any(|t| t.to_lowercase() == wanted)
    }
}
