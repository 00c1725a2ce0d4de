//! What goes to the terminal: results on standard output, everything else on
//! standard error, so that `--json` and pipes stay clean.
//!
//! Text that came from a charm or from Google is shown with its control
//! characters replaced, so that it cannot move the cursor or hide lines.

use std::io::Write;

/// Writes one line of result. A closed pipe ends the program quietly, as other
/// tools do; a full disk is said.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        if e.kind() != std::io::ErrorKind::BrokenPipe {
            note(&format!(
                "charmkeeper: the result could not be written: {e}."
            ));
        }
        std::process::exit(i32::from(crate::failure::FAILED));
    }
}

/// Writes one line for the person, beside the result.
pub(crate) fn note(text: &str) {
    // Nowhere left to say it when standard error is gone as well.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// The text with control characters, and marks that change its direction,
/// replaced by visible stand-ins.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// At most `width` characters, with an ellipsis when cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= width {
        return text;
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('\u{2026}');
    short
}

/// Rows in aligned columns, two spaces apart. The last column is not padded.
pub(crate) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| {
            rows.iter()
                .filter_map(|r| r.get(c))
                .map(|t| t.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let mut text = String::new();
        for (index, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if index + 1 < row.len() {
                let pad = widths[index].saturating_sub(cell.chars().count()) + 2;
                text.extend(std::iter::repeat_n(' ', pad));
            }
        }
        line(text.trim_end());
    }
}

/// `1.2 s`, `340 ms`, `3 min 20 s`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(
            plain("a\x1b[2Jb\r\nc\u{202e}d"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}d"
        );
        assert_eq!(plain("שלום 😀"), "שלום 😀");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(cut("äöüß", 3), "äö\u{2026}");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn durations_read_naturally() {
        assert_eq!(duration(340), "340 ms");
        assert_eq!(duration(1250), "1.2 s");
        assert_eq!(duration(200_000), "3 min 20 s");
    }
}
