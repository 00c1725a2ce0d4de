//! For tests only: a charm in a real engine, in this process, with a fake host.
//!
//! No sandbox, no frames, no limits but the heap and a 20 s clock. A process
//! can make 252 runtimes in all (`worker::engine`), so a test binary stays below
//! 200 calls; `cargo nextest` gives each test a process of its own.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use charmkeeper_base::random::{Random, SeededRandom};
use serde_json::{Value, json};

use crate::{
    compile::{Compiled, Dialect, Facts, Module, Place},
    frames::{SourceModule, join_head},
    worker::{
        engine::{Engine, RunConfig, RunEnd, THREAD_STACK},
        host::{HostFailure, LocalFuture, OpsHost},
    },
};

const HEAP: usize = 192 * 1024 * 1024;
const CLOCK: Duration = Duration::from_secs(20);

/// An answer of the fake network: the head without `headers` defaults filled in,
/// and the body. A head `{"error": {"kind", "message"}}` is a failed call.
pub type FakeAnswer = (Value, Vec<u8>);

/// Answers a fetch from its head and body.
pub type FakeNetwork = Box<dyn Fn(&Value, &[u8]) -> FakeAnswer + Send>;

/// What a charm under test can reach.
pub struct FakeHost {
    /// JSON of the job, for `op_ck_job`.
    pub job: Value,
    /// Documents by (space, id): version and document.
    pub documents: BTreeMap<(String, String), (u64, Value)>,
    /// Answers to wishes by query, such as `#googleAuth`.
    pub wishes: BTreeMap<String, Value>,
    /// How events for other charms' streams go, by the stream's document.
    pub sends: BTreeMap<String, Value>,
    /// Answers a fetch; gets the head and the body.
    pub network: FakeNetwork,
    /// True to leave every fetch unanswered until it is aborted.
    pub network_hangs: bool,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            job: json!({
                "run": "run-1", "charm": "charm-1", "space": "did:key:zSpace",
                "piece": "of:fid1:piece", "argument": "of:fid1:argument",
                "result": "of:fid1:piece", "action": "run", "stream": "bgUpdater",
                "event": {}, "api_url": "https://charmkeeper.invalid/",
                "now_ms": 1_795_253_400_000_i64, "locale": "en-US",
            }),
            documents: BTreeMap::new(),
            wishes: BTreeMap::new(),
            sends: BTreeMap::new(),
            network: Box::new(|_, _| {
                (
                    json!({"error": {"kind": "offline", "message": "no network in this test"}}),
                    vec![],
                )
            }),
            network_hangs: false,
        }
    }
}

/// What happened in [`eval_in_engine`].
#[derive(Debug)]
pub struct Evaluated {
    /// How the run ended.
    pub end: RunEnd,
    /// Console lines: level and text.
    pub log: Vec<(String, String)>,
    /// Changes, in order. They count only if the run went well.
    pub changes: Vec<Value>,
    /// Heads of the fetches, in order.
    pub fetches: Vec<Value>,
    /// Every list of document references that was asked for.
    pub reads: Vec<Value>,
    /// Events for other charms' streams, in order.
    pub sends: Vec<Value>,
    /// Ids given to `op_ck_fetch_abort`.
    pub aborted: Vec<u32>,
}

impl Evaluated {
    /// The report as JSON, with the changes that count.
    ///
    /// # Panics
    /// When the run did not end with a report.
    #[must_use]
    #[allow(clippy::panic, reason = "this module is for tests")]
    pub fn report(&self) -> Value {
        match &self.end {
            RunEnd::Report(text) => {
                let mut report: Value = serde_json::from_str(text)
                    .unwrap_or_else(|e| panic!("the report is not JSON ({e}): {text}"));
                let went_well = report["ending"] == "ok";
                report["changes"] = json!(if went_well { &*self.changes } else { &[] });
                report
            }
            other => panic!(
                "the run ended without a report: {other:?}; log: {:?}",
                self.log
            ),
        }
    }
}

#[derive(Default)]
struct Seen {
    log: Vec<(String, String)>,
    changes: Vec<Value>,
    fetches: Vec<Value>,
    reads: Vec<Value>,
    sends: Vec<Value>,
    aborted: Vec<u32>,
}

struct Door {
    fake: FakeHost,
    seen: Arc<Mutex<Seen>>,
    random: SeededRandom,
    hanging: RefCell<BTreeMap<u32, tokio::sync::oneshot::Sender<()>>>,
}

