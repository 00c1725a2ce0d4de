//! A charm's sources as plain data.
//!
//! Owns: [`Program`], its limits and its content hash. Never touches the disk;
//! reading folders is `load`.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::error::CompileError;
use super::specifier;
use super::{COMPILER_VERSION, CompileOptions};

/// Largest source file, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// Largest sum of all source files of a charm, in bytes. Code and source maps
/// of a program go to the worker in one frame of at most 16 MiB.
pub const MAX_PROGRAM_BYTES: usize = 4 * 1024 * 1024;
/// Largest number of source files of a charm.
pub const MAX_FILES: usize = 200;

/// The source files of one charm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Path of the file with the default export: `/main.tsx`.
    pub entry: String,
    /// Text of every file by its path below the charm's root: `/util/x.ts`.
    pub files: BTreeMap<String, String>,
}

/// Makes a program of texts that are already in memory.
///
/// Paths may be given with or without the leading slash.
///
/// # Errors
/// [`CompileError::NotSource`] for a path that leaves the root or does not end
/// like source, [`CompileError::NotFound`] when `entry` is not among the files,
/// [`CompileError::TooLarge`] beyond the limits of this module.
pub fn program_from_files<K, V>(
    files: impl IntoIterator<Item = (K, V)>,
    entry: &str,
) -> Result<Program, CompileError>
where
    K: AsRef<str>,
    V: Into<String>,
{
    let mut texts = BTreeMap::new();
    for (path, text) in files {
        let mut text = text.into();
        strip_mark(&mut text);
        texts.insert(virtual_path(path.as_ref())?, text);
    }
    let program = Program {
        entry: virtual_path(entry)?,
        files: texts,
    };
    program.check()?;
    Ok(program)
}

/// Removes a byte order mark, which would shift the columns of the first line.
pub(super) fn strip_mark(text: &mut String) {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
}

fn virtual_path(path: &str) -> Result<String, CompileError> {
    let not_source = |reason: &str| CompileError::NotSource {
        file: path.to_owned(),
        reason: reason.to_owned(),
    };
    if path.contains(['\\', '\0']) {
        return Err(not_source(
            "its name has a character that paths of a charm cannot have",
        ));
    }
    let joined = specifier::join("/", path).ok_or_else(|| not_source("it leaves the folder"))?;
    if !specifier::is_source(&joined) {
        return Err(not_source(
            "its name does not end in .tsx, .ts, .jsx or .js",
        ));
    }
    Ok(joined)
}

impl Program {
    /// Holds the program against the limits.
    pub(super) fn check(&self) -> Result<(), CompileError> {
        if !self.files.contains_key(&self.entry) {
            return Err(CompileError::NotFound {
                path: self.entry.clone().into(),
            });
        }
        if self.files.len() > MAX_FILES {
            return Err(too_many_files());
        }
        if let Some((path, _)) = self.files.iter().find(|(_, t)| t.len() > MAX_FILE_BYTES) {
            return Err(file_too_large(path));
        }
        if self.files.values().map(String::len).sum::<usize>() > MAX_PROGRAM_BYTES {
            return Err(program_too_large());
        }
        Ok(())
    }

    /// The content hash: SHA-256 in hex of the sources, the compiler's version
    /// and the options. Two programs with the same hash compile to the same.
    #[must_use]
    pub fn hash(&self, options: &CompileOptions) -> String {
        let mut h = Sha256::new();
        let mut part = |bytes: &[u8]| {
            // Lengths keep ("ab", "c") and ("a", "bc") apart.
            h.update((bytes.len() as u64).to_le_bytes());
            h.update(bytes);
        };
        part(b"charmkeeper-compile");
        part(&COMPILER_VERSION.to_le_bytes());
        part(&[u8::from(options.require_bg_updater)]);
        part(self.entry.as_bytes());
        for (path, text) in &self.files {
            part(path.as_bytes());
            part(text.as_bytes());
        }
        hex(&h.finalize())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
}

pub(super) fn too_many_files() -> CompileError {
    CompileError::too_large(
        "The number of files of this charm",
        format!("{MAX_FILES} files"),
    )
}

pub(super) fn file_too_large(path: &str) -> CompileError {
    CompileError::too_large(
        path.strip_prefix('/').unwrap_or(path),
        format!("{} KiB per file", MAX_FILE_BYTES / 1024),
    )
}

pub(super) fn program_too_large() -> CompileError {
    CompileError::too_large(
        "The size of this charm's files together",
        format!("{} KiB", MAX_PROGRAM_BYTES / 1024),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_checked() {
        let p = program_from_files(
            [("main.tsx", "\u{feff}x"), ("./util/../a.ts", "y")],
            "main.tsx",
        );
        let p = p.unwrap();
        assert_eq!(p.files["/main.tsx"], "x");
        assert_eq!(p.entry, "/main.tsx");
        assert_eq!(p.files.keys().collect::<Vec<_>>(), ["/a.ts", "/main.tsx"]);
        for bad in ["../main.tsx", "main.json", "a\\b.ts"] {
            let e = program_from_files([(bad, "x")], bad).unwrap_err();
            assert!(matches!(e, CompileError::NotSource { .. }), "{bad}: {e}");
        }
        let e = program_from_files([("a.ts", "x")], "b.ts").unwrap_err();
        assert!(matches!(e, CompileError::NotFound { .. }));
    }

    #[test]
    fn limits_hold_for_one_file_all_files_and_their_number() {
        let big = "a".repeat(MAX_FILE_BYTES + 1);
        let e = program_from_files([("m.ts", big)], "m.ts").unwrap_err();
        assert_eq!(
            e.to_string(),
            "m.ts is over the limit of 1024 KiB per file."
        );
        let many = (0..=MAX_FILES).map(|i| (format!("f{i}.ts"), ""));
        assert!(matches!(
            program_from_files(many, "f0.ts").unwrap_err(),
            CompileError::TooLarge { .. }
        ));
        let heavy = (0..5).map(|i| (format!("f{i}.ts"), "a".repeat(MAX_FILE_BYTES)));
        assert!(matches!(
            program_from_files(heavy, "f0.ts").unwrap_err(),
            CompileError::TooLarge { .. }
        ));
    }

    #[test]
    fn the_hash_depends_on_every_text_path_entry_and_option() {
        let base = program_from_files([("a.ts", "1"), ("b.ts", "2")], "a.ts").unwrap();
        let strict = CompileOptions::default();
        let hash = base.hash(&strict);
        assert_eq!(hash.len(), 64);
        assert_eq!(hash, base.hash(&strict));
        for other in [
            program_from_files([("a.ts", "1"), ("b.ts", "3")], "a.ts").unwrap(),
            program_from_files([("a.ts", "1"), ("c.ts", "2")], "a.ts").unwrap(),
            program_from_files([("a.ts", "1"), ("b.ts", "2")], "b.ts").unwrap(),
        ] {
            assert_ne!(hash, other.hash(&strict));
        }
        assert_ne!(
            hash,
            base.hash(&CompileOptions {
                require_bg_updater: false
            })
        );
    }
}
