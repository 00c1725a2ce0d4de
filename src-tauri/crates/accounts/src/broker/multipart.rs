//! Batch bodies: `multipart/mixed` with one HTTP message per part (RFC 2046
//! §5.1; Google, "Batching Requests").
//!
//! Owns: finding the parts and the header lines of the message inside each, as
//! byte ranges, so that other bytes are never touched. Binary safe; line ends
//! may be CRLF or LF, since charms write template strings. Never changes a byte.

use std::ops::Range;

/// Parts that are looked at. Google takes a hundred; more than this is an
/// attempt to make us busy.
pub(crate) const MAX_PARTS: usize = 1_000;

/// Bytes of one header block.
const MAX_HEADER_BLOCK: usize = 64 << 10;

/// The boundary that a `Content-Type` of `multipart/mixed` names.
///
/// `None` when the type is another one, or when the boundary is absent, named
/// twice, empty, longer than 70 characters or outside printable ASCII: what two
/// parsers may read differently is no batch to us.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, mut rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let mut found = None;
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = parameter_value(after)?;
        if name.trim().eq_ignore_ascii_case("boundary") && found.replace(value).is_some() {
            return None;
        }
        rest = after;
    }
    let fits = |b: &String| {
        (1..=70).contains(&b.len())
            && b.bytes().all(|c| (0x20..0x7f).contains(&c))
            && !b.ends_with(' ')
    };
    found.filter(fits)
}

/// A token or quoted string, and what follows its `;`.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '"' => {
                let rest = quoted[at + 1..].trim_start();
                let rest = if rest.is_empty() {
                    rest
                } else {
                    rest.strip_prefix(';')?
                };
                return Some((value, rest));
            }
            c => value.push(c),
        }
    }
    None
}

/// One line: its content without the line end, and where the next one begins.
fn line(body: &[u8], from: usize, end: usize) -> (Range<usize>, usize) {
    match body[from..end].iter().position(|&b| b == b'\n') {
        Some(n) => {
            let stop = from + n;
            let cut = if n > 0 && body[stop - 1] == b'\r' {
                stop - 1
            } else {
                stop
            };
            (from..cut, stop + 1)
        }
        None => (from..end, end),
    }
}

/// The ranges of the parts' contents, without the line end that belongs to the
/// delimiter. What follows the closing delimiter is ignored, and so is what
/// follows [`MAX_PARTS`] and one more.
pub(crate) fn parts(body: &[u8], boundary: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    // The end of the line before `at`, without its line end.
    let mut before = 0;
    while at < body.len() {
        let (range, next) = line(body, at, body.len());
        if let Some(closing) = delimiter(&body[range.clone()], boundary) {
            if let Some(start) = open.take() {
                found.push(start..before.max(start));
            }
            if closing || found.len() > MAX_PARTS {
                return found;
            }
            open = Some(next);
        }
        before = range.end;
        at = next;
    }
    if let Some(start) = open {
        found.push(start.min(body.len())..body.len());
    }
    found
}

/// `Some(false)` for a delimiter line, `Some(true)` for the closing one.
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line
        .strip_prefix(b"--")?
        .strip_prefix(boundary.as_bytes())?;
    let (closing, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    rest.iter()
        .all(|b| matches!(b, b' ' | b'\t'))
        .then_some(closing)
}

/// A header line: where its name and its trimmed value are.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub name: Range<usize>,
    pub value: Range<usize>,
}

/// The HTTP message inside one part.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// `Content-ID` of the part, as written.
    pub id: Option<Range<usize>>,
    /// Request line or status line.
    pub start: Range<usize>,
    /// The header lines up to the first empty line.
    pub fields: Vec<Field>,
    /// What follows the empty line.
    pub body: Range<usize>,
}

impl Message {
    /// The value of the header `name`; `None` when it is absent or repeated.
    pub(crate) fn only(&self, body: &[u8], name: &str) -> Option<Range<usize>> {
        let mut all = self
            .fields
            .iter()
            .filter(|f| body[f.name.clone()].eq_ignore_ascii_case(name.as_bytes()));
        let first = all.next()?;
        all.next().is_none().then(|| first.value.clone())
    }
}

