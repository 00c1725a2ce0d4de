//! Placeholders in, tokens on the wire only, placeholders out.
//!
//! Owns: recognising `kc:<account>` where a token may stand (the
//! `Authorization` header, and the same header line of a batch part), putting
//! the token there, and taking it out of whatever a server echoes. Never keeps a
//! token longer than one request and never swaps anywhere else.

use std::collections::BTreeMap;
use std::ops::Range;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::CallError;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::errors::refusal;
use super::multipart::{self, Message};
use super::permit::Target;
use super::policy::Policy;
use super::token::AccessToken;

/// What begins the placeholder of an access token.
pub(crate) const TOKEN_PREFIX: &str = "kc:";
/// What begins the placeholder of a refresh token, which is never swapped.
pub(crate) const REFRESH_PREFIX: &str = "kc-r:";

/// A token shorter than this is not searched for in answers: replacing a short
/// common string would damage them. Google's have more than a hundred bytes.
const MIN_SCRUBBED: usize = 8;

/// Where the tokens of one request go. Made from what the charm wrote, before
/// any token is at hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Account in the `Authorization` header.
    pub header: Option<String>,
    /// The parts of a batch, in order; empty for other requests.
    pub parts: Vec<Part>,
}

/// One request of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Account in this part's own `Authorization` line and where its value is.
    pub own: Option<(String, Range<usize>)>,
    /// The account that pays: the part's own, or the outer one.
    pub account: Option<String>,
    /// Upper-case method; empty when the part is not readable.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `Content-ID` without its angle brackets.
    pub id: Option<String>,
}

impl Plan {
    /// Every account of the request, once, in order of id.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let parts = self.parts.iter().filter_map(|p| p.account.as_ref());
        let mut all: Vec<String> = self.header.iter().chain(parts).cloned().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Finds the placeholders of a request to a host that takes tokens.
///
/// # Errors
/// When an account is named that the charm may not use.
pub(crate) fn plan(
    method: &str,
    target: &Target,
    headers: &HeaderMap,
    body: &[u8],
    policy: &Policy,
) -> Result<Plan, CallError> {
    let permitted = |account: &str| {
        if policy.allows_account(account) {
            return Ok(account.to_owned());
        }
        let what = format!("The charm may not use the account {account}; allow it for this charm.");
        Err(refusal(ErrorKind::Usage, what))
    };
    let outer = headers
        .get(AUTHORIZATION)
        .and_then(|v| bearer(v.as_bytes()));
    let header = outer.map(permitted).transpose()?;
    let path = target.public.path();
    let batch = method == "POST" && (path == "/batch" || path.starts_with("/batch/"));
    let boundary = super::headers::content_type(headers).and_then(multipart::boundary);
    let Some(boundary) = boundary.filter(|_| batch) else {
        return Ok(Plan {
            header,
            parts: Vec::new(),
        });
    };
    let ranges = multipart::parts(body, &boundary);
    if ranges.len() > multipart::MAX_PARTS {
        let text = format!(
            "The charm sent a batch of more than {} parts.",
            multipart::MAX_PARTS
        );
        return Err(refusal(ErrorKind::Charm, text));
    }
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let message = multipart::message(body, range);
        let mut part = message.map_or_else(Part::unreadable, |m| Part::read(body, &m, target));
        if let Some((account, _)) = &part.own {
            permitted(account)?;
        }
        part.account = part
            .own
            .as_ref()
            .map(|(a, _)| a.clone())
            .or_else(|| header.clone());
        parts.push(part);
    }
    Ok(Plan { header, parts })
}

impl Part {
    fn unreadable() -> Self {
        Self {
            own: None,
            account: None,
            method: String::new(),
            path: String::new(),
            id: None,
        }
    }

    fn read(body: &[u8], message: &Message, target: &Target) -> Self {
        let mut part = Self::unreadable();
        let Some((method, path)) = request_line(&body[message.start.clone()], target) else {
            return part;
        };
        part.method = method;
        part.path = path;
        part.id = message.id.clone().map(|r| content_id(&body[r]));
        part.own = message.only(body, "authorization").and_then(|value| {
            let account = bearer(&body[value.clone()])?.to_owned();
            Some((account, value))
        });
        part
    }
}

/// `Content-ID` without its angle brackets.
pub(crate) fn content_id(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim()
        .trim_start_matches('<')
        .trim_end_matches('>')
        .to_owned()
}

/// Method and path of `GET /path HTTP/1.1` or `GET /path`. An absolute URL must
/// be on the host that the batch is sent to.
fn request_line(line: &[u8], target: &Target) -> Option<(String, String)> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let (method, place, version) = (words.next()?, words.next()?, words.next());
    let shaped = words.next().is_none()
        && version.is_none_or(|v| v.starts_with("HTTP/"))
        && method.bytes().all(|b| b.is_ascii_uppercase());
    if !shaped {
        return None;
    }
    let url = target.public.join(place).ok()?;
    if url.origin() != target.public.origin() {
        return None;
    }
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    Some((method.to_owned(), format!("{}{query}", url.path())))
}

