//! Syncing against a model of a server, with every kind of interruption.

mod fixture;
mod leases;
mod model;
mod syncing;
mod watching;
