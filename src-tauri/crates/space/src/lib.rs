//! The remote space: identity, wire codec, client, replica rules and outbox.
//!
//! Nothing of it exists yet: cells are kept in local spaces. The crate holds the
//! place that the dependency rule gives it, and what it will share with local
//! spaces already lives in `charmkeeper_base::cell`.