impl Door {
    fn note(&self, f: impl FnOnce(&mut Seen)) {
        f(&mut self
            .seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl OpsHost for Door {
    fn read(&self, ids: String) -> Result<String, HostFailure> {
        let refused = |e: serde_json::Error| HostFailure::Refused(e.to_string());
        let ids: Value = serde_json::from_str(&ids).map_err(refused)?;
        let mut found = Vec::new();
        for r in ids.as_array().into_iter().flatten() {
            let (space, id) = (r["space"].as_str(), r["id"].as_str());
            let key = (
                space.unwrap_or_default().to_owned(),
                id.unwrap_or_default().to_owned(),
            );
            let (version, doc) = self.fake.documents.get(&key).cloned().unwrap_or_default();
            found.push(json!({"space": key.0, "id": key.1, "version": version, "doc": doc}));
        }
        self.note(|s| s.reads.push(ids));
        Ok(Value::Array(found).to_string())
    }

    fn wish(&self, query: String) -> Result<String, HostFailure> {
        let query: Value =
            serde_json::from_str(&query).map_err(|e| HostFailure::Refused(e.to_string()))?;
        let tag = query["query"].as_str().unwrap_or_default();
        let answer = self.fake.wishes.get(tag).cloned().unwrap_or_else(
            || json!({"candidates": [], "error": format!("No favorites found matching \"{tag}\"")}),
        );
        Ok(answer.to_string())
    }

    fn fetch(&self, head: String, body: Vec<u8>) -> LocalFuture<Vec<u8>> {
        let head: Value = serde_json::from_str(&head).unwrap_or_default();
        let (answer, bytes) = (self.fake.network)(&head, &body);
        let id = head["id"]
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or_default();
        self.note(|s| s.fetches.push(head));
        let (sender, aborted) = tokio::sync::oneshot::channel();
        let hangs = self.fake.network_hangs;
        if hangs {
            self.hanging.borrow_mut().insert(id, sender);
        }
        Box::pin(async move {
            if hangs {
                let _dropped_or_sent = aborted.await;
                let gone = json!({"error": {"kind": "aborted", "message": "aborted"}});
                return join_head(&gone.to_string(), &[]);
            }
            tokio::task::yield_now().await;
            join_head(&answer.to_string(), &bytes)
        })
    }

    fn send(&self, event: String) -> LocalFuture<Result<String, HostFailure>> {
        let event: Value = serde_json::from_str(&event).unwrap_or_default();
        let stream = event["id"].as_str().unwrap_or_default();
        let answer = self.fake.sends.get(stream).map(Value::to_string);
        let none = format!("No charm here has the stream {stream}.");
        self.note(|s| s.sends.push(event));
        Box::pin(async move {
            tokio::task::yield_now().await;
            answer.ok_or(HostFailure::Refused(none))
        })
    }

    fn change(&self, json: &[u8]) -> Result<(), HostFailure> {
        let change = serde_json::from_slice(json);
        let change = change.map_err(|e: serde_json::Error| HostFailure::Refused(e.to_string()))?;
        self.note(|s| s.changes.push(change));
        Ok(())
    }

    fn fetch_abort(&self, id: u32) {
        self.note(|s| s.aborted.push(id));
        self.hanging.borrow_mut().remove(&id);
    }

    fn log(&self, level: &str, text: &str) {
        self.note(|s| s.log.push((level.to_owned(), text.to_owned())));
    }

    fn random(&self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }
}

/// Runs a charm: `modules` are (specifier, JavaScript), the first one is the
/// entry. Specifiers are absolute, as in `charm:///main.tsx`.
///
/// # Panics
/// When the engine does not start, or the run takes longer than 20 s.
#[must_use]
#[allow(clippy::panic, reason = "this module is for tests")]
pub fn eval_in_engine(modules: &[(&str, &str)], host: FakeHost) -> Evaluated {
    let modules: Vec<SourceModule> = modules
        .iter()
        .map(|(specifier, code)| SourceModule {
            specifier: (*specifier).to_owned(),
            code: (*code).to_owned(),
            source_map: None,
        })
        .collect();
    eval_modules(modules, host)
}

/// Like [`eval_in_engine`], with source maps.
///
/// # Panics
/// As [`eval_in_engine`].
#[must_use]
#[allow(clippy::panic, reason = "this module is for tests")]
pub fn eval_modules(modules: Vec<SourceModule>, host: FakeHost) -> Evaluated {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let theirs = Arc::clone(&seen);
    let (done, ended) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .stack_size(THREAD_STACK)
        .spawn(move || {
            let end = run(modules, host, theirs);
            let _receiver_gave_up = done.send(end);
        });
    if let Err(e) = thread {
        panic!("no thread: {e}");
    }
    let end = ended
        .recv_timeout(CLOCK)
        .unwrap_or_else(|e| panic!("the run did not end within {CLOCK:?}, or panicked: {e}"));
    let seen = std::mem::take(
        &mut *seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    );
    Evaluated {
        end,
        log: seen.log,
        changes: seen.changes,
        fetches: seen.fetches,
        reads: seen.reads,
        sends: seen.sends,
        aborted: seen.aborted,
    }
}

#[allow(clippy::panic, reason = "this module is for tests")]
fn run(modules: Vec<SourceModule>, fake: FakeHost, seen: Arc<Mutex<Seen>>) -> RunEnd {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let tokio = tokio.unwrap_or_else(|e| panic!("no event loop: {e}"));
    let entry = modules
        .first()
        .map(|m| m.specifier.clone())
        .unwrap_or_default();
    let job = fake.job.to_string();
    let door = Door {
        fake,
        seen,
        random: SeededRandom::new(1),
        hanging: RefCell::default(),
    };
    let config = RunConfig {
        job,
        modules,
        entry,
        host: Rc::new(door),
    };
    tokio.block_on(async {
        let mut engine = Engine::new(HEAP)
            .await
            .unwrap_or_else(|e| panic!("no engine: {e:?}"));
        engine.run(config).await
    })
}

/// A program of JavaScript modules, as if it had been compiled; the first one is
/// the entry. Specifiers as in [`eval_in_engine`].
#[must_use]
pub fn compiled(modules: &[(&str, &str)]) -> Arc<Compiled> {
    let module = |(specifier, code): &(&str, &str)| Module {
        specifier: (*specifier).to_owned(),
        code: (*code).to_owned(),
        source_map: None,
    };
    Arc::new(Compiled {
        hash: String::new(),
        entry: modules
            .first()
            .map(|(s, _)| (*s).to_owned())
            .unwrap_or_default(),
        modules: modules.iter().map(module).collect(),
        facts: Facts {
            name: None,
            description: None,
            tags: Vec::new(),
            hosts: Vec::new(),
            defaults: json!({}),
            inputs: BTreeMap::new(),
            bg_updater: None,
            no_bg_updater: None,
            default_export: Place {
                file: "main.tsx".to_owned(),
                line: 1,
                column: 1,
            },
            imports: Vec::new(),
            dialect: Dialect::CommonFabric,
        },
        warnings: Vec::new(),
    })
}
