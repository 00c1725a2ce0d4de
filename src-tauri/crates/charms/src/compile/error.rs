//! What can go wrong between a charm's sources and its compiled modules.
//!
//! Owns: [`Diagnostic`] (one fault with its place) and [`CompileError`].
//! Never prints and never decides what happens next; the kind does.

use std::fmt;
use std::path::PathBuf;

use charmkeeper_base::{ErrorKind, Explain};
use serde::{Deserialize, Serialize};

/// A position in one of a charm's own files.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Path below the charm's root folder, without a leading slash: `util/x.ts`.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One fault in a charm's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Path below the charm's root folder, without a leading slash.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// One plain sentence, without the place.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// The text of the line, without its line break; empty when there is none.
    pub text: String,
}

impl Diagnostic {
    /// Where the fault is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
        }
    }

    /// The fault with its line, a mark below the column, and the hint: several
    /// lines for a terminal, without a trailing line break.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = self.to_string();
        if !self.text.trim().is_empty() {
            let number = self.line.to_string();
            let before = usize::try_from(self.column.saturating_sub(1)).unwrap_or(0);
            // Tabs are kept so that the mark stays below its character.
            let indent: String = self
                .text
                .chars()
                .take(before)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let margin = " ".repeat(number.len());
            out.push_str(&format!(
                "\n  {number} | {}\n  {margin} | {indent}^",
                self.text
            ));
        }
        if let Some(hint) = &self.hint {
            out.push_str("\n  ");
            out.push_str(hint);
        }
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )
    }
}

/// Why a charm could not be read or compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The charm's own source is at fault; at least one entry, in file order.
    #[error("{}", summary(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// There is no charm at this path.
    #[error("There is no charm at {}.", path.display())]
    NotFound {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// A folder without a file to start from.
    #[error("The folder {} has none of {}.", path.display(), tried.join(", "))]
    NoEntry {
        /// The folder.
        path: PathBuf,
        /// The file names that were looked for.
        tried: Vec<String>,
    },
    /// Something that is not TypeScript or JavaScript source.
    #[error("{file} cannot be used as a charm's source: {reason}.")]
    NotSource {
        /// The file, as it was named.
        file: String,
        /// What is wrong with it: a clause without a full stop.
        reason: String,
    },
    /// A limit on size or number was exceeded.
    #[error("{what} is over the limit of {limit}.")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit with its unit.
        limit: String,
    },
    /// A file could not be read.
    #[error("{} could not be read: {source}.", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The compiler itself failed; never the charm's fault alone.
    #[error("The compiler failed on this charm: {reason}.")]
    Internal {
        /// A clause without a full stop.
        reason: String,
    },
}

impl CompileError {
    /// The faults in the charm's source; empty for every other error.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Diagnostics(all) => all,
            _ => &[],
        }
    }

    pub(super) fn too_large(what: impl Into<String>, limit: impl Into<String>) -> Self {
        Self::TooLarge {
            what: what.into(),
            limit: limit.into(),
        }
    }
}

impl Explain for CompileError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Diagnostics(_) | Self::TooLarge { .. } => ErrorKind::Charm,
            Self::NotFound { .. } | Self::NoEntry { .. } | Self::NotSource { .. } => {
                ErrorKind::Usage
            }
            Self::Io { .. } | Self::Internal { .. } => ErrorKind::Local,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Diagnostics(all) => all.first().and_then(|d| d.hint.clone()),
            Self::NotFound { .. } => {
                Some("Give the path of a .tsx file or of a folder with a main.tsx.".to_owned())
            }
            Self::NoEntry { .. } => Some("Name the file itself, or call it main.tsx.".to_owned()),
            _ => None,
        }
    }
}

fn summary(all: &[Diagnostic]) -> String {
    match all {
        [] => "The charm could not be compiled.".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}