/// The account of `Bearer kc:<account>`; nothing else is a placeholder.
fn bearer(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let (scheme, rest) = text.split_once([' ', '\t'])?;
    let account = rest.trim_start().strip_prefix(TOKEN_PREFIX)?;
    let plain = account
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b';' | b'"'));
    (scheme.eq_ignore_ascii_case("bearer") && plain && !account.is_empty()).then_some(account)
}

/// The name of the first header that holds a placeholder of either kind.
pub(crate) fn header_with_placeholder(headers: &HeaderMap) -> Option<String> {
    headers
        .iter()
        .find(|(_, v)| mentions(v.as_bytes()))
        .map(|(name, _)| name.as_str().to_owned())
}

/// Removes every header that holds a placeholder, and `Authorization` whatever
/// it holds: for a redirect to another host.
pub(crate) fn strip_for_another_host(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    while let Some(name) = header_with_placeholder(headers) {
        headers.remove(&name);
    }
}

/// True when `value` holds `kc:x` or `kc-r:x` as a word of its own.
fn mentions(value: &[u8]) -> bool {
    [TOKEN_PREFIX, REFRESH_PREFIX].iter().any(|prefix| {
        let prefix = prefix.as_bytes();
        value.windows(prefix.len() + 1).enumerate().any(|(at, w)| {
            let starts_word = at == 0 || !value[at - 1].is_ascii_alphanumeric();
            starts_word && w.starts_with(prefix) && w[prefix.len()].is_ascii_graphic()
        })
    })
}

/// The tokens that one request used, so that none of them comes back.
#[derive(Debug, Default)]
pub(crate) struct Wallet {
    current: BTreeMap<String, AccessToken>,
    /// Every token that went out, older ones included.
    used: Vec<(String, AccessToken)>,
}

impl Wallet {
    /// Takes the token to use for `account` from now on.
    pub(crate) fn put(&mut self, account: &str, token: AccessToken) {
        self.used.push((account.to_owned(), token.clone()));
        self.current.insert(account.to_owned(), token);
    }

    /// Generation of the token in use for `account`.
    pub(crate) fn generation(&self, account: &str) -> Option<u64> {
        self.current.get(account).map(|t| t.generation)
    }

    /// The headers and the body for the wire.
    ///
    /// # Errors
    /// When a token cannot stand in a header, which no real one does.
    pub(crate) fn fill(
        &self,
        plan: &Plan,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(HeaderMap, Vec<u8>), CallError> {
        let mut headers = headers.clone();
        if let Some(token) = plan.header.as_ref().and_then(|a| self.current.get(a)) {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose()))
                .map_err(|_| refusal(ErrorKind::Provider, "Google gave an unusable token."))?;
            // Keeps it out of the debug output of the HTTP stack, and of HPACK's tables.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut filled = Vec::with_capacity(body.len());
        let mut at = 0;
        for (account, range) in plan.parts.iter().filter_map(|p| p.own.as_ref()) {
            let Some(token) = self.current.get(account) else {
                continue;
            };
            filled.extend_from_slice(&body[at..range.start]);
            filled.extend_from_slice(b"Bearer ");
            filled.extend_from_slice(token.secret.expose().as_bytes());
            at = range.end;
        }
        filled.extend_from_slice(&body[at..]);
        Ok((headers, filled))
    }

    /// Puts the placeholder back wherever an answer holds a token, as it is or
    /// in the escapes of JSON and of URLs.
    pub(crate) fn scrub(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.used.iter().fold(bytes, |bytes, (account, token)| {
            let secret = token.secret.expose();
            if secret.len() < MIN_SCRUBBED {
                return bytes;
            }
            let placeholder = format!("{TOKEN_PREFIX}{account}");
            let escaped = secret.replace('/', "\\/");
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            [secret, &escaped, &encoded]
                .iter()
                .fold(bytes, |bytes, needle| {
                    replace(bytes, needle.as_bytes(), placeholder.as_bytes())
                })
        })
    }
}

fn replace(haystack: Vec<u8>, needle: &[u8], with: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let mut out: Option<Vec<u8>> = None;
    while let Some(found) = find(&haystack[at..], needle) {
        let out = out.get_or_insert_with(|| Vec::with_capacity(haystack.len()));
        out.extend_from_slice(&haystack[at..at + found]);
        out.extend_from_slice(with);
        at += found + needle.len();
    }
    match out {
        Some(mut out) => {
            out.extend_from_slice(&haystack[at..]);
            out
        }
        None => haystack,
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut at = 0;
    while let Some(n) = haystack[at..].iter().position(|&b| b == first) {
        at += n + 1;
        if haystack[at..].starts_with(rest) {
            return Some(at - 1);
        }
    }
    None
}

#[cfg(test)]
mod tests;
