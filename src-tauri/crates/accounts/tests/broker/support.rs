//! A scripted HTTP server, a token source and a broker between them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use charmkeeper_accounts::Endpoints;
use charmkeeper_accounts::broker::{
    AccessToken, Broker, BrokerConfig, Caps, Fetched, Policy, RunBudget, TokenError, TokenInfo,
    TokenSource, TokenUser,
};
use charmkeeper_base::http::{HttpRequest, HttpResponse, Redirect};
use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::time::FakeClock;
use charmkeeper_base::{Secret, UnixMs};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use url::Url;

/// 2026-11-21T09:00:00Z
pub(crate) const NOW: UnixMs = UnixMs(1_795_251_600_000);

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// The connection is torn down.
    Reset,
    /// Nothing more ever comes after these bytes.
    Stall(Vec<u8>),
    /// The reply, once the semaphore lets it through.
    When(Arc<Semaphore>, Box<Reply>),
}

pub(crate) fn json(status: u16, body: &str) -> Reply {
    with(status, &[], body)
}

pub(crate) fn with(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let mut all = vec![("content-type", "application/json".to_owned())];
    all.extend(headers.iter().map(|&(k, v)| (k, v.to_owned())));
    // A later content type replaces the first.
    if headers.iter().any(|(k, _)| *k == "content-type") {
        all.remove(0);
    }
    Reply::Answer {
        status,
        headers: all,
        body: body.as_bytes().to_vec(),
    }
}

type Script = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub addr: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers each request with `script(request, how many came before)`.
    pub(crate) async fn start(
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let script: Arc<Script> = Arc::new(script);
        let (list, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (list, script) = (Arc::clone(&list), Arc::clone(&script));
                tokio::spawn(async move { serve(stream, &list, script.as_ref()).await });
            }
        });
        Self {
            addr,
            seen,
            connections,
            task,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, list: &Mutex<Vec<Seen>>, script: &Script) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let before = {
        let mut list = list.lock().unwrap();
        list.push(request.clone());
        list.len() - 1
    };
    let mut reply = script(&request, before);
    while let Reply::When(gate, inner) = reply {
        gate.acquire().await.unwrap().forget();
        reply = *inner;
    }
    if matches!(reply, Reply::Reset) {
        stream.set_zero_linger().unwrap();
        return;
    }
    write(&mut stream, reply).await;
}

pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), reply: Reply) {
    let bytes = match reply {
        Reply::Answer {
            status,
            headers,
            body,
        } => {
            let length = body.len();
            let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n");
            head.push_str("connection: close\r\n");
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            [head.as_bytes(), b"\r\n", &body].concat()
        }
        Reply::Raw(bytes) => bytes,
        Reply::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            std::future::pending::<()>().await;
            return;
        }
        Reply::Reset | Reply::When(..) => return,
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()))
        .collect();
    let mut body = bytes[end..].to_vec();
    let length = headers.iter().find(|(k, _)| k == "content-length");
    let length: usize = length.map_or(0, |(_, v)| v.parse().unwrap());
    while body.len() < length {
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&piece[..n]);
    }
    Some(Seen {
        method,
        target,
        headers,
        body,
    })
}

/// Tokens that say whose they are and which generation.
#[derive(Default)]
pub(crate) struct Tokens {
    generations: tokio::sync::Mutex<HashMap<String, u64>>,
    pub refreshes: AtomicUsize,
    /// What every refresh fails with, when set.
    pub failure: Mutex<Option<TokenError>>,
    /// What even the first token fails with, when set.
    pub unavailable: Mutex<Option<TokenError>>,
}

pub(crate) fn token(account: &str, generation: u64) -> String {
    format!("ya29.secret-of-{account}-generation-{generation}/x")
}

#[async_trait]
impl TokenSource for Tokens {
    async fn access_token(
        &self,
        account: &str,
        stale: Option<u64>,
    ) -> Result<AccessToken, TokenError> {
        if let Some(error) = self.unavailable.lock().unwrap().clone() {
            return Err(error);
        }
        let mut all = self.generations.lock().await;
        let generation = all.entry(account.to_owned()).or_default();
        if stale == Some(*generation) {
            self.refreshes.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if let Some(error) = self.failure.lock().unwrap().clone() {
                return Err(error);
            }
            *generation += 1;
        }
        let secret = Secret::new(token(account, *generation));
        Ok(AccessToken {
            secret,
            generation: *generation,
        })
    }

