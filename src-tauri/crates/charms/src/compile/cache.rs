//! Compiled charms kept on disk, by content hash.
//!
//! Owns: one folder with one file per compiled program. A file is complete or
//! not there (written beside and renamed), carries a checksum, and is only
//! believed when checksum, hash and version fit; anything else is compiled
//! again and replaced. Trouble with the disk never fails a compilation.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::program::hex;
use super::{
    CompileError, CompileOptions, Compiled, Facts, Module, Program, Warning, compile_with,
};

/// Size of all entries together, in bytes, unless told otherwise.
const DEFAULT_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// No entry is larger: a program's sources, code and maps.
const MAX_ENTRY_BYTES: u64 = 64 * 1024 * 1024;
const MAGIC: &[u8] = b"charmkeeper compiled 1\n";
const SUFFIX: &str = "charm";

/// A cache of compiled charms in a folder of its own.
#[derive(Clone, Debug)]
pub struct Cache {
    /// The folder. It is made when needed, for this user only.
    pub dir: PathBuf,
    /// When the entries together grow beyond this many bytes, the oldest go.
    pub max_bytes: u64,
}

impl Cache {
    /// A cache in `dir` of at most 64 MiB.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            max_bytes: DEFAULT_MAX_BYTES,
        }
    }

    /// As [`compile`](super::compile), from the cache where possible.
    ///
    /// # Errors
    /// As [`compile_with`]; errors are not kept.
    pub fn compile(&self, program: &Program) -> Result<Arc<Compiled>, CompileError> {
        self.compile_with(program, &CompileOptions::default())
    }

    /// As [`compile_with`], from the cache where possible.
    ///
    /// # Errors
    /// As [`compile_with`]; errors are not kept.
    pub fn compile_with(
        &self,
        program: &Program,
        options: &CompileOptions,
    ) -> Result<Arc<Compiled>, CompileError> {
        program.check()?;
        let hash = program.hash(options);
        if let Some(found) = self.read(&hash) {
            return Ok(Arc::new(found));
        }
        let compiled = compile_with(program, options)?;
        if let Err(error) = self.write(&compiled) {
            tracing::warn!(%error, dir = %self.dir.display(), "a compiled charm was not kept");
        }
        Ok(Arc::new(compiled))
    }

    fn entry(&self, hash: &str) -> PathBuf {
        self.dir.join(format!("{hash}.{SUFFIX}"))
    }

    fn read(&self, hash: &str) -> Option<Compiled> {
        let file = File::open(self.entry(hash)).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(MAX_ENTRY_BYTES).read_to_end(&mut bytes).ok()?;
        decode(&bytes).filter(|compiled| compiled.hash == hash)
    }

    fn write(&self, compiled: &Compiled) -> std::io::Result<()> {
        make_folder(&self.dir)?;
        let bytes = encode(compiled)?;
        let (temporary, mut file) = self.temporary(&compiled.hash)?;
        let written = file
            .write_all(&bytes)
            .and_then(|()| std::fs::rename(&temporary, self.entry(&compiled.hash)));
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written.and_then(|()| self.evict(&compiled.hash))
    }

    /// A new file that only this writer has.
    fn temporary(&self, hash: &str) -> std::io::Result<(PathBuf, File)> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut attempt = 0;
        loop {
            let path = self
                .dir
                .join(format!("{hash}.{}.{attempt}.tmp", std::process::id()));
            match options.open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && attempt < 1_000 => {
                    attempt += 1;
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Removes the oldest entries until the rest fits, and temporary files that
    /// were left behind. The entry just written stays.
    fn evict(&self, keep: &str) -> std::io::Result<()> {
        let mut entries = Vec::new();
        let mut total = 0;
        for item in std::fs::read_dir(&self.dir)? {
            let item = item?;
            let path = item.path();
            let Ok(meta) = item.metadata() else { continue };
            let kind = path
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default();
            if !meta.is_file() || !matches!(kind, SUFFIX | "tmp") {
                continue;
            }
            total += meta.len();
            if path != self.entry(keep) {
                entries.push((meta.modified().ok(), path, meta.len()));
            }
        }
        entries.sort();
        for (_, path, size) in entries {
            if total <= self.max_bytes {
                break;
            }
            if std::fs::remove_file(&path).is_ok() {
                total -= size;
            }
        }
        Ok(())
    }
}

fn make_folder(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Everything of a [`Compiled`] but the long texts, which follow unescaped in
/// the order of `modules`.
#[derive(Serialize, Deserialize)]
struct Head {
    hash: String,
    entry: String,
    facts: Facts,
    #[serde(default)]
    warnings: Vec<Warning>,
    modules: Vec<Lengths>,
}

#[derive(Serialize, Deserialize)]
struct Lengths {
    specifier: String,
    code: usize,
    source_map: Option<usize>,
}

/// `MAGIC`, SHA-256 of the rest, length of the head as u64 LE, head, texts.
fn encode(compiled: &Compiled) -> std::io::Result<Vec<u8>> {
    let head = serde_json::to_vec(&Head {
        hash: compiled.hash.clone(),
        entry: compiled.entry.clone(),
        facts: compiled.facts.clone(),
        warnings: compiled.warnings.clone(),
        modules: compiled
            .modules
            .iter()
            .map(|m| Lengths {
                specifier: m.specifier.clone(),
                code: m.code.len(),
                source_map: m.source_map.as_ref().map(String::len),
            })
            .collect(),
    })?;
    let mut body = (head.len() as u64).to_le_bytes().to_vec();
    body.extend_from_slice(&head);
    for module in &compiled.modules {
        body.extend_from_slice(module.code.as_bytes());
        body.extend_from_slice(module.source_map.as_deref().unwrap_or_default().as_bytes());
    }
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(hex(&Sha256::digest(&body)).as_bytes());
    out.extend_from_slice(&body);
    Ok(out)
}

fn decode(bytes: &[u8]) -> Option<Compiled> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, body) = rest.split_at_checked(64)?;
    if hex(&Sha256::digest(body)).as_bytes() != sum {
        return None;
    }
    let (length, body) = body.split_at_checked(8)?;
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let (head, mut body) = body.split_at_checked(usize::try_from(length).ok()?)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut take = |length: usize| {
        let (text, rest) = body.split_at_checked(length)?;
        body = rest;
        String::from_utf8(text.to_vec()).ok()
    };
    let modules = head
        .modules
        .into_iter()
        .map(|m| {
            Some(Module {
                specifier: m.specifier,
                code: take(m.code)?,
                source_map: match m.source_map {
                    Some(length) => Some(take(length)?),
                    None => None,
                },
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Compiled {
        hash: head.hash,
        entry: head.entry,
        modules,
        facts: head.facts,
        warnings: head.warnings,
    })
}
