//! Tests of the store, by subject.

pub(crate) mod steps;

mod crash;
#[cfg(unix)]
mod damage;
mod disk_full;
mod finish;
mod fixture;
mod history;
mod migrations;
#[cfg(unix)]
mod opening;
mod pruning;
mod tables;
