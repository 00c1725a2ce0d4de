//! Accepted commits on disk, one line each, so that a restart knows everything.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use charmkeeper_space::messages::Commit;
use serde_json::{Value, json};

/// One accepted commit.
pub(crate) struct Line {
    pub(crate) space: String,
    pub(crate) principal: String,
    pub(crate) session: String,
    pub(crate) commit: Commit,
}

/// The file.
pub(crate) struct Journal(File);

impl Journal {
    /// Opens the journal of a folder; the lines that are in it. A line that was
    /// cut off by the end of a process is not there.
    pub(crate) fn open(folder: &Path) -> std::io::Result<(Self, Vec<Line>)> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("journal.jsonl");
        let mut lines = Vec::new();
        if let Ok(file) = File::open(&path) {
            for text in BufReader::new(file).lines() {
                lines.extend(line(&text?));
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok((Self(file), lines))
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, line: &Line) -> std::io::Result<()> {
        let text = json!({
            "space": line.space,
            "principal": line.principal,
            "session": line.session,
            "commit": line.commit.to_value(),
        });
        writeln!(self.0, "{text}")
    }
}

fn line(text: &str) -> Option<Line> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let part = |key: &str| value[key].as_str().map(str::to_owned);
    Some(Line {
        space: part("space")?,
        principal: part("principal")?,
        session: part("session")?,
        commit: Commit::from_value(value["commit"].take()).ok()?,
    })
}
