//! The mailbox of the comparison, and a Gmail that holds it in memory.
//!
//! Owns what the messages look like and the four requests that importers make:
//! profile, list, batch, message. Everything is made before the clock starts;
//! an answer is put together of texts that are there.

use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse};
use charmkeeper_base::random::SeededRandom;
use serde_json::{Value, json};
use url::Url;

/// Number of messages.
pub(crate) const MESSAGES: usize = 1_000;
/// Text part, HTML part and headers of a message together, in bytes, as sent.
pub(crate) const MESSAGE_BYTES: usize = 5 * 1024;

/// Words of the mail; every eighth sentence has some that are not ASCII.
const WORDS: &[&str] = &[
    "the",
    "meeting",
    "on",
    "Thursday",
    "moves",
    "to",
    "a",
    "larger",
    "room",
    "because",
    "more",
    "people",
    "said",
    "yes",
    "than",
    "we",
    "had",
    "hoped",
    "please",
    "bring",
    "figures",
    "of",
    "last",
    "quarter",
    "and",
    "your",
    "questions",
    "about",
    "budget",
    "thanks",
    "again",
    "for",
];
const FOREIGN: &[&str] = &[
    "Grüße", "naïve", "10 €", "café", "don’t", "—", "Köln", "señor",
];

/// A Gmail with one mailbox.
pub(crate) struct Mailbox {
    /// Message resources as Gmail writes them, by position; the newest first.
    pub(crate) messages: Vec<(String, String)>,
}

impl Mailbox {
    /// The same mailbox each time.
    pub(crate) fn new() -> Self {
        let random = SeededRandom::new(5);
        let messages = (0..MESSAGES).map(|n| message(n, &random)).collect();
        Self { messages }
    }

    /// Answers a request at once.
    pub(crate) fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, CallError> {
        let url = Url::parse(&request.url).expect("charms send valid URLs");
        let path = url.path();
        let json = "application/json; charset=UTF-8";
        let (kind, body) = if path.starts_with("/batch/") {
            let boundary = "batch_answer";
            let kind = format!("multipart/mixed; boundary={boundary}");
            (kind, self.batch(&request.body, boundary))
        } else if path.ends_with("/profile") {
            (json.to_owned(), profile().into_bytes())
        } else if path.ends_with("/messages") {
            (json.to_owned(), self.list(&url).into_bytes())
        } else {
            let id = path.rsplit('/').next().unwrap_or_default();
            (json.to_owned(), self.message(id).as_bytes().to_vec())
        };
        Ok(HttpResponse {
            status: 200,
            status_text: "OK".into(),
            url: request.url.clone(),
            redirected: false,
            headers: vec![("content-type".into(), kind)],
            body,
        })
    }

    fn list(&self, url: &Url) -> String {
        let asked = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let from = asked("pageToken").unwrap_or(0);
        let to = (from + asked("maxResults").unwrap_or(100)).min(MESSAGES);
        let refs = self.messages[from..to].iter();
        let refs: Vec<Value> = refs
            .map(|(id, _)| json!({"id": id, "threadId": id}))
            .collect();
        let mut page = json!({"messages": refs, "resultSizeEstimate": MESSAGES});
        if to < MESSAGES {
            page["nextPageToken"] = json!(to.to_string());
        }
        pretty(&page)
    }

    fn message(&self, id: &str) -> &str {
        let position = usize::from_str_radix(id, 16).unwrap_or(0) & 0xffff;
        &self.messages[position].1
    }

    /// The multipart answer to a multipart question.
    fn batch(&self, question: &[u8], boundary: &str) -> Vec<u8> {
        let question = String::from_utf8_lossy(question);
        let mut answer = String::new();
        let mut name = "";
        for line in question.lines() {
            if let Some(id) = line.strip_prefix("Content-ID: <") {
                name = id.trim_end_matches('>');
            }
            let Some(rest) = line.strip_prefix("GET ") else {
                continue;
            };
            let path = rest.split(['?', ' ']).next().unwrap_or_default();
            let body = self.message(path.rsplit('/').next().unwrap_or_default());
            answer.push_str(&format!(
                "--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <response-{name}>\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n\
                 Content-Length: {}\r\n\r\n{body}\r\n",
                body.len()
            ));
        }
        answer.push_str(&format!("--{boundary}--\r\n"));
        answer.into_bytes()
    }
}

/// What Gmail says of the mailbox as a whole.
pub(crate) fn profile() -> String {
    pretty(&json!({
        "emailAddress": "ada@example.com",
        "messagesTotal": MESSAGES, "threadsTotal": MESSAGES, "historyId": "900001",
    }))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("plain JSON")
}

