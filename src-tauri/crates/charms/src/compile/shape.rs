//! A look at the brackets of a source before it is parsed.
//!
//! The parser tries `(` as the head of an arrow function first and reads the
//! same text again when it is none. Nested in each other, such groups cost
//! time and memory by the square of their depth: 40 KB of them take gigabytes.
//! This scan refuses what no person writes.
//!
//! It knows strings, comments, templates and most regular expressions, but is
//! not a lexer: a source that is built to mislead it can hide brackets. Ordinary
//! code is never near the limits.

/// Deepest nesting of brackets.
const MAX_BRACKETS: usize = 1_000;
/// Most bytes inside parentheses, counted once for every pair around them.
const MAX_AREA: usize = 8_000_000;
/// How far down a closing bracket looks for its partner, so that one stray
/// bracket in a text does not spoil everything after it.
const REACH: usize = 64;

/// What is wrong with the brackets of a source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excess {
    /// Byte offset.
    pub(super) at: usize,
    /// A clause without a full stop.
    pub(super) what: String,
}

/// Scans `text` and reports the first excess.
pub(super) fn check(text: &str) -> Option<Excess> {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        open: Vec::new(),
        parens: 0,
        area: 0,
        last: b';',
    };
    scan.run()
}

/// A number that the nesting of `text` cannot exceed, whatever it contains:
/// every level of recursion in the parser takes at least one word or one mark
/// that is not a closing or separating one. Comments and strings are counted
/// too, which only makes it larger.
pub(super) fn nesting_bound(text: &str) -> usize {
    let mut in_word = false;
    text.bytes()
        .filter(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'#' | b'@' | b'\\' | 0x80.. => {
                !std::mem::replace(&mut in_word, true)
            }
            // A number alone opens nothing.
            b'0'..=b'9' => false,
            b')' | b']' | b'}' | b',' | b';' | b'"' | b'\'' | 0..=b' ' | 0x7f => {
                in_word = false;
                false
            }
            _ => {
                in_word = false;
                true
            }
        })
        .count()
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Open brackets; a template's `${` is kept as `$`, the template as a backtick.
    open: Vec<u8>,
    parens: usize,
    area: usize,
    /// The last byte that was neither space nor comment.
    last: u8,
}

