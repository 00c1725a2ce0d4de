//! From what a run changed to what a server is told.
//!
//! In: documents before and after a run. [`select`] keeps what belongs on the
//! server, [`Entry`] is how the rest of the program stores it, [`see`] is what a
//! charm sees while it waits, and [`plan`] makes the exact commit for the state
//! that the server is known to have.
//!
//! Rules, all from the reference server's behaviour:
//! * An existing document is patched below `/value`; `set` would replace what
//!   other programs keep beside the value.
//! * A new document is `set` with the precondition that it is absent.
//! * Every patched place is read at the known number, so that a commit that was
//!   computed from an older state is refused and computed again. A place inside
//!   an array is guarded by the whole array, because positions move.
//!
//! Owns no state, does no I/O.

mod entry;
mod plan;
mod select;

pub use entry::{Entry, Wanted, see};
pub use plan::{Body, Confirmed, Operation, Plan, Read, plan};
pub use select::{Changed, select};