/// Reads the message inside `part`; `None` when the part is of another type
/// than `application/http`, has no message, or has a line among its headers that
/// two parsers may read differently.
pub(crate) fn message(body: &[u8], part: Range<usize>) -> Option<Message> {
    let (mime, at) = header_block(body, part.start, part.end)?;
    let outer = Message {
        id: None,
        start: 0..0,
        fields: mime,
        body: 0..0,
    };
    let typed = outer
        .fields
        .iter()
        .any(|f| is(body, &f.name, "content-type"));
    if typed {
        let value = outer.only(body, "content-type")?;
        let kind = body[value].split(|&b| b == b';').next()?.trim_ascii();
        if !kind.eq_ignore_ascii_case(b"application/http") {
            return None;
        }
    }
    // An encoded part is not what it looks like.
    if let Some(coding) = outer.only(body, "content-transfer-encoding") {
        let plain = [b"binary".as_slice(), b"7bit", b"8bit"];
        if !plain
            .iter()
            .any(|p| body[coding.clone()].eq_ignore_ascii_case(p))
        {
            return None;
        }
    }
    let (start, at) = line(body, at, part.end);
    if start.is_empty() {
        return None;
    }
    let (fields, at) = header_block(body, at, part.end)?;
    let id = outer.only(body, "content-id");
    Some(Message {
        id,
        start,
        fields,
        body: at..part.end,
    })
}

fn is(body: &[u8], name: &Range<usize>, wanted: &str) -> bool {
    body[name.clone()].eq_ignore_ascii_case(wanted.as_bytes())
}

/// The header lines from `at` to the first empty line, and what comes after it.
/// `None` when a line among them is no header: folded, without a name, or with
/// a lone carriage return in it; and when they are longer than 64 KiB.
fn header_block(body: &[u8], mut at: usize, end: usize) -> Option<(Vec<Field>, usize)> {
    let mut fields = Vec::new();
    let limit = at.saturating_add(MAX_HEADER_BLOCK);
    while at < end {
        let (range, next) = line(body, at, end);
        if next > limit && !range.is_empty() {
            return None;
        }
        at = next;
        if range.is_empty() {
            break;
        }
        let text = &body[range.clone()];
        let colon = text.iter().position(|&b| b == b':').filter(|&n| n > 0)?;
        if text.contains(&b'\r') || !text[..colon].iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let value = &text[colon + 1..];
        let lead = value.len() - value.trim_ascii_start().len();
        let start = range.start + colon + 1 + lead;
        let name = range.start..range.start + colon;
        fields.push(Field {
            name,
            value: start..start + value.trim_ascii().len(),
        });
    }
    Some((fields, at))
}

#[cfg(test)]
mod tests {
    use charmkeeper_base::random::SeededRandom;

    use super::*;

    #[test]
    fn boundaries_are_read_as_rfc_2045_writes_them() {
        for (value, want) in [
            ("multipart/mixed; boundary=abc", Some("abc")),
            (
                "Multipart/Mixed;charset=utf-8; BOUNDARY=\"a;b=c\"",
                Some("a;b=c"),
            ),
            ("multipart/mixed; boundary=\"a\\\"b\"; x=y", Some("a\"b")),
            ("multipart/mixed; boundary=abc;", Some("abc")),
            ("multipart/mixed", None),
            ("multipart/mixed; boundary=", None),
            ("multipart/mixed; boundary=\"abc", None),
            ("multipart/mixed; boundary=\"abc\"def", None),
            ("multipart/mixed; boundary=a; boundary=b", None),
            ("multipart/mixed; boundary=\"ends in space \"", None),
            ("multipart/form-data; boundary=abc", None),
            ("multipart/mixed-replace; boundary=abc", None),
            ("application/json; boundary=abc", None),
        ] {
            assert_eq!(boundary(value).as_deref(), want, "{value}");
        }
        assert_eq!(
            boundary(&format!("multipart/mixed; boundary={}", "x".repeat(71))),
            None
        );
    }

    fn split(body: &str, b: &str) -> Vec<String> {
        parts(body.as_bytes(), b)
            .into_iter()
            .map(|r| body[r].to_owned())
            .collect()
    }

