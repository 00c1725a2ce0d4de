//! Limits the console output of one run before it becomes frames.
//!
//! 100,000 console lines over frames took 0.7 s of both processes; a run keeps
//! the first lines, and one line at its end says how much is missing.

/// Lines that a run may log.
const MAX_LINES: u32 = 200;
/// Bytes that a run may log, over all lines.
const MAX_BYTES: usize = 64 * 1024;
/// Room for the line that says how much is missing.
const SUMMARY_BYTES: usize = 256;

/// Counts what one run logged.
#[derive(Debug)]
pub(crate) struct LogCap {
    max_lines: u32,
    max_bytes: usize,
    lines: u32,
    bytes: usize,
    dropped: u64,
}

impl LogCap {
    /// The limit in the worker.
    pub(crate) fn new() -> Self {
        Self {
            max_lines: MAX_LINES,
            max_bytes: MAX_BYTES,
            lines: 0,
            bytes: 0,
            dropped: 0,
        }
    }

    /// The limit in the keeper, which trusts no worker to have one: as much, and
    /// the line that says how much is missing.
    pub(crate) fn with_summary() -> Self {
        Self {
            max_lines: MAX_LINES + 1,
            max_bytes: MAX_BYTES + SUMMARY_BYTES,
            ..Self::new()
        }
    }

    /// True when every further line will be dropped.
    pub(crate) fn is_full(&self) -> bool {
        self.lines >= self.max_lines || self.bytes >= self.max_bytes
    }

    /// The part of `text` that may still be logged; `None` when nothing may.
    pub(crate) fn admit<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let room = self.max_bytes.saturating_sub(self.bytes);
        if self.is_full() {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        let end = (0..=room.min(text.len()))
            .rev()
            .find(|i| text.is_char_boundary(*i));
        let part = &text[..end.unwrap_or(0)];
        self.lines += 1;
        self.bytes += part.len();
        Some(part)
    }

    /// The line that ends the log of a run that said too much.
    pub(crate) fn summary(&self) -> Option<String> {
        match self.dropped {
            0 => None,
            1 => Some("1 more line of console output was dropped".to_owned()),
            n => Some(format!("{n} more lines of console output were dropped")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_counted() {
        let mut cap = LogCap::new();
        let kept = (0..100_000).filter(|_| cap.admit("x").is_some()).count();
        assert_eq!(kept, 200);
        assert!(cap.summary().unwrap().starts_with("99800 more lines"));
    }

    #[test]
    fn bytes_beyond_the_limit_are_cut_between_characters() {
        let mut cap = LogCap::new();
        let long = "\u{20ac}".repeat(MAX_BYTES);
        let kept = cap.admit(&long).unwrap();
        assert!(kept.len() > MAX_BYTES - 3 && kept.len() <= MAX_BYTES);
        assert_eq!(cap.summary(), None);
        // Less room than one character takes.
        assert_eq!(cap.admit("\u{20ac}"), Some(""));
        cap.bytes = MAX_BYTES;
        assert_eq!(cap.admit("x"), None);
        assert!(cap.summary().unwrap().starts_with("1 more line "));
    }
}
