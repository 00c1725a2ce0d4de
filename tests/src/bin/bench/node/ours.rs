//! The importer in our worker: one run, with documents and requests answered
//! from memory by this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::{DocRef, DocSnapshot};
use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse};
use charmkeeper_charms::compile::Compiled;
use charmkeeper_charms::runner::{
    Action, CancelToken, Candidate, Ending, Host, HostError, Job, JobEnd, Limits, LogLine,
    WishAnswer, WishQuery, WorkerCommand, run_batch,
};
use serde_json::{Value, json};

use super::Measured;
use super::mail::Mailbox;

const SPACE: &str = "did:key:zBench";
const ARGUMENT: &str = "of:fid1:argument";
const AUTH: &str = "of:fid1:auth";

struct Memory {
    mailbox: Arc<Mailbox>,
    argument: Value,
    auth: Value,
}

#[async_trait]
impl Host for Memory {
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError> {
        let doc = |r: DocRef| {
            let value = match r.id.as_str() {
                ARGUMENT => Some(&self.argument),
                AUTH => Some(&self.auth),
                _ => None,
            };
            DocSnapshot {
                version: u64::from(value.is_some()),
                doc: value.map(|value| json!({"value": value})),
                space: r.space,
                id: r.id,
            }
        };
        Ok(ids.into_iter().map(doc).collect())
    }

    async fn wish(&self, _query: WishQuery) -> Result<WishAnswer, HostError> {
        let auth = Candidate {
            space: SPACE.into(),
            id: AUTH.into(),
            path: Vec::new(),
            name: None,
            tags: vec!["googleAuth".into()],
        };
        Ok(WishAnswer {
            candidates: vec![auth],
            error: None,
        })
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        self.mailbox.answer(&request)
    }

    fn log(&self, line: LogLine) {
        println!("      {}: {}", line.level, line.text);
    }
}

/// Runs it once.
pub(crate) fn run(
    worker: &Path,
    compiled: &Arc<Compiled>,
    mailbox: &Arc<Mailbox>,
    inputs: &super::Inputs,
) -> Measured {
    let host = Memory {
        mailbox: Arc::clone(mailbox),
        argument: inputs.argument.clone(),
        auth: inputs.auth.clone(),
    };
    let job = Job {
        run: "run-1".into(),
        charm: "importer".into(),
        space: SPACE.into(),
        piece: "of:fid1:piece".into(),
        argument: ARGUMENT.into(),
        adopted: false,
        compiled: Arc::clone(compiled),
        action: Action::Run,
        stream: "bgUpdater".into(),
        event: json!({}),
        api_url: "https://charmkeeper.invalid/".into(),
        now: UnixMs(1_795_253_400_000),
        limits: Limits::default(),
        host: Arc::new(host),
        cancel: CancelToken::new(),
    };
    let command = WorkerCommand {
        program: worker.into(),
        args: vec!["worker".into()],
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut ends = Vec::new();
    runtime.block_on(Box::pin(run_batch(&command, vec![job], |end| {
        ends.push(end);
    })));
    measured(ends.remove(0))
}

fn measured(end: JobEnd) -> Measured {
    let Ending::Finished(report) = end.ending else {
        panic!("the run did not end well: {:?}", end.ending)
    };
    assert!(report.error.is_none(), "{:?}", report.error);
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    Measured {
        cpu_ms: end.usage.cpu_ms as f64,
        wall_ms: end.usage.wall_ms as f64,
        peak_mib: end.usage.peak_rss as f64 / 1024.0 / 1024.0,
        emails: emails(report.changes.into_iter().filter_map(|c| c.create)),
    }
}

/// The messages among the new documents, by id.
fn emails(documents: impl Iterator<Item = Value>) -> BTreeMap<String, Value> {
    documents
        .filter_map(|mut doc| {
            let value = doc.get_mut("value")?.take();
            value.get("markdownContent")?;
            Some((value.get("id")?.as_str()?.to_owned(), value))
        })
        .collect()
}
