//! The loopback receiver: a tiny web server that hears one answer.
//!
//! Owns: the port, the waiting, and the decision which request is the answer
//! (RFC 8252 section 7.3). Never follows what a request says, never reflects
//! it, and runs no task of its own: dropping the receiver frees the port.

mod page;
mod request;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use charmkeeper_base::{ErrorKind, Explain, Secret};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub use page::Page;
use request::{Request, read_request, respond};

/// How long a person may take on the consent page.
pub const LIMIT: Duration = Duration::from_secs(5 * 60);

/// More connections than this wait in the system's queue.
const MAX_CONNECTIONS: usize = 128;

/// Why no code came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoopbackError {
    /// This computer gives no port on its own address.
    #[error("No local port could be opened to receive the sign-in ({0}).")]
    NoPort(String),
    /// The limit passed.
    #[error("The sign-in was not finished in the browser in time.")]
    TimedOut,
    /// `error=access_denied`: the person said no.
    #[error("The sign-in was cancelled in the browser.")]
    Denied,
    /// `error=admin_policy_enforced` or `org_internal`.
    #[error("The administrator of this Google account does not allow this program.")]
    BlockedByAdministrator,
    /// Any other `error`.
    #[error("Google refused the sign-in ({0}).")]
    Refused(String),
    /// `iss` names another server than the one that was asked.
    #[error("The sign-in was answered by another server than the one that was asked.")]
    WrongIssuer,
}

impl Explain for LoopbackError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPort(_) => ErrorKind::Local,
            _ => ErrorKind::SignIn,
        }
    }
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoPort(_) => "Check the firewall rules for 127.0.0.1, then connect again.",
            Self::TimedOut | Self::Denied => "Connect again when you are ready.",
            Self::BlockedByAdministrator => "Ask the administrator, or connect another account.",
            Self::Refused(_) => "Check the OAuth client in Google Cloud console, then try again.",
            Self::WrongIssuer => "Connect again; if it happens twice, check this computer.",
        };
        Some(text.to_owned())
    }
}

/// What an answer must match.
struct Expect {
    state: Secret<String>,
    is_issuer: Box<dyn Fn(&str) -> bool + Send + Sync>,
    redirect: Url,
    claimed: AtomicBool,
}

/// What came back: a code, or why there is none.
type Answer = Result<Secret<String>, LoopbackError>;

/// The connection that carried the answer; it waits for its page.
struct Claimed {
    stream: TcpStream,
    answer: Answer,
}

/// Listens for one answer. See the module for what it never does.
pub struct Receiver {
    listener: TcpListener,
    expect: Arc<Expect>,
    connections: FuturesUnordered<BoxFuture<'static, Option<Claimed>>>,
    browser: Option<TcpStream>,
}

impl Receiver {
    /// Takes a free port of 127.0.0.1, or of `::1` on a computer that has no
    /// IPv4 loopback (Google accepts both literals for desktop clients).
    ///
    /// # Errors
    /// [`LoopbackError::NoPort`].
    pub async fn bind(
        state: Secret<String>,
        is_issuer: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, LoopbackError> {
        let no_port = |e: std::io::Error| LoopbackError::NoPort(e.to_string());
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(first) => match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await {
                Ok(listener) => listener,
                Err(_) => return Err(no_port(first)),
            },
        };
        let address = listener.local_addr().map_err(no_port)?;
        let redirect = Url::parse(&format!("http://{address}/"))
            .map_err(|e| LoopbackError::NoPort(e.to_string()))?;
        let expect = Arc::new(Expect {
            state,
            is_issuer: Box::new(is_issuer),
            redirect,
            claimed: AtomicBool::new(false),
        });
        Ok(Self {
            listener,
            expect,
            connections: FuturesUnordered::new(),
            browser: None,
        })
    }

