//! The server: checks codes, PKCE and refresh tokens as Google does, and
//! misbehaves on command.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use url::Url;

pub const CLIENT: &str = "test-client";
pub const CLIENT_SECRET: &str = "GOCSPX-planted";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub form: BTreeMap<String, String>,
    pub authorization: String,
}

/// What to do instead of answering properly.
#[derive(Clone, Debug)]
pub enum Fault {
    Status(u16, &'static str, &'static str),
    /// Closes without an answer.
    Reset,
    /// Promises more than it sends.
    Truncated,
}

/// Who signs in, and what they tick.
#[derive(Clone)]
pub struct Person {
    pub sub: &'static str,
    pub email: &'static str,
    /// `None` ticks everything.
    pub ticked: Option<Vec<&'static str>>,
}

pub struct State {
    pub seen: Vec<Seen>,
    pub faults: VecDeque<(&'static str, Fault)>,
    pub person: Person,
    pub refresh_tokens: BTreeMap<String, &'static str>,
    pub revoked: BTreeSet<String>,
    /// A new refresh token with every refresh.
    pub rotate: bool,
    pub send_refresh_token: bool,
    pub send_id_token: bool,
    pub expires_in: u64,
    pub extra: Value,
    codes: BTreeMap<String, (String, String, Person)>,
    counter: u32,
}

/// A running server. Clones share it.
#[derive(Clone)]
pub struct Google {
    pub state: Arc<Mutex<State>>,
    pub address: SocketAddr,
    /// Each answer of `/token` takes a permit.
    pub gate: Arc<Semaphore>,
    /// Told about every request.
    pub arrived: Arc<Notify>,
    accepting: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
}

impl Google {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            seen: vec![],
            faults: VecDeque::new(),
            person: Person {
                sub: "1001",
                email: "ada@example.org",
                ticked: None,
            },
            refresh_tokens: BTreeMap::new(),
            revoked: BTreeSet::new(),
            rotate: false,
            send_refresh_token: true,
            send_id_token: false,
            expires_in: 3600,
            extra: json!({}),
            codes: BTreeMap::new(),
            counter: 0,
        };
        let google = Self {
            state: Arc::new(Mutex::new(state)),
            address: listener.local_addr().unwrap(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            arrived: Arc::new(Notify::new()),
            accepting: Arc::default(),
        };
        google.accept(listener);
        google
    }

    fn accept(&self, listener: TcpListener) {
        let this = self.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().serve(stream));
            }
        });
        *self.accepting.lock().unwrap() = Some(task);
    }

    /// Refuses connections until [`come_back`](Self::come_back).
    pub async fn go_offline(&self) {
        let task = self.accepting.lock().unwrap().take().unwrap();
        task.abort();
        let _ = task.await;
    }

    pub async fn come_back(&self) {
        self.accept(TcpListener::bind(self.address).await.unwrap());
    }

    pub fn base(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).unwrap()
    }

    pub fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub fn fail(&self, path: &'static str, fault: Fault) {
        self.set(|state| state.faults.push_back((path, fault)));
    }

    pub fn sign_in_as(&self, sub: &'static str, email: &'static str) {
        self.set(|state| {
            state.person = Person {
                sub,
                email,
                ticked: None,
            }
        });
    }

    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        state
            .seen
            .iter()
            .filter(|seen| seen.path == path)
            .cloned()
            .collect()
    }

    /// The refresh tokens that still work, oldest first.
    pub fn working(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let alive = |t: &&String| !state.revoked.contains(*t);
        state.refresh_tokens.keys().filter(alive).cloned().collect()
    }

    /// What the consent page does when the person agrees.
    pub fn consent(&self, page: &Url) -> String {
        let query: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["code_challenge_method"], "S256");
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let code = format!("4/planted-code-{}", state.counter);
        let mut person = state.person.clone();
        let scope = match &person.ticked {
            Some(ticked) => ticked.join(" "),
            None => query["scope"].clone(),
        };
        person.ticked = Some(vec![Box::leak(scope.into_boxed_str())]);
        let known = (
            query["code_challenge"].clone(),
            query["redirect_uri"].clone(),
            person,
        );
        state.codes.insert(code.clone(), known);
        code
    }

    async fn serve(self, mut stream: TcpStream) {
        let Some(seen) = read(&mut stream).await else {
            return;
        };
        let fault = {
            let mut state = self.state.lock().unwrap();
            state.seen.push(seen.clone());
            let hit = state.faults.iter().position(|(path, _)| *path == seen.path);
            hit.and_then(|at| state.faults.remove(at))
                .map(|(_, fault)| fault)
        };
        self.arrived.notify_one();
        if seen.path == "/token" {
            self.gate.acquire().await.unwrap().forget();
        }
        let (status, headers, body) = match fault {
            Some(Fault::Reset) => return,
            Some(Fault::Truncated) => {
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"access_token\":\"ya29.";
                let _ = stream.write_all(head.as_bytes()).await;
                return;
            }
            Some(Fault::Status(status, headers, body)) => (status, headers, body.to_owned()),
            None => {
                let (status, body) = self.answer(&seen);
                (
                    status,
                    "Content-Type: application/json\r\n",
                    body.to_string(),
                )
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }

    fn answer(&self, seen: &Seen) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        match (
            seen.path.as_str(),
            seen.form.get("grant_type").map(String::as_str),
        ) {
            ("/token", Some("authorization_code")) => state.exchange(&seen.form),
            ("/token", Some("refresh_token")) => state.refresh(&seen.form),
            ("/revoke", _) => state.revoke(&seen.form["token"]),
            ("/v1/userinfo", _) => state.userinfo(&seen.authorization),
            ("/gmail/v1/users/me/profile", _) => (
                200,
                json!({"emailAddress": state.person.email, "historyId": "1"}),
            ),
            _ => (404, json!({"error": {"code": 404, "message": "Not Found"}})),
        }
    }
}

