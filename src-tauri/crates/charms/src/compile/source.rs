//! Positions in a source text: byte offsets to lines and columns.
//!
//! Never parses; a line ends at LF, CRLF or CR, as editors count.

use super::error::{Diagnostic, Place};

/// One file of a charm with an index of its lines.
pub(super) struct Source<'s> {
    /// Path with a leading slash: `/util/x.ts`.
    pub(super) path: &'s str,
    /// The text, without a byte order mark.
    pub(super) text: &'s str,
    starts: Vec<usize>,
}

impl<'s> Source<'s> {
    pub(super) fn new(path: &'s str, text: &'s str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (i, b) in bytes.iter().enumerate() {
            let ends = *b == b'\n' || (*b == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
            if ends {
                starts.push(i + 1);
            }
        }
        Self { path, text, starts }
    }

    /// The path as people write it: without the leading slash.
    pub(super) fn name(&self) -> &'s str {
        self.path.strip_prefix('/').unwrap_or(self.path)
    }

    /// Line and column of a byte offset, both counted from 1; the column in
    /// characters. An offset past the end is the end.
    pub(super) fn place(&self, offset: u32) -> Place {
        let (line, column, _) = self.locate(offset);
        Place {
            file: self.name().to_owned(),
            line,
            column,
        }
    }

    /// The line of a byte offset as a run's log names it: `main.tsx:12`.
    pub(super) fn line_name(&self, offset: u32) -> String {
        let (line, _, _) = self.locate(offset);
        format!("{}:{line}", self.name())
    }

    /// A fault at a byte offset.
    pub(super) fn diagnostic(
        &self,
        offset: u32,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Diagnostic {
        let (line, column, text) = self.locate(offset);
        Diagnostic {
            file: self.name().to_owned(),
            line,
            column,
            message: message.into(),
            hint,
            text: text.to_owned(),
        }
    }

    fn locate(&self, offset: u32) -> (u32, u32, &'s str) {
        let mut at = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self
            .starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let end = self
            .starts
            .get(line + 1)
            .copied()
            .unwrap_or(self.text.len());
        let column = self
            .text
            .get(start..at)
            .map_or(0, |before| before.chars().count());
        let text = self
            .text
            .get(start..end)
            .unwrap_or("")
            .trim_end_matches(['\n', '\r']);
        let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        (number(line), number(column), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_and_every_kind_of_line_end() {
        let s = Source::new("/a.ts", "ab\r\ncé\u{1f600}d\re\n");
        let at = |needle: &str| {
            let p = s.place(u32::try_from(s.text.find(needle).unwrap()).unwrap());
            (p.line, p.column)
        };
        assert_eq!(at("b"), (1, 2));
        assert_eq!(at("c"), (2, 1));
        assert_eq!(at("d"), (2, 4));
        assert_eq!(at("e"), (3, 1));
        assert_eq!(s.place(9_999).line, 4);
        assert_eq!(s.diagnostic(6, "x", None).text, "cé\u{1f600}d");
    }
}
