//! `multipart/mixed` with `application/http` parts, as Google's batch endpoint
//! takes it, and the answer in the same form.
//!
//! Takes LF as well as CRLF, because charms write either.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::message::{Reply, Request};

/// One request inside a batch.
#[derive(Debug)]
pub(super) struct InnerRequest {
    /// `Content-ID` of the part, with its angle brackets.
    pub(super) id: Option<String>,
    pub(super) request: Request,
}

/// The boundary that a `Content-Type` names.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let mut fields = content_type.split(';');
    if !fields
        .next()?
        .trim()
        .eq_ignore_ascii_case("multipart/mixed")
    {
        return None;
    }
    fields.find_map(|field| {
        let (name, value) = field.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty())
            .then(|| value.to_owned())
    })
}

/// The requests of a batch body, or a sentence on what is wrong with it.
pub(super) fn parse(body: &str, boundary: &str) -> Result<Vec<InnerRequest>, String> {
    let text = body.replace("\r\n", "\n");
    let mark = format!("--{boundary}");
    let mut parts: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    let mut closed = false;
    for line in text.split('\n') {
        let end = line.trim_end();
        if end == mark {
            parts.push(Vec::new());
            open = true;
        } else if end.strip_suffix("--") == Some(mark.as_str()) {
            open = false;
            closed = true;
        } else if open && let Some(part) = parts.last_mut() {
            part.push(line);
        }
    }
    if parts.is_empty() || !closed {
        return Err(
            "Failed to parse batch request, error: the boundary was not found or never \
                    closed."
                .to_owned(),
        );
    }
    parts.iter().map(|lines| part(lines)).collect()
}

fn part(lines: &[&str]) -> Result<InnerRequest, String> {
    let mut lines = lines.iter();
    let outer = headers(&mut lines);
    let kind = outer
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/http")
    {
        return Err("Failed to parse batch request, error: a part is not application/http.".into());
    }
    let line = lines.next().copied().unwrap_or_default();
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err("Failed to parse batch request, error: a part has no request line.".into());
    };
    let inner = headers(&mut lines);
    let rest: Vec<_> = lines.copied().collect();
    // A part may name its host too; all of them go to this one.
    let target = target
        .split_once("://")
        .map_or(target, |(_, t)| t.find('/').map_or("/", |i| &t[i..]));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(InnerRequest {
        id: outer
            .get("content-id")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned),
        request: Request {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: inner,
            body: Bytes::from(rest.join("\n").trim_end().to_owned()),
        },
    })
}

/// Headers up to the empty line; what is not one is left out.
fn headers<'a>(lines: &mut impl Iterator<Item = &'a &'a str>) -> HeaderMap {
    let mut out = HeaderMap::new();
    for line in lines {
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && let Ok(name) = HeaderName::from_bytes(name.trim().as_bytes())
            && let Ok(value) = HeaderValue::from_str(value.trim())
        {
            out.append(name, value);
        }
    }
    out
}

/// The answer to a batch: each reply with `response-` before its Content-ID.
pub(super) fn write(replies: &[(Option<String>, Reply)], boundary: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (id, reply) in replies {
        let mut head = format!("--{boundary}\r\nContent-Type: application/http\r\n");
        if let Some(id) = id {
            head += &format!("Content-ID: <response-{}>\r\n", id.trim_matches(['<', '>']));
        }
        let status = reply.status;
        head += &format!(
            "\r\nHTTP/1.1 {} {}\r\n",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Unknown")
        );
        for (name, value) in &reply.headers {
            head += &format!(
                "{}: {}\r\n",
                title_case(name.as_str()),
                value.to_str().unwrap_or("")
            );
        }
        head += &format!("Content-Length: {}\r\n\r\n", reply.body.len());
        out.extend(head.into_bytes());
        out.extend_from_slice(&reply.body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend(format!("--{boundary}--\r\n").into_bytes());
    out
}

/// `content-type` as `Content-Type`.
fn title_case(name: &str) -> String {
    let word = |w: &str| {
        let mut chars = w.chars();
        chars
            .next()
            .map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_may_be_quoted_and_must_be_there() {
        assert_eq!(
            boundary("multipart/mixed; boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        assert_eq!(
            boundary("Multipart/Mixed;charset=x; Boundary=q").as_deref(),
            Some("q")
        );
        assert_eq!(boundary("multipart/mixed"), None);
        assert_eq!(boundary("application/json; boundary=q"), None);
    }

    #[test]
    fn parts_with_lf_or_crlf_absolute_or_relative_are_read() {
        let body = "preamble\n--b\nContent-Type: application/http\nContent-ID: <item-1>\n\n\
                    GET /gmail/v1/users/me/messages/1?format=full\nAuthorization: Bearer t\n\n\n\
                    --b\r\nContent-Type: application/http\r\n\r\n\
                    get https://gmail.googleapis.com/gmail/v1/users/me/profile HTTP/1.1\r\n\r\n\
                    --b--\r\n";
        let parts = parse(body, "b").expect("parts");
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].id.as_deref(), Some("<item-1>"));
        assert_eq!(parts[0].request.query, "format=full");
        assert_eq!(parts[0].request.bearer().as_deref(), Some("t"));
        assert_eq!(parts[1].request.method, "GET");
        assert_eq!(parts[1].request.path, "/gmail/v1/users/me/profile");
        assert!(
            parse("--b\nContent-Type: application/http\n\nGET /x\n", "b").is_err(),
            "not closed"
        );
        assert!(parse("--b\nContent-Type: text/plain\n\nGET /x\n--b--", "b").is_err());
        assert!(parse("--b\nContent-Type: application/http\n\n\n--b--", "b").is_err());
    }
}
