//! A space server for tests: it speaks the memory protocol of a Common Fabric
//! server on this computer, keeps its spaces in a folder, and goes wrong when it
//! is told to.
//!
//! In: frames of clients, rules of tests. Out: the real server's answers, errors
//! and pushes, word for word where they are known. It checks signatures and access
//! lists (mode `enforce`), takes a commit once, and survives the end of its process.
//!
//! A test tool, never a product. Not there: branches, SQLite operations, pushes of
//! compressed schemas, handlers that run on the server; a selector's schema of its
//! own counts as `true`.

mod acl;
mod apply;
mod commit;
mod connection;
mod control;
mod engine;
mod error;
mod faults;
mod graph;
mod handle;
mod http;
mod schema;
mod scope;
pub mod seed;
mod server;
mod store;

pub use engine::{ConnectionId, Engine, Out, Outgoing, Parts, usual_flags};
pub use error::ServerError;
pub use faults::{Action, Rule};
pub use server::{Options, SpaceServer};
pub use store::{Accepted, Head};
