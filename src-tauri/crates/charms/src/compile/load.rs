//! Reading a charm's files from disk.
//!
//! Owns: where a program starts and which files belong to it. Follows relative
//! imports, but never out of the limit: the folder given, else the repository
//! around the charm, else the charm's own folder. A link that leads out of the
//! limit is refused like a path that does. Only regular files that end like
//! source are read.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;

use super::error::{CompileError, Diagnostic};
use super::program::{
    MAX_FILE_BYTES, MAX_FILES, MAX_PROGRAM_BYTES, Program, file_too_large, program_too_large,
    strip_mark, too_many_files,
};
use super::source::Source;
use super::{imports, parse, specifier};

/// Reads the charm at `path`: a source file, or a folder with a `main.tsx`, an
/// `index.tsx` or a file called like the folder.
///
/// The program's root is the entry's folder, or the nearest folder above that
/// holds all its files. The limit is the repository that the charm is in (the
/// nearest folder above with a `.git`), else the charm's own folder.
///
/// Relative imports that name no file are left for [`compile`](super::compile)
/// to report: they need not exist when only types are taken from them.
///
/// # Errors
/// [`CompileError::NotFound`], [`CompileError::NoEntry`] and
/// [`CompileError::NotSource`] when there is nothing to start from,
/// [`CompileError::Diagnostics`] for an import that leads out of the limit,
/// [`CompileError::TooLarge`] beyond the limits of a [`Program`],
/// [`CompileError::Io`] when a file cannot be read.
pub fn load_program(path: &Path) -> Result<Program, CompileError> {
    let entry = entry_file(path)?;
    let folder = entry.parent().unwrap_or(&entry).to_path_buf();
    let limit = folder
        .ancestors()
        .find(|a| a.join(".git").exists())
        .unwrap_or(&folder);
    walk(&entry, limit)
}

/// Reads the charm at `path` like [`load_program`], with `limit` as the folder
/// that no import may leave.
///
/// # Errors
/// As [`load_program`]; also [`CompileError::NotSource`] when the charm itself
/// is outside of `limit`.
pub fn load_program_within(path: &Path, limit: &Path) -> Result<Program, CompileError> {
    let entry = entry_file(path)?;
    let limit = canonical(limit)?;
    walk(&entry, &limit)
}

fn canonical(path: &Path) -> Result<PathBuf, CompileError> {
    std::fs::canonicalize(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            CompileError::NotFound {
                path: path.to_path_buf(),
            }
        }
        _ => CompileError::Io {
            path: path.to_path_buf(),
            source,
        },
    })
}

fn entry_file(path: &Path) -> Result<PathBuf, CompileError> {
    let path = canonical(path)?;
    if !path.is_dir() {
        return Ok(path);
    }
    let own = path.file_name().and_then(|n| n.to_str());
    let tried: Vec<String> = ["main", "index"]
        .into_iter()
        .chain(own)
        .flat_map(|stem| [format!("{stem}.tsx"), format!("{stem}.ts")])
        .collect();
    match tried
        .iter()
        .map(|name| path.join(name))
        .find(|file| file.is_file())
    {
        Some(file) => canonical(&file),
        None => Err(CompileError::NoEntry { path, tried }),
    }
}

/// A place where an import leads out of the limit.
struct Stray {
    file: String,
    offset: u32,
    specifier: String,
}

