//! The translation itself: what an expression of JavaScript is made of, one part
//! after another, written as the same in this program's dialect.
//!
//! Refuses everything that is not certain to mean the same.

use std::fmt::Write as _;

/// Members of `\s` (ECMA-262, WhiteSpace and LineTerminator).
const SPACE: &str = r"\t\n\x0b\x0c\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
/// What `.` does not match.
const LINE_ENDS: &str = r"\n\r\x{2028}\x{2029}";

/// Deepest nesting of groups.
const MAX_DEPTH: usize = 16;

/// A part of an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It always takes some of the text.
    Takes,
    /// It may take nothing.
    Nullable,
    /// It says where it stands and takes nothing.
    Place,
}

/// Reads an expression and writes its translation.
pub(super) struct Parser<'s> {
    rest: &'s [u8],
    ignore_case: bool,
    out: String,
    depth: usize,
}

impl<'s> Parser<'s> {
    pub(super) fn new(source: &'s str, ignore_case: bool) -> Self {
        Self {
            rest: source.as_bytes(),
            ignore_case,
            out: String::with_capacity(source.len() * 2),
            depth: 0,
        }
    }

    /// `None` when something in it is left to the engine, or when the whole may
    /// match nothing.
    pub(super) fn translation(mut self) -> Option<String> {
        let nullable = self.alternatives()?;
        (!nullable && self.rest.is_empty()).then_some(self.out)
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn eat(&mut self, wanted: &[u8]) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Alternatives up to the end or a closing bracket; whether they may take
    /// nothing.
    fn alternatives(&mut self) -> Option<bool> {
        let mut nullable = self.sequence()?;
        while self.eat(b"|") {
            self.out.push('|');
            nullable |= self.sequence()?;
        }
        Some(nullable)
    }

    fn sequence(&mut self) -> Option<bool> {
        let mut nullable = true;
        while !matches!(self.rest.first(), None | Some(b'|' | b')')) {
            let part = self.part()?;
            nullable &= self.quantified(part)? != Part::Takes;
        }
        Some(nullable)
    }

    fn part(&mut self) -> Option<Part> {
        let first = self.next()?;
        match first {
            b'^' | b'$' => {
                self.out.push(char::from(first));
                return Some(Part::Place);
            }
            b'(' => return self.group(),
            b'[' => self.class()?,
            b'.' => self.push_class(LINE_ENDS, true),
            b'\\' => return self.escape(),
            b'*' | b'+' | b'?' | b'{' | b'}' | b']' | b'|' | b')' => return None,
            literal => self.literal(literal),
        }
        Some(Part::Takes)
    }

    fn group(&mut self) -> Option<Part> {
        self.depth += 1;
        if self.depth > MAX_DEPTH || (!self.eat(b"?:") && self.rest.first() == Some(&b'?')) {
            return None;
        }
        // What a group has matched is of no use without references to it.
        self.out.push_str("(?:");
        let nullable = self.alternatives()?;
        self.out.push(')');
        self.depth -= 1;
        let part = if nullable {
            Part::Nullable
        } else {
            Part::Takes
        };
        self.eat(b")").then_some(part)
    }

    /// The quantifier after a part, if there is one.
    fn quantified(&mut self, part: Part) -> Option<Part> {
        let start = self.rest;
        let may_be_none = match start.first() {
            Some(b'*' | b'?') => {
                self.next();
                true
            }
            Some(b'+') => {
                self.next();
                false
            }
            Some(b'{') => self.counts()?,
            _ => return Some(part),
        };
        if part != Part::Takes {
            return None;
        }
        self.eat(b"?");
        let taken = start.len() - self.rest.len();
        let text = std::str::from_utf8(start.get(..taken)?).ok()?;
        self.out.push_str(text);
        Some(if may_be_none {
            Part::Nullable
        } else {
            Part::Takes
        })
    }

    /// `{2}`, `{2,}` or `{2,3}`; whether it may be none.
    fn counts(&mut self) -> Option<bool> {
        let end = self.rest.iter().position(|b| *b == b'}')?;
        let inner = std::str::from_utf8(self.rest.get(1..end)?).ok()?;
        let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() <= 3);
        let (least, most) = match inner.split_once(',') {
            None => (number(inner)?, number(inner)?),
            Some((least, "")) => (number(least)?, u16::MAX),
            Some((least, most)) => (number(least)?, number(most)?),
        };
        self.rest = self.rest.get(end + 1..)?;
        (least <= most && most > 0).then_some(least == 0)
    }

