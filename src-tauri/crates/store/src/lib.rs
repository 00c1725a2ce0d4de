//! What Charmkeeper remembers, in one SQLite file.
//!
//! Owns the schema, one module per table, and the single transaction in which a
//! run ends ([`Store::finish_run`]): the documents it changed, its row in the
//! history and the schedule of its charm are stored together or not at all.
//!
//! Never does network, never holds a secret (tokens are in the keychain), never
//! reads a clock, and decides nothing: it keeps what the keeper tells it.
//!
//! All calls block, the longest for the busy timeout; call them from a thread
//! that may wait. Readers do not wait for a writer.

mod accounts;
mod calls;
mod changed_cells;
mod charms;
mod documents;
mod elements;
mod error;
mod events;
mod fault;
mod files;
mod finish;
mod history;
mod lanes;
mod log_lines;
mod migrate;
mod open;
mod pauses;
mod programs;
mod prune;
mod remote;
mod removal;
mod reset;
mod run_accounts;
mod run_text;
mod runs;
mod search;
mod settings;
mod spaces;
mod store;
mod text;

pub use accounts::{AccountRow, AccountUpdate};
pub use calls::MAX_CALLS_PER_RUN;
pub use changed_cells::{ChangedCell, JsonExcerpt, MAX_CHANGED_PER_RUN, MAX_EXCERPT_BYTES};
pub use charms::{Charm, CharmUpdate, NewCharm, ProgramUpdate, Schedule};
pub use documents::{OwnedDocument, Writer};
pub use error::StoreError;
pub use events::{DATABASE_DAMAGED, Event};
pub use finish::{FinishRun, Finished};
pub use history::{Cursor, Facet, Facets, RunDetails, RunFilter};
pub use lanes::{Lane, LaneBucket, LaneRequest, MAX_BUCKETS};
pub use log_lines::{LogLevel, LogLine, MAX_LOG_LINES_PER_RUN};
pub use open::{Opened, SetAside};
pub use pauses::Pause;
pub use prune::Pruned;
pub use remote::{
    Acknowledged, CharmMove, Mark, Moved, NewChange, OutboxChange, OutboxCounts, Prepared, Rebase,
    RemoteSpace, ReplicaDocument, ReplicaPage, Standing, StuckChange,
};
pub use runs::{NewRun, RunError, RunRow};
pub use spaces::{Space, SpaceKind};
pub use store::Store;

#[cfg(test)]
mod tests;