fn walk(entry: &Path, limit: &Path) -> Result<Program, CompileError> {
    let start = entry
        .strip_prefix(limit)
        .ok()
        .and_then(virtual_path)
        .ok_or_else(|| CompileError::NotSource {
            file: entry.display().to_string(),
            reason: format!("it is not below {}", limit.display()),
        })?;
    let mut texts = BTreeMap::new();
    let mut strays = Vec::new();
    let mut total = 0;
    let mut queue = VecDeque::from([(start.clone(), entry.to_path_buf())]);
    while let Some((path, file)) = queue.pop_front() {
        if texts.contains_key(&path) {
            continue;
        }
        if texts.len() == MAX_FILES {
            return Err(too_many_files());
        }
        let text = read(&file, &path)?;
        total += text.len();
        if total > MAX_PROGRAM_BYTES {
            return Err(program_too_large());
        }
        for request in requests(&path, &text)? {
            match find(limit, &path, &request.specifier)? {
                Found::File(path, file) => queue.push_back((path, file)),
                Found::Outside if request.at_run_time => strays.push(Stray {
                    file: path.clone(),
                    offset: request.offset,
                    specifier: request.specifier,
                }),
                Found::Outside | Found::Nothing => {}
            }
        }
        texts.insert(path, text);
    }
    let cut = common_folder(&start, texts.keys()).len();
    if !strays.is_empty() {
        return Err(CompileError::Diagnostics(outside(&texts, cut, &strays)));
    }
    Ok(Program {
        entry: start[cut..].to_owned(),
        files: texts
            .into_iter()
            .map(|(path, text)| (path[cut..].to_owned(), text))
            .collect(),
    })
}