    fn escape(&mut self) -> Option<Part> {
        let escape = self.next()?;
        if escape == b'b' {
            self.out.push_str(r"(?-u:\b)");
            return Some(Part::Place);
        }
        match (shorthand(escape), escaped(escape)) {
            (Some((members, negated)), _) => self.push_class(members, negated),
            (None, Some(literal)) => self.literal(literal),
            (None, None) => return None,
        }
        Some(Part::Takes)
    }

    fn literal(&mut self, literal: u8) {
        if self.ignore_case && literal.is_ascii_alphabetic() {
            self.out.push('[');
            self.member(literal.to_ascii_lowercase());
            self.member(literal.to_ascii_uppercase());
            self.out.push(']');
        } else {
            self.member(literal);
        }
    }

    /// A character in a form that is the same inside and outside of classes.
    fn member(&mut self, member: u8) {
        // Writing to a string does not fail.
        let _ = write!(self.out, "\\x{{{member:x}}}");
    }

    fn push_class(&mut self, members: &str, negated: bool) {
        self.out.push_str(if negated { "[^" } else { "[" });
        self.out.push_str(members);
        self.out.push(']');
    }

    /// A class, after its opening bracket.
    fn class(&mut self) -> Option<()> {
        self.out.push('[');
        if self.eat(b"^") {
            self.out.push('^');
        }
        if self.rest.first() == Some(&b']') {
            return None;
        }
        loop {
            let Some(low) = self.class_member()? else {
                if self.eat(b"]") {
                    break;
                }
                // After a shorthand a hyphen means itself, or nothing sensible.
                if self.rest.first() == Some(&b'-') {
                    return None;
                }
                continue;
            };
            let range = self.rest.first() == Some(&b'-') && self.rest.get(1) != Some(&b']');
            let high = if range {
                self.next();
                self.class_member()??
            } else {
                low
            };
            if high < low {
                return None;
            }
            self.range(low, high);
            if self.eat(b"]") {
                break;
            }
        }
        self.out.push(']');
        Some(())
    }

    /// A character of a class; the inner `None` for a shorthand, which is
    /// written already.
    #[allow(clippy::option_option, reason = "the outer one is a refusal")]
    fn class_member(&mut self) -> Option<Option<u8>> {
        match self.next()? {
            b'\\' => {
                let escape = self.next()?;
                if let Some((members, negated)) = shorthand(escape) {
                    self.push_class(members, negated);
                    return Some(None);
                }
                Some(Some(escaped(escape)?))
            }
            b']' => None,
            literal => Some(Some(literal)),
        }
    }

    fn range(&mut self, low: u8, high: u8) {
        self.member(low);
        self.out.push('-');
        self.member(high);
        if self.ignore_case {
            for letter in (low..=high).filter(u8::is_ascii_alphabetic) {
                self.member(letter ^ 0x20);
            }
        }
    }
}

/// Members of `\d`, `\s`, `\w` and their opposites.
fn shorthand(escape: u8) -> Option<(&'static str, bool)> {
    let members = match escape.to_ascii_lowercase() {
        b'd' => DIGIT,
        b's' => SPACE,
        b'w' => WORD,
        _ => return None,
    };
    Some((members, escape.is_ascii_uppercase()))
}

/// The character that an escape stands for.
fn escaped(escape: u8) -> Option<u8> {
    match escape {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(0x0b),
        b'f' => Some(0x0c),
        other => other.is_ascii_punctuation().then_some(other),
    }
}
