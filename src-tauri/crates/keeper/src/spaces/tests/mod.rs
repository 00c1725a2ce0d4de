//! Syncing against a model of a server, with every kind of interruption.

mod fixture;
mod leases;
mod model;
mod resuming;
mod syncing;
mod watching;
