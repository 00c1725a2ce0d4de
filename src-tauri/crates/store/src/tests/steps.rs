//! Stopping at a named point inside a transaction.

use std::cell::RefCell;

type Hook = Box<dyn FnMut(&'static str)>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Called by the store at every step of a transaction.
pub(crate) fn reached(step: &'static str) {
    HOOK.with_borrow_mut(|hook| {
        if let Some(hook) = hook {
            hook(step);
        }
    });
}

/// Has `hook` called at every step that this thread reaches from now on.
pub(crate) fn watch(hook: impl FnMut(&'static str) + 'static) {
    HOOK.set(Some(Box::new(hook)));
}