    #[test]
    fn parts_are_split_at_whole_delimiter_lines_only() {
        assert_eq!(
            split("pre\r\n--b\r\none\r\n--b\r\ntwo\r\n--b--\r\npost", "b"),
            ["one", "two"]
        );
        assert_eq!(
            split("\n--b\none\n\n--b  \ntwo\n--b--", "b"),
            ["one\n", "two"]
        );
        // A longer boundary, one inside a line, and one after the end.
        assert_eq!(
            split("--b\nx--b\n--bb\n--b--x\n--b--\n--b\nlate", "b"),
            ["x--b\n--bb\n--b--x"]
        );
        assert_eq!(split("--b\nunfinished", "b"), ["unfinished"]);
        assert_eq!(split("--b\n--b\n--b--", "b"), ["", ""]);
        assert_eq!(split("--b", "b"), [""]);
        assert_eq!(split("nothing", "b"), Vec::<String>::new());
    }

    #[test]
    fn the_message_inside_ends_at_its_first_empty_line() {
        let text = "Content-Type: application/http\r\nContent-ID: <a>\r\n\r\n\
                    GET /x HTTP/1.1\r\nAuthorization:  Bearer kc:a \r\nX: y\r\n\r\n\
                    Authorization: Bearer kc:a\r\n";
        let body = text.as_bytes();
        let m = message(body, 0..body.len()).unwrap();
        assert_eq!(&text[m.start.clone()], "GET /x HTTP/1.1");
        assert_eq!(m.fields.len(), 2);
        assert_eq!(&text[m.only(body, "authorization").unwrap()], "Bearer kc:a");
        assert_eq!(&text[m.body.clone()], "Authorization: Bearer kc:a\r\n");
        assert_eq!(&text[m.id.unwrap()], "<a>");
    }

    #[test]
    fn other_types_encodings_and_folded_lines_are_not_read() {
        for text in [
            "Content-Type: text/plain\n\nGET /x\nAuthorization: Bearer kc:a\n",
            "Content-Type: application/http\nContent-Type: text/plain\n\nGET /x\nA: b\n",
            "Content-Type: application/http\nContent-Transfer-Encoding: base64\n\nGET /x\nA: b\n",
            "Content-Type: application/http\n\n",
            "",
        ] {
            assert!(message(text.as_bytes(), 0..text.len()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_header_block_that_can_be_read_in_two_ways_is_not_read() {
        for lines in [
            "Authorization:\n Bearer kc:a",
            "Authorization : Bearer kc:a",
            "X: y\n \nAuthorization: Bearer kc:a",
            "X: y\rAuthorization: Bearer kc:a",
            ": x",
            "nonsense",
        ] {
            let text = format!("\nGET /x\n{lines}\n\nbody");
            assert!(
                message(text.as_bytes(), 0..text.len()).is_none(),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn there_is_an_end_to_parts_and_headers() {
        assert_eq!(split(&"--b\n".repeat(1_001), "b").len(), 1_001);
        assert_eq!(split(&"--b\n".repeat(9_999), "b").len(), 1_001);
        let block = |lines| format!("\nGET /x\n{}\nbody", "a: b\n".repeat(lines));
        let (fits, too_long) = (block(13_000), block(13_200));
        assert!(message(fits.as_bytes(), 0..fits.len()).is_some());
        assert!(message(too_long.as_bytes(), 0..too_long.len()).is_none());
    }

    #[test]
    fn random_bytes_never_panic_and_ranges_stay_inside_and_in_order() {
        let random = SeededRandom::new(11);
        let alphabet = b"-b\r\n:\x00\xff aG";
        for _ in 0..5_000 {
            let len = (random.next_u64() % 60) as usize;
            let body: Vec<u8> = (0..len)
                .map(|_| alphabet[(random.next_u64() % alphabet.len() as u64) as usize])
                .collect();
            let mut last = 0;
            for part in parts(&body, "b") {
                assert!(last <= part.start && part.start <= part.end && part.end <= len);
                last = part.end;
                if let Some(m) = message(&body, part.clone()) {
                    for f in &m.fields {
                        assert!(part.start <= f.name.start && f.value.end <= part.end);
                    }
                    assert!(m.body.start <= m.body.end, "{body:?}");
                }
            }
        }
    }
}
