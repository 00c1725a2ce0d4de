//! Jobs for real workers, with a host that records what they ask for.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use charmkeeper_base::{
    ErrorKind, UnixMs,
    cell::{DocRef, DocSnapshot},
    http::{CallError, HttpRequest, HttpResponse},
};
use charmkeeper_charms::{
    runner::{
        Action, CancelToken, Candidate, Host, HostError, Job, JobEnd, Limits, LogLine, SendAnswer,
        SendRequest, WishAnswer, WishQuery, WorkerCommand, run_batch,
    },
    testing,
};
use serde_json::json;
use tokio::sync::Notify;

/// What the host does with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Answers with the request's own body.
    #[default]
    Echo,
    /// Never answers.
    Hangs,
    /// Nothing is reached.
    Fails,
}

/// Records a run.
#[derive(Default)]
pub struct Recorder {
    pub network: Network,
    pub lines: Mutex<Vec<String>>,
    pub requests: Mutex<Vec<HttpRequest>>,
    /// Events for other charms' streams; the one with `refuse` is refused.
    pub sent: Mutex<Vec<SendRequest>>,
    /// Requests at this moment, and the most there ever were.
    pub open: AtomicU32,
    pub most_open: AtomicU32,
    /// Reads never come back when this is set.
    pub reads_hang: bool,
    /// Told at every log line and request.
    pub something: Notify,
}

impl Recorder {
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until the charm has logged this line.
    pub async fn logged(&self, line: &str) {
        while !self.log().iter().any(|l| l == line) {
            self.something.notified().await;
        }
    }
}

/// Counts down when the request's future is dropped.
struct Open<'a>(&'a AtomicU32);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Host for Recorder {
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError> {
        if self.reads_hang {
            self.lines.lock().unwrap().push("reading".to_owned());
            self.something.notify_one();
            std::future::pending::<()>().await;
        }
        if ids.iter().any(|r| r.id == "of:refused") {
            let message = "this space is not yours".to_owned();
            return Err(HostError {
                kind: ErrorKind::Space,
                message,
            });
        }
        let value = |id: &str| match id {
            "of:other" => json!({"go": {"/": {"link@1": {"id": "of:stream", "path": []}}}}),
            "of:stream" => json!({"$stream": true}),
            id => json!({"id": id}),
        };
        let doc = |r: DocRef| DocSnapshot {
            doc: Some(json!({"value": value(&r.id)})),
            space: r.space,
            id: r.id,
            version: 3,
        };
        Ok(ids.into_iter().map(doc).collect())
    }

    async fn send(&self, request: SendRequest) -> Result<SendAnswer, HostError> {
        let refused = request.event["refuse"] == true;
        self.sent.lock().unwrap().push(request);
        if refused {
            return Err(HostError {
                kind: ErrorKind::Charm,
                message: "No such stream.".to_owned(),
            });
        }
        Ok(SendAnswer::default())
    }

    async fn wish(&self, query: WishQuery) -> Result<WishAnswer, HostError> {
        if query.query == "#other" {
            let other = Candidate {
                space: "did:key:zSpace".to_owned(),
                id: "of:other".to_owned(),
                path: vec![],
                name: None,
                tags: vec![],
            };
            return Ok(WishAnswer {
                candidates: vec![other],
                error: None,
            });
        }
        Ok(WishAnswer {
            candidates: vec![],
            error: Some(format!("nothing for {}", query.query)),
        })
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let now = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        let _open = Open(&self.open);
        self.most_open.fetch_max(now, Ordering::SeqCst);
        self.requests.lock().unwrap().push(request.clone());
        self.something.notify_one();
        if self.network == Network::Hangs {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        if self.network == Network::Fails {
            return Err(CallError {
                kind: ErrorKind::Offline,
                message: "The network is not there.".to_owned(),
                retry_at: None,
            });
        }
        Ok(HttpResponse {
            status: 200,
            status_text: "OK".to_owned(),
            url: request.url,
            redirected: false,
            headers: vec![],
            body: request.body,
        })
    }

    fn log(&self, line: LogLine) {
        self.lines.lock().unwrap().push(line.text);
        self.something.notify_one();
    }
}

/// The worker program of this crate's tests.
pub fn worker() -> WorkerCommand {
    WorkerCommand {
        program: env!("CARGO_BIN_EXE_charm-worker").into(),
        args: vec!["worker".into()],
    }
}

/// A short clock, so that a test of a limit ends soon.
pub fn short() -> Limits {
    Limits {
        wall: Duration::from_millis(300),
        grace: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// A job whose entry module is this JavaScript. Hostile code stands at the top
/// level of the module, where every limit applies already.
pub fn job(name: &str, code: &str) -> (Job, Arc<Recorder>) {
    job_with(name, code, Recorder::default())
}

pub fn job_with(name: &str, code: &str, host: Recorder) -> (Job, Arc<Recorder>) {
    let host = Arc::new(host);
    let job = Job {
        run: format!("run-{name}"),
        charm: name.to_owned(),
        space: "did:key:zSpace".to_owned(),
        piece: "of:fid1:piece".to_owned(),
        argument: "of:fid1:argument".to_owned(),
        adopted: false,
        compiled: testing::compiled(&[("charm:///main.tsx", code)]),
        action: Action::Run,
        stream: "bgUpdater".to_owned(),
        event: json!({}),
        api_url: "https://charmkeeper.invalid/".to_owned(),
        now: UnixMs(1_795_253_400_000),
        limits: Limits::default(),
        host: host.clone(),
        cancel: CancelToken::new(),
    };
    (job, host)
}

/// A charm that does nothing, and says so.
pub const NO_OP: &str = r#"
    import { handler, pattern } from "commonfabric";
    const update = handler(() => { console.log("ran"); });
    export default pattern(() => ({ bgUpdater: update({}) }));
"#;

/// Runs the jobs; their ends in order.
pub async fn run(jobs: Vec<Job>) -> Vec<JobEnd> {
    let mut ends = Vec::new();
    Box::pin(run_batch(&worker(), jobs, |end| ends.push(end))).await;
    ends
}

/// Runs one job.
pub async fn run_one(job: Job) -> JobEnd {
    let mut ends = run(vec![job]).await;
    assert_eq!(ends.len(), 1);
    ends.remove(0)
}
