//! JSON text to a tree in wire form.
//!
//! Unlike `serde_json` this reads lone surrogates, uses no recursion, and keeps
//! as text what is nested too deep. Owns the grammar of JSON; never knows what a
//! key means.

use serde_json::Number;

use super::{CodecError, LEVELS, number, text};

/// A value in wire form.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wire {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Wire>),
    /// In the order of the text.
    Object(Vec<(String, Wire)>),
    /// The text of an array or object below the last level.
    Deep(String),
}

enum Open {
    Array(Vec<Wire>),
    Object(Vec<(String, Wire)>, String),
}

/// Reads one JSON value with nothing but white space around it.
pub(super) fn parse(text: &str) -> Result<Wire, CodecError> {
    let mut reader = Reader { text, at: 0 };
    let mut open: Vec<Open> = Vec::new();
    loop {
        let Some(mut value) = reader.start(&mut open)? else {
            continue;
        };
        loop {
            let closed = match open.last_mut() {
                None => {
                    reader.space();
                    return reader.at_end().then_some(value).ok_or(reader.error());
                }
                Some(Open::Array(items)) => {
                    items.push(value);
                    !reader.more(b']')?
                }
                Some(Open::Object(members, key)) => {
                    members.push((std::mem::take(key), value));
                    let more = reader.more(b'}')?;
                    if more {
                        *key = reader.key()?;
                    }
                    !more
                }
            };
            if !closed {
                break;
            }
            value = match open.pop() {
                Some(Open::Array(items)) => Wire::Array(items),
                Some(Open::Object(members, _)) => Wire::Object(members),
                None => return Err(reader.error()),
            };
        }
    }
}

/// True when `text` is exactly one JSON value. Takes no stack for its depth.
pub(super) fn is_json(text: &str) -> bool {
    let mut reader = Reader { text, at: 0 };
    reader.skip().is_ok() && {
        reader.space();
        reader.at_end()
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn error(&self) -> CodecError {
        CodecError::Json { at: self.at }
    }

    fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` when it is next after white space.
    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    /// After a value: true when another follows, false after `close`.
    fn more(&mut self, close: u8) -> Result<bool, CodecError> {
        if self.eat(b',') {
            Ok(true)
        } else if self.eat(close) {
            Ok(false)
        } else {
            Err(self.error())
        }
    }

    fn key(&mut self) -> Result<String, CodecError> {
        if !self.eat(b'"') {
            return Err(self.error());
        }
        let key = self.string()?;
        if self.eat(b':') {
            Ok(key)
        } else {
            Err(self.error())
        }
    }

    /// Reads a whole value, or opens a container and returns nothing.
    fn start(&mut self, open: &mut Vec<Open>) -> Result<Option<Wire>, CodecError> {
        self.space();
        if open.len() >= LEVELS && matches!(self.peek(), Some(b'[' | b'{')) {
            let from = self.at;
            self.skip()?;
            let text = self.text.get(from..self.at).unwrap_or_default();
            return Ok(Some(Wire::Deep(text.to_owned())));
        }
        if self.eat(b'[') {
            if self.eat(b']') {
                return Ok(Some(Wire::Array(Vec::new())));
            }
            open.push(Open::Array(Vec::new()));
            return Ok(None);
        }
        if self.eat(b'{') {
            if self.eat(b'}') {
                return Ok(Some(Wire::Object(Vec::new())));
            }
            let key = self.key()?;
            open.push(Open::Object(Vec::new(), key));
            return Ok(None);
        }
        self.scalar().map(Some)
    }

    /// Passes over one value, whatever its depth.
    fn skip(&mut self) -> Result<(), CodecError> {
        let mut closers: Vec<u8> = Vec::new();
        loop {
            if self.eat(b'[') {
                if !self.eat(b']') {
                    closers.push(b']');
                    continue;
                }
            } else if self.eat(b'{') {
                if !self.eat(b'}') {
                    self.key()?;
                    closers.push(b'}');
                    continue;
                }
            } else {
                self.scalar()?;
            }
            loop {
                let Some(&close) = closers.last() else {
                    return Ok(());
                };
                if self.more(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                closers.pop();
            }
        }
    }

    fn scalar(&mut self) -> Result<Wire, CodecError> {
        if self.eat(b'"') {
            return self.string().map(Wire::String);
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in [
            ("null", Wire::Null),
            ("true", Wire::Bool(true)),
            ("false", Wire::Bool(false)),
        ] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let len = rest
            .bytes()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .count();
        let number = rest
            .get(..len)
            .and_then(number::read)
            .ok_or_else(|| self.error())?;
        self.at += len;
        Ok(Wire::Number(number))
    }

    /// The rest of a string whose opening quote is taken.
    fn string(&mut self) -> Result<String, CodecError> {
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest
                .bytes()
                .take_while(|&b| b != b'"' && b != b'\\' && b >= b' ' && b != text::MARK)
                .count();
            // All stops are first bytes of a character, so this never splits one.
            out.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(text::MARK) => {
                    let c = rest.get(plain..).and_then(|rest| rest.chars().next());
                    let c = c.ok_or_else(|| self.error())?;
                    self.at += c.len_utf8();
                    text::push(&mut out, c);
                }
                _ => return Err(self.error()),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), CodecError> {
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        let c = match letter {
            Some(b'u') => {
                let unit = self.unit()?;
                return self.code_unit(unit, out);
            }
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.error()),
        };
        self.at += 2;
        out.push(c);
        Ok(())
    }

    /// The code unit of `\uXXXX`, which starts here.
    fn unit(&mut self) -> Result<u32, CodecError> {
        let digits = self
            .text
            .get(self.at..self.at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"))
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.error())?;
        self.at += 6;
        Ok(unit)
    }

    fn code_unit(&mut self, unit: u32, out: &mut String) -> Result<(), CodecError> {
        let is_low = |unit: u32| (0xdc00..=0xdfff).contains(&unit);
        if (0xd800..=0xdbff).contains(&unit) {
            let before = self.at;
            if let Ok(low) = self.unit() {
                if is_low(low) {
                    let c = char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    text::push(out, c.ok_or_else(|| self.error())?);
                    return Ok(());
                }
                self.at = before;
            }
        }
        match char::from_u32(unit) {
            Some(c) => text::push(out, c),
            None => text::push_lone(out, unit),
        }
        Ok(())
    }
}
