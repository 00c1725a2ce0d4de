//! Ops for replacing by regular expressions: see `worker::patterns`.

use deno_core::{OpState, op2};
use deno_error::JsErrorBox;

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

/// The text after `count` replacements from number `first` on; nothing when they
/// may not be used on it.
#[op2]
#[string]
pub(super) fn op_ck_replace(
    state: &OpState,
    #[string] text: String,
    #[smi] first: u32,
    #[smi] count: u32,
) -> Option<String> {
    // Characters of four bytes are two in JavaScript.
    if text.bytes().any(|b| b >= 0xf0) {
        return None;
    }
    let (first, count) = (first as usize, count as usize);
    let known = state.try_borrow::<Replacements>()?;
    let steps = known.0.get(first..first.checked_add(count)?)?;
    let after = steps
        .iter()
        .fold(text, |text, step| step.apply(&text).unwrap_or(text));
    Some(after)
}
