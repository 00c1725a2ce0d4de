//! Ops for replacing by regular expressions: see `worker::patterns`.

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::strings;
use crate::worker::patterns::Replacement;

/// The most expressions that are kept for one run.
const MOST: usize = 500;

/// The expressions of one run, by number.
#[derive(Default)]
struct Replacements(Vec<Replacement>);

/// Takes `[[source, flags, by], ...]` as JSON; gives the number of each, or -1
/// for what is left to the engine, as JSON. Numbers of one call are in order.
#[op2]
#[string]
pub(super) fn op_ck_replace_plan(
    state: &mut OpState,
    #[string] steps: &str,
) -> Result<String, JsErrorBox> {
    let steps: Vec<(String, String, String)> =
        serde_json::from_str(steps).map_err(|e| JsErrorBox::type_error(e.to_string()))?;
    if !state.has::<Replacements>() {
        state.put(Replacements::default());
    }
    let known = state.borrow_mut::<Replacements>();
    let mut number = |(source, flags, by): &(String, String, String)| {
        if known.0.len() >= MOST {
            return -1;
        }
        let Some(made) = Replacement::new(source, flags, by) else {
            return -1;
        };
        known.0.push(made);
        i64::try_from(known.0.len() - 1).unwrap_or(-1)
    };
    let numbers: Vec<i64> = steps.iter().map(&mut number).collect();
    serde_json::to_string(&numbers).map_err(|e| JsErrorBox::generic(e.to_string()))
}

/// The text, of `length` units, after `count` replacements from number `first`
/// on; nothing when they may not be used on it.
#[op2]
pub(super) fn op_ck_replace<'s>(
    state: &OpState,
    scope: &mut v8::PinScope<'s, '_>,
    text: v8::Local<'s, v8::String>,
    #[smi] length: u32,
    #[smi] first: u32,
    #[smi] count: u32,
) -> Result<Option<v8::Local<'s, v8::String>>, JsErrorBox> {
    let known = state.try_borrow::<Replacements>();
    let (first, count) = (first as usize, count as usize);
    let end = first.saturating_add(count);
    let Some(steps) = known.and_then(|known| known.0.get(first..end)) else {
        return Ok(None);
    };
    // What the engine gives is valid; a fault there would be an empty text here.
    let text = String::from_utf8(strings::utf8(scope, text, length)).unwrap_or_default();
    // Characters of four bytes are two in JavaScript.
    if text.bytes().any(|b| b >= 0xf0) {
        return Ok(None);
    }
    let after = steps
        .iter()
        .fold(text, |text, step| step.apply(&text).unwrap_or(text));
    strings::make(scope, &after).map(Some)
}