fn refuse(error: &str, description: &str) -> (u16, Value) {
    (
        400,
        json!({"error": error, "error_description": description}),
    )
}

impl State {
    fn grant(&mut self, person: &Person, refresh: Option<String>) -> (u16, Value) {
        self.counter += 1;
        let access = format!("ya29.planted-{}-{}", person.sub, self.counter);
        let scope = person.ticked.clone().unwrap_or_default().join(" ");
        let mut answer = json!({
            "access_token": access, "expires_in": self.expires_in, "scope": scope,
            "token_type": "Bearer",
        });
        if let Some(token) = refresh {
            answer["refresh_token"] = json!(token);
        }
        if self.send_id_token {
            let claims = json!({"sub": person.sub, "email": person.email});
            let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
            answer["id_token"] = json!(format!("e30.{payload}.planted-signature"));
        }
        for (name, value) in self.extra.as_object().unwrap() {
            answer[name] = value.clone();
        }
        (200, answer)
    }

    fn new_refresh_token(&mut self, sub: &'static str) -> String {
        let token = format!("1//planted-{:03}", self.refresh_tokens.len());
        self.refresh_tokens.insert(token.clone(), sub);
        token
    }

    fn check_client(form: &BTreeMap<String, String>) -> Option<(u16, Value)> {
        if form.get("client_id").map(String::as_str) != Some(CLIENT) {
            return Some((401, json!({"error": "invalid_client"})));
        }
        match form.get("client_secret").map(String::as_str) {
            None => Some(refuse("invalid_request", "client_secret is missing.")),
            Some(CLIENT_SECRET) => None,
            Some(_) => Some((401, json!({"error": "invalid_client"}))),
        }
    }

    fn exchange(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        if let Some(refused) = Self::check_client(form) {
            return refused;
        }
        let Some((challenge, redirect, person)) = self.codes.remove(&form["code"]) else {
            return refuse("invalid_grant", "Malformed auth code.");
        };
        let verifier = Sha256::digest(form["code_verifier"].as_bytes());
        if URL_SAFE_NO_PAD.encode(verifier) != challenge || form["redirect_uri"] != redirect {
            return refuse("invalid_grant", "Bad code verifier.");
        }
        let refresh = self
            .send_refresh_token
            .then(|| self.new_refresh_token(person.sub));
        self.grant(&person, refresh)
    }

    fn refresh(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        if let Some(refused) = Self::check_client(form) {
            return refused;
        }
        let token = &form["refresh_token"];
        let Some(sub) = self.refresh_tokens.get(token).copied() else {
            return refuse("invalid_grant", "Bad Request");
        };
        if self.revoked.contains(token) {
            return refuse("invalid_grant", "Token has been expired or revoked.");
        }
        let scopes = "openid email profile https://www.googleapis.com/auth/gmail.readonly \
                      https://www.googleapis.com/auth/calendar.readonly";
        let person = Person {
            sub,
            email: "",
            ticked: Some(vec![scopes]),
        };
        let new = self.rotate.then(|| {
            self.revoked.insert(token.clone());
            self.new_refresh_token(sub)
        });
        self.grant(&person, new)
    }

    /// As Google does: every grant of the person ends.
    fn revoke(&mut self, token: &str) -> (u16, Value) {
        let by_access = token
            .strip_prefix("ya29.planted-")
            .and_then(|t| t.split('-').next());
        let owner = self.refresh_tokens.get(token).copied().or(by_access);
        let Some(owner) = owner.filter(|_| !self.revoked.contains(token)) else {
            return refuse("invalid_token", "Token expired or revoked");
        };
        let all = self.refresh_tokens.iter().filter(|(_, sub)| **sub == owner);
        self.revoked
            .extend(all.map(|(token, _)| token.clone()).collect::<Vec<_>>());
        (200, json!({}))
    }

    fn userinfo(&self, authorization: &str) -> (u16, Value) {
        if !authorization.starts_with("Bearer ya29.planted-") {
            return (401, json!({"error": "invalid_token"}));
        }
        let Person { sub, email, .. } = self.person;
        (
            200,
            json!({"sub": sub, "email": email, "name": "Ada", "picture": "https://x/p.png"}),
        )
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let header = |name: &str| {
        let mut lines = head.lines();
        lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length")
        .and_then(|l| l.parse().ok())
        .unwrap_or(0);
    while bytes.len() - end < length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let target = head.split(' ').nth(1)?;
    Some(Seen {
        path: target.split('?').next()?.to_owned(),
        form: url::form_urlencoded::parse(&bytes[end..])
            .into_owned()
            .collect(),
        authorization: header("authorization").unwrap_or_default(),
    })
}