/// `a/b.ts` as `/a/b.ts`, whatever the system's separator is.
fn virtual_path(relative: &Path) -> Option<String> {
    let mut out = String::new();
    for part in relative.components() {
        match part {
            std::path::Component::Normal(name) => {
                out.push('/');
                out.push_str(name.to_str()?);
            }
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

fn read(file: &Path, path: &str) -> Result<String, CompileError> {
    let io = |source| CompileError::Io {
        path: file.to_path_buf(),
        source,
    };
    let not_source = |reason: &str| CompileError::NotSource {
        file: file.display().to_string(),
        reason: reason.to_owned(),
    };
    if !specifier::is_source(path) {
        return Err(not_source(
            "its name does not end in .tsx, .ts, .jsx or .js",
        ));
    }
    // Asked before opening: to open a named pipe would wait for a writer.
    if !std::fs::metadata(file).map_err(io)?.is_file() {
        return Err(not_source("it is not a regular file"));
    }
    let limit = MAX_FILE_BYTES as u64;
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .map_err(io)?
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(file_too_large(path));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| not_source("it is not UTF-8 text"))?;
    strip_mark(&mut text);
    Ok(text)
}

/// A relative import as the parser saw it.
struct Request {
    specifier: String,
    offset: u32,
    at_run_time: bool,
}

/// The relative imports of a file. A file with faults gives those that could be
/// read; compiling it reports the faults.
fn requests(path: &str, text: &str) -> Result<Vec<Request>, CompileError> {
    let stack = parse::stack_for([(path, text)])?;
    parse::on_thread(stack, || {
        let allocator = Allocator::default();
        let mut out = Vec::new();
        let Some(parsed) = parse::parse_raw(&allocator, path, text) else {
            return out;
        };
        let record = parsed.module_record;
        for (specifier, list) in &record.requested_modules {
            let values = |statement| {
                let mut names = record
                    .import_entries
                    .iter()
                    .filter(|e| e.statement_span == statement)
                    .peekable();
                names.peek().is_none() || names.any(|e| !e.is_type)
            };
            out.extend(list.iter().map(|request| Request {
                specifier: specifier.to_string(),
                offset: request.span.start,
                at_run_time: !request.is_type && values(request.statement_span),
            }));
        }
        out.extend(record.dynamic_imports.iter().filter_map(|import| {
            let literal = import.module_request.source_text(text);
            let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
            Some(Request {
                specifier: inner.to_owned(),
                offset: import.module_request.start,
                at_run_time: true,
            })
        }));
        out.retain(|request| specifier::is_relative(&request.specifier));
        out
    })
}

enum Found {
    File(String, PathBuf),
    Outside,
    Nothing,
}

fn find(limit: &Path, from: &str, specifier: &str) -> Result<Found, CompileError> {
    let Some(joined) = specifier::join(from, specifier) else {
        return Ok(Found::Outside);
    };
    for candidate in specifier::candidates(&joined) {
        let file = limit.join(candidate.trim_start_matches('/'));
        if !file.is_file() {
            continue;
        }
        let real = canonical(&file)?;
        let inside = real.starts_with(limit);
        return Ok(if inside {
            Found::File(candidate, real)
        } else {
            Found::Outside
        });
    }
    Ok(Found::Nothing)
}

/// The folder of `entry`, or the nearest above it that holds all of `paths`;
/// without a slash at the end.
fn common_folder<'p>(entry: &'p str, paths: impl Iterator<Item = &'p String>) -> &'p str {
    let mut folder = &entry[..entry.rfind('/').unwrap_or(0)];
    for path in paths {
        while !path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            folder = &folder[..folder.rfind('/').unwrap_or(0)];
        }
    }
    folder
}

fn outside(texts: &BTreeMap<String, String>, cut: usize, strays: &[Stray]) -> Vec<Diagnostic> {
    strays
        .iter()
        .filter_map(|stray| {
            let source = Source::new(&stray.file[cut..], texts.get(&stray.file)?);
            let (message, hint) = imports::leads_out(&stray.specifier);
            Some(source.diagnostic(stray.offset, message, Some(hint)))
        })
        .collect()
}

/// A charm's name made of its path, when nothing better is known: the file's
/// name, or the folder's when the file is only called `main` or `index`.
#[must_use]
pub fn readable_name(path: &Path) -> Option<String> {
    let name = |p: &Path| p.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    let own = name(path)?;
    let stem = specifier::EXTENSIONS
        .iter()
        .find_map(|ext| own.strip_suffix(ext))
        .unwrap_or(&own);
    match stem {
        "main" | "index" => path.parent().and_then(name).and_then(|n| readable(&n)),
        stem => readable(stem),
    }
}

/// The readable name of a virtual path; `None` when it says nothing.
pub(super) fn stem_name(path: &str) -> Option<String> {
    readable_name(Path::new(path))
}

/// `gmail-importer` and `gmailImporter` as `Gmail importer`.
fn readable(stem: &str) -> Option<String> {
    let mut out = String::new();
    let mut last = ' ';
    for c in stem.chars() {
        if matches!(c, '-' | '_' | '.' | ' ') {
            last = ' ';
            continue;
        }
        let starts = last == ' ' || (last.is_lowercase() && c.is_uppercase());
        if out.is_empty() {
            out.extend(c.to_uppercase());
        } else if starts {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
        last = c;
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_readable() {
        let name = |p: &str| readable_name(Path::new(p));
        assert_eq!(
            name("/x/gmail-importer.tsx").as_deref(),
            Some("Gmail importer")
        );
        assert_eq!(name("/x/googleAuth").as_deref(), Some("Google auth"));
        assert_eq!(name("/x/my_charm/main.tsx").as_deref(), Some("My charm"));
        assert_eq!(name("/main.tsx"), None);
        assert_eq!(name("/--.ts"), None);
    }

    #[test]
    fn the_root_rises_only_as_far_as_needed() {
        let all = ["/p/google/core/a.tsx", "/p/google/core/util/b.ts"].map(str::to_owned);
        assert_eq!(common_folder(&all[0], all.iter()), "/p/google/core");
        let up = ["/p/google/core/a.tsx", "/p/auth/b.ts"].map(str::to_owned);
        assert_eq!(common_folder(&up[0], up.iter()), "/p");
        let near = ["/p/ab/a.tsx", "/p/abc/b.ts"].map(str::to_owned);
        assert_eq!(common_folder(&near[0], near.iter()), "/p");
        let top = ["/a.tsx", "/b.ts"].map(str::to_owned);
        assert_eq!(common_folder(&top[0], top.iter()), "");
    }
}