/// Id and resource of a message: a text and an HTML part as mail programs send
/// them, and the headers that survive a few hops.
fn message(n: usize, random: &SeededRandom) -> (String, String) {
    let id = format!("19a{n:013x}");
    let subject = sentence(random, 6);
    let headers = headers(n, &subject, random);
    let head: usize = headers.iter().map(|(k, v)| k.len() + v.len() + 4).sum();
    let left = MESSAGE_BYTES.saturating_sub(head);
    let text = paragraphs(random, left * 3 / 10).join("\r\n\r\n");
    let html = html(&subject, random, left - text.len());
    let header = |(name, value): &(&str, String)| json!({"name": name, "value": value});
    let part = |n: u8, kind: &str, text: &str| {
        json!({
            "partId": n.to_string(), "mimeType": kind, "filename": "",
            "headers": [
                {"name": "Content-Type", "value": format!("{kind}; charset=\"UTF-8\"")},
                {"name": "Content-Transfer-Encoding", "value": "quoted-printable"},
            ],
            "body": {"size": text.len(), "data": base64url(text.as_bytes())},
        })
    };
    let resource = json!({
        "id": id, "threadId": id, "labelIds": ["UNREAD", "CATEGORY_UPDATES", "INBOX"],
        "snippet": text.chars().take(180).collect::<String>().replace("\r\n", " "),
        "payload": {
            "partId": "", "mimeType": "multipart/alternative", "filename": "",
            "headers": headers.iter().map(header).collect::<Vec<_>>(),
            "body": {"size": 0},
            "parts": [part(0, "text/plain", &text), part(1, "text/html", &html)],
        },
        "sizeEstimate": MESSAGE_BYTES, "historyId": "900000",
        "internalDate": (1_760_000_000_000_u64 - n as u64 * 600_000).to_string(),
    });
    (id, pretty(&resource))
}

fn headers(n: usize, subject: &str, random: &SeededRandom) -> Vec<(&'static str, String)> {
    let hop = format!(
        "by 2002:a05:{:x} with SMTP id q{n}; Thu, 9 Oct 2025 08:53:20 -0700",
        random.next_u64()
    );
    vec![
        ("Delivered-To", "ada@example.com".into()),
        ("Received", hop.clone()),
        ("X-Received", hop),
        ("Return-Path", format!("<bounce-{n}@lists.example.org>")),
        ("MIME-Version", "1.0".into()),
        (
            "From",
            format!("\"Team {}\" <team{}@lists.example.org>", n % 40, n % 40),
        ),
        ("To", "Ada Lovelace <ada@example.com>".into()),
        (
            "Date",
            format!("Thu, {} Oct 2025 08:{:02}:20 +0000", 1 + n % 28, n % 60),
        ),
        (
            "Message-ID",
            format!("<{:x}@lists.example.org>", random.next_u64()),
        ),
        ("Subject", subject.into()),
        (
            "Content-Type",
            "multipart/alternative; boundary=\"000000000000a1b2c3\"".into(),
        ),
    ]
}

fn word(random: &SeededRandom, from: &[&'static str]) -> &'static str {
    let at = random.next_u64() % from.len() as u64;
    from[usize::try_from(at).unwrap_or(0)]
}

fn sentence(random: &SeededRandom, words: usize) -> String {
    let mut all: Vec<&str> = (0..words).map(|_| word(random, WORDS)).collect();
    if random.next_u64().is_multiple_of(8) {
        all.push(word(random, FOREIGN));
    }
    all.join(" ")
}

fn paragraphs(random: &SeededRandom, bytes: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut have = 0;
    while have < bytes {
        let text = (0..3)
            .map(|_| sentence(random, 9) + ".")
            .collect::<Vec<_>>()
            .join(" ");
        have += text.len() + 4;
        all.push(text);
    }
    all
}

/// A letter as newsletters are: a style sheet, tables, links.
fn html(subject: &str, random: &SeededRandom, bytes: usize) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"><title>{subject}</title>\r\n\
         <style type=\"text/css\">\r\nbody {{ margin: 0; font-family: Arial, sans-serif; }}\r\n\
         td {{ padding: 8px 16px; }} a {{ color: #1155cc; }}\r\n</style></head>\r\n<body>\r\n\
         <table width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" align=\"center\">\r\n"
    );
    while html.len() + 40 < bytes {
        let line = sentence(random, 9);
        let piece = match random.next_u64() % 4 {
            0 => format!(
                "<tr><td style=\"font-size:14px;color:#333333\"><p>{line}</p></td></tr>\r\n"
            ),
            1 => format!(
                "<tr><td><a href=\"https://example.org/r/{:x}\">{line}</a><br></td></tr>\r\n",
                random.next_u64()
            ),
            2 => format!("<tr><td><b>{line}</b>&nbsp;&amp; more<br/></td></tr>\r\n"),
            _ => format!(
                "<ul><li>{line}</li><li>{}</li></ul>\r\n",
                sentence(random, 5)
            ),
        };
        html.push_str(&piece);
    }
    html + "</table>\r\n</body></html>\r\n"
}

/// As Gmail does it: the URL-safe alphabet with padding (RFC 4648 section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let of = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for i in 0..4 {
            let six = bits >> (18 - 6 * i) & 63;
            let letter = ALPHABET[six as usize];
            text.push(if i <= group.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}
