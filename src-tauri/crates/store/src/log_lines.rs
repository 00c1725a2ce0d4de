//! Table `log_lines`: what a charm printed in a run.

use charmkeeper_base::UnixMs;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::text::{cut, int, word};

/// Lines kept per run; the run's row counts the others too.
pub const MAX_LOG_LINES_PER_RUN: usize = 1000;

/// Longest line kept, in bytes.
const MAX_TEXT: usize = 8 * 1024;

/// How a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// `console.debug`
    Debug,
    /// `console.log` and `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

impl LogLevel {
    /// The word in SQLite and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level whose word is `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error]
            .into_iter()
            .find(|l| l.as_str() == word)
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was printed.
    pub at: UnixMs,
    /// How.
    pub level: LogLevel,
    /// What; plain text, never markup.
    pub text: String,
}

pub(crate) fn insert(tx: &Transaction<'_>, run: i64, lines: &[LogLine]) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO log_lines (run, n, at, level, text) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (n, line) in lines.iter().take(MAX_LOG_LINES_PER_RUN).enumerate() {
        let text = cut(&line.text, MAX_TEXT);
        statement.execute(params![run, int(n), line.at.0, line.level.as_str(), text])?;
    }
    Ok(())
}

pub(crate) fn of_run(tx: &Transaction<'_>, run: i64) -> Result<Vec<LogLine>, StoreError> {
    let mut query =
        tx.prepare_cached("SELECT at, level, text FROM log_lines WHERE run = ?1 ORDER BY n")?;
    let rows = query.query_map([run], |row| {
        Ok(LogLine {
            at: UnixMs(row.get(0)?),
            level: word(row, 1, LogLevel::parse)?,
            text: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
