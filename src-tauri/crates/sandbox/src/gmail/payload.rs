//! A message in Gmail's JSON.
//!
//! Two choices, as the API is seen to behave (not confirmed against Google):
//! header values are given decoded, in UTF-8, and bodies of text are given in
//! UTF-8 even where their header names another charset. `raw` has the encoded
//! words and the original charset.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::world::mailbox::Message;
use crate::world::mime::{Content, Part, raw};

/// Bodies above this are given by `attachmentId`, never inline.
const INLINE_LIMIT: usize = 128 * 1024;
/// What every attachment id begins with.
const ATTACHMENT_PREFIX: &str = "ANGjdJ";

/// `format` of `messages.get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Minimal,
    Full,
    Raw,
    Metadata,
}

impl Format {
    pub(super) fn parse(word: Option<&str>) -> Option<Self> {
        match word.map(str::to_ascii_lowercase).as_deref() {
            None | Some("full") => Some(Self::Full),
            Some("minimal") => Some(Self::Minimal),
            Some("raw") => Some(Self::Raw),
            Some("metadata") => Some(Self::Metadata),
            Some(_) => None,
        }
    }
}

/// The message resource. `read` counts reads: attachment ids depend on it,
/// because Gmail's change from read to read. `wanted` are the header names of
/// `metadataHeaders`; empty: all.
pub(super) fn message(m: &Message, format: Format, wanted: &[String], read: u64) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("id", m.id.clone().into());
    put("threadId", m.thread_id.clone().into());
    put("labelIds", labels(m));
    put("snippet", m.snippet.clone().into());
    match format {
        Format::Full => put("payload", payload(m, read)),
        Format::Metadata => {
            let keep =
                |n: &str| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(n));
            let all = m.headers.iter().chain(&m.root.headers);
            let headers: Vec<_> = all.filter(|(n, _)| keep(n)).map(header).collect();
            put(
                "payload",
                json!({"mimeType": m.root.mime_type, "headers": headers}),
            );
        }
        Format::Minimal | Format::Raw => {}
    }
    put("sizeEstimate", (m.root.size() + 600).into());
    if format == Format::Raw {
        put(
            "raw",
            URL_SAFE_NO_PAD.encode(raw(&m.headers, &m.root)).into(),
        );
    }
    put("historyId", m.history_id.to_string().into());
    put("internalDate", m.at.0.to_string().into());
    Value::Object(out)
}

/// Label ids; a message without any has no such field.
pub(super) fn labels(m: &Message) -> Value {
    m.labels.iter().cloned().collect::<Vec<_>>().into()
}

fn header((name, value): &(String, String)) -> Value {
    json!({"name": name, "value": value})
}

fn payload(m: &Message, read: u64) -> Value {
    let mut out = part(m, &m.root, "", read);
    let all = m.headers.iter().chain(&m.root.headers);
    out["headers"] = all.map(header).collect::<Vec<_>>().into();
    out
}

fn part(m: &Message, part: &Part, id: &str, read: u64) -> Value {
    let mut out = json!({
        "partId": id,
        "mimeType": part.mime_type,
        "filename": part.filename,
        "headers": part.headers.iter().map(header).collect::<Vec<_>>(),
    });
    match &part.content {
        Content::Multi { parts, .. } => {
            out["body"] = json!({"size": 0});
            let join = |n: usize| {
                if id.is_empty() {
                    n.to_string()
                } else {
                    format!("{id}.{n}")
                }
            };
            let parts: Vec<_> = parts
                .iter()
                .enumerate()
                .map(|(n, p)| self::part(m, p, &join(n), read))
                .collect();
            out["parts"] = parts.into();
        }
        Content::Leaf { data, .. } if !part.filename.is_empty() || data.len() > INLINE_LIMIT => {
            out["body"] =
                json!({"attachmentId": attachment_id(&m.id, id, read), "size": data.len()});
        }
        Content::Leaf { data, .. } if data.is_empty() => out["body"] = json!({"size": 0}),
        Content::Leaf { data, .. } => {
            out["body"] = json!({"size": data.len(), "data": URL_SAFE_NO_PAD.encode(data)});
        }
    }
    out
}

fn attachment_id(message: &str, part: &str, read: u64) -> String {
    // As long as Gmail's, so that nobody takes it for a short key.
    let filler = format!("{read:016x}").repeat(9);
    format!(
        "{ATTACHMENT_PREFIX}{}",
        URL_SAFE_NO_PAD.encode(format!("{filler}|{message}|{part}"))
    )
}

/// The part that an attachment id of this message names.
pub(super) fn attachment<'a>(m: &'a Message, id: &str) -> Option<&'a [u8]> {
    let bytes = URL_SAFE_NO_PAD
        .decode(id.strip_prefix(ATTACHMENT_PREFIX)?)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let mut fields = text.split('|').skip(1);
    if fields.next()? != m.id {
        return None;
    }
    match &m.root.find(fields.next()?)?.content {
        Content::Leaf { data, .. } => Some(data),
        Content::Multi { .. } => None,
    }
}