    /// The redirect URI, as in `http://127.0.0.1:49152/`.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.expect.redirect
    }

    /// Waits for the answer. Everything else that arrives is answered politely
    /// and does not end the wait.
    ///
    /// # Errors
    /// [`LoopbackError`], among them [`LoopbackError::TimedOut`] after `limit`.
    pub async fn answer(&mut self, limit: Duration) -> Result<Secret<String>, LoopbackError> {
        let limit = tokio::time::sleep(limit);
        tokio::pin!(limit);
        loop {
            tokio::select! {
                () = &mut limit => return Err(LoopbackError::TimedOut),
                claimed = self.turn() => {
                    if let Some(Claimed { stream, answer }) = claimed {
                        self.browser = Some(stream);
                        return answer;
                    }
                }
            }
        }
    }

    /// Runs `work` while late and repeated requests are still answered; the
    /// browser's own request waits for [`finish`](Self::finish).
    pub async fn serve_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                // The answer was claimed before, so nothing more can be.
                _ = self.turn() => {}
            }
        }
    }

    /// Shows `page` in the browser that brought the answer, and frees the port.
    pub async fn finish(self, page: &Page) {
        let Self {
            listener,
            browser,
            connections,
            ..
        } = self;
        drop((listener, connections));
        if let Some(stream) = browser {
            respond(stream, 200, page, true).await;
        }
    }

    /// One step: a new connection, or one that ended.
    async fn turn(&mut self) -> Option<Claimed> {
        tokio::select! {
            Some(ended) = self.connections.next(), if !self.connections.is_empty() => ended,
            accepted = self.listener.accept(), if self.connections.len() < MAX_CONNECTIONS => {
                match accepted {
                    Ok((stream, _)) => {
                        let expect = Arc::clone(&self.expect);
                        self.connections.push(Box::pin(serve(stream, expect)));
                    }
                    // Out of file descriptors: trying at once would spin.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
                None
            }
        }
    }
}

async fn serve(mut stream: TcpStream, expect: Arc<Expect>) -> Option<Claimed> {
    let request = read_request(&mut stream, &expect.redirect).await?;
    let wants_body = request.method != "HEAD";
    match judge(&request, &expect) {
        Verdict::Answer(answer) => Some(Claimed { stream, answer }),
        Verdict::Other(status, page) => {
            respond(stream, status, &page, wants_body).await;
            None
        }
    }
}

enum Verdict {
    Answer(Answer),
    Other(u16, Page),
}

fn judge(request: &Request, expect: &Expect) -> Verdict {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Verdict::Other(405, Page::nothing_here());
    }
    if request.url.path() != "/" {
        return Verdict::Other(404, Page::nothing_here());
    }
    if request.method == "HEAD" || request.url.query().is_none() {
        return Verdict::Other(200, Page::waiting());
    }
    let parameter = |name| request.parameter(name);
    let (Ok(state), Ok(code), Ok(error), Ok(iss)) = (
        parameter("state"),
        parameter("code"),
        parameter("error"),
        parameter("iss"),
    ) else {
        return Verdict::Other(400, Page::not_ours());
    };
    let ours = state.is_some_and(|s| same(&s, expect.state.expose()));
    if !ours || (code.is_none() && error.is_none()) {
        return Verdict::Other(400, Page::not_ours());
    }
    if expect.claimed.swap(true, Ordering::SeqCst) {
        return Verdict::Other(200, Page::already_received());
    }
    Verdict::Answer(read_answer(code, error.as_deref(), iss.as_deref(), expect))
}

fn read_answer(
    code: Option<String>,
    error: Option<&str>,
    iss: Option<&str>,
    expect: &Expect,
) -> Answer {
    let code = code.map(Secret::new);
    if iss.is_some_and(|iss| !(expect.is_issuer)(iss)) {
        return Err(LoopbackError::WrongIssuer);
    }
    match (error, code) {
        (None, Some(code)) => Ok(code),
        (Some("access_denied"), _) => Err(LoopbackError::Denied),
        (Some("admin_policy_enforced" | "org_internal"), _) => {
            Err(LoopbackError::BlockedByAdministrator)
        }
        (Some(other), _) => Err(LoopbackError::Refused(crate::oauth::error_word(other))),
        (None, None) => Err(LoopbackError::Refused("no code".to_owned())),
    }
}

/// Compares without telling by the time taken how much was right. The length
/// of the state is no secret.
fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests;