impl Scan<'_> {
    fn run(&mut self) -> Option<Excess> {
        while let Some(&byte) = self.bytes.get(self.at) {
            let from = self.at;
            self.step(byte);
            self.area += self.parens * (self.at - from);
            if self.open.len() > MAX_BRACKETS {
                let what = format!("is nested more than {MAX_BRACKETS} brackets deep here");
                return Some(Excess { at: from, what });
            }
            if self.area > MAX_AREA {
                let what = "has more nested parentheses up to here than can be compiled".to_owned();
                return Some(Excess { at: from, what });
            }
        }
        None
    }

    /// Moves past one byte, or past a whole string, comment or expression.
    fn step(&mut self, byte: u8) {
        let next = self.bytes.get(self.at + 1).copied();
        if self.open.last() == Some(&b'`') {
            return self.in_template(byte, next);
        }
        match (byte, next) {
            (b'/', Some(b'/')) => return self.skip_until(|_, rest| rest.first() == Some(&b'\n')),
            (b'/', Some(b'*')) => {
                self.at += 2;
                self.skip_until(|_, rest| rest.starts_with(b"*/"));
                self.at += 2;
                return;
            }
            (b'/', _) if self.expression_may_begin() => self.regular_expression(),
            (b'"' | b'\'', _) => self.string(byte),
            (b'(' | b'[' | b'{' | b'`', _) => self.push(byte),
            (b')', _) => self.close(b"("),
            (b']', _) => self.close(b"["),
            (b'}', _) => self.close(b"{$"),
            _ => self.at += 1,
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
    }

    fn in_template(&mut self, byte: u8, next: Option<u8>) {
        match (byte, next) {
            (b'\\', _) => self.at += 2,
            (b'`', _) => {
                self.open.pop();
                self.at += 1;
                self.last = b'`';
            }
            (b'$', Some(b'{')) => {
                self.push(b'$');
                self.at += 1;
                self.last = b'{';
            }
            _ => self.at += 1,
        }
    }

    fn push(&mut self, byte: u8) {
        self.parens += usize::from(byte == b'(');
        self.open.push(byte);
        self.at += 1;
    }

    fn close(&mut self, partners: &[u8]) {
        self.at += 1;
        let low = self.open.len().saturating_sub(REACH);
        let found = self.open[low..].iter().rposition(|b| partners.contains(b));
        if let Some(found) = found {
            let dropped = self
                .open
                .drain(low + found..)
                .filter(|b| *b == b'(')
                .count();
            self.parens -= dropped;
        }
    }

    fn skip_until(&mut self, ends: impl Fn(u8, &[u8]) -> bool) {
        while let Some(rest) = self.bytes.get(self.at..).filter(|r| !r.is_empty()) {
            if ends(rest[0], rest) {
                return;
            }
            self.at += if rest[0] == b'\\' { 2 } else { 1 };
        }
    }

    /// A string ends at its quote, and at the end of the line in any case.
    fn string(&mut self, quote: u8) {
        self.at += 1;
        self.skip_until(|b, _| b == quote || b == b'\n');
        self.at += 1;
    }

    fn regular_expression(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'\n' => return,
                b'/' if !in_class => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
    }

    /// True where a `/` begins a regular expression rather than divides. After
    /// `<` and `}` it is taken for a part of JSX or a division.
    fn expression_may_begin(&self) -> bool {
        matches!(
            self.last,
            b'(' | b','
                | b'='
                | b':'
                | b'['
                | b'!'
                | b'&'
                | b'|'
                | b'?'
                | b'{'
                | b';'
                | b'+'
                | b'-'
                | b'*'
                | b'%'
                | b'~'
                | b'^'
                | b'>'
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_at_end(text: &str) -> usize {
        let mut scan = Scan {
            bytes: text.as_bytes(),
            at: 0,
            open: Vec::new(),
            parens: 0,
            area: 0,
            last: b';',
        };
        assert_eq!(scan.run(), None, "{text}");
        scan.open.len()
    }

    #[test]
    fn brackets_in_texts_do_not_count() {
        for text in [
            "f('(', \"[\\\"{\")",
            "// ((((\n",
            "/* (((( */",
            "`(${ f(`[${1}{`) }[`",
            "x = /[(/]\\//;",
            "a / b; (c)",
            "<a b='('>don't ( </a>\n",
            "'unfinished (\n",
            "(a) / (b) / '('",
        ] {
            let want = usize::from(text.contains("don't"));
            assert!(depth_at_end(text) <= want, "{text}");
        }
        assert_eq!(depth_at_end("([{`${"), 5);
    }

    #[test]
    fn a_stray_bracket_does_not_spoil_what_follows() {
        let text = format!("<p>:-(</p>{}", "{ f([1]) }\n".repeat(10_000));
        assert_eq!(depth_at_end(&format!("{{ {text} }}")), 0);
    }

    #[test]
    fn deep_and_wide_nesting_is_reported_with_its_place() {
        let deep = format!("const a = 1;\n{}", "[".repeat(2_000));
        assert_eq!(check(&deep).map(|e| e.at), Some(13 + MAX_BRACKETS));
        let group = format!("{}1{};", "(a = (b) => ".repeat(900), ")".repeat(900));
        assert_eq!(check(&group), None);
        assert!(check(&group.repeat(10)).is_some());
        assert!(check(&"f(g(1), [h(2)]);\n".repeat(60_000)).is_none());
    }

    #[test]
    fn words_and_marks_are_counted_once_each() {
        assert_eq!(nesting_bound("await  foo(bar)"), 4);
        assert_eq!(nesting_bound("),;]} 12.5\n"), 1);
        assert_eq!(nesting_bound("!!a1"), 3);
    }
}
