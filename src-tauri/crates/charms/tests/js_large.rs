//! Documents that are too large for one answer, read through a real worker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use charmkeeper_base::{
    ErrorKind,
    cell::{DocRef, DocSnapshot, id},
    http::{CallError, HttpRequest, HttpResponse},
};
use charmkeeper_charms::runner::{Ending, Host, HostError, Job, LogLine, WishAnswer, WishQuery};
use serde_json::json;

/// Elements of the list that the host holds.
const ELEMENTS: usize = 100;
/// Characters of each: together far more than the 16 MiB of one answer.
const SIZE: usize = 300_000;

/// A space with one list of large elements, which counts the questions.
#[derive(Default)]
struct LargeMails {
    questions: Mutex<Vec<usize>>,
    lines: Mutex<Vec<String>>,
}

fn list() -> String {
    id::internal("of:fid1:piece", &json!("mails")).into()
}

#[async_trait]
impl Host for LargeMails {
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError> {
        self.questions.lock().unwrap().push(ids.len());
        let value = |id: &str| {
            if id == list() {
                let link =
                    |n: usize| json!({"/": {"link@1": {"id": format!("of:mail-{n}"), "path": []}}});
                Some(json!((0..ELEMENTS).map(link).collect::<Vec<_>>()))
            } else if id == "of:mail-refused" {
                None
            } else {
                id.strip_prefix("of:mail-")
                    .map(|n| json!({"n": n, "body": "x".repeat(SIZE)}))
            }
        };
        if ids.iter().any(|r| r.id == "of:mail-refused") {
            let message = "this space is not yours".to_owned();
            return Err(HostError {
                kind: ErrorKind::Space,
                message,
            });
        }
        let snapshot = |r: DocRef| DocSnapshot {
            doc: value(&r.id).map(|value| json!({ "value": value })),
            space: r.space,
            version: 1,
            id: r.id,
        };
        Ok(ids.into_iter().map(snapshot).collect())
    }

    async fn wish(&self, _query: WishQuery) -> Result<WishAnswer, HostError> {
        Ok(WishAnswer {
            candidates: vec![],
            error: None,
        })
    }

    async fn fetch(&self, _request: HttpRequest) -> Result<HttpResponse, CallError> {
        Err(CallError {
            kind: ErrorKind::Offline,
            message: String::new(),
            retry_at: None,
        })
    }

    fn log(&self, line: LogLine) {
        self.lines.lock().unwrap().push(line.text);
    }
}

async fn run(body: &str) -> (Ending, Arc<LargeMails>) {
    let code = format!(
        "import {{ action, Cell, pattern, Writable }} from 'commonfabric';
         export default pattern(() => {{
           const mails = new Writable([]).for('mails');
           return {{ bgUpdater: action(() => {{ {body} }}) }};
         }});"
    );
    let host = Arc::new(LargeMails::default());
    let (job, _) = support::job("large", &code);
    let end = support::run_one(Job {
        host: host.clone(),
        ..job
    })
    .await;
    (end.ending, host)
}

#[tokio::test]
async fn a_list_whose_elements_do_not_fit_one_answer_is_read_in_parts() {
    let (ending, host) = run(
        "let sum = 0; for (const mail of mails.get()) sum += mail.body.length; console.log(sum);",
    )
    .await;
    assert!(
        matches!(&ending, Ending::Finished(r) if r.error.is_none()),
        "{ending:?}"
    );
    assert_eq!(*host.lines.lock().unwrap(), [(ELEMENTS * SIZE).to_string()]);
    // All at once was refused, then halves of it.
    let questions = host.questions.lock().unwrap().clone();
    assert!(
        questions.contains(&ELEMENTS) && questions.contains(&(ELEMENTS / 2)),
        "{questions:?}"
    );
    assert!(questions.len() < 12, "{questions:?}");
}

#[tokio::test]
async fn a_document_that_is_refused_by_itself_is_an_error_of_the_charm() {
    let body = "mails.set([]); const link = { '/': { 'link@1': { id: 'of:mail-refused', path: [] } } }; mails.set(link); mails.get();";
    let (ending, _) = run(body).await;
    let Ending::Finished(report) = ending else {
        panic!("{ending:?}")
    };
    assert_eq!(
        report.error.expect("an error").message,
        "this space is not yours"
    );
}
