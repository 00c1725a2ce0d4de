//! Regular expressions of JavaScript as this program's own.
//!
//! Owns a translation of those that mean the same in both: literals, classes,
//! groups, alternatives, quantifiers, the ends of the text. Everything else is
//! left to the engine: references back, looking around, the flags `u`, `v`, `y`,
//! what can match nothing (the two go on differently after that), and letters
//! outside of ASCII. What a translation is used on must have no characters
//! beyond U+FFFF, which JavaScript counts as two.
//!
//! The engine tries every position of a text anew; here a search takes time in
//! proportion to the text, whatever the expression.

mod parser;

use regex::{Regex, RegexBuilder};

use parser::Parser;

/// Longest expression that is looked at, in bytes.
const MAX_SOURCE: usize = 500;
/// Memory that one expression may take, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// Replacing by an expression, as `text.replace(/source/flags, by)` does.
pub(crate) struct Replacement {
    expression: Regex,
    by: String,
    /// Every match, or the first.
    all: bool,
}

impl Replacement {
    /// `None` for what is left to the engine.
    pub(crate) fn new(source: &str, flags: &str, by: &str) -> Option<Self> {
        let (all, ignore_case) = match flags {
            "" => (false, false),
            "g" => (true, false),
            "i" => (false, true),
            "gi" | "ig" => (true, true),
            _ => return None,
        };
        // `$1`, `$&` and the like.
        if by.contains('$') {
            return None;
        }
        let expression = RegexBuilder::new(&translate(source, ignore_case)?)
            .size_limit(MAX_SIZE)
            .dfa_size_limit(MAX_SIZE)
            .build()
            .ok()?;
        Some(Self {
            expression,
            by: by.to_owned(),
            all,
        })
    }

    /// The text with what matches replaced; `None` when nothing does.
    pub(crate) fn apply(&self, text: &str) -> Option<String> {
        let times = usize::from(!self.all);
        let by = regex::NoExpand(&self.by);
        match self.expression.replacen(text, times, by) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(text) => Some(text),
        }
    }
}

fn translate(source: &str, ignore_case: bool) -> Option<String> {
    if source.len() > MAX_SOURCE || !source.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return None;
    }
    Parser::new(source, ignore_case).translation()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(source: &str, flags: &str, text: &str) -> String {
        let replacement = Replacement::new(source, flags, "#").unwrap();
        replacement.apply(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn what_is_translated_means_the_same() {
        for (source, flags, text, expected) in [
            (r"<[^>]+>", "g", "<a b>x</a>", "#x#"),
            (
                r"<style[\s\S]*?<\/style>",
                "gi",
                "a<STYLE>\n</Style>b</style>",
                "a#b</style>",
            ),
            (r"<\/(p|div|h[1-6])>", "gi", "</P></h7></H6>", "#</h7>#"),
            (r"\n{3,}", "g", "a\n\n\n\nb\n\nc", "a#b\n\nc"),
            (r"\s+$", "", "a \u{feff}\u{a0}", "a#"),
            (r"^.", "", "\u{2028}x", "\u{2028}x"),
            (r".", "", "\r\u{e9}x", "\r#x"),
            (r"\bk", "gi", "\u{212a} K ok", "\u{212a} # ok"),
            (r"[^a-c]", "gi", "aBcd\u{17f}", "aBc##"),
            (r"[a\-z]", "g", "az-m", "###m"),
            (r"a|ab", "g", "ab", "#b"),
            (r"\$\.", "g", "1$.", "1#"),
        ] {
            assert_eq!(
                replaced(source, flags, text),
                expected,
                "/{source}/{flags} on {text:?}"
            );
        }
    }

    #[test]
    fn the_rest_is_left_to_the_engine() {
        for source in [
            "",
            "a*",
            "a|",
            "(a?)+",
            "(?=a)b",
            "(?<n>a)",
            r"(a)\1",
            r"\B",
            r"\u0041",
            r"\p{L}",
            "[]",
            "[^]",
            "[z-a]",
            r"[\w-]",
            "a{2,1}",
            "a{,2}",
            "a**",
            "^*",
            "(a",
            "a)",
            "\u{e9}",
            "x{999}{999}{999}",
        ] {
            assert!(Replacement::new(source, "g", "").is_none(), "/{source}/");
        }
        for flags in ["u", "gu", "y", "m", "s", "gg"] {
            assert!(Replacement::new("a", flags, "").is_none(), "{flags}");
        }
        assert!(Replacement::new("a", "g", "$&").is_none());
    }
}
