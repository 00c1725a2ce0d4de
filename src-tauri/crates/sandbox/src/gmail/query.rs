//! Gmail's search language, the part that charms use: `in:`, `label:`, `from:`,
//! `to:`, `subject:`, `after:`, `before:`, `newer_than:`, `older_than:`, `is:`,
//! `has:attachment`, `filename:`, `category:`, `rfc822msgid:`, words,
//! "phrases", `-not`, `OR`, `(groups)` and `{any of}`.
//!
//! Words match anywhere in sender, recipient, subject and bodies, in any case;
//! Gmail itself matches whole words.

use charmkeeper_base::UnixMs;
use jiff::civil::Date;

use super::term::{Leaf, Term};
use crate::world::mailbox::{Message, USER_LABELS};
use crate::world::zone;

/// Nesting that is still read; deeper groups are taken as empty.
const DEEPEST: usize = 20;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// A parsed search. It can always be evaluated: what is not understood is a word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query(Term);

impl Query {
    pub(super) fn parse(text: &str, now: UnixMs) -> Self {
        let mut parser = Parser {
            rest: text,
            now,
            depth: 0,
        };
        Self(parser.group(None, None))
    }

    /// Spam and trash are searched only when they are named.
    pub(super) fn reaches_everywhere(&self) -> bool {
        self.0.reaches_everywhere()
    }

    pub(super) fn matches(&self, m: &Message) -> bool {
        self.0.matches(m)
    }
}

struct Parser<'a> {
    rest: &'a str,
    now: UnixMs,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Terms up to `close`, or to the end. `field` is the operator before a
    /// group, as in `subject:(a b)`.
    fn group(&mut self, field: Option<&str>, close: Option<char>) -> Term {
        self.depth += 1;
        let mut terms: Vec<Term> = Vec::new();
        let mut or = false;
        loop {
            self.rest = self.rest.trim_start();
            let Some(c) = self.rest.chars().next() else {
                break;
            };
            if Some(c) == close {
                self.rest = &self.rest[c.len_utf8()..];
                break;
            }
            if let Some(tail) = self.rest.strip_prefix("OR")
                && tail.starts_with(|c: char| c.is_whitespace())
            {
                self.rest = tail;
                or = !terms.is_empty();
                continue;
            }
            let term = self.term(field);
            match terms.pop() {
                Some(Term::Any(mut list)) if or => {
                    list.push(term);
                    terms.push(Term::Any(list));
                }
                Some(last) if or => terms.push(Term::Any(vec![last, term])),
                last => {
                    terms.extend(last);
                    terms.push(term);
                }
            }
            or = false;
        }
        self.depth -= 1;
        if close == Some('}') {
            Term::Any(terms)
        } else {
            Term::All(terms)
        }
    }

    fn term(&mut self, field: Option<&str>) -> Term {
        let positive = self.rest.trim_start_matches('-');
        let signs = self.rest.len() - positive.len();
        if signs > 0 && positive.starts_with(|c: char| !c.is_whitespace()) {
            self.rest = positive;
            let term = self.term(field);
            return if signs % 2 == 1 {
                Term::Not(Box::new(term))
            } else {
                term
            };
        }
        if let Some(group) = self.open(field) {
            return group;
        }
        if let Some(text) = self.quoted() {
            return self.leaf(field, text);
        }
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, ':' | ')' | '}'))
            .unwrap_or(self.rest.len());
        let (word, tail) = self.rest.split_at(end);
        if let Some(value) = tail.strip_prefix(':')
            && is_operator(word)
        {
            self.rest = value;
            if let Some(group) = self.open(Some(word)) {
                return group;
            }
            let text = self.quoted().unwrap_or_else(|| self.bare());
            return self.leaf(Some(word), text);
        }
        let text = self.bare();
        self.leaf(field, text)
    }

    /// A group in brackets, where there is one.
    fn open(&mut self, field: Option<&str>) -> Option<Term> {
        let close = match self.rest.chars().next()? {
            '(' => ')',
            '{' => '}',
            _ => return None,
        };
        self.rest = &self.rest[1..];
        if self.depth > DEEPEST {
            self.rest = "";
            return Some(Term::All(Vec::new()));
        }
        Some(self.group(field, Some(close)))
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let tail = self.rest.strip_prefix('"')?;
        let (text, rest) = tail.split_once('"').unwrap_or((tail, ""));
        self.rest = rest;
        Some(text)
    }

    /// Text up to white space or a closing bracket; at least one character, so
    /// that parsing always goes on.
    fn bare(&mut self) -> &'a str {
        let rest = self.rest;
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, ')' | '}'))
            .unwrap_or(rest.len());
        let end = if end == 0 {
            rest.chars().next().map_or(0, char::len_utf8)
        } else {
            end
        };
        self.rest = &rest[end..];
        &rest[..end]
    }

    fn leaf(&self, field: Option<&str>, text: &str) -> Term {
        let lower = text.to_lowercase();
        let value = lower.as_str();
        let own = || lower.clone();
        let leaf = match field.map(str::to_ascii_lowercase).as_deref() {
            Some("from") => Leaf::From(own()),
            Some("to") => Leaf::To(own()),
            Some("subject") => Leaf::Subject(own()),
            Some("filename") => Leaf::Filename(own()),
            Some("rfc822msgid") => Leaf::MessageId(text.to_owned()),
            Some("in") => place(value),
            Some("label") => Leaf::Label(label(value)),
            Some("category") => Leaf::Label(category(value)),
            Some("is") => match value {
                "read" => Leaf::NoLabel("UNREAD".into()),
                other => Leaf::Label(other.to_uppercase()),
            },
            Some("has") if value == "attachment" => Leaf::HasFile,
            Some("after" | "newer") if let Some(ms) = moment(value) => Leaf::Since(ms),
            Some("before" | "older") if let Some(ms) = moment(value) => Leaf::Until(ms),
            Some("newer_than") if let Some(age) = age(value) => Leaf::Since(self.now.0 - age),
            Some("older_than") if let Some(age) = age(value) => Leaf::Until(self.now.0 - age),
            _ => Leaf::Word(own()),
        };
        Term::Leaf(leaf)
    }
}

