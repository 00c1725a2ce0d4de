//! Large bodies of answers, until a charm looks into them.
//!
//! A buffer that is handed to JavaScript is copied by the engine's binding, which
//! keeps the original as long as the copy. Most bodies are wanted as text, which
//! can be made of the original, and then neither is needed. Owns the bodies that
//! are kept back here, by the number of their request. Never keeps more than
//! [`MOST`] bytes: they do not count for the charm's heap.

use std::collections::HashMap;

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::{host::bodies, strings};
use crate::frames::split_head;

/// Smaller bodies are handed over at once, in bytes.
const LARGE: usize = 64 * 1024;
/// What is kept back at a time, in bytes.
const MOST: usize = 32 * 1024 * 1024;

/// The bodies of one run.
#[derive(Default)]
pub(crate) struct Bodies {
    held: HashMap<u32, Vec<u8>>,
    bytes: usize,
}

impl Bodies {
    /// Keeps the body of an answer back if it is large; gives what is left of it.
    pub(super) fn hold(&mut self, id: u32, mut answer: Vec<u8>) -> Vec<u8> {
        let length = split_head(&answer).map_or(0, |(_, body)| body.len());
        if length < LARGE || self.bytes + length > MOST {
            return answer;
        }
        let body_at = answer.len() - length;
        let head = answer.get(..body_at).map(<[u8]>::to_vec);
        answer.drain(..body_at);
        self.drop(id);
        self.bytes += length;
        self.held.insert(id, answer);
        head.unwrap_or_default()
    }

    fn take(&mut self, id: u32) -> Option<Vec<u8>> {
        let body = self.held.remove(&id)?;
        self.bytes -= body.len();
        Some(body)
    }

    fn drop(&mut self, id: u32) {
        drop(self.take(id));
    }

    /// The text of a body that says all of it: valid UTF-8 without a byte order
    /// mark, which a text leaves out.
    fn text(&self, id: u32) -> Option<&str> {
        let text = std::str::from_utf8(self.held.get(&id)?).ok()?;
        (!text.starts_with('\u{feff}')).then_some(text)
    }
}

/// True when the body of an answer is kept back.
#[op2(fast)]
pub(super) fn op_ck_body_held(state: &OpState, #[smi] id: u32) -> Result<bool, JsErrorBox> {
    Ok(bodies(state)?.borrow().held.contains_key(&id))
}

/// Hands a body over; nothing is kept of it.
#[op2]
#[buffer]
pub(super) fn op_ck_body_bytes(state: &OpState, #[smi] id: u32) -> Result<Vec<u8>, JsErrorBox> {
    let body = bodies(state)?.borrow_mut().take(id);
    Ok(body.unwrap_or_default())
}

/// Hands a body over as text, after which nothing is kept of it; nothing when the
/// text would not say all of it.
#[op2]
pub(super) fn op_ck_body_text<'s>(
    state: &OpState,
    scope: &mut v8::PinScope<'s, '_>,
    #[smi] id: u32,
) -> Result<Option<v8::Local<'s, v8::String>>, JsErrorBox> {
    let bodies = bodies(state)?;
    let made = match bodies.borrow().text(id) {
        Some(text) => strings::make(scope, text)?,
        None => return Ok(None),
    };
    bodies.borrow_mut().drop(id);
    Ok(Some(made))
}

/// Forgets a body that nobody can ask for any more.
#[op2(fast)]
pub(super) fn op_ck_body_drop(state: &OpState, #[smi] id: u32) -> Result<(), JsErrorBox> {
    bodies(state)?.borrow_mut().drop(id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::join_head;

    #[test]
    fn a_large_body_is_kept_until_it_is_taken_or_dropped() {
        let mut bodies = Bodies::default();
        let answer = |length: usize| join_head("{}", &vec![b'x'; length]);
        let small = answer(LARGE - 1);
        assert_eq!(bodies.hold(1, small.clone()), small);
        assert_eq!(bodies.hold(2, answer(LARGE)), join_head("{}", &[]));
        assert_eq!(bodies.text(2).map(str::len), Some(LARGE));
        assert_eq!(bodies.take(2).map(|body| body.len()), Some(LARGE));
        assert_eq!((bodies.take(2), bodies.text(2)), (None, None));
        bodies.hold(3, answer(LARGE));
        bodies.drop(3);
        assert_eq!((bodies.take(3), bodies.bytes), (None, 0));
    }

    #[test]
    fn no_more_is_kept_than_the_limit_allows() {
        let mut bodies = Bodies::default();
        let half = join_head("{}", &vec![b'x'; MOST / 2]);
        assert_eq!(bodies.hold(1, half.clone()).len(), 6);
        assert_eq!(bodies.hold(2, half.clone()).len(), 6);
        assert_eq!(bodies.hold(3, half.clone()).len(), half.len());
        bodies.drop(1);
        assert_eq!(bodies.hold(4, half).len(), 6);
    }

    #[test]
    fn only_a_text_that_says_all_is_a_text() {
        let mut bodies = Bodies::default();
        let filler = "x".repeat(LARGE);
        bodies.hold(1, join_head("{}", format!("{filler}\u{20ac}").as_bytes()));
        bodies.hold(2, join_head("{}", format!("\u{feff}{filler}").as_bytes()));
        bodies.hold(3, join_head("{}", &[filler.as_bytes(), &[0xff]].concat()));
        let whole = [1, 2, 3].map(|id| bodies.text(id).is_some());
        assert_eq!(whole, [true, false, false]);
    }
}
