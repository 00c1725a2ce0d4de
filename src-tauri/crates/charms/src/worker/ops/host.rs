//! Ops that ask the host: the job, documents, wishes, fetches, log lines.

use std::{cell::RefCell, rc::Rc};

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::{bodies::Bodies, strings};
use crate::worker::host::{HostFailure, OpsHost};

/// What the ops of one run share.
pub(crate) struct RunState {
    /// JSON of the job, as `op_ck_job` hands it out.
    pub(crate) job: String,
    pub(crate) host: Rc<dyn OpsHost>,
    /// A cell of its own: an answer may be there while the state is lent out.
    pub(crate) bodies: Rc<RefCell<Bodies>>,
}

/// The host of the run. There is none while the runtime is made, so that what
/// a run sees cannot have been decided before it.
pub(super) fn host(state: &OpState) -> Result<Rc<dyn OpsHost>, JsErrorBox> {
    Ok(Rc::clone(&run(state)?.host))
}

fn run(state: &OpState) -> Result<&RunState, JsErrorBox> {
    let none = || JsErrorBox::generic("there is no run yet");
    state.try_borrow::<RunState>().ok_or_else(none)
}

pub(super) fn bodies(state: &OpState) -> Result<Rc<RefCell<Bodies>>, JsErrorBox> {
    Ok(Rc::clone(&run(state)?.bodies))
}

fn refusal(failure: &HostFailure) -> JsErrorBox {
    JsErrorBox::generic(failure.to_string())
}

#[op2]
#[string]
pub(super) fn op_ck_job(state: &OpState) -> Result<String, JsErrorBox> {
    Ok(run(state)?.job.clone())
}

#[op2]
#[string]
pub(super) fn op_ck_read(state: &OpState, #[string] ids: String) -> Result<String, JsErrorBox> {
    host(state)?.read(ids).map_err(|e| refusal(&e))
}

#[op2]
#[string]
pub(super) fn op_ck_wish(state: &OpState, #[string] query: String) -> Result<String, JsErrorBox> {
    host(state)?.wish(query).map_err(|e| refusal(&e))
}

/// Sends request number `id`; gives the head of the answer, and its body unless that
/// is kept back (`super::bodies`).
#[op2]
#[buffer]
pub(super) async fn op_ck_fetch(
    state: Rc<RefCell<OpState>>,
    #[smi] id: u32,
    #[string] head: String,
    #[buffer(copy)] body: Vec<u8>,
) -> Result<Vec<u8>, JsErrorBox> {
    let (answer, bodies) = {
        let state = state.borrow();
        (host(&state)?.fetch(head, body), bodies(&state)?)
    };
    let answer = answer.await;
    let left = bodies.borrow_mut().hold(id, answer);
    Ok(left)
}

#[op2]
#[string]
pub(super) async fn op_ck_send(
    state: Rc<RefCell<OpState>>,
    #[string] event: String,
) -> Result<String, JsErrorBox> {
    let answer = host(&state.borrow())?.send(event);
    answer.await.map_err(|e| refusal(&e))
}

/// Hands over one change of the run, as JSON of `length` units.
#[op2(fast)]
pub(super) fn op_ck_change(
    state: &OpState,
    scope: &mut v8::PinScope<'_, '_>,
    change: v8::Local<'_, v8::String>,
    #[smi] length: u32,
) -> Result<(), JsErrorBox> {
    let host = host(state)?;
    let change = strings::utf8(scope, change, length);
    host.change(&change).map_err(|e| refusal(&e))
}

/// Source of a part of the runtime that is loaded when it is first used.
#[op2]
#[string]
pub(super) fn op_ck_lazy(#[string] name: &str) -> Result<&'static str, JsErrorBox> {
    let none = || JsErrorBox::generic("there is no such part of the runtime");
    crate::worker::js_sources::lazy(name).ok_or_else(none)
}

#[op2(fast)]
pub(super) fn op_ck_fetch_abort(state: &OpState, #[smi] id: u32) -> Result<(), JsErrorBox> {
    host(state)?.fetch_abort(id);
    Ok(())
}

/// The text is taken as it is in JavaScript, so that a line that is dropped
/// anyway is not copied: a charm may print a gigabyte.
#[op2(fast)]
pub(super) fn op_ck_log(
    state: &OpState,
    scope: &mut v8::PinScope<'_, '_>,
    #[string] level: &str,
    text: v8::Local<'_, v8::String>,
) -> Result<(), JsErrorBox> {
    let host = host(state)?;
    if host.wants_log() {
        host.log(level, &text.to_rust_string_lossy(scope));
    }
    Ok(())
}

/// Resolves in the next turn of the event loop. A timer of 0 ms would do it two
/// milliseconds later.
#[op2]
pub(super) async fn op_ck_turn() {
    tokio::task::yield_now().await;
}