fn is_operator(word: &str) -> bool {
    const WORDS: [&str; 15] = [
        "in",
        "label",
        "from",
        "to",
        "subject",
        "after",
        "newer",
        "before",
        "older",
        "newer_than",
        "older_than",
        "is",
        "has",
        "filename",
        "category",
    ];
    let word = word.to_ascii_lowercase();
    WORDS.contains(&word.as_str()) || word == "rfc822msgid"
}

fn place(value: &str) -> Leaf {
    match value {
        "anywhere" => Leaf::Anywhere,
        "drafts" | "draft" => Leaf::Label("DRAFT".into()),
        other => Leaf::Label(label(other)),
    }
}

/// The id of a label by id or name; blanks and slashes are written as hyphens.
fn label(value: &str) -> String {
    let plain = |s: &str| s.to_lowercase().replace([' ', '/'], "-");
    USER_LABELS
        .iter()
        .find(|l| plain(l.name) == plain(value) || plain(l.id) == value)
        .map_or_else(|| value.to_uppercase(), |l| l.id.to_owned())
}

fn category(value: &str) -> String {
    let word = if value == "primary" {
        "personal"
    } else {
        value
    };
    format!("CATEGORY_{}", word.to_uppercase())
}

/// Seconds since 1970, or a day, which begins at midnight in California.
fn moment(value: &str) -> Option<i64> {
    if value.len() > 8 && value.bytes().all(|b| b.is_ascii_digit()) {
        return value.parse::<i64>().ok()?.checked_mul(1000);
    }
    let numbers: Vec<i16> = value
        .split(['/', '-'])
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    let [year, month, day] = numbers[..] else {
        return None;
    };
    let day = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let california = zone::find_or_utc("America/Los_Angeles");
    Some(zone::moment(day.at(0, 0, 0, 0), &california).0)
}

