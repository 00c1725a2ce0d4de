//! Looks at a charm in a worker before it is added: what it calls itself and
//! which documents it consists of. Its handler is not run.

use std::sync::Arc;

use async_trait::async_trait;
use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::{DocRef, DocSnapshot};
use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse};
use charmkeeper_charms::compile::Compiled;
use charmkeeper_charms::runner::{
    Action, CancelToken, Ending, Host, HostError, Inspection, Job, Limits, LogLine, WishAnswer,
    WishQuery, run_batch,
};
use charmkeeper_store::Charm;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::batch::API_URL;
use crate::core::Core;
use crate::updater;

/// Builds the pattern once, with these inputs.
///
/// # Errors
/// Kind `charm` with the reason when it cannot be built.
pub(crate) async fn inspect(
    core: &Arc<Core>,
    charm: &Charm,
    compiled: &Arc<Compiled>,
    argument: &Value,
) -> Result<Inspection, ApiError> {
    let host = Arc::new(Quiet {
        argument: DocSnapshot {
            space: charm.space.clone(),
            id: charm.argument.clone(),
            version: 1,
            doc: Some(json!({ "value": argument })),
        },
    });
    let job = Job {
        run: crate::ids::uuid(core),
        charm: charm.handle.clone(),
        space: charm.space.clone(),
        piece: charm.piece.clone(),
        argument: charm.argument.clone(),
        adopted: false,
        compiled: Arc::clone(compiled),
        action: Action::Inspect,
        stream: updater::BG_UPDATER.to_owned(),
        event: json!({}),
        api_url: API_URL.to_owned(),
        now: core.now(),
        limits: Limits {
            wall: std::time::Duration::from_secs(10),
            ..Limits::default()
        },
        host,
        cancel: CancelToken::new(),
    };
    let mut ending = None;
    run_batch(&core.worker, vec![job], |end| ending = Some(end.ending)).await;
    match ending {
        Some(Ending::Finished(report)) if report.error.is_none() => {
            report.inspection.ok_or_else(|| {
                ApiError::new(ErrorKind::Charm, "The charm gave no description of itself.")
            })
        }
        Some(ending) => Err(refused(&ending, compiled)),
        None => Err(ApiError::new(
            ErrorKind::Local,
            "The worker gave no answer.",
        )),
    }
}

fn refused(ending: &Ending, compiled: &Compiled) -> ApiError {
    let message = ending
        .sentence()
        .unwrap_or_else(|| "The charm could not be looked at.".into());
    let kind = ending.kind().unwrap_or(ErrorKind::Charm);
    let Ending::Finished(report) = ending else {
        return ApiError::new(kind, message);
    };
    let Some(failure) = &report.error else {
        return ApiError::new(kind, message);
    };
    // What is wrong with the shape is said with the place in the source.
    let facts = &compiled.facts;
    let place = match failure.kind.as_str() {
        "not-a-stream" | "no-bg-updater" => {
            facts.bg_updater.as_ref().or(Some(&facts.default_export))
        }
        "no-default-export" => Some(&facts.default_export),
        _ => None,
    };
    match place {
        Some(place) => ApiError::new(
            kind,
            format!("{}:{}:{}: {message}", place.file, place.line, place.column),
        ),
        None if failure.stack.is_empty() => ApiError::new(kind, message),
        None => ApiError::new(
            kind,
            format!("{message} ({})", failure.stack.lines().next().unwrap_or("")),
        ),
    }
}

/// A host that has the inputs and nothing else.
struct Quiet {
    argument: DocSnapshot,
}

#[async_trait]
impl Host for Quiet {
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError> {
        let answer = |doc: DocRef| {
            if doc.id == self.argument.id && doc.space == self.argument.space {
                return self.argument.clone();
            }
            DocSnapshot {
                space: doc.space,
                id: doc.id,
                version: 0,
                doc: None,
            }
        };
        Ok(ids.into_iter().map(answer).collect())
    }

    async fn wish(&self, query: WishQuery) -> Result<WishAnswer, HostError> {
        let error = Some(format!("No favorites found matching \"{}\"", query.query));
        Ok(WishAnswer {
            candidates: Vec::new(),
            error,
        })
    }

    async fn fetch(&self, _: HttpRequest) -> Result<HttpResponse, CallError> {
        Err(CallError {
            kind: ErrorKind::Charm,
            message: "A charm can make requests only in its handlers.".to_owned(),
            retry_at: None,
        })
    }

    fn log(&self, _: LogLine) {}
}