    async fn describe(&self, account: &str, _refresh: bool) -> Result<TokenInfo, TokenError> {
        if let Some(error) = self.failure.lock().unwrap().clone() {
            return Err(error);
        }
        let user = TokenUser {
            email: format!("{account}@example.com"),
            ..TokenUser::default()
        };
        Ok(TokenInfo {
            scopes: vec!["https://www.googleapis.com/auth/gmail.readonly".into()],
            expires_in: Duration::from_secs(3599),
            expires_at: NOW.plus(Duration::from_secs(3599)),
            user,
        })
    }
}

/// A broker, a server below its development base, and one charm's policy.
pub(crate) struct World {
    pub server: Server,
    pub tokens: Arc<Tokens>,
    pub clock: Arc<FakeClock>,
    pub broker: Arc<Broker>,
    pub policy: Policy,
    pub budget: RunBudget,
}

pub(crate) fn policy() -> Policy {
    let hosts = [
        "gmail.googleapis.com",
        "www.googleapis.com",
        "oauth2.googleapis.com",
        "accounts.google.com",
        "api.example.com",
    ];
    Policy {
        charm: "importer".into(),
        hosts: hosts.map(str::to_owned).to_vec(),
        accounts: vec!["a".into(), "b".into()],
        caps: Caps::default(),
    }
}

pub(crate) fn broker(
    base: &str,
    tokens: &Arc<Tokens>,
    clock: &Arc<FakeClock>,
    config: &BrokerConfig,
) -> Arc<Broker> {
    let endpoints = Endpoints::below(&Url::parse(base).unwrap()).unwrap();
    let (tokens, clock) = (Arc::clone(tokens), Arc::clone(clock));
    let random = Arc::new(SeededRandom::new(5));
    Arc::new(Broker::new(&endpoints, tokens, clock, random, config).unwrap())
}

impl World {
    pub(crate) async fn new(
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = Server::start(script).await;
        let tokens = Arc::new(Tokens::default());
        let clock = Arc::new(FakeClock::at(NOW));
        let base = format!("http://{}", server.addr);
        let broker = broker(&base, &tokens, &clock, &BrokerConfig::default());
        let policy = policy();
        let budget = RunBudget::new(&policy.caps);
        Self {
            server,
            tokens,
            clock,
            broker,
            policy,
            budget,
        }
    }

    pub(crate) async fn fetch(&self, request: HttpRequest) -> Fetched {
        self.broker.fetch(&self.policy, &self.budget, request).await
    }

    /// The response, which there must be.
    pub(crate) async fn answer(&self, request: HttpRequest) -> HttpResponse {
        self.fetch(request).await.result.unwrap()
    }
}

pub(crate) const PROFILE: &str = "https://gmail.googleapis.com/gmail/v1/users/me/profile";
pub(crate) const CALENDARS: &str = "https://www.googleapis.com/calendar/v3/users/me/calendarList";
pub(crate) const BATCH: &str = "https://gmail.googleapis.com/batch/gmail/v1";

pub(crate) fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> HttpRequest {
    HttpRequest {
        method: method.into(),
        url: url.into(),
        headers: headers
            .iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        body: body.to_vec(),
        redirect: Redirect::Follow,
    }
}

/// A GET in the name of account a.
pub(crate) fn get(url: &str) -> HttpRequest {
    request("GET", url, &[("Authorization", "Bearer kc:a")], b"")
}

/// A GET without a sign-in.
pub(crate) fn plain(url: &str) -> HttpRequest {
    request("GET", url, &[], b"")
}

/// A batch of GETs, each in the name of one account.
pub(crate) fn batch(parts: &[(&str, &str)]) -> HttpRequest {
    let mut body = String::new();
    for (n, (account, path)) in parts.iter().enumerate() {
        body.push_str(&format!(
            "--b\nContent-Type: application/http\nContent-ID: <item{n}>\n\nGET {path}\n\
             Authorization: Bearer kc:{account}\n\n"
        ));
    }
    body.push_str("--b--\n");
    let headers = [("Content-Type", "multipart/mixed; boundary=b")];
    request("POST", BATCH, &headers, body.as_bytes())
}

/// The answer to a batch: status and JSON of each part.
pub(crate) fn batch_reply(parts: &[(u16, &str)]) -> Reply {
    let mut body = String::new();
    for (n, (status, json)) in parts.iter().enumerate() {
        body.push_str(&format!(
            "--r\r\nContent-Type: application/http\r\nContent-ID: <response-item{n}>\r\n\r\n\
             HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\r\n{json}\r\n"
        ));
    }
    body.push_str("--r--\r\n");
    with(
        200,
        &[("content-type", "multipart/mixed; boundary=r")],
        &body,
    )
}

/// Google's error JSON.
pub(crate) fn google_error(code: u16, reason: &str, message: &str) -> String {
    format!(
        r#"{{"error":{{"code":{code},"message":"{message}","errors":[{{"reason":"{reason}"}}]}}}}"#
    )
}