/// `7d`, `2m` or `1y` in milliseconds.
fn age(value: &str) -> Option<i64> {
    let unit = value.chars().next_back()?;
    let days = match unit {
        'd' => 1,
        'm' => 30,
        'y' => 365,
        'h' => {
            return value[..value.len() - 1]
                .parse::<i64>()
                .ok()?
                .checked_mul(DAY_MS / 24);
        }
        _ => return None,
    };
    value[..value.len() - 1]
        .parse::<i64>()
        .ok()?
        .checked_mul(days * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::mime::Part;

    const NOW: UnixMs = UnixMs(1_795_253_400_000);

    fn message() -> Message {
        Message {
            id: "1".into(),
            thread_id: "1".into(),
            labels: ["INBOX", "UNREAD", "Label_2"].map(str::to_owned).into(),
            at: UnixMs(NOW.0 - 3 * DAY_MS),
            history_id: 0,
            headers: vec![
                (
                    "From".into(),
                    "Library Desk <desk@library.sandbox.example>".into(),
                ),
                ("To".into(), "sample@sandbox.example".into()),
                ("Subject".into(), "Two Books are due".into()),
                ("Message-ID".into(), "<A1@x>".into()),
            ],
            root: Part::multi(
                "mixed",
                "b",
                vec![
                    Part::text("plain", "The kettle was repaired."),
                    Part::file("application/pdf", "Bill.pdf", vec![1], None),
                ],
            ),
            snippet: String::new(),
            deleted: false,
        }
    }

    fn hit(q: &str) -> bool {
        Query::parse(q, NOW).matches(&message())
    }

    #[test]
    fn each_operator_accepts_and_refuses() {
        for q in [
            "",
            "in:inbox",
            "in:INBOX",
            "in:anywhere",
            "label:travel-next-trip",
            "label:Label_2",
            "from:library",
            "from:\"library desk\"",
            "to:sample@sandbox.example",
            "subject:books",
            "is:unread",
            "-is:read",
            "has:attachment",
            "filename:bill",
            "newer_than:7d",
            "older_than:2d",
            "after:2026/11/10",
            "before:2027/01/01",
            "after:1794900000",
            "kettle",
            "\"kettle was\"",
            "KETTLE",
            "-teapot",
            "teapot OR kettle",
            "rfc822msgid:A1@x",
            "subject:(two books)",
            "{teapot kettle}",
            "from:(post OR desk) -in:sent",
            "(kettle OR teapot) in:inbox",
            "from:library in:inbox -subject:invoice",
            "unknown:kettle OR two",
        ] {
            assert!(hit(q), "{q}");
        }
        for q in [
            "in:sent",
            "in:spam",
            "label:receipts",
            "from:post",
            "subject:kettle",
            "is:read",
            "is:starred",
            "newer_than:2d",
            "older_than:7d",
            "before:2026/11/10",
            "after:2027/01/01",
            "-kettle",
            "teapot",
            "kettle teapot",
            "-{kettle teapot}",
            "filename:zip",
            "category:promotions",
            "subject:(two kettles)",
            "in:inbox teapot OR in:sent",
        ] {
            assert!(!hit(q), "{q}");
        }
    }

    #[test]
    fn junk_is_parsed_to_an_end() {
        for q in [
            ")",
            "((((",
            "-",
            "from:",
            "}{",
            "\"",
            "OR",
            "OR OR a",
            ":",
            "-(",
            "after:x",
            "after:99999999999999999999",
        ] {
            let _ = hit(q);
        }
        let _ = hit(&"(".repeat(100_000));
        let _ = hit(&"-".repeat(2_000));
    }

    #[test]
    fn spam_is_reached_only_when_named() {
        let reaches = |q| Query::parse(q, NOW).reaches_everywhere();
        assert!(reaches("in:anywhere x") && reaches("in:trash") && reaches("a OR label:spam"));
        assert!(!reaches("in:inbox") && !reaches("-in:spam"));
    }
}
