//! A mail as a tree of MIME parts, and its form on the wire (RFC 2045, 2047).
//!
//! Text is kept in UTF-8 here whatever charset its header names; `raw` writes
//! it in that charset. Never knows Gmail's JSON.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// One node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// As in `text/plain`.
    pub(crate) mime_type: String,
    /// The part's own headers, `Content-Type` first.
    pub(crate) headers: Vec<(String, String)>,
    /// Empty for a body.
    pub(crate) filename: String,
    pub(crate) content: Content,
}

/// What a part holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Bytes; UTF-8 when it is text.
    Leaf {
        data: Bytes,
        /// Written as ISO-8859-1 in the raw form.
        latin1: bool,
    },
    /// Parts, and the boundary between them.
    Multi { boundary: String, parts: Vec<Part> },
}

impl Part {
    /// A body of text in UTF-8.
    pub(crate) fn text(subtype: &str, text: &str) -> Self {
        Self::leaf_text(subtype, text, false)
    }

    /// A body whose header says ISO-8859-1. It must hold nothing beyond it.
    pub(crate) fn latin1(subtype: &str, text: &str) -> Self {
        Self::leaf_text(subtype, text, true)
    }

    fn leaf_text(subtype: &str, text: &str, latin1: bool) -> Self {
        let charset = if latin1 { "ISO-8859-1" } else { "UTF-8" };
        let mime_type = format!("text/{subtype}");
        Self {
            headers: vec![
                (
                    "Content-Type".into(),
                    format!("{mime_type}; charset=\"{charset}\""),
                ),
                ("Content-Transfer-Encoding".into(), "base64".into()),
            ],
            mime_type,
            filename: String::new(),
            content: Content::Leaf {
                data: Bytes::copy_from_slice(text.as_bytes()),
                latin1,
            },
        }
    }

    /// A file; with a `content_id` it is shown inside the HTML body.
    pub(crate) fn file(
        mime_type: &str,
        filename: &str,
        data: impl Into<Bytes>,
        content_id: Option<&str>,
    ) -> Self {
        let disposition = if content_id.is_some() {
            "inline"
        } else {
            "attachment"
        };
        let mut headers = vec![
            (
                "Content-Type".to_owned(),
                format!("{mime_type}; name=\"{filename}\""),
            ),
            (
                "Content-Disposition".to_owned(),
                format!("{disposition}; filename=\"{filename}\""),
            ),
            ("Content-Transfer-Encoding".to_owned(), "base64".to_owned()),
        ];
        if let Some(id) = content_id {
            headers.push(("Content-ID".into(), format!("<{id}>")));
            headers.push(("X-Attachment-Id".into(), id.to_owned()));
        }
        Self {
            mime_type: mime_type.to_owned(),
            headers,
            filename: filename.to_owned(),
            content: Content::Leaf {
                data: data.into(),
                latin1: false,
            },
        }
    }

    /// `multipart/<subtype>` of parts.
    pub(crate) fn multi(subtype: &str, boundary: &str, parts: Vec<Self>) -> Self {
        let mime_type = format!("multipart/{subtype}");
        Self {
            headers: vec![(
                "Content-Type".into(),
                format!("{mime_type}; boundary=\"{boundary}\""),
            )],
            mime_type,
            filename: String::new(),
            content: Content::Multi {
                boundary: boundary.to_owned(),
                parts,
            },
        }
    }

    /// The part with a Gmail part id, as in `0.1`; the empty id is the root.
    pub(crate) fn find(&self, part_id: &str) -> Option<&Self> {
        if part_id.is_empty() {
            return Some(self);
        }
        let (first, rest) = part_id.split_once('.').unwrap_or((part_id, ""));
        match &self.content {
            Content::Multi { parts, .. } => parts.get(first.parse::<usize>().ok()?)?.find(rest),
            Content::Leaf { .. } => None,
        }
    }

    /// The first body of a type that is not a file, depth first.
    pub(crate) fn body(&self, mime_type: &str) -> Option<&str> {
        match &self.content {
            Content::Multi { parts, .. } => parts.iter().find_map(|p| p.body(mime_type)),
            Content::Leaf { data, .. }
                if self.mime_type == mime_type && self.filename.is_empty() =>
            {
                std::str::from_utf8(data).ok()
            }
            Content::Leaf { .. } => None,
        }
    }

