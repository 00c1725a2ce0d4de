//! Tests of the store, by subject.

pub(crate) mod steps;

mod crash;
#[cfg(unix)]
mod damage;
mod disk_full;
mod elements;
mod finish;
mod fixture;
mod history;
mod lanes;
mod migrations;
mod moving;
#[cfg(unix)]
mod opening;
mod pruning;
mod remote;
mod removal;
mod search;
mod tables;
