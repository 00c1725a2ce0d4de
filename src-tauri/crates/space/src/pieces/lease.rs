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

/// A lease that is not renewed for so long is stale. Long enough that clocks
/// which differ by minutes do no harm, short enough that a dead laptop does not
/// stop the mail for a day.
const TERM: Duration = Duration::from_secs(30 * 60);

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
            holder: text("holder")?,
            name: text("name").unwrap_or_default(),
            until: UnixMs(value.get("until")?.as_i64()?),
        })
    }

    /// The value of the document.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "holder": self.holder, "name": self.name, "until": self.until.0 })
    }
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

/// Decides for computer `holder` called `name`. `take_over` is the person's word.
#[must_use]
pub fn claim(
    current: Option<&Lease>,
    holder: &str,
    name: &str,
    now: UnixMs,
    take_over: bool,
) -> Claim {
    let mine = || Lease {
        holder: holder.to_owned(),
        name: name.to_owned(),
        until: now.plus(TERM),
    };
    match current {
        // Renewed at half time, so that a run never finds it stale.
        Some(lease) if lease.holder == holder => {
            if lease.until.since(now) > TERM / 2 {
                Claim::Held
            } else {
                Claim::Write(mine())
            }
        }
        // One that ends far in the future was written by a clock that is wrong.
        Some(lease) if !take_over && lease.until > now && lease.until.since(now) <= 2 * TERM => {
            Claim::Other(lease.clone())
        }
        _ => Claim::Write(mine()),
    }
}
