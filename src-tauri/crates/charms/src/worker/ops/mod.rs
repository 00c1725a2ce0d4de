//! The ops of the charm runtime: everything its JavaScript can call.
//!
//! Owns their list. An op never panics (a panic in an op cannot unwind and
//! aborts the whole worker), never blocks without watching for the stop of the
//! run, and never trusts a value from JavaScript.

mod bodies;
mod host;
mod ids;
mod replace;
mod strings;
mod text;
mod url;

use deno_core::{Extension, OpDecl};

/// Ops that deno_core registers by itself and that a charm must never reach,
/// even if it found a way to `Deno.core.ops`: output on the frame channel,
/// aborting the process, resources, evaluation in other contexts.
const DISABLED: &[&str] = &[
    "op_print",
    "op_panic",
    "op_read",
    "op_read_all",
    "op_read_sync",
    "op_write",
    "op_write_all",
    "op_write_sync",
    "op_write_type_error",
    "op_pipe",
    "op_shutdown",
    "op_close",
    "op_try_close",
    "op_resources",
    "op_import_sync",
    "op_import_sync_with_source",
    "op_eval_context",
    "op_compile_function",
    "op_wasm_streaming_feed",
    "op_wasm_streaming_set_url",
    "op_set_wasm_streaming_callback",
    "op_abort_wasm_streaming",
    "op_memory_usage",
];

fn disable_foreign_doors(op: OpDecl) -> OpDecl {
    if DISABLED.contains(&op.name) {
        op.disable()
    } else {
        op
    }
}

deno_core::extension!(
    ck,
    ops = [
        bodies::op_ck_body_held,
        bodies::op_ck_body_bytes,
        bodies::op_ck_body_text,
        bodies::op_ck_body_drop,
        host::op_ck_job,
        host::op_ck_read,
        host::op_ck_wish,
        host::op_ck_fetch,
        host::op_ck_fetch_abort,
        host::op_ck_send,
        host::op_ck_change,
        host::op_ck_lazy,
        host::op_ck_log,
        host::op_ck_turn,
        ids::op_ck_entity_id,
        ids::op_ck_keyed_id,
        ids::op_ck_random,
        ids::op_ck_uuid,
        replace::op_ck_replace_plan,
        replace::op_ck_replace,
        text::op_ck_text_encode,
        text::op_ck_text_label,
        text::op_ck_text_decode,
        url::op_ck_url_parse,
        url::op_ck_url_set,
    ],
    middleware = disable_foreign_doors,
);

pub(crate) use host::RunState;

/// The extension with what has to run before everything else.
pub(crate) fn extension() -> Extension {
    let mut extension = ck::init();
    extension
        .js_files
        .to_mut()
        .push(super::js_sources::prelude());
    extension
}
