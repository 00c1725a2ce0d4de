//! Signing in without a browser: the sandbox plays the person and fetches and
//! sends its own consent page over real HTTP.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

use crate::config::SandboxError;
use crate::shared::is_this_machine;
use crate::world::World;

impl World {
    /// Signs in as the person would, without a browser: opens the page at
    /// `auth_url`, chooses `account`, ticks `scopes` (none: every box stays
    /// ticked) and continues. Returns the loopback address that the browser
    /// would be sent to, with the code in it; nothing is sent there.
    ///
    /// # Errors
    /// [`SandboxError::Refused`] with what the page says when the request is
    /// not in order.
    pub async fn approve(
        &self,
        auth_url: &Url,
        account: &str,
        scopes: Option<&[&str]>,
    ) -> Result<Url, SandboxError> {
        decide(self.own(auth_url)?, Decision::Continue { account, scopes }).await
    }

    /// Presses Cancel instead; see [`approve`](Self::approve).
    ///
    /// # Errors
    /// As [`approve`](Self::approve).
    pub async fn deny(&self, auth_url: &Url) -> Result<Url, SandboxError> {
        decide(self.own(auth_url)?, Decision::Cancel).await
    }

    /// Goes to the address that [`approve`](Self::approve) returned, as the
    /// browser would: delivers the code to the program that waits for it.
    /// Returns the status of its answer.
    ///
    /// # Errors
    /// When the address is not on this machine or does not answer.
    pub async fn deliver(&self, redirect: &Url) -> Result<u16, SandboxError> {
        get(redirect).await.map(|answer| answer.status)
    }

    /// [`approve`](Self::approve) and [`deliver`](Self::deliver): all that a
    /// person and a browser do. What an opener runs instead of a browser.
    ///
    /// # Errors
    /// As both.
    pub async fn complete(
        &self,
        auth_url: &Url,
        account: &str,
        scopes: Option<&[&str]>,
    ) -> Result<u16, SandboxError> {
        let redirect = self.approve(auth_url, account, scopes).await?;
        self.deliver(&redirect).await
    }

    fn own<'a>(&self, url: &'a Url) -> Result<&'a Url, SandboxError> {
        if self.0.is_own_origin(url.as_str()) {
            return Ok(url);
        }
        Err(SandboxError::NotOurs(url.origin().ascii_serialization()))
    }
}

/// What the person does on the consent page.
#[derive(Clone, Copy, Debug)]
enum Decision<'a> {
    /// Continue as an account with these scopes ticked; none: as offered.
    Continue {
        account: &'a str,
        scopes: Option<&'a [&'a str]>,
    },
    Cancel,
}

/// An HTTP answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

/// Opens the consent page, answers it, and returns the address that the
/// browser would be sent to.
async fn decide(auth_url: &Url, decision: Decision<'_>) -> Result<Url, SandboxError> {
    let page = get(auth_url).await?;
    if page.status == 302 {
        return target(&page);
    }
    let Some(id) = attributes(&page.body, "name=\"request\" value=\"").next() else {
        return Err(SandboxError::Refused(mistake_on(&page.body)));
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("request", id);
    match decision {
        Decision::Cancel => {
            form.append_pair("action", "cancel");
        }
        Decision::Continue { account, scopes } => {
            form.append_pair("action", "continue")
                .append_pair("account", account);
            let offered: Vec<_> = attributes(&page.body, "name=\"scope\" value=\"").collect();
            for scope in scopes.unwrap_or(&offered) {
                form.append_pair("scope", scope);
            }
        }
    }
    let mut url = auth_url.clone();
    url.set_path("/o/oauth2/v2/auth/consent");
    url.set_query(None);
    let answer = send(&url, "POST", &form.finish()).await?;
    if answer.status != 302 {
        return Err(SandboxError::Refused(mistake_on(&answer.body)));
    }
    target(&answer)
}

fn target(answer: &Answer) -> Result<Url, SandboxError> {
    let location = answer.location.as_deref().unwrap_or_default();
    Url::parse(location)
        .map_err(|_| SandboxError::Refused("it named no address to return to.".into()))
}

/// `GET` of a URL on this machine.
async fn get(url: &Url) -> Result<Answer, SandboxError> {
    send(url, "GET", "").await
}

async fn send(url: &Url, method: &str, body: &str) -> Result<Answer, SandboxError> {
    if url.scheme() != "http" || !url.host_str().is_some_and(is_this_machine) {
        return Err(SandboxError::NotOurs(shown(url)));
    }
    exchange(url, method, body)
        .await
        .map_err(|source| SandboxError::Http {
            url: shown(url),
            source,
        })
}

/// Without the query, which may hold a code.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

async fn exchange(url: &Url, method: &str, body: &str) -> io::Result<Answer> {
    let host = url
        .host_str()
        .unwrap_or("127.0.0.1")
        .trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host, port)).await?;
    let query = url.query().map_or_else(String::new, |q| format!("?{q}"));
    // HTTP/1.0: the answer ends with the connection and is never chunked.
    let request = format!(
        "{method} {}{query} HTTP/1.0\r\nHost: {}\r\nAccept: */*\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        url.path(),
        url.authority(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    let location = lines
        .filter_map(|l| l.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("location"))
        .map(|(_, value)| value.trim().to_owned());
    Some(Answer {
        status,
        location,
        body: body.to_owned(),
    })
}

/// The values that follow `before` up to the next quote.
fn attributes<'a>(html: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

/// What an error page says, in one line.
fn mistake_on(html: &str) -> String {
    let line = html.split("<p class=\"bad\">").nth(1).unwrap_or(html);
    let line = line.split("<p class=\"foot\">").next().unwrap_or(line);
    let text = crate::world::snippet::strip_html(line);
    text.split_whitespace()
        .take(60)
        .collect::<Vec<_>>()
        .join(" ")
}