    /// The names of all files, depth first.
    pub(crate) fn filenames(&self) -> Vec<String> {
        match &self.content {
            Content::Multi { parts, .. } => parts.iter().flat_map(Self::filenames).collect(),
            Content::Leaf { .. } if self.filename.is_empty() => Vec::new(),
            Content::Leaf { .. } => vec![self.filename.clone()],
        }
    }

    /// Bytes of all leaves, for Gmail's estimate of a message's size.
    pub(crate) fn size(&self) -> usize {
        match &self.content {
            Content::Multi { parts, .. } => parts.iter().map(Self::size).sum(),
            Content::Leaf { data, .. } => data.len(),
        }
    }

    fn write_raw(&self, out: &mut String) {
        for (name, value) in &self.headers {
            let _ = write!(out, "{name}: {}\r\n", encode_header(value));
        }
        out.push_str("\r\n");
        match &self.content {
            Content::Leaf { data, latin1 } => {
                let bytes = if *latin1 {
                    to_latin1(data)
                } else {
                    data.to_vec()
                };
                let text = STANDARD.encode(bytes);
                for line in text.as_bytes().chunks(76) {
                    out.push_str(&String::from_utf8_lossy(line));
                    out.push_str("\r\n");
                }
            }
            Content::Multi { boundary, parts } => {
                for part in parts {
                    let _ = write!(out, "--{boundary}\r\n");
                    part.write_raw(out);
                }
                let _ = write!(out, "--{boundary}--\r\n");
            }
        }
    }
}

/// The whole message as RFC 5322 text in ASCII.
pub(crate) fn raw(headers: &[(String, String)], root: &Part) -> String {
    let mut out = String::new();
    for (name, value) in headers {
        let _ = write!(out, "{name}: {}\r\n", encode_header(value));
    }
    root.write_raw(&mut out);
    out
}

/// A header value with encoded words where it is not ASCII. An address keeps
/// its `<...>` part readable.
fn encode_header(value: &str) -> String {
    if value.is_ascii() {
        return value.to_owned();
    }
    if let Some((name, address)) = value.rsplit_once(" <")
        && address.is_ascii()
        && address.ends_with('>')
    {
        return format!("{} <{address}", encoded_words(name.trim_matches('"')));
    }
    encoded_words(value)
}

/// Encoded words of at most 75 characters, cut between characters.
fn encoded_words(text: &str) -> String {
    let mut words = Vec::new();
    let mut chunk = String::new();
    for c in text.chars() {
        if chunk.len() + c.len_utf8() > 42 {
            words.push(std::mem::take(&mut chunk));
        }
        chunk.push(c);
    }
    words.push(chunk);
    let words: Vec<_> = words
        .iter()
        .map(|w| format!("=?UTF-8?B?{}?=", STANDARD.encode(w)))
        .collect();
    words.join("\r\n ")
}

fn to_latin1(utf8: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(utf8)
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_is_ascii_and_keeps_addresses_readable() {
        let root = Part::multi(
            "mixed",
            "b1",
            vec![
                Part::multi(
                    "alternative",
                    "b2",
                    vec![
                        Part::latin1("plain", "Grüße"),
                        Part::text("html", "<p>Grüße</p>"),
                    ],
                ),
                Part::file("image/png", "x.png", vec![1, 2, 3], Some("cid-1")),
            ],
        );
        let headers = vec![
            ("From".to_owned(), "بريد <mail@sandbox.example>".to_owned()),
            ("Subject".to_owned(), "é".repeat(60)),
        ];
        let raw = raw(&headers, &root);
        assert!(raw.is_ascii());
        assert!(raw.contains("?= <mail@sandbox.example>\r\n"), "{raw}");
        // "Grüße" in ISO-8859-1.
        assert!(
            raw.contains(&STANDARD.encode([0x47, 0x72, 0xfc, 0xdf, 0x65])),
            "{raw}"
        );
        assert!(raw.lines().all(|l| l.len() <= 78), "{raw}");
        assert_eq!(root.find("0.1").expect("part").mime_type, "text/html");
        assert_eq!(root.body("text/plain"), Some("Grüße"));
        assert_eq!(root.filenames(), ["x.png"]);
        assert!(root.find("0.7").is_none() && root.find("x").is_none());
    }
}
