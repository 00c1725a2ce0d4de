//! What goes wrong on purpose.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One fault, for one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends before the commit is looked at.
    DropBefore,
    /// The commit is made, and the connection ends before the answer.
    DropAfter,
    /// The commit is refused with a `TransactionError`.
    Refuse,
    /// The commit is answered with a `ConflictError`.
    Conflict,
}

/// The faults of a server: each commit takes the next one.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Option<Fault>>>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Vec<Option<Fault>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These happen to the next commits, in this order; `None` is none.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        let mut planned = self.lock();
        planned.extend(faults);
    }

    /// Nothing goes wrong from now on.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn next(&self) -> Option<Fault> {
        let mut planned = self.lock();
        if planned.is_empty() {
            None
        } else {
            planned.remove(0)
        }
    }
}
