//! Syncing against a model of a server, with every kind of interruption.

mod leases;
mod model;
mod syncing;
