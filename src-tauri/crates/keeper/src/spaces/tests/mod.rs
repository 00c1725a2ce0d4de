//! Syncing against a model of a server, with every kind of interruption.

mod model;
mod syncing;
