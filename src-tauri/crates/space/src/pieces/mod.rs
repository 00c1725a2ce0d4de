//! What lies in a remote space, read by following links: favorites, pieces,
//! their source, the server's own list of background work.
//!
//! Nothing is looked up by a position or a guessed id: the reference moves its
//! documents about, only the well-known causes and the links stay.
//!
//! In: documents that are at hand ([`Shelf`]). Out: an answer, or the documents
//! that are missing for it ([`Walk::Needs`]); the caller gets those and asks
//! again. So a walk is a pure function, and the same on a socket, in SQLite and
//! in a test.

mod favorites;
mod lease;
mod lists;
mod modules;
mod piece;
pub mod publish;
mod registry;
mod source;
mod walk;

pub use favorites::{Favorite, favorites, favorites_list, home_cell, space_pieces, starred};
pub use lease::{Claim, Claimant, LEASE_TERM, Lease, claim, lease_id};
pub use lists::{Root, RootKind, favorite_entry, new_root, with_link, with_root};
pub use modules::{Module, SourceDocuments, source_documents};
pub use piece::{PatternRef, Piece, is_stream, piece, says_stream};
pub use registry::{Registration, SYSTEM_SPACE, disabled, registrations, registry};
pub use source::{SourceFiles, source, source_id};
pub use walk::{Found, Place, Shelf, Walk, Walker};
