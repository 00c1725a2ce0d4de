//! Which of a person's computers runs a piece.
//!
//! A small document in the piece's space names the computer that runs it and
//! until when. Its holder renews it while it runs; another computer takes over
//! when it is stale or when the person says so. Two that claim it at once meet
//! in a conflict, because each commit rests on the number it read.

use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::by_cause;
use serde_json::{Value, json};

/// How long a lease holds that is not renewed, unless its computer says
/// otherwise. Long enough that clocks which differ by minutes do no harm, short
/// enough that a dead laptop does not stop the mail for long.
pub const LEASE_TERM: Duration = Duration::from_secs(15 * 60);

/// A lease that ends later than this was written by a clock that is wrong, and
/// counts for nothing: four terms, so that no clock that is merely late or early
/// makes two computers take it from each other all the time.
const MAX_AHEAD: Duration = Duration::from_secs(60 * 60);

/// The document that names the holder.
#[must_use]
pub fn lease_id(piece: &DocRef) -> DocRef {
    DocRef {
        space: piece.space.clone(),
        id: by_cause(&json!({ "charmkeeperLease": piece.id })).0,
    }
}

/// Who runs a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names the computer for good.
    pub holder: String,
    /// What people call the computer.
    pub name: String,
    /// Until then.
    pub until: UnixMs,
}

impl Lease {
    /// Reads the value of the document; nothing when nobody holds it.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            holder: text("holder").filter(|holder| !holder.is_empty())?,
            name: text("name").unwrap_or_default(),
            until: UnixMs(value.get("until")?.as_i64()?),
        })
    }

    /// The value of the document.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "holder": self.holder, "name": self.name, "until": self.until.0 })
    }

    /// The value of the document when its holder gave the lease back.
    #[must_use]
    pub fn nobody() -> Value {
        json!({ "holder": "", "name": "", "until": 0 })
    }

    /// Whether it keeps other computers from running the piece at `now`.
    #[must_use]
    pub fn holds(&self, now: UnixMs) -> bool {
        self.until > now && self.until.since(now) <= MAX_AHEAD
    }
}

/// A computer that wants to run pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Names it for good.
    pub holder: String,
    /// What people call it.
    pub name: String,
    /// How long its leases hold; at most [`LEASE_TERM`] is of use.
    pub term: Duration,
}

/// What a computer that wants to run the piece does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It holds the lease; nothing needs to be written yet.
    Held,
    /// It may run once this is written.
    Write(Lease),
    /// Another computer runs it.
    Other(Lease),
}

/// Decides for the computer `me`. `take_over` is the person's word.
#[must_use]
pub fn claim(current: Option<&Lease>, me: &Claimant, now: UnixMs, take_over: bool) -> Claim {
    let mine = || Lease {
        holder: me.holder.clone(),
        name: me.name.clone(),
        until: now.plus(me.term),
    };
    match current {
        // Renewed at half time, so that a run never finds it stale.
        Some(lease) if lease.holder == me.holder => {
            if lease.holds(now) && lease.until.since(now) > me.term / 2 {
                Claim::Held
            } else {
                Claim::Write(mine())
            }
        }
        Some(lease) if !take_over && lease.holds(now) => Claim::Other(lease.clone()),
        _ => Claim::Write(mine()),
    }
}
